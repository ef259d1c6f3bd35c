#!/usr/bin/env bash
# The same bytes on another kind of processor: builds model/ and rules/ for aarch64 and runs their tests there, emulated.
#
#   aarch64.sh            makes the folder with Debian's compiler and emulator (some minutes, once; needs root and the network), and runs
#
# What it proves is in rules/tests/evaluator/golden.rs: alerts with logarithms, means and geometry, held to the last bit.
# The last result is in docs/reliability.md.
set -euo pipefail
cd "$(dirname "$0")/.."

cache="${XDG_CACHE_HOME:-$HOME/.cache}/citywarden-tests"
root="$cache/aarch64"
mirror="${DEBIAN_MIRROR:-http://deb.debian.org/debian}"

fail() { echo "aarch64.sh: $*" >&2; exit 1; }
[ "$(id -u)" -eq 0 ] || fail "must be root: debootstrap and chroot are"
command -v debootstrap >/dev/null || fail "debootstrap is missing: apt-get install debootstrap"

# Debian bookworm's rustc-web is a rustc of this year, with a standard library for aarch64.
if [ ! -e "$root/.whole" ]; then
    rm -rf "$root"
    mkdir -p "$cache"
    debootstrap --variant=minbase --include=ca-certificates bookworm "$root" "$mirror" >"$cache/aarch64.log" 2>&1 || fail "see $cache/aarch64.log"
    cp /etc/resolv.conf "$root/etc/resolv.conf"
    cp -r /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/" 2>/dev/null || true
    echo "deb ${mirror}-security bookworm-security main" >>"$root/etc/apt/sources.list"
    chroot "$root" dpkg --add-architecture arm64
    chroot "$root" apt-get update -qq
    chroot "$root" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends \
        rustc-web cargo-web libstd-rust-web-dev:arm64 gcc gcc-aarch64-linux-gnu libc6-dev libc6-dev-arm64-cross qemu-user \
        >>"$cache/aarch64.log" 2>&1 || fail "see $cache/aarch64.log"
    touch "$root/.whole"
fi

# The libraries' sources come from the lock file; the folder needs no network after this.
rm -rf "$root/src"
mkdir -p "$root/src"
git ls-files -z | xargs -0 cp --parents -t "$root/src"
mkdir -p "$root/src/.cargo"
cargo vendor --locked "$root/vendor" >"$root/src/.cargo/config.toml" 2>>"$cache/aarch64.log"
sed -i "s|$root||" "$root/src/.cargo/config.toml"

chroot "$root" env CARGO_HOME=/cargo CARGO_TARGET_DIR=/target CARGO_TERM_COLOR=never CARGO_PROFILE_DEV_DEBUG=0 \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=aarch64-linux-gnu-gcc \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=qemu-aarch64 \
    bash -c 'cd /src && cargo test --offline --target aarch64-unknown-linux-gnu -p citywarden-model -p citywarden-rules --no-fail-fast'
