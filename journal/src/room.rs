//! Who waits for room in the inbox, and whose turn it is.
//!
//! First come, first served. When there is room again, who waits longest is woken alone, and as it goes it wakes the next
//! one. If all were woken at once, it would be theirs who happen to run first: those who have just been acknowledged are
//! already awake, and would be served again and again while others get nothing for as long as there is too much.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use crate::inbox::{AppendError, Shared};

/// Who waits, by the order in which they came.
#[derive(Default)]
pub(crate) struct Queue {
    waiting: BTreeMap<u64, Waker>,
    last_ticket: u64,
}

impl Queue {
    /// Whoever is first.
    pub(crate) fn first(&self) -> Option<Waker> {
        self.waiting.first_key_value().map(|(_, waker)| waker.clone())
    }
    /// Everybody, and nobody waits any more.
    pub(crate) fn clear(&mut self) -> Vec<Waker> {
        std::mem::take(&mut self.waiting).into_values().collect()
    }

    /// Whether nobody came before.
    fn is_turn_of(&self, ticket: Option<u64>) -> bool {
        self.waiting.keys().next().is_none_or(|first| ticket.is_some_and(|ticket| ticket <= *first))
    }
    fn wait(&mut self, ticket: &mut Option<u64>, waker: &Waker) {
        let ticket = *ticket.get_or_insert_with(|| {
            self.last_ticket += 1;
            self.last_ticket
        });
        self.waiting.insert(ticket, waker.clone());
    }
    /// Leaves; gives the one whose turn it is then.
    fn leave(&mut self, ticket: Option<u64>) -> Option<Waker> {
        let ticket = ticket?;
        let was_first = self.is_turn_of(Some(ticket));
        self.waiting.remove(&ticket);
        self.first().filter(|_| was_first)
    }
}

/// Ready when there is room again and nobody waits for longer; see [`crate::Inbox::room`]. Whoever needs no room any
/// more has to drop it: those behind wait for it.
pub struct Room {
    shared: Arc<Shared>,
    ticket: Option<u64>,
}

impl Room {
    pub(crate) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared, ticket: None }
    }
    fn leave(&mut self) {
        let next = self.shared.with_queue(|queue| queue.leave(self.ticket.take()));
        if let Some(next) = next {
            next.wake();
        }
    }
}

impl Future for Room {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let Self { shared, ticket } = &mut *self;
        let has_to_wait = shared.with_admission(|admission, queue| {
            let has_to_wait = match admission {
                Err(AppendError::Full | AppendError::DiskFull) => true,
                Ok(()) => !queue.is_turn_of(*ticket),
                // for the next append to report
                Err(AppendError::Stopped | AppendError::TooLarge { .. }) => false,
            };
            if has_to_wait {
                queue.wait(ticket, context.waker());
            }
            has_to_wait
        });
        if has_to_wait {
            return Poll::Pending;
        }
        self.leave();
        Poll::Ready(())
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.leave();
    }
}
