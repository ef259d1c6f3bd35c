//! Runs worlds: `citywarden-world --seeds 10000`, or one of them again: `citywarden-world --seed 4711`.

use std::io::Write as _;
use std::process::ExitCode;

use citywarden_world::{Fault, Operations, Outcome, Situation, Tally, rules, run, run_many, run_with};
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
    /// What they are about: anything, receiver-away, unsteady, overload, disk-full.
    #[arg(long, default_value = "anything")]
    situation: Situation,
    /// One world in which nothing goes wrong, and then with one fault at its first operation of the disk and of the network,
    /// at its second, and so on past the last; `from` is its seed.
    #[arg(long)]
    each_operation: bool,
    /// Of those only some: at the first and the last operation of each kind, and at each so-many-th.
    #[arg(long)]
    stride: Option<u64>,
    /// Ends with the first world in which a promise was broken.
    #[arg(long)]
    first: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    let is_well = match options.seed {
        Some(seed) => one(options.situation, seed),
        None if options.each_operation => each_operation(&options),
        None => many(&options),
    };
    if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn say(line: &str) {
    // nobody is left to tell where stdout is gone
    drop(writeln!(std::io::stdout(), "{line}"));
}

fn one(situation: Situation, seed: u64) -> bool {
    let rules = rules();
    let (outcome, again) = (run(situation, seed, &rules), run(situation, seed, &rules));
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
    let seeds: Vec<u64> = (options.from..options.from + options.seeds).collect();
    let (rules, situation) = (rules(), options.situation);
    let tally = run_many(&seeds, |seed| run(situation, *seed, &rules), |outcome| tell(outcome, options));
    conclude(&tally)
}

fn each_operation(options: &Options) -> bool {
    let rules = rules();
    let operations = Operations::of(options.from, &rules);
    let faults = options.stride.map_or_else(|| operations.faults(), |stride| operations.some_faults(stride));
    say(&format!(
        "{} operations of the disk, {} of the network, {} worlds with one fault each",
        operations.disk.len(),
        operations.network,
        faults.len()
    ));
    say(&format!("of the disk {:?}", operations.kinds()));
    let run = |fault: &Fault| run_with(*fault, options.from, &rules);
    let tally = run_many(&faults, run, |outcome| tell(outcome, options));
    conclude(&tally)
}

/// Says what was broken; whether to go on.
fn tell(outcome: &Outcome, options: &Options) -> bool {
    let fault = outcome.faults.first().map_or("", String::as_str);
    say(&format!(
        "seed {} with {:?}: {} times a promise broken, first: {fault}",
        outcome.seed,
        outcome.troubles,
        outcome.faults.len()
    ));
    !options.first
}

fn conclude(tally: &Tally) -> bool {
    say(&format!(
        "{} worlds, {} with a broken promise; in all of them {:?}",
        tally.worlds,
        tally.broken.len(),
        tally.figures
    ));
    tally.broken.is_empty()
}
