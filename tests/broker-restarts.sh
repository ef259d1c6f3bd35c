#!/usr/bin/env bash
# A real Mosquitto that is restarted every ten seconds while devices load it. After it: nothing that it acknowledged is
# missing from the journal, which verifies, each violation has one alert, no session was lost, and a backtest of the journal
# gives the same alerts.
#
#   tests/broker-restarts.sh [SECONDS] [MESSAGES A SECOND] [A RESTART EACH SECONDS]      600, 200 and 10 where it is not said
#
# The last result is in docs/reliability.md.
set -euo pipefail
cd "$(dirname "$0")/.."
export CITYWARDEN_SECONDS="${1:-600}" CITYWARDEN_RATE="${2:-200}" CITYWARDEN_RESTART_EACH="${3:-10}"
cargo build --workspace --quiet
cargo test --package citywarden-tests --test at_length broker_that_restarts -- --nocapture
