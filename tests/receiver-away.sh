#!/usr/bin/env bash
# A receiver that is away while devices load the service and violations go on, the service killed once in the middle of it.
# When the receiver is back: each violation is told, once; nothing acknowledged is missing from the journal, which verifies,
# and judged again gives the same alerts.
#
#   tests/receiver-away.sh [SECONDS] [MESSAGES A SECOND]      3600 and 200 where it is not said
#
# The last result is in docs/reliability.md.
set -euo pipefail
cd "$(dirname "$0")/.."
export CITYWARDEN_SECONDS="${1:-3600}" CITYWARDEN_RATE="${2:-200}"
cargo build --workspace --quiet
cargo test --package citywarden-tests --test at_length receiver_is_away -- --nocapture
