//! Many worlds, on as many threads as there are processors: each world is in one thread, and its own;
//! only judging again shares a batch with workers.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::run::{Figures, Outcome};

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

/// Runs these worlds (their seeds, or their faults), each as `run` does. `broken` hears of each in which a promise was
/// broken, at once, and ends it all by returning false.
pub fn run_many<W: Sync>(
    worlds: &[W],
    run: impl Fn(&W) -> Outcome + Sync,
    broken: impl Fn(&Outcome) -> bool + Sync,
) -> Tally {
    let threads = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let next = AtomicUsize::new(0);
    let tally = Mutex::new(Tally::default());
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(world) = worlds.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let outcome = run(world);
                    let mut tally = tally.lock().unwrap_or_else(PoisonError::into_inner);
                    tally.worlds += 1;
                    tally.figures += outcome.figures;
                    if !outcome.faults.is_empty() {
                        if !broken(&outcome) {
                            next.store(worlds.len(), Ordering::Relaxed);
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
