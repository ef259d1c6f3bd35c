//! Many worlds, on as many threads as there are processors: each world is in one thread, and its own.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use citywarden_rules::RuleSet;

use crate::run::{Figures, Outcome, run};

/// What became of many worlds.
#[derive(Debug, Default)]
pub struct Tally {
    /// Worlds that were run.
    pub worlds: u64,
    /// What there was of everything in all of them.
    pub figures: Figures,
    /// Those in which a promise was broken, by seed.
    pub broken: Vec<Outcome>,
}

/// Runs the worlds of these seeds. `broken` hears of each in which a promise was broken, at once, and ends it all by
/// returning false.
pub fn run_many(seeds: Range<u64>, rules: &Arc<RuleSet>, broken: impl Fn(&Outcome) -> bool + Sync) -> Tally {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let next = AtomicU64::new(seeds.start);
    let tally = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let outcome = run(seed, rules);
                    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                    tally.worlds += 1;
                    tally.figures += outcome.figures;
                    if !outcome.faults.is_empty() {
                        if !broken(&outcome) {
                            next.store(seeds.end, Ordering::Relaxed);
                        }
                        tally.broken.push(outcome);
                    }
                }
            });
        }
    });
    let mut tally = tally.into_inner().unwrap_or_else(PoisonError::into_inner);
    tally.broken.sort_by_key(|outcome| outcome.seed);
    tally
}
