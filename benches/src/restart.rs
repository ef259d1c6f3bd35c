//! How long a start takes with ten million records in the journal: after a kill under load, and after an orderly stop.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use citywarden_model::Clock;
use clap::Args;

use crate::clock::{MachineClock, instant};
use crate::county::County;
use crate::figures::{median, number};
use crate::measure::{Case, send};
use crate::server::{self, Server};
use crate::{host, say};

#[derive(Args)]
pub(crate) struct Options {
    /// Where the journal is written; the temporary directory, if not given. It takes some gigabytes.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// Counted starts of each kind.
    #[arg(long, default_value_t = 5)]
    runs: u32,
    /// Records in the journal.
    #[arg(long, default_value_t = 10_000_000)]
    records: u64,
    /// The service's binary; built from here, if not given.
    #[arg(long)]
    binary: Option<PathBuf>,
}

/// The load that fills the journal.
const CASE: Case = Case { connections: 50, window: 100, first: 0 };

/// What a start showed.
struct Start {
    /// Until it says that it is ready, and lets devices in.
    ready_in: Duration,
    /// Until it has judged everything that its journal holds.
    judged_in: Duration,
}

/// Runs all of it and prints the figures.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let binary = options.binary.clone().map_or_else(server::build, Ok)?;
    let parent = options.dir.clone().unwrap_or_else(std::env::temp_dir);
    let dir = tempfile::tempdir_in(parent)?;
    for line in host::conditions(dir.path()) {
        say(&line)?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let clock: Arc<dyn Clock> = Arc::new(MachineClock);
    let county = County::default();
    let service = Server::service(&binary, dir.path(), &county)?;
    runtime.block_on(send(service.mqtt, &CASE, options.records, &clock))?;
    let place = service.process.directory()?;
    // killed under load: the journal is ahead of the judge, and the judge of its snapshot
    drop(service);
    say(&format!(
        "* {} records in the journal, {:.1} GB; in the page cache, not read from a cold disk",
        options.records,
        bytes_in(&place.join("data/journal"))? / 1e9
    ))?;
    say("\n### Restart\n\n| after | ready | all judged | each |\n|---|---|---|---|")?;
    let kill = |service: Server| {
        drop(service);
        Ok(())
    };
    row("a kill under load", &starts(&runtime, &binary, &place, options.runs, kill)?)?;
    let service = Server::resume(&binary, &place, &county)?;
    runtime.block_on(service.judged())?;
    service.process.terminate()?;
    row(
        "an orderly stop",
        &starts(&runtime, &binary, &place, options.runs, |service| service.process.terminate())?,
    )?;
    say(&format!("\nload average after: {}", host::load_average()))?;
    Ok(())
}

fn starts(
    runtime: &tokio::runtime::Runtime,
    binary: &Path,
    place: &Path,
    runs: u32,
    end: impl Fn(Server) -> anyhow::Result<()>,
) -> anyhow::Result<Vec<Start>> {
    let start = |_| {
        let began = instant();
        let service = Server::resume(binary, place, &County::default())?;
        let ready_in = began.elapsed();
        runtime.block_on(service.judged())?;
        let judged_in = began.elapsed();
        end(service)?;
        Ok(Start { ready_in, judged_in })
    };
    (0..runs).map(start).collect()
}

fn row(name: &str, starts: &[Start]) -> std::io::Result<()> {
    let middle =
        |figure: fn(&Start) -> Duration| median(starts.iter().map(|start| figure(start).as_secs_f64()));
    let each: Vec<String> = starts
        .iter()
        .map(|start| format!("{:.2}/{:.2}", start.ready_in.as_secs_f64(), start.judged_in.as_secs_f64()))
        .collect();
    say(&format!(
        "| {name} | {:.2} s | {:.2} s | {} |",
        middle(|start| start.ready_in),
        middle(|start| start.judged_in),
        each.join(", ")
    ))
}

fn bytes_in(dir: &Path) -> std::io::Result<f64> {
    let sizes = std::fs::read_dir(dir)?.map(|entry| Ok(entry?.metadata()?.len()));
    Ok(number(sizes.sum::<std::io::Result<u64>>()?))
}
