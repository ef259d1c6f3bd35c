//! Something that happens once, and that many wait for.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

/// A flag that is raised once. Those who wait hear of it in the order they came, so that a simulation repeats itself.
#[derive(Debug, Default)]
pub(crate) struct Flag {
    raised: AtomicBool,
    waiting: Notify,
}

impl Flag {
    pub(crate) fn raise(&self) {
        self.raised.store(true, Ordering::SeqCst);
        self.waiting.notify_waiters();
    }
    /// Resolves when it is up.
    pub(crate) async fn raised(&self) {
        // asked for before looking: it may be raised in between
        let notified = self.waiting.notified();
        if !self.raised.load(Ordering::SeqCst) {
            notified.await;
        }
    }
}
