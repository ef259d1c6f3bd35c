//! The one who writes: takes whatever arrived, writes, syncs, publishes.
//!
//! [`Writer::run`] is the loop; who runs it says how it waits ([`Pace`]): a thread, or a simulation in its own time.

use std::future::{Future, poll_fn};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use citywarden_model::{Offset, Span, Timestamp};

use crate::inbox::{Next, Shared};
use crate::log::records::Records;
use crate::log::{CheckpointKey, Log, LogError, Seal};
use crate::pace::{Closed, Pace, ThreadPace, block_on};

/// Default of [`WriterOptions::checkpoint_every`].
const CHECKPOINT_EVERY: Span = Span::from_secs(1);
/// Default of [`WriterOptions::disk_full_retry`].
const DISK_FULL_RETRY: Duration = Duration::from_secs(1);

/// When the writer signs, and how patient it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WriterOptions {
    /// The shortest time between two checkpoints that nobody asked for, by the journal's clock. Default 1 s.
    pub checkpoint_every: Span,
    /// How long to wait before trying a full disk again. Default 1 s.
    pub disk_full_retry: Duration,
}

impl Default for WriterOptions {
    fn default() -> Self {
        Self { checkpoint_every: CHECKPOINT_EVERY, disk_full_retry: DISK_FULL_RETRY }
    }
}

/// Writes what comes into the inbox; a step at a time, so that a simulation can drive it without threads.
pub struct Writer {
    log: Log,
    shared: Arc<Shared>,
    options: WriterOptions,
    key: CheckpointKey,
    records: Records,
    signed_at: Timestamp,
}

/// A commit of which nothing is durable yet: it is to be handed to [`Writer::sync`].
#[must_use]
pub struct Written {
    before: Offset,
    began: Timestamp,
    result: Result<(), LogError>,
}

/// What one step made durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Commit {
    /// Everything before this offset is durable.
    pub next: Offset,
    /// Records that became durable.
    pub records: u64,
    /// How long it took, by the journal's clock.
    pub took: Span,
}

/// A step that made not all of it durable.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// Retry: the disk is full. What waits is kept and written as soon as there is room.
    #[error("the journal waits for room on its disk")]
    DiskFull(#[source] LogError),
    /// Halt: the disk failed. The writer takes nothing any more.
    #[error("the journal stopped: its disk failed")]
    Stopped(#[source] LogError),
}

impl Writer {
    pub(crate) fn new(log: Log, shared: Arc<Shared>, options: WriterOptions, key: CheckpointKey) -> Self {
        Self {
            log,
            shared,
            options,
            key,
            records: Records::default(),
            signed_at: Timestamp::from_nanos(i64::MIN),
        }
    }

    /// Writes and syncs whatever has arrived, then publishes it. Does nothing where there is nothing.
    pub fn commit(&mut self) -> Result<Commit, CommitError> {
        let written = self.write();
        self.sync(written)
    }

    /// The first half of a commit: writes whatever has arrived. Nothing of it is durable yet, and nobody hears of it.
    pub fn write(&mut self) -> Written {
        let before = self.shared.committed.get();
        let taken = self.shared.take(&mut self.records);
        let seal = Seal { key: &self.key, signed_at: taken.now, foreign_head: taken.foreign_head };
        let written = write(&mut self.log, &mut self.records, seal);
        let result = written.and_then(|()| {
            let due = taken.now.since(self.signed_at) >= self.options.checkpoint_every
                || taken.now < self.signed_at;
            let wanted = self.shared.is_checkpoint_wanted();
            if wanted || (due && self.log.next() > before) {
                self.log.write_checkpoint(seal)?;
                self.signed_at = taken.now;
                if wanted {
                    self.shared.checkpoint_written();
                }
            }
            Ok(())
        });
        Written { before, began: taken.now, result }
    }

    /// The second half: makes durable what was written, then publishes it.
    pub fn sync(&mut self, written: Written) -> Result<Commit, CommitError> {
        let Written { before, began, result } = written;
        // Also where the disk was full in the middle: what is written is made durable and is nobody's loss.
        let synced =
            if result.as_ref().is_ok_and(|()| true) || is_full(&result) { self.log.sync() } else { Ok(()) };
        self.settle(before, began, synced.and(result))
    }

    fn settle(
        &self,
        before: Offset,
        began: Timestamp,
        result: Result<(), LogError>,
    ) -> Result<Commit, CommitError> {
        match result {
            Err(error) if !error.is_disk_full() => {
                self.shared.stop();
                return Err(CommitError::Stopped(error));
            }
            _ => {}
        }
        let next = self.log.next();
        if next > before {
            self.shared.committed.publish(next);
        }
        self.shared.set_disk_full(result.is_err());
        result.map_err(CommitError::DiskFull)?;
        Ok(Commit { next, records: next.0 - before.0, took: self.shared.now().since(began) })
    }

    /// Makes the next segment ready; [`Writer::spawn`] has a thread for it, a simulation calls it now and then.
    pub fn prepare_segment(&self) -> Result<(), LogError> {
        self.log.prepare_segment()
    }

    /// Commits until the inbox is closed and all of it durable. Waits for work, never for time, except where the disk
    /// is full. `observe` hears of every step.
    pub async fn run(
        mut self,
        mut pace: impl Pace,
        mut observe: impl FnMut(&Result<Commit, CommitError>),
    ) -> Result<(), CommitError> {
        while self.work().await == Next::Commit {
            pace.gather().await;
            let written = self.write();
            pace.written().await;
            let step = self.sync(written);
            observe(&step);
            match step {
                Ok(_) => {}
                Err(CommitError::DiskFull(error)) if self.shared.is_closed() => {
                    return Err(CommitError::DiskFull(error));
                }
                Err(CommitError::DiskFull(_)) => {
                    pace.room(Closed::new(Arc::clone(&self.shared)), self.options.disk_full_retry).await;
                }
                Err(stopped) => return Err(stopped),
            }
        }
        Ok(())
    }

    fn work(&self) -> impl Future<Output = Next> {
        let (shared, unwritten) = (Arc::clone(&self.shared), self.records.left() > 0);
        poll_fn(move |context| shared.poll_work(context, unwritten))
    }

    /// [`Writer::run`] on a thread of its own, and another one that prepares segments ahead of need.
    pub fn spawn(
        self,
        observe: impl FnMut(&Result<Commit, CommitError>) + Send + 'static,
    ) -> std::io::Result<JoinHandle<Result<(), CommitError>>> {
        let preparer = self.log.preparer();
        let retry = self.options.disk_full_retry;
        let preparing = Arc::clone(&preparer);
        let ahead =
            thread::Builder::new().name("journal-prepare".to_owned()).spawn(move || preparing.run(retry))?;
        thread::Builder::new().name("journal".to_owned()).spawn(move || {
            let ended = block_on(self.run(ThreadPace, observe));
            preparer.close();
            drop(ahead.join());
            ended
        })
    }
}

/// Without a writer nothing will be durable any more: nobody may wait for it, however it ended.
impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.stop();
    }
}

fn is_full(written: &Result<(), LogError>) -> bool {
    written.as_ref().is_err_and(LogError::is_disk_full)
}

fn write(log: &mut Log, records: &mut Records, seal: Seal<'_>) -> Result<(), LogError> {
    if records.left() == 0 { Ok(()) } else { log.write(records, Some(seal)) }
}
