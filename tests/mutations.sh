#!/usr/bin/env bash
# Breaks each promise on purpose, one patch of tests/mutations/ after the other, in a copy of the checkout, and runs
# simulated worlds: a checker has to fail in each. What none of them notices is a hole in the checkers, and ends this
# with 1. Prints a table; takes a minute or two a patch.
#
#   tests/mutations.sh [NAME…]        all of them, or those named
#   SEEDS=2000 tests/mutations.sh     how many worlds may pass before a mutation counts as unnoticed (1000)
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
seeds=${SEEDS:-1000}
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git clone --quiet --shared "$root" "$copy/checkout"
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target} CARGO_PROFILE_DEV_DEBUG=0 CARGO_TERM_COLOR=never
cd "$copy/checkout"

names=("$@")
if [ ${#names[@]} -eq 0 ]; then
    for patch in "$root"/tests/mutations/*.patch; do names+=("$(basename "$patch" .patch)"); done
fi

unnoticed=0
printf '| mutation | breaks | noticed by |\n|---|---|---|\n'
for name in "${names[@]}"; do
    patch=$root/tests/mutations/$name.patch
    promise=$(sed -n '1s/^Breaks: //p' "$patch")
    git checkout --quiet .
    if ! git apply --recount "$patch"; then
        printf '%s does not apply any more: mend it\n' "$patch" >&2
        exit 1
    fi
    if ! cargo build --quiet --package citywarden-world 2>"$copy/build"; then
        cat "$copy/build" >&2
        printf '%s does not compile any more: mend it\n' "$patch" >&2
        exit 1
    fi
    if "$CARGO_TARGET_DIR/debug/citywarden-world" --seeds "$seeds" --first >"$copy/found" 2>&1; then
        found="NOBODY in $seeds worlds"
        unnoticed=$((unnoticed + 1))
    else
        found=$(grep -m1 '^seed ' "$copy/found" || tail -n1 "$copy/found")
    fi
    printf '| %s | %s | %s |\n' "$name" "$promise" "${found:0:220}"
done
exit $((unnoticed > 0))
