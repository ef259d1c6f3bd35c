#!/usr/bin/env bash
# The real binary, killed with `kill -9` again and again under load, over both sources: devices at its own endpoint, and
# a real Mosquitto that is restarted as well. After it nothing acknowledged is missing from the journal, each violation has
# one alert, the chain verifies, and a backtest of the journal gives the same alerts.
#
#   tests/kill-loop.sh [TIMES]      60 where it is not said; about ten minutes
set -euo pipefail
cd "$(dirname "$0")/.."
export CITYWARDEN_CRASHES="${1:-60}"
cargo build --workspace --quiet
cargo test --package citywarden-tests --test crash after_kill_9
cargo test --package citywarden-tests --test broker through_kills
