//! Threads that work beside the judge's own while it has a large batch before it.

use std::num::NonZero;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use citywarden_rules::Evaluator;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// Begun when they are first needed: most who judge never have that much before them.
#[derive(Default)]
pub(super) struct Workers(OnceLock<Option<ThreadPool>>);

impl Workers {
    /// Does each of `tasks` once: whoever is free takes the next one that nobody has begun, this thread too. Where a busy
    /// machine does not let a worker run, this thread does them all, and waits only until the worker has looked once.
    pub(super) fn share<T: Sync>(&self, tasks: &[T], work: impl Fn(&T) + Sync) {
        let begun = AtomicUsize::new(0);
        let work = || {
            while let Some(task) = tasks.get(begun.fetch_add(1, Ordering::Relaxed)) {
                work(task);
            }
        };
        match self.0.get_or_init(begin) {
            Some(pool) => pool.in_place_scope(|scope| {
                (0..pool.current_num_threads()).for_each(|_| scope.spawn(|_| work()));
                work();
            }),
            None => work(),
        }
    }
}

/// One for each shard but the one that the judge's own thread takes, as far as there are processors; `None` where there is
/// no other, or where no thread can be begun.
fn begin() -> Option<ThreadPool> {
    let processors = thread::available_parallelism().map_or(1, NonZero::get);
    let workers = processors.min(Evaluator::SHARDS).checked_sub(1).filter(|workers| *workers > 0)?;
    let pool = ThreadPoolBuilder::new()
        .num_threads(workers)
        .thread_name(|number| format!("judge-{}", number + 1))
        .build();
    pool.inspect_err(|error| tracing::warn!("the judge works alone until the next start: {error}")).ok()
}
