//! How long a start takes with ten million records in the journal: after a kill under load, and after an orderly stop.

use std::path::Path;
use std::time::Duration;

use clap::Args;

use crate::clock::instant;
use crate::county::County;
use crate::figures::{median, number};
use crate::place::PlaceOptions;
use crate::server::Server;
use crate::{host, say};

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: PlaceOptions,
    /// Counted starts of each kind.
    #[arg(long, default_value_t = 5)]
    runs: u32,
    /// Records in the journal.
    #[arg(long, default_value_t = 10_000_000)]
    records: u64,
}

/// What a start showed.
struct Start {
    /// Until it says that it is ready, and lets devices in.
    ready_in: Duration,
    /// Until it has judged everything that its journal holds.
    judged_in: Duration,
}

/// Runs all of it and prints the figures.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let place = options.place.begin()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    // the journal is ahead of the judge, and the judge of its snapshot
    let filled = place.filled(&runtime, options.records)?;
    say(&format!(
        "* {} records in the journal, {:.1} GB; in the page cache, not read from a cold disk",
        options.records,
        bytes_in(&filled.join("data/journal"))? / 1e9
    ))?;
    say("\n### Restart\n\n| after | ready | all judged | each |\n|---|---|---|---|")?;
    let kill = |service: Server| {
        drop(service);
        Ok(())
    };
    row("a kill under load", &starts(&runtime, &place.binary, &filled, options.runs, kill)?)?;
    let service = Server::resume(&place.binary, &filled, &County::default())?;
    runtime.block_on(service.judged())?;
    service.process.terminate()?;
    row(
        "an orderly stop",
        &starts(&runtime, &place.binary, &filled, options.runs, |service| service.process.terminate())?,
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
