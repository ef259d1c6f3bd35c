//! Where messages come in: encoded once, under a short lock, into the buffer the writer will write from.
//!
//! Two buffers take turns: while the writer writes and syncs one, the other fills. So a commit holds whatever arrived
//! during the one before, and nobody waits on purpose.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use citywarden_model::{Clock, Digest, Offset, Span, Timestamp};

use crate::committed::{Committed, Stopped, WaitCommitted};
use crate::control::Control;
use crate::log::records::Records;
use crate::record::Message;
use crate::room::{Queue, Room};

/// How far the clock may be set back before a record says so.
const CLOCK_STEP_MIN: Span = Span::from_secs(1);
/// No two messages come at one time: what a device says without a time of its own was observed when it came, and of two
/// observations at one time only the later would count.
const MESSAGES_APART: Span = Span::from_nanos(1);
/// A tick is due when nothing came for a second, less what a caller's timer may be early.
const TICK_AFTER: Span = Span::from_millis(900);

/// Takes messages in; one of many handles to the same journal.
#[derive(Clone)]
pub struct Inbox(Arc<Shared>);

/// A message the journal did not take.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Retry: as much waits for the disk as may. Stop reading, and wait for [`Inbox::room`].
    #[error("the journal's inbox is full")]
    Full,
    /// Retry: the disk is full. Stop reading, and wait for [`Inbox::room`].
    #[error("the journal's disk is full")]
    DiskFull,
    /// Halt: the disk failed, or the journal was closed. Nothing will be acknowledged any more.
    #[error("the journal has stopped")]
    Stopped,
    /// Reject: no record may be so large; keep its beginning and digest instead.
    #[error("a record of {len} bytes, expected at most {max}")]
    TooLarge {
        /// Its length.
        len: usize,
        /// The limit.
        max: usize,
    },
}

/// Default of [`InboxOptions::absence_min`]: ten ticks.
const ABSENCE_MIN: Span = Span::from_secs(10);

/// How much may wait for the disk, and when nobody listened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InboxOptions {
    /// Bytes of encoded records. Default 8 MiB, about twice what a commit takes at most.
    pub bytes_max: usize,
    /// Records. Default 65 536.
    pub records_max: usize,
    /// Where nothing was taken in for longer than this, ticks neither, nobody listened: the machine slept, or its clock
    /// jumped ahead. By the journal's clock. Default 10 s.
    pub absence_min: Span,
}

/// What waits for the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Waiting {
    /// Records.
    pub records: usize,
    /// Their bytes, encoded.
    pub bytes: usize,
}

impl Default for InboxOptions {
    fn default() -> Self {
        Self { bytes_max: 8 << 20, records_max: 65_536, absence_min: ABSENCE_MIN }
    }
}

pub(crate) struct Shared {
    clock: Arc<dyn Clock>,
    options: InboxOptions,
    record_bytes_max: usize,
    state: Mutex<State>,
    checkpoint_wanted: AtomicBool,
    pub(crate) committed: Committed,
}

struct State {
    records: Records,
    next: Offset,
    /// Of the last record.
    received_at: Timestamp,
    /// What the clock showed last; goes back with it.
    clock_read: Timestamp,
    condition: Condition,
    /// Whether anything was taken in since the start, which says itself how long nobody listened before it.
    is_begun: bool,
    absence_min: Span,
    foreign_head: Option<Digest>,
    room: Queue,
    /// The largest record refused since there was last more room: with less than that nobody is called back.
    refused_len: usize,
    /// The writer, where it sleeps.
    writer: Option<Waker>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Condition {
    Open,
    DiskFull,
    /// Takes nothing more; what is in it is still written.
    Closed,
    Stopped,
}

/// What the writer took over.
pub(crate) struct Taken {
    pub(crate) now: Timestamp,
    pub(crate) foreign_head: Option<Digest>,
}

/// What the thread of the writer does next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Next {
    Commit,
    End,
}

impl Inbox {
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        options: InboxOptions,
        record_bytes_max: usize,
        next: Offset,
        last_received_at: Timestamp,
    ) -> Self {
        let clock_read = clock.now();
        let state = State {
            records: Records::default(),
            next,
            received_at: last_received_at,
            // A clock that was set back while we were down is as much a step as one while we run.
            clock_read: clock_read.max(last_received_at),
            condition: Condition::Open,
            is_begun: false,
            absence_min: options.absence_min,
            foreign_head: None,
            room: Queue::default(),
            refused_len: 0,
            writer: None,
        };
        Self(Arc::new(Shared {
            clock,
            options,
            record_bytes_max,
            state: Mutex::new(state),
            checkpoint_wanted: AtomicBool::new(false),
            committed: Committed::new(next),
        }))
    }

    pub(crate) fn shared(&self) -> Arc<Shared> {
        Arc::clone(&self.0)
    }

    /// Takes a message in and gives it its offset. It is durable, and may be acknowledged, when [`Inbox::committed`]
    /// is past that.
    pub fn append(&self, message: &Message<'_>) -> Result<Offset, AppendError> {
        let max = self.0.record_bytes_max;
        let len = message.encoded_len().filter(|len| *len <= max);
        let Some(len) = len else {
            let len =
                message.payload.len() + message.topic.len() + message.identity.len() + message.source.len();
            return Err(AppendError::TooLarge { len, max });
        };
        let mut state = self.0.lock();
        self.0.admit(&mut state, len)?;
        let now = self.0.clock.now();
        let offset = state.push_message(now, message);
        let writer = state.writer.take();
        drop(state);
        wake(writer);
        Ok(offset)
    }

    /// Takes in as many messages as `fill` appends, under one lock and with one look at the clock: for a source that finds
    /// many in one read. What `fill` does besides, everybody else waits for.
    pub fn append_batch<T>(&self, fill: impl FnOnce(&mut InboxBatch<'_>) -> T) -> T {
        let mut state = self.0.lock();
        let now = self.0.clock.now();
        let outcome = fill(&mut InboxBatch { shared: &self.0, state: &mut state, now });
        let writer = if state.records.left() > 0 { state.writer.take() } else { None };
        drop(state);
        wake(writer);
        outcome
    }

    /// Takes a control record in. Its `received_at` is given along: from there on it is in force. While the disk is full
    /// that is the time of the last message: the journal's time stands still.
    pub fn append_control(&self, control: &Control<'_>) -> Result<(Offset, Timestamp), AppendError> {
        let mut state = self.0.lock();
        match state.condition {
            Condition::Closed | Condition::Stopped => return Err(AppendError::Stopped),
            // Few and small: they wait with the rest.
            Condition::Open | Condition::DiskFull => {}
        }
        let placed = state.push_control(self.0.clock.now(), control);
        let writer = state.writer.take();
        drop(state);
        wake(writer);
        Ok(placed)
    }

    /// To be called each second: writes a tick where nothing else was taken in since the last call.
    pub fn tick(&self) -> Result<Option<Offset>, AppendError> {
        let mut state = self.0.lock();
        self.0.admit(&mut state, 0)?;
        let now = self.0.clock.now();
        if now.since(state.received_at) < TICK_AFTER {
            return Ok(None);
        }
        let (offset, _) = state.push_control(now, &Control::Tick);
        let writer = state.writer.take();
        drop(state);
        wake(writer);
        Ok(Some(offset))
    }

    /// The offset up to which everything is durable: a record is when this is past its offset.
    pub fn committed(&self) -> Offset {
        self.0.committed.get()
    }

    /// Waits until the record at `offset` is durable; gives [`Inbox::committed`].
    pub fn durable(&self, offset: Offset) -> WaitCommitted {
        WaitCommitted::new(self.shared(), offset)
    }

    /// Blocks until the record at `offset` is durable or the time is over; gives [`Inbox::committed`] either way.
    pub fn wait_past(&self, offset: Offset, timeout: Duration) -> Result<Offset, Stopped> {
        self.0.committed.block(offset, timeout)
    }

    /// Waits until there is room after [`AppendError::Full`] or [`AppendError::DiskFull`].
    pub fn room(&self) -> Room {
        Room::new(self.shared())
    }

    /// Signs a checkpoint with the next commit, or alone where nothing comes: an alert opened.
    pub fn request_checkpoint(&self) {
        let mut state = self.0.lock();
        self.0.checkpoint_wanted.store(true, Ordering::Release);
        let writer = state.writer.take();
        drop(state);
        wake(writer);
    }

    /// From now on checkpoints sign this head of the alert log along.
    pub fn set_foreign_head(&self, head: Digest) {
        self.0.lock().foreign_head = Some(head);
    }

    /// What waits for the disk, and is not being written yet.
    pub fn waiting(&self) -> Waiting {
        let state = self.0.lock();
        Waiting { records: state.records.left(), bytes: state.records.bytes_len() }
    }

    /// Whether the writer waits for room on the disk: nothing is acknowledged meanwhile.
    pub fn is_disk_full(&self) -> bool {
        self.0.lock().condition == Condition::DiskFull
    }

    /// Whether the journal stopped for good.
    pub fn is_stopped(&self) -> bool {
        self.0.committed.is_stopped()
    }

    /// Writes the last control record and takes nothing more; the writer ends when all of it is durable and signed.
    pub fn close(&self) {
        let mut state = self.0.lock();
        if matches!(state.condition, Condition::Open | Condition::DiskFull) {
            state.push_control(self.0.clock.now(), &Control::Stopping);
            state.condition = Condition::Closed;
            self.0.checkpoint_wanted.store(true, Ordering::Release);
        }
        let writer = state.writer.take();
        drop(state);
        wake(writer);
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn admit(&self, state: &mut State, len: usize) -> Result<(), AppendError> {
        match state.condition {
            Condition::Closed | Condition::Stopped => Err(AppendError::Stopped),
            Condition::DiskFull => Err(AppendError::DiskFull),
            Condition::Open if !self.has_room(state, len) => {
                state.refused_len = state.refused_len.max(len);
                Err(AppendError::Full)
            }
            Condition::Open => Ok(()),
        }
    }

    /// Hands out the queue for room.
    pub(crate) fn with_queue<T>(&self, act: impl FnOnce(&mut Queue) -> T) -> T {
        act(&mut self.lock().room)
    }
    /// The same, with whether what was refused would be taken in now.
    pub(crate) fn with_admission<T>(&self, act: impl FnOnce(Result<(), AppendError>, &mut Queue) -> T) -> T {
        let mut state = self.lock();
        let wanted = state.refused_len.max(1);
        let admission = self.admit(&mut state, wanted);
        act(admission, &mut state.room)
    }

    // An empty inbox takes any record, so that a small limit cannot shut out a large record for ever.
    fn has_room(&self, state: &State, len: usize) -> bool {
        state.records.left() == 0
            || (state.records.left() < self.options.records_max
                && state.records.bytes_len() + len <= self.options.bytes_max)
    }

    /// Hands what arrived to the writer, in exchange for an empty buffer.
    pub(crate) fn take(&self, records: &mut Records) -> Taken {
        let mut state = self.lock();
        if records.left() == 0 {
            records.clear();
            std::mem::swap(&mut state.records, records);
            state.refused_len = 0;
        }
        let taken = Taken { now: self.clock.now(), foreign_head: state.foreign_head };
        let first = state.room.first().filter(|_| state.condition != Condition::DiskFull);
        drop(state);
        wake(first);
        taken
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }
    pub(crate) fn is_checkpoint_wanted(&self) -> bool {
        self.checkpoint_wanted.load(Ordering::Acquire)
    }
    pub(crate) fn checkpoint_written(&self) {
        self.checkpoint_wanted.store(false, Ordering::Release);
    }

    /// Says whether the disk is full; those who wait for room hear when it no longer is, and so does the journal.
    pub(crate) fn set_disk_full(&self, full: bool) {
        let mut state = self.lock();
        match (state.condition, full) {
            (Condition::Open, true) => state.condition = Condition::DiskFull,
            (Condition::DiskFull, false) => {
                state.condition = Condition::Open;
                state.pass_to(self.clock.now(), true);
            }
            _ => return,
        }
        let first = state.room.first().filter(|_| !full);
        drop(state);
        wake(first);
    }

    /// Nothing will be durable any more: everybody who waits hears it.
    pub(crate) fn stop(&self) {
        let mut state = self.lock();
        state.condition = Condition::Stopped;
        let waiting = state.room.clear();
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
        self.committed.stop();
    }

    /// What the writer does next; until there is something it is woken when that may have changed. `unwritten`: it
    /// still has records.
    pub(crate) fn poll_work(&self, context: &Context<'_>, unwritten: bool) -> Poll<Next> {
        let mut state = self.lock();
        let is_empty = state.records.left() == 0 && !unwritten;
        if !is_empty {
            return Poll::Ready(Next::Commit);
        }
        if state.condition == Condition::Closed {
            return Poll::Ready(Next::End);
        }
        if self.is_checkpoint_wanted() {
            return Poll::Ready(Next::Commit);
        }
        state.writer = Some(context.waker().clone());
        Poll::Pending
    }

    /// Ready when the inbox is closed.
    pub(crate) fn poll_closed(&self, context: &Context<'_>) -> Poll<()> {
        let mut state = self.lock();
        if state.condition == Condition::Closed {
            return Poll::Ready(());
        }
        state.writer = Some(context.waker().clone());
        Poll::Pending
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.lock().condition == Condition::Closed
    }
}

/// Wakes somebody who sleeps: a system call.
fn wake(sleeper: Option<Waker>) {
    if let Some(sleeper) = sleeper {
        sleeper.wake();
    }
}

impl State {
    /// The clock shows this now. Where it was set back, or nobody listened meanwhile, a record says so.
    fn pass_to(&mut self, now: Timestamp, nobody_listened: bool) {
        let from = std::mem::replace(&mut self.clock_read, now);
        let last_received_at = self.received_at;
        self.received_at = last_received_at.max(now);
        let passed = self.received_at.since(last_received_at);
        if nobody_listened || (self.is_begun && passed > self.absence_min) {
            self.note(&Control::Resumed { last_received_at });
        }
        if from.since(now) > CLOCK_STEP_MIN {
            self.note(&Control::ClockStep { from, to: now });
        }
        self.is_begun = true;
    }

    fn note(&mut self, control: &Control<'_>) {
        let received_at = self.received_at;
        self.records.push(|bytes| control.encode(received_at, bytes));
        self.next = self.next.next();
    }

    fn push_message(&mut self, now: Timestamp, message: &Message<'_>) -> Offset {
        self.push(now, MESSAGES_APART, |received_at, bytes| message.encode(received_at, bytes)).0
    }

    fn push_control(&mut self, now: Timestamp, control: &Control<'_>) -> (Offset, Timestamp) {
        self.push(now, Span::ZERO, |received_at, bytes| control.encode(received_at, bytes))
    }

    /// Adds a record, that came so long after the one before at the least.
    fn push(
        &mut self,
        now: Timestamp,
        apart: Span,
        encode: impl FnOnce(Timestamp, &mut Vec<u8>),
    ) -> (Offset, Timestamp) {
        let earliest = self.received_at + apart;
        // while nothing is taken in no time passes, so that it is nobody's silence
        if self.condition != Condition::DiskFull {
            self.pass_to(now, false);
        }
        self.received_at = self.received_at.max(earliest);
        let received_at = self.received_at;
        self.records.push(|bytes| encode(received_at, bytes));
        let offset = self.next;
        self.next = offset.next();
        (offset, received_at)
    }
}

/// The inbox while a batch is put into it; see [`Inbox::append_batch`].
pub struct InboxBatch<'i> {
    shared: &'i Shared,
    state: &'i mut State,
    now: Timestamp,
}

impl InboxBatch<'_> {
    /// As [`Inbox::append`].
    pub fn append(&mut self, message: &Message<'_>) -> Result<Offset, AppendError> {
        let max = self.shared.record_bytes_max;
        let Some(len) = message.encoded_len().filter(|len| *len <= max) else {
            let len =
                message.payload.len() + message.topic.len() + message.identity.len() + message.source.len();
            return Err(AppendError::TooLarge { len, max });
        };
        self.shared.admit(self.state, len)?;
        Ok(self.state.push_message(self.now, message))
    }
}
