//! A connection's view of the journal's inbox: what it waits for there, polled.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use citywarden_journal::{Control, Inbox, Room, WaitCommitted};
use citywarden_model::Offset;

use super::session::Append;

/// The inbox, and the waits of one task for it: at most one of each kind, kept while it is not over, so that a task
/// that is woken for something else does not queue up again.
pub(crate) struct Intake {
    inbox: Inbox,
    commit: Option<(Offset, WaitCommitted)>,
    room: Option<Room>,
}

impl Intake {
    pub(crate) fn new(inbox: Inbox) -> Self {
        Self { inbox, commit: None, room: None }
    }
    /// Ready when the record at this offset is durable, with the offset up to which everything is; `None` if the
    /// journal stopped before.
    pub(crate) fn poll_committed(&mut self, cx: &mut Context<'_>, offset: Offset) -> Poll<Option<Offset>> {
        let committed = self.inbox.committed();
        if committed > offset {
            self.commit = None;
            return Poll::Ready(Some(committed));
        }
        let waits_already = self.commit.as_ref().is_some_and(|(awaited, _)| *awaited == offset);
        if !waits_already {
            self.commit = Some((offset, self.inbox.durable(offset)));
        }
        let Some((_, commit)) = &mut self.commit else { return Poll::Pending };
        let outcome = ready!(Pin::new(commit).poll(cx));
        self.commit = None;
        Poll::Ready(outcome.ok())
    }
    /// Ready when it is worth trying to append again.
    pub(crate) fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let inbox = &self.inbox;
        ready!(Pin::new(self.room.get_or_insert_with(|| inbox.room())).poll(cx));
        self.room = None;
        Poll::Ready(())
    }
    /// Waits for room no more: others are behind in the queue.
    pub(crate) fn leave_queue(&mut self) {
        self.room = None;
    }
    /// Hands out the means to append; what is appended by one call gets into the inbox together.
    pub(crate) fn batch<T>(&self, fill: impl FnOnce(&mut Append<'_>) -> T) -> T {
        self.inbox.append_batch(|batch| fill(&mut |message| batch.append(message)))
    }
    /// Journals that the source delivers; `false` if the journal has stopped.
    pub(crate) fn source_up(&self, source: &str) -> bool {
        self.inbox.append_control(&Control::SourceUp { source }).is_ok()
    }
    /// Journals that it delivers no more.
    pub(crate) fn source_down(&self, source: &str) -> bool {
        self.inbox.append_control(&Control::SourceDown { source }).is_ok()
    }
}
