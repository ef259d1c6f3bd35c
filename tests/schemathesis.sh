#!/usr/bin/env bash
# Schemathesis for the tests of the HTTP side: in an environment of its own beside the checkout.
#
#   schemathesis.sh build      installs it (about half a minute, once; needs python3-venv and the network)
#   schemathesis.sh program    says where it is
set -euo pipefail

version=4.32.5
home="${XDG_CACHE_HOME:-$HOME/.cache}/citywarden-tests/schemathesis-$version"

fail() { echo "schemathesis.sh: $*" >&2; exit 1; }

case "${1:-}" in
build)
    [ -e "$home/.whole" ] && exit 0
    rm -rf "$home"
    python3 -m venv "$home" || fail "python3 makes no environment: apt-get install python3-venv"
    "$home/bin/pip" install --quiet --disable-pip-version-check "schemathesis==$version" || fail "pip installs no schemathesis"
    touch "$home/.whole"
    ;;
program)
    [ -e "$home/.whole" ] || fail "it is not installed: run tests/schemathesis.sh build, or ./test"
    echo "$home/bin/schemathesis"
    ;;
*) fail "expected build or program" ;;
esac
