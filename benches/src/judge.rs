//! The judge alone, in the real binary: it judges a journal that a load has filled, from its beginning. The records are the
//! same each time, and nobody sends meanwhile: by processor time two binaries can be told apart on a busy machine.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::clock::instant;
use crate::county::County;
use crate::figures::{median, number};
use crate::place::PlaceOptions;
use crate::say;
use crate::server::Server;

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: PlaceOptions,
    /// Counted runs of each binary.
    #[arg(long, default_value_t = 5)]
    runs: u32,
    /// Records in the journal: by default about what a run of `endpoint` leaves.
    #[arg(long, default_value_t = 2_400_000)]
    records: u64,
    /// Another binary of the service, in turns with the first.
    #[arg(long)]
    against: Option<PathBuf>,
}

/// Runs all of it and prints the figures.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let place = options.place.begin()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let filled = place.filled(&runtime, options.records)?;
    let micros = |binary: &Path| -> anyhow::Result<[f64; 2]> {
        let snapshots = filled.join("data/snapshots");
        if snapshots.exists() {
            std::fs::remove_dir_all(snapshots)?;
        }
        let began = instant();
        let service = Server::resume(binary, &filled, &County::default())?;
        runtime.block_on(service.judged())?;
        let spent = [service.process.cpu_of_threads_and_gone("judge"), began.elapsed()];
        Ok(spent.map(|spent| spent.as_secs_f64() * 1e6 / number(options.records)))
    };
    let (mut ours, mut others) = (Vec::new(), Vec::new());
    for _ in 0..options.runs {
        ours.push(micros(&place.binary)?);
        others.extend(options.against.as_deref().map(micros).transpose()?);
    }
    say(&format!(
        "* {} records\n\n| judge | CPU µs a message | each | time from the start on, µs a message | each |",
        options.records
    ))?;
    say("|---|---|---|---|---|")?;
    row("this binary", &ours)?;
    if options.against.is_some() {
        row("the other", &others)?;
        let [cpu, time] = [0, 1].map(|which| {
            let both = column(&others, which).zip(column(&ours, which));
            median(both.map(|(other, own)| other / own))
        });
        say(&format!("\nThe other beside this, medians of the ratios: CPU {cpu:.2}, time {time:.2}"))?;
    }
    Ok(())
}

fn column(runs: &[[f64; 2]], which: usize) -> impl Iterator<Item = f64> {
    runs.iter().filter_map(move |run| run.get(which).copied())
}

fn row(name: &str, runs: &[[f64; 2]]) -> std::io::Result<()> {
    let cells = [0, 1].map(|which| {
        let each: Vec<String> = column(runs, which).map(|one| format!("{one:.2}")).collect();
        format!("{:.2} | {}", median(column(runs, which)), each.join(", "))
    });
    say(&format!("| {name} | {} |", cells.join(" | ")))
}
