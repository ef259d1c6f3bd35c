#!/usr/bin/env bash
# A TimescaleDB of their own for the tests: Debian's, in a root folder beside the checkout, on a loopback port.
#
#   timescale.sh build                    makes the folder (about a minute, once; needs root and the network)
#   timescale.sh start NAME PORT OWNER    a new, empty server; it goes when the process OWNER ends
#   timescale.sh halt NAME                stops it as a crash would
#   timescale.sh resume NAME PORT         starts it again, with what it had
#   timescale.sh remove NAME
#
# It runs as the folder's user postgres. Where the tests have CITYWARDEN_TEST_DATABASE they need none of this.
set -euo pipefail

cache="${XDG_CACHE_HOME:-$HOME/.cache}/citywarden-tests"
root="$cache/timescale"
programs=/usr/lib/postgresql/17/bin

fail() { echo "timescale.sh: $*" >&2; exit 1; }
[ "$(id -u)" -eq 0 ] || exec sudo -n --preserve-env=XDG_CACHE_HOME,HOME "$0" "$@"

inside() { chroot --userspec=postgres:postgres "$root" "$@"; }
data_of() { echo "/var/lib/postgresql/$1"; }

build() {
    mkdir -p "$cache"
    exec 9>"$cache/timescale.lock"
    flock 9
    if [ ! -e "$root/.whole" ]; then
        command -v debootstrap >/dev/null || fail "debootstrap is missing: apt-get install debootstrap"
        rm -rf "$root"
        debootstrap --variant=minbase --include=postgresql-17,postgresql-17-timescaledb trixie "$root" \
            >"$cache/timescale.log" 2>&1 || fail "debootstrap failed, see $cache/timescale.log"
        touch "$root/.whole"
    fi
    exec 9>&-
}

launch() { # NAME PORT
    inside "$programs/pg_ctl" -D "$(data_of "$1")" -l "$(data_of "$1")/log" -w -t 30 -s \
        -o "-p $2 -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c shared_preload_libraries=timescaledb \
            -c dynamic_shared_memory_type=mmap -c timescaledb.telemetry_level=off" start </dev/null >&2
}

remove() {
    inside "$programs/pg_ctl" -D "$(data_of "$1")" -m immediate -s stop >/dev/null 2>&1 || true
    rm -rf "${root:?}$(data_of "$1")"
}

case "${1:-}" in
    build) build ;;
    start)
        [ $# -eq 4 ] || fail "start NAME PORT OWNER"
        build
        remove "$2"
        inside "$programs/initdb" -D "$(data_of "$2")" -A trust -U postgres --no-sync -E UTF8 --locale=C >/dev/null
        launch "$2" "$3"
        # whoever started it may be killed; nothing is left behind
        (
            while kill -0 "$4" 2>/dev/null; do sleep 1; done
            remove "$2"
        ) </dev/null >/dev/null 2>&1 &
        echo "postgres://postgres@127.0.0.1:$3/postgres"
        ;;
    halt) inside "$programs/pg_ctl" -D "$(data_of "$2")" -m immediate -w -s stop ;;
    resume) launch "$2" "$3" ;;
    remove) remove "$2" ;;
    *) fail "build, start, halt, resume or remove; see the head of this file" ;;
esac
