#!/usr/bin/env bash
# Runs the demo for five minutes and checks that each of the eight rules raised an alert.
# usage: tests/demo-eight.sh [path of the binary]
set -euo pipefail
cd "$(dirname "$0")/.."
binary=${1:-target/release/citywarden}
[ -x "$binary" ] || { echo "$binary is not there: cargo build --release" >&2; exit 1; }

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
"$binary" demo --for 300s --listen 127.0.0.1:0 --dir "$dir/data" | tee "$dir/said"

missing=0
for rule in sprinkler-chime-loudness nozzle-spacing muck-truck-uncovered truck-leaves-unwashed \
    fume-concentration construction-noise linear-works-spraying site-dust; do
    count=$(grep -c -- "^RAISED .* $rule " "$dir/said" || true)
    printf '%-28s %s\n' "$rule" "$count"
    [ "$count" -gt 0 ] || missing=1
done
exit "$missing"
