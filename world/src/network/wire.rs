//! One connection.

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use citywarden_ingest::endpoint::Socket;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::{Fate, Network};

/// What may be under way in one direction before the writer has to wait.
const WINDOW_BYTES: usize = 16 * 1024;

/// One side of a connection.
pub(crate) struct Wire {
    network: Network,
    line: Line,
    reads: Shared,
    writes: Shared,
    arrival: Pin<Box<Sleep>>,
}

/// A hold on a connection, for whoever disturbs it.
#[derive(Clone)]
pub(crate) struct Line {
    pub(crate) device: usize,
    ways: [Shared; 2],
}

type Shared = Arc<Mutex<Way>>;

/// One direction.
#[derive(Default)]
struct Way {
    pieces: VecDeque<(Instant, Vec<u8>)>,
    bytes: usize,
    latest: Option<Instant>,
    state: State,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Open,
    /// The writer has ended it; what is under way still comes.
    Ended,
    /// Both sides are told.
    Reset,
    /// Nobody is told.
    Swallowing,
}

/// The two sides of a new connection: the device's and the endpoint's.
pub(super) fn pair(network: &Network, device: usize) -> (Wire, Wire) {
    let ways = [Shared::default(), Shared::default()];
    let [up, down] = ways.clone();
    let line = Line { device, ways };
    let side = |reads: &Shared, writes: &Shared| Wire {
        network: network.clone(),
        line: line.clone(),
        reads: Arc::clone(reads),
        writes: Arc::clone(writes),
        arrival: Box::pin(sleep_until(Instant::now())),
    };
    (side(&down, &up), side(&up, &down))
}

impl Line {
    pub(super) fn is_open(&self) -> bool {
        self.ways.iter().all(|way| lock(way).state == State::Open)
    }
    pub(super) fn reset(&self) {
        self.ways.iter().for_each(|way| lock(way).become_state(State::Reset));
    }
    pub(super) fn swallow(&self) {
        self.ways.iter().for_each(|way| lock(way).become_state(State::Swallowing));
    }
}

impl Way {
    fn become_state(&mut self, state: State) {
        if matches!(self.state, State::Reset | State::Swallowing) {
            return;
        }
        self.state = state;
        if state != State::Ended {
            self.pieces.clear();
            self.bytes = 0;
        }
        for waker in [self.reader.take(), self.writer.take()].into_iter().flatten() {
            waker.wake();
        }
    }
}

fn lock(way: &Shared) -> MutexGuard<'_, Way> {
    way.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Wire {
    pub(super) fn line(&self) -> Line {
        self.line.clone()
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let shared = Arc::clone(&self.reads);
        loop {
            let mut way = lock(&shared);
            way.reader = Some(context.waker().clone());
            if way.state == State::Reset {
                return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
            }
            let Some((arrival, bytes)) = way.pieces.front_mut() else {
                return if way.state == State::Ended { Poll::Ready(Ok(())) } else { Poll::Pending };
            };
            if *arrival <= Instant::now() {
                let count = bytes.len().min(buffer.remaining());
                buffer.put_slice(&bytes.drain(..count).collect::<Vec<u8>>());
                if bytes.is_empty() {
                    way.pieces.pop_front();
                }
                way.bytes -= count;
                if let Some(writer) = way.writer.take() {
                    writer.wake();
                }
                return Poll::Ready(Ok(()));
            }
            let arrival = *arrival;
            drop(way);
            self.arrival.as_mut().reset(arrival);
            if self.arrival.as_mut().poll(context).is_pending() {
                return Poll::Pending;
            }
        }
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.network.operate() {
            Fate::ComesThrough => {}
            Fate::Breaks => self.line.reset(),
            Fate::IsLost => self.line.swallow(),
        }
        let mut way = lock(&self.writes);
        match way.state {
            State::Reset | State::Ended => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            State::Swallowing => return Poll::Ready(Ok(bytes.len())),
            State::Open => {}
        }
        if way.bytes >= WINDOW_BYTES {
            way.writer = Some(context.waker().clone());
            return Poll::Pending;
        }
        let len = self.network.piece_len(bytes.len());
        let piece = bytes.get(..len).unwrap_or(bytes).to_vec();
        let arrival = Instant::now() + self.network.piece_latency();
        let arrival = way.latest.map_or(arrival, |latest| latest.max(arrival));
        way.latest = Some(arrival);
        way.bytes += piece.len();
        way.pieces.push_back((arrival, piece));
        if let Some(reader) = way.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(len))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        lock(&self.writes).become_state(State::Ended);
        Poll::Ready(Ok(()))
    }
}

/// Closing one's side: the other reads to the end, and cannot write any more.
impl Drop for Wire {
    fn drop(&mut self) {
        lock(&self.writes).become_state(State::Ended);
        let mut way = lock(&self.reads);
        if way.state != State::Swallowing {
            way.pieces.clear();
            way.bytes = 0;
        }
        way.become_state(State::Ended);
    }
}

impl Socket for Wire {}
