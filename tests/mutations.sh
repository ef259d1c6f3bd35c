#!/usr/bin/env bash
# Breaks each promise on purpose, one patch of tests/mutations/ after the other, in a copy of the checkout, and runs
# simulated worlds, or the test that the patch names: a checker has to fail in each. What none of them notices is a hole in
# the checkers, and ends this with 1. Prints a table; takes a minute or two a patch.
#
# A patch begins with the line `Breaks: ` and the promise; a second line `Test: ` and what follows `cargo test` names the
# test that notices it where no world does.
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
# a folder of its own: what is built of a mutation must never be taken for the checkout's
export CARGO_TARGET_DIR=${CARGO_TARGET_DIR:-$root/target}/mutations CARGO_PROFILE_DEV_DEBUG=0 CARGO_TERM_COLOR=never
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
    test=$(sed -n '2s/^Test: //p' "$patch")
    if [ -n "$test" ]; then
        # shellcheck disable=SC2086 # several words
        build=(cargo test --quiet --no-run ${test% *}) check=(cargo test --quiet $test)
    else
        build=(cargo build --quiet --package citywarden-world)
        check=("$CARGO_TARGET_DIR/debug/citywarden-world" --seeds "$seeds" --first)
    fi
    if ! "${build[@]}" 2>"$copy/build"; then
        cat "$copy/build" >&2
        printf '%s does not compile any more: mend it\n' "$patch" >&2
        exit 1
    fi
    if "${check[@]}" >"$copy/found" 2>&1; then
        found="NOBODY: ${test:-$seeds worlds}"
        unnoticed=$((unnoticed + 1))
    elif [ -n "$test" ]; then
        # it fails because of what it checks, not because there is no such test
        found=$(grep -m1 "panicked at" "$copy/found")
    else
        found=$(grep -m1 '^seed ' "$copy/found")
    fi
    printf '| %s | %s | %s |\n' "$name" "$promise" "${found:0:220}"
done
exit $((unnoticed > 0))
