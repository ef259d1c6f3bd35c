//! `citywarden receivers test`: one test notification, once.

use std::io::Write as _;
use std::process::ExitCode;

use citywarden_alerting::receiver::{Outcome, test};
use citywarden_model::Clock as _;
use serde_json::json;

use super::{output, read_config, run::runtime};
use crate::cli::ConfigFile;
use crate::clock::MachineClock;

/// Sends it, and says what came back.
pub(crate) fn send_test(name: &str, config: &ConfigFile, as_json: bool) -> anyhow::Result<ExitCode> {
    let config = read_config(config)?;
    let Some(receiver) = config.receivers.iter().find(|receiver| receiver.name.as_str() == name) else {
        let known: Vec<_> = config.receivers.iter().map(|receiver| receiver.name.as_str()).collect();
        anyhow::bail!("no receiver `{name}` in the configuration; there are: {}", known.join(", "));
    };
    let way = receiver.open_beside()?;
    let outcome = runtime()?.block_on(test(&*way, &config.region, MachineClock.now()));
    let why = match &outcome {
        Outcome::Delivered => None,
        Outcome::Retry { why, .. } | Outcome::Refused { why } => Some(why.as_str()),
    };
    if as_json {
        writeln!(output(), "{}", json!({"receiver": name, "result": outcome.word(), "why": why}))?;
    } else {
        writeln!(
            output(),
            "{name}: {}{}",
            outcome.word(),
            why.map(|why| format!(": {why}")).unwrap_or_default()
        )?;
    }
    Ok(if why.is_none() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
