//! How far the journal is durable, and those who wait for it.
//!
//! Each waiter is woken by the commit that reaches its offset and by no other: with thousands of devices that each wait
//! for one acknowledgement, waking all of them at every commit costs more than the commits.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use citywarden_model::Offset;

use crate::inbox::Shared;

/// The journal stopped; what was waited for may never be durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the journal has stopped")]
pub struct Stopped;

pub(crate) struct Committed {
    next: AtomicU64,
    waiters: Mutex<Waiters>,
    /// For threads; tasks are woken one by one.
    moved: Condvar,
}

#[derive(Default)]
struct Waiters {
    by_offset: BTreeMap<(u64, u64), Waker>,
    last_ticket: u64,
    blocked: usize,
    stopped: bool,
}

impl Committed {
    pub(crate) fn new(next: Offset) -> Self {
        Self { next: AtomicU64::new(next.0), waiters: Mutex::default(), moved: Condvar::new() }
    }

    pub(crate) fn get(&self) -> Offset {
        Offset(self.next.load(Ordering::Acquire))
    }
    pub(crate) fn is_stopped(&self) -> bool {
        self.lock().stopped
    }

    pub(crate) fn publish(&self, next: Offset) {
        let mut waiters = self.lock();
        self.next.store(next.0, Ordering::Release);
        let later = waiters.by_offset.split_off(&(next.0, 0));
        let reached = std::mem::replace(&mut waiters.by_offset, later);
        let blocked = waiters.blocked > 0;
        drop(waiters);
        reached.into_values().for_each(Waker::wake);
        if blocked {
            self.moved.notify_all();
        }
    }

    pub(crate) fn stop(&self) {
        let mut waiters = self.lock();
        waiters.stopped = true;
        let all = std::mem::take(&mut waiters.by_offset);
        drop(waiters);
        all.into_values().for_each(Waker::wake);
        self.moved.notify_all();
    }

    pub(crate) fn block(&self, offset: Offset, timeout: Duration) -> Result<Offset, Stopped> {
        let mut waiters = self.lock();
        waiters.blocked += 1;
        let waiting = |waiters: &mut Waiters| self.get() <= offset && !waiters.stopped;
        let mut waiters = match self.moved.wait_timeout_while(waiters, timeout, waiting) {
            Ok((waiters, _)) => waiters,
            Err(poisoned) => poisoned.into_inner().0,
        };
        waiters.blocked -= 1;
        if waiters.stopped && self.get() <= offset { Err(Stopped) } else { Ok(self.get()) }
    }

    fn lock(&self) -> MutexGuard<'_, Waiters> {
        self.waiters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ready when a record is durable; see [`crate::Inbox::durable`].
pub struct WaitCommitted {
    shared: Arc<Shared>,
    offset: Offset,
    ticket: Option<u64>,
}

impl WaitCommitted {
    pub(crate) const fn new(shared: Arc<Shared>, offset: Offset) -> Self {
        Self { shared, offset, ticket: None }
    }
}

impl Future for WaitCommitted {
    type Output = Result<Offset, Stopped>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let shared = Arc::clone(&self.shared);
        let committed = &shared.committed;
        let next = committed.get();
        if next > self.offset {
            return Poll::Ready(Ok(next));
        }
        let mut waiters = committed.lock();
        // Again under the lock: the commit may have been published in between.
        let next = committed.get();
        if next > self.offset {
            return Poll::Ready(Ok(next));
        }
        if waiters.stopped {
            return Poll::Ready(Err(Stopped));
        }
        let ticket = *self.ticket.get_or_insert_with(|| {
            waiters.last_ticket += 1;
            waiters.last_ticket
        });
        waiters.by_offset.insert((self.offset.0, ticket), context.waker().clone());
        Poll::Pending
    }
}

impl Drop for WaitCommitted {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            self.shared.committed.lock().by_offset.remove(&(self.offset.0, ticket));
        }
    }
}
