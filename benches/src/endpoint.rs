//! Messages a second through the endpoint of the real binary, durable and judged, beside a server that acknowledges at
//! once: in turns, each time with a fresh server and a fresh journal.

mod report;

use std::path::PathBuf;
use std::sync::Arc;

use citywarden_model::Clock;
use clap::Args;

use crate::clock::MachineClock;
use crate::county::County;
use crate::measure::{Case, Run, measure};
use crate::place::PlaceOptions;
use crate::server::Server;
use crate::{disk, host, say};

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: PlaceOptions,
    /// Counted runs of each server and case.
    #[arg(long, default_value_t = 5)]
    runs: u32,
    /// About how long each counted run takes.
    #[arg(long, default_value_t = 3)]
    seconds: u32,
    /// Only this case, by its number from 1.
    #[arg(long)]
    case: Option<usize>,
    /// Compares with this other binary of the service, instead of with the server that acknowledges at once.
    #[arg(long)]
    against: Option<PathBuf>,
}

/// Many connections with one message each wait for every sync; few with many fill it.
///
/// The first messages are not counted: each device sends twenty and more, so that every window of the rules is covered
/// and every verdict decided.
const CASES: [Case; 2] = [
    Case { connections: 50, window: 100, first: 300_000 },
    Case { connections: 5_000, window: 1, first: 200_000 },
];

/// Runs all of it and prints the figures.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let place = options.place.begin()?;
    let dir = place.dir();
    for syncs in disk::measure(dir)? {
        say(&syncs.line())?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let clock: Arc<dyn Clock> = Arc::new(MachineClock);
    for (number, case) in CASES.iter().enumerate() {
        if options.case.is_some_and(|wanted| wanted != number + 1) {
            continue;
        }
        let (mut ours, mut others, county) = (Vec::new(), Vec::new(), County::default());
        for _ in 0..options.runs {
            let service = Server::service(&place.binary, dir, &county)?;
            ours.push(turn(&runtime, service, case, options.seconds, &clock)?);
            let other = match &options.against {
                Some(binary) => Server::service(binary, dir, &county)?,
                None => Server::at_once()?,
            };
            others.push(turn(&runtime, other, case, options.seconds, &clock)?);
        }
        let other = if options.against.is_some() { "the other binary" } else { "acknowledges at once" };
        report::case(case, &ours, (other, &others))?;
    }
    say(&format!("\nload average after: {}", host::load_average()))?;
    Ok(())
}

fn turn(
    runtime: &tokio::runtime::Runtime,
    server: Server,
    case: &Case,
    seconds: u32,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Run> {
    let run = runtime.block_on(measure(&server, case, seconds, clock));
    drop(server);
    run
}
