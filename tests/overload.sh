#!/usr/bin/env bash
# Overload: devices that offer more than can be judged, for ten minutes, on a disk that the journal fills. What must hold: memory stays
# bounded, devices are slowed and lose nothing, and when they stop everything acknowledged has been judged once.
#
#   overload.sh [BINARY] [DURATION] [MESSAGES A SECOND]      needs root, for a small disk of its own (a tmpfs of 6 GiB)
#
# The last result is in docs/reliability.md.
set -euo pipefail
cd "$(dirname "$0")/.."
binary=$(realpath "${1:-target/release/citywarden}")
duration=${2:-600s}
rate=${3:-300000}
# 8 million samples of 32 bytes beyond rhythms and 15,000 series with 80 by rhythm, twice that where places for them have just doubled: 560 MiB.
# A packed snapshot and the offsets that retention asks for, twice while they grow: 350 MiB. The rest is the service, its connections, its inbox.
memory_max_kib=$((1152 * 1024))

fail() { echo "overload.sh: $*" >&2; exit 1; }
[ -x "$binary" ] || fail "$binary is not there: cargo build --release"
[ "$(id -u)" -eq 0 ] || fail "must be root: it mounts a tmpfs"

dir=$(mktemp -d)
service=
trap '[ -z "$service" ] || kill "$service" 2>/dev/null || true; wait; umount "$dir/data" 2>/dev/null || true; rm -rf "$dir"' EXIT
mkdir "$dir/data"
mount -t tmpfs -o size=6g tmpfs "$dir/data"
# they are registered as devices that send once a minute, and flood
"$binary" simulate load --devices 5000 --rate 83 --for "$duration" --registry "$dir/registry" --files-only >/dev/null
cat >"$dir/citywarden.toml" <<CONFIG
region = "330624"
data_dir = "data"
[registry]
dir = "registry"
[[source]]
type = "mqtt-endpoint"
listen = "127.0.0.1:${PORT_MQTT:-21883}"
[http]
listen = "127.0.0.1:${PORT_HTTP:-28080}"
[journal]
retention_every = "1s"
snapshot_every = "10s"
reserve_share = 0.2
[archive]
url = "postgres://nobody@127.0.0.1:1/none"
CONFIG

metrics() { curl -sf --max-time 20 "http://127.0.0.1:${PORT_HTTP:-28080}/metrics"; }
metric() { metrics | awk -v name="$1" 'index($1, name) == 1 { sum += $2 } END { printf "%.0f\n", sum }'; }

"$binary" run --config "$dir/citywarden.toml" >"$dir/said" 2>&1 &
service=$!
for _ in $(seq 100); do curl -sf "http://127.0.0.1:${PORT_HTTP:-28080}/readyz" >/dev/null && break; sleep 0.1; done
kill -0 "$service" 2>/dev/null || fail "the service did not start: $(tail -5 "$dir/said")"

"$binary" simulate load --devices 5000 --rate "$rate" --for "$duration" --mqtt "mqtt://127.0.0.1:${PORT_MQTT:-21883}" --json >"$dir/load" &
load=$!
peak_disk=0
while kill -0 "$load" 2>/dev/null; do
    used=$(du -sk "$dir/data" | cut -f1)
    [ "$used" -le "$peak_disk" ] || peak_disk=$used
    sleep 1
done
wait "$load" || fail "the load lost messages: $(cat "$dir/load"); the service said: $(tail -5 "$dir/said")"
cat "$dir/load"

kill -0 "$service" 2>/dev/null || fail "the service ended: $(tail -5 "$dir/said")"
for _ in $(seq 600); do [ "$(metric 'citywarden_stage_lag_records{stage="rules"}')" -eq 0 ] && break; sleep 0.5; done
received=$(metric 'citywarden_messages_received_total')
acknowledged=$(metric 'citywarden_messages_acknowledged_total')
lag=$(metric 'citywarden_stage_lag_records{stage="rules"}')
peak=$(awk '/VmHWM/ { print $2 }' "/proc/$service/status")
"$binary" journal verify --config "$dir/citywarden.toml" | tail -3
echo "received $received, acknowledged $acknowledged, not yet judged $lag, peak memory $((peak / 1024)) MiB, journal at most $((peak_disk / 1024)) MiB"
sent=$(grep -o '"sent":[0-9]*' "$dir/load" | cut -d: -f2)
[ "$acknowledged" -eq "$sent" ] || fail "acknowledged $acknowledged of $sent sent"
[ "$lag" -eq 0 ] || fail "$lag records were not judged"
[ "$peak" -le "$memory_max_kib" ] || fail "memory reached $peak KiB"
