//! One connected client: its socket, its session and the journal's inbox, brought together.
//!
//! One task a connection, and in it one loop: acknowledge what was committed, take in what was received, write, read.
//! It sleeps until one of the things it waits for happens: bytes, room to write, a commit, room in the inbox, or time.
//! What cannot be taken in stays in the read buffer; when that is full the socket is not read, and the device keeps
//! what it has.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::{Duration, Instant, Sleep, sleep_until, timeout};

use super::intake::Intake;
use super::outgoing::Outgoing;
use super::read_buffer::ReadBuffer;
use super::session::{ANSWER_BYTES_MAX, End, Halt, Session};
use super::shared::Shared;
use crate::codec::{declared_length, write_disconnect};

/// Unfinished packets up to this size are looked at whenever bytes come; larger ones when they have doubled, so that
/// a packet that comes byte by byte cannot make its prefix be read over and over.
const EAGER_BYTES: usize = 4096;
/// No deadline is looked at later than this after it has passed, but a keep-alive's, which is looked at in time.
const CHECK_EVERY: Duration = Duration::from_secs(15);
/// A connection that needs a large buffer while there is none looks again after this.
const LARGE_BUFFER_RETRY: Duration = Duration::from_millis(100);
/// For a last word to be taken, and for the client's side to be closed after ours.
const FAREWELL: Duration = Duration::from_secs(1);
/// Bytes of a client that are thrown away to let it read the last word.
const FAREWELL_BYTES_MAX: usize = 4 * 1024 * 1024;

/// One connected client.
pub(crate) struct Connection<S> {
    stream: S,
    shared: Arc<Shared>,
    session: Session,
    intake: Intake,
    buffer: ReadBuffer,
    out: Outgoing,
    /// One and a half times the keep-alive in force.
    silence_max: Duration,
    last_heard: Instant,
    /// Since when the packet at the front of the buffer is unfinished.
    unfinished_since: Option<Instant>,
    /// The buffer is not looked at before it holds so many bytes.
    look_at: usize,
    /// Bytes at the front of the buffer in which pings were answered while messages wait.
    pings_answered_to: usize,
    timer: Pin<Box<Sleep>>,
    waits_for_room: bool,
    /// Nothing more is read: it would have no place.
    reads: Reads,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reads {
    On,
    /// Not now: what was read must be taken in first.
    Held,
    /// The client has closed its side.
    Ended,
    /// This server is stopping.
    Stopped,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    pub(crate) fn new(
        stream: S,
        shared: Arc<Shared>,
        session: Session,
        intake: Intake,
        buffer: ReadBuffer,
        keep_alive_s: u16,
    ) -> Self {
        let now = Instant::now();
        let silence_max = Duration::from_secs(keep_alive_s.into()) * 3 / 2;
        Self {
            stream,
            shared,
            session,
            intake,
            buffer,
            out: Outgoing::default(),
            silence_max,
            last_heard: now,
            unfinished_since: None,
            look_at: 0,
            pings_answered_to: 0,
            timer: Box::pin(sleep_until(now + silence_max.min(CHECK_EVERY))),
            waits_for_room: false,
            reads: Reads::On,
        }
    }

    /// Takes in nothing more; what is in flight is still acknowledged.
    pub(crate) fn stop_reading(&mut self) {
        self.reads = Reads::Stopped;
        self.intake.leave_queue();
    }

    /// Seconds that its session is to be kept, where the client said so at the end.
    pub(crate) const fn expiry_at_disconnect_s(&self) -> Option<u32> {
        self.session.expiry_at_disconnect_s()
    }

    /// Serves the client until one side has had enough.
    pub(crate) async fn run(&mut self) -> End {
        std::future::poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<End> {
        loop {
            match self.step(cx) {
                Ok(true) => {}
                Ok(false) => return Poll::Pending,
                Err(end) => return Poll::Ready(end),
            }
        }
    }

    /// Does what can be done now; whether there was anything.
    fn step(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        let acknowledged = self.acknowledge(cx)?;
        let taken_in = self.take_in(cx)?;
        self.write(cx)?;
        if self.has_nothing_left() {
            return Err(End::Left);
        }
        Ok(acknowledged | taken_in | self.read(cx)? | self.look_at_time(cx)?)
    }

    fn acknowledge(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        let Some(offset) = self.session.awaited() else { return Ok(false) };
        match self.intake.poll_committed(cx, offset) {
            Poll::Pending => Ok(false),
            Poll::Ready(None) => Err(End::JournalStopped),
            Poll::Ready(Some(committed)) => {
                self.session.acknowledge(committed, &mut self.out.bytes);
                Ok(true)
            }
        }
    }

    fn take_in(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        if self.reads == Reads::Stopped || self.buffer.len() == 0 || self.buffer.len() < self.look_at {
            return Ok(false);
        }
        if self.waits_for_room && self.intake.poll_room(cx).is_pending() {
            self.answer_pings();
            return Ok(false);
        }
        self.waits_for_room = false;
        let (bytes, out) = (self.buffer.filled(), &mut self.out.bytes);
        let (done, halt) = self.intake.batch(|append| self.session.take_in(bytes, out, append));
        if done > 0 {
            self.taken(done);
        }
        match halt {
            Halt::NeedsMore => self.wait_for_bytes(),
            Halt::InboxFull => self.waits_for_room = true,
            Halt::Unanswered => self.answer_pings(),
            Halt::Over(end) => return Err(end),
        }
        Ok(done > 0 || halt == Halt::InboxFull)
    }

    fn taken(&mut self, bytes: usize) {
        self.buffer.consume(bytes);
        self.last_heard = Instant::now();
        self.unfinished_since = None;
        self.pings_answered_to = 0;
        self.look_at = 0;
        if self.reads == Reads::Held {
            self.reads = Reads::On;
        }
    }

    fn wait_for_bytes(&mut self) {
        let len = self.buffer.len();
        if len == 0 {
            return;
        }
        self.unfinished_since.get_or_insert_with(Instant::now);
        self.look_at = match declared_length(self.buffer.filled()) {
            Some(whole) if len > EAGER_BYTES => whole.min(len * 2),
            _ => len + 1,
        };
    }

    fn answer_pings(&mut self) {
        let before = self.buffer.len();
        let from = self.pings_answered_to;
        self.pings_answered_to = self.session.answer_pings(&mut self.buffer, from, &mut self.out.bytes);
        if self.pings_answered_to > from || self.buffer.len() < before {
            self.last_heard = Instant::now();
        }
    }

    fn write(&mut self, cx: &mut Context<'_>) -> Result<(), End> {
        if self.out.is_empty() {
            return Ok(());
        }
        match self.out.poll_write(&mut self.stream, cx) {
            Poll::Ready(Err(_)) => Err(End::Left),
            Poll::Ready(Ok(())) | Poll::Pending => Ok(()),
        }
    }

    /// Nothing comes, and nothing has to go.
    fn has_nothing_left(&self) -> bool {
        matches!(self.reads, Reads::Ended | Reads::Stopped)
            && self.session.awaited().is_none()
            && self.out.is_empty()
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        if !matches!(self.reads, Reads::On | Reads::Held) || self.out.bytes.len() >= ANSWER_BYTES_MAX {
            return Ok(false);
        }
        let whole = declared_length(self.buffer.filled()).unwrap_or(0);
        if !self.buffer.make_room(whole) {
            self.hold();
            return Ok(false);
        }
        self.reads = Reads::On;
        let mut vacant = ReadBuf::new(self.buffer.vacant());
        match Pin::new(&mut self.stream).poll_read(cx, &mut vacant) {
            Poll::Pending => return Ok(false),
            Poll::Ready(Err(_)) => return Err(End::Left),
            Poll::Ready(Ok(())) => {}
        }
        let count = vacant.filled().len();
        self.buffer.fill(count);
        if count == 0 {
            self.reads = Reads::Ended;
        }
        Ok(true)
    }

    fn hold(&mut self) {
        if self.buffer.len() < self.look_at {
            // the packet at the front has no room yet: other connections hold the large buffers
            self.timer.as_mut().reset(Instant::now() + LARGE_BUFFER_RETRY);
        }
        self.reads = Reads::Held;
    }

    /// Ends the connection if a deadline has passed; otherwise the timer is set to the next.
    fn look_at_time(&mut self, cx: &mut Context<'_>) -> Result<bool, End> {
        if self.timer.as_mut().poll(cx).is_pending() {
            return Ok(false);
        }
        let now = Instant::now();
        let limits = &self.shared.config.limits;
        let counters = &self.shared.counters;
        if self.out.stalled_since.is_some_and(|since| now >= since + limits.write_timeout) {
            counters.slow_readers.increment();
            return Err(End::Left);
        }
        if self.reads == Reads::Held || self.waits_for_room {
            // not read, or not taken in: so it cannot be heard
            self.last_heard = now;
            self.unfinished_since = self.unfinished_since.map(|_| now);
        }
        if now >= self.last_heard + self.silence_max {
            counters.keep_alive_expired.increment();
            return Err(End::Told(crate::codec::Reason::KEEP_ALIVE_TIMEOUT));
        }
        if self.unfinished_since.is_some_and(|since| now >= since + limits.packet_timeout) {
            counters.timed_out.increment();
            return Err(End::Told(crate::codec::Reason::PROTOCOL_ERROR));
        }
        let next = (self.last_heard + self.silence_max).min(now + CHECK_EVERY);
        self.timer.as_mut().reset(next);
        Ok(true)
    }

    /// Says the last word, if there is one, and closes.
    pub(crate) async fn close(mut self, end: End) {
        if let End::Told(reason) = end {
            write_disconnect(&mut self.out.bytes, self.session.version, reason);
        }
        if end == End::JournalStopped {
            write_disconnect(
                &mut self.out.bytes,
                self.session.version,
                crate::codec::Reason::SERVER_UNAVAILABLE,
            );
        }
        let Self { stream, out, .. } = self;
        if end != End::Left || !out.is_empty() {
            say_farewell(stream, out).await;
        }
    }
}

/// Writes what is left and closes this side, then waits a little for the client to close its own: if it were cut
/// off while it still sends, its system would throw away the last word unread.
pub(crate) async fn say_farewell<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, mut out: Outgoing) {
    let farewell = async {
        std::future::poll_fn(|cx| out.poll_write(&mut stream, cx)).await?;
        stream.shutdown().await?;
        let mut left = FAREWELL_BYTES_MAX;
        let mut bytes = [0; 4096];
        while left > 0 {
            match stream.read(&mut bytes).await? {
                0 => break,
                count => left = left.saturating_sub(count),
            }
        }
        io::Result::Ok(())
    };
    if !matches!(timeout(FAREWELL, farewell).await, Ok(Ok(()))) {
        tracing::trace!("the client left before the last word, or stays after it");
    }
}
