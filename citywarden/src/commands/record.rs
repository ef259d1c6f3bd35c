//! `citywarden record`: captures a live feed to JSON lines.

use std::cell::Cell;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use citywarden_model::Clock;
use citywarden_simulators::record::{Noted, Subscription, record};

use super::run::runtime;
use crate::cli::Record;
use crate::clock::MachineClock;

pub(crate) fn run(options: &Record) -> anyhow::Result<ExitCode> {
    // a recording is added to, never written over
    let path = &options.output;
    let file = OpenOptions::new().append(true).create(true).open(path);
    let mut file = file.with_context(|| format!("{} cannot be written", path.display()))?;
    let subscription = Subscription {
        target: options.mqtt.clone(),
        filters: options.topics.clone(),
        client: format!("citywarden-record-{}", std::process::id()),
    };
    let clock: Arc<dyn Clock> = Arc::new(MachineClock);
    let messages_max = options.count.unwrap_or(u64::MAX);
    let is_subscribed = Cell::new(false);
    let note = |noted| {
        is_subscribed.set(is_subscribed.get() || noted == Noted::Subscribed);
        say(noted);
    };
    runtime()?.block_on(async {
        let recording = record(&subscription, &clock, &mut file, messages_max, note);
        let time_is_up = async {
            match options.duration {
                Some(duration) => tokio::time::sleep(duration.duration()).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            ended = recording => ended?,
            () = time_is_up => {}
            interrupted = tokio::signal::ctrl_c() => interrupted?,
        }
        anyhow::Ok(())
    })?;
    file.sync_all().with_context(|| format!("{} cannot be written", path.display()))?;
    if !is_subscribed.get() {
        bail!("nothing was recorded: there was no broker that took the subscription");
    }
    Ok(ExitCode::SUCCESS)
}

/// Progress is for people: it goes to stderr, and nobody misses it where that is gone.
fn say(noted: Noted) {
    let mut stderr = std::io::stderr();
    drop(match noted {
        Noted::Subscribed => writeln!(stderr, "recording; Ctrl-C ends it"),
        Noted::Lost(why) => {
            writeln!(stderr, "connection lost ({why}): what comes until it is made again is missed")
        }
    });
}
