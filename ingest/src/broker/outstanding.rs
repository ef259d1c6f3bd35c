//! How many messages are taken and not settled yet.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::Notify;

/// A count that somebody may wait to be zero.
#[derive(Debug, Default)]
pub(crate) struct Outstanding {
    count: AtomicUsize,
    none: Notify,
}

impl Outstanding {
    pub(crate) fn add(&self) {
        self.count.fetch_add(1, Ordering::AcqRel);
    }
    pub(crate) fn settle(&self) {
        if self.count.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.none.notify_waiters();
        }
    }
    /// Resolves when nothing is outstanding.
    pub(crate) async fn none(&self) {
        loop {
            let mut none = std::pin::pin!(self.none.notified());
            none.as_mut().enable();
            if self.count.load(Ordering::Acquire) == 0 {
                return;
            }
            none.await;
        }
    }
}
