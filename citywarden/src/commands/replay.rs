//! `citywarden replay`: plays a recording back as its devices would.

use std::fs::File;
use std::io::BufReader;
use std::process::ExitCode;

use anyhow::Context as _;
use citywarden_model::Clock as _;
use citywarden_simulators::Timeline;
use citywarden_simulators::replay::{Replay, measure};

use super::run::runtime;
use super::simulate::{publish, report};
use crate::cli;
use crate::clock::MachineClock;

pub(crate) fn run(options: &cli::Replay) -> anyhow::Result<ExitCode> {
    let shown = options.file.display();
    let open =
        || File::open(&options.file).map(BufReader::new).with_context(|| format!("{shown} cannot be read"));
    let extent = measure(open()?).with_context(|| shown.to_string())?;
    anyhow::ensure!(extent.messages > 0, "{shown} holds no message");
    let replay = Replay {
        extent,
        timeline: Timeline::new(MachineClock.now(), extent.lasts, options.speed),
        keeps_time: options.keep_time,
        client: format!("citywarden-replay-{}", std::process::id()),
    };
    report(&runtime()?.block_on(publish(replay.feed(open()?), &options.mqtt))?)
}
