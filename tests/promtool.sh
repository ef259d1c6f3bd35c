#!/usr/bin/env bash
# Prometheus' own checker, for the tests: the one on the path, or Debian's, unpacked beside the checkout. The package is
# not installed, so that no Prometheus starts on this machine.
#
#   promtool.sh              prints where it is
set -euo pipefail

fail() { echo "promtool.sh: $*" >&2; exit 1; }
if command -v promtool; then exit 0; fi
cache="${XDG_CACHE_HOME:-$HOME/.cache}/citywarden-tests"
mkdir -p "$cache"
exec 9>"$cache/promtool.lock"
flock 9
if [ ! -x "$cache/promtool" ]; then
    scratch=$(mktemp -d)
    trap 'rm -rf "$scratch"' EXIT
    cd "$scratch"
    if ! apt-get download -qq prometheus >/dev/null 2>&1; then
        # the lists are older than the archive, or not there
        sudo=""
        [ "$(id -u)" -eq 0 ] || sudo="sudo -n"
        $sudo apt-get update -qq >&2 && apt-get download -qq prometheus >/dev/null || fail "apt-get download prometheus failed"
    fi
    dpkg-deb --fsys-tarfile "$scratch"/prometheus_*.deb | tar -xO ./usr/bin/promtool >"$scratch/promtool"
    chmod +x "$scratch/promtool"
    mv "$scratch/promtool" "$cache/promtool"
fi
echo "$cache/promtool"
