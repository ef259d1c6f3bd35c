//! Runs worlds: `citywarden-world --seeds 10000`, or one of them again: `citywarden-world --seed 4711`.

use std::io::Write as _;
use std::process::ExitCode;

use citywarden_world::{rules, run, run_many};
use clap::Parser;

/// Runs simulated worlds and says which promise was broken in which.
#[derive(Debug, Parser)]
struct Options {
    /// So many worlds.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// This world alone, twice, with everything that goes wrong in it.
    #[arg(long)]
    seed: Option<u64>,
    /// Ends with the first world in which a promise was broken.
    #[arg(long)]
    first: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let is_well = match options.seed {
        Some(seed) => one(seed),
        None => many(&options),
    };
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn say(line: &str) {
    // nobody is left to tell where stdout is gone
    drop(writeln!(std::io::stdout(), "{line}"));
}

fn one(seed: u64) -> bool {
    let rules = rules();
    let (outcome, again) = (run(seed, &rules), run(seed, &rules));
    for trouble in outcome.troubles.iter().chain(&outcome.events) {
        say(trouble);
    }
    say(&format!("{:?}", outcome.figures));
    say(&format!("trace {}", outcome.trace));
    for fault in &outcome.faults {
        say(&format!("BROKEN {fault}"));
    }
    if outcome.trace != again.trace {
        say(&format!("BROKEN a seed repeats itself: the second run has the trace {}", again.trace));
    }
    outcome.faults.is_empty() && outcome.trace == again.trace
}

fn many(options: &Options) -> bool {
    let seeds = options.from..options.from + options.seeds;
    let tally = run_many(seeds, &rules(), |outcome| {
        let fault = outcome.faults.first().map_or("", String::as_str);
        say(&format!(
            "seed {}: {} times a promise broken, first: {fault}",
            outcome.seed,
            outcome.faults.len()
        ));
        !options.first
    });
    say(&format!(
        "{} worlds, {} with a broken promise; in all of them {:?}",
        tally.worlds,
        tally.broken.len(),
        tally.figures
    ));
    tally.broken.is_empty()
}
