//! Processor time of the judge alone, in the real binary: it judges a journal that a load has filled, from its beginning.
//! The records are the same each time, and nobody sends meanwhile: so two binaries can be told apart on a busy machine.

use std::path::{Path, PathBuf};

use clap::Args;

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
    let micros = |binary: &Path| -> anyhow::Result<f64> {
        let snapshots = filled.join("data/snapshots");
        if snapshots.exists() {
            std::fs::remove_dir_all(snapshots)?;
        }
        let service = Server::resume(binary, &filled, &County::default())?;
        runtime.block_on(service.judged())?;
        Ok(service.process.cpu_of_threads("judge").as_secs_f64() * 1e6 / number(options.records))
    };
    let (mut ours, mut others) = (Vec::new(), Vec::new());
    for _ in 0..options.runs {
        ours.push(micros(&place.binary)?);
        others.extend(options.against.as_deref().map(micros).transpose()?);
    }
    say(&format!("* {} records\n\n| judge | CPU µs a message | each |\n|---|---|---|", options.records))?;
    row("this binary", &ours)?;
    if options.against.is_some() {
        row("the other", &others)?;
        let ratios = others.iter().zip(&ours).map(|(other, own)| other / own);
        say(&format!("\nThe other beside this, median of the ratios: {:.2}", median(ratios)))?;
    }
    Ok(())
}

fn row(name: &str, micros: &[f64]) -> std::io::Result<()> {
    let each: Vec<String> = micros.iter().map(|one| format!("{one:.2}")).collect();
    say(&format!("| {name} | {:.2} | {} |", median(micros.iter().copied()), each.join(", ")))
}
