//! The network between devices and the endpoint: streams of bytes that are late, cut into pieces, reset, or swallowed
//! without a word.
//!
//! As with TCP, the bytes of one connection come in order or not at all. What comes twice or out of turn comes by two
//! connections: the one that the device has given up and whose last bytes are still under way, and the next.

mod wire;

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use citywarden_ingest::endpoint::Door;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Duration, Instant, sleep};

use self::wire::Line;
pub(crate) use self::wire::Wire;
use crate::random::Dice;

/// A device's attempt to connect that nobody answers ends after this.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// The network; clones are the same one.
#[derive(Clone)]
pub(crate) struct Network(Arc<Mutex<State>>);

struct State {
    dice: Dice,
    /// Milliseconds that a piece takes, at least and at most.
    latency_ms: (u64, u64),
    /// Where connections are let in, while somebody listens.
    door: Option<UnboundedSender<(Wire, SocketAddr)>>,
    lines: Vec<Line>,
    /// The devices that nothing reaches, until then.
    parted: Vec<(usize, Instant)>,
    /// Connections made, and pieces sent.
    operations: u64,
    /// The operation that does not come through, and whether anybody hears of it.
    fails_at: Option<(u64, bool)>,
}

/// What becomes of an operation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    ComesThrough,
    Breaks,
    /// It is lost, with everything after it, and nobody hears of it.
    IsLost,
}

impl Network {
    pub(crate) fn new(dice: Dice) -> Self {
        Self(Arc::new(Mutex::new(State {
            dice,
            latency_ms: (1, 20),
            door: None,
            lines: Vec::new(),
            parted: Vec::new(),
            operations: 0,
            fails_at: None,
        })))
    }

    /// Somebody listens from now on, alone.
    pub(crate) fn listen(&self) -> Listening {
        let (sender, receiver) = unbounded_channel();
        self.state().door = Some(sender);
        Listening(tokio::sync::Mutex::new(receiver))
    }

    /// A connection of the device of this number to whoever listens.
    pub(crate) async fn connect(&self, device: usize) -> io::Result<Wire> {
        let latency = self.state().latency(device);
        sleep(latency.unwrap_or(CONNECT_TIMEOUT)).await;
        let fate = self.operate();
        if latency.is_none() || fate == Fate::IsLost {
            return Err(io::ErrorKind::TimedOut.into());
        }
        if fate == Fate::Breaks {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let (near, far) = wire::pair(self, device);
        let mut state = self.state();
        state.lines.retain(Line::is_open);
        state.lines.push(near.line());
        let peer = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let taken = state.door.as_ref().is_some_and(|door| door.send((far, peer)).is_ok());
        if taken { Ok(near) } else { Err(io::ErrorKind::ConnectionRefused.into()) }
    }

    /// Makes every piece take between so many milliseconds from now on.
    pub(crate) fn set_latency(&self, least_ms: u64, most_ms: u64) {
        self.state().latency_ms = (least_ms, most_ms);
    }
    /// Ends every connection of a device, or of all; both sides hear of it, and what is under way is lost.
    pub(crate) fn reset(&self, device: Option<usize>) {
        self.each_line(device, Line::reset);
    }
    /// Swallows from now on what the connections of a device, or of all, carry; nobody hears of it.
    pub(crate) fn swallow(&self, device: Option<usize>) {
        self.each_line(device, Line::swallow);
    }
    /// Lets nothing of a device through for so long: its connections are dead, and it cannot make new ones.
    pub(crate) fn part(&self, device: usize, how_long: Duration) {
        self.state().parted.push((device, Instant::now() + how_long));
        self.swallow(Some(device));
    }
    /// Lets the n-th operation from now (1 is the next one) fail: with it its connection is reset, where anybody is to
    /// hear of it, or dead.
    pub(crate) fn fail_at(&self, n: u64, is_heard: bool) {
        let mut state = self.state();
        state.fails_at = Some((state.operations + n, is_heard));
    }
    /// Operations so far: connections made, and pieces sent over them.
    pub(crate) fn operations(&self) -> u64 {
        self.state().operations
    }
    /// Nobody listens any more.
    pub(crate) fn close_door(&self) {
        self.state().door = None;
    }
    /// Nothing is in the way any more.
    pub(crate) fn heal(&self) {
        let mut state = self.state();
        state.latency_ms = (1, 20);
        state.parted.clear();
        state.fails_at = None;
    }

    fn each_line(&self, device: Option<usize>, act: impl Fn(&Line)) {
        let lines: Vec<Line> = self.state().lines.clone();
        lines.iter().filter(|line| device.is_none_or(|device| line.device == device)).for_each(act);
    }
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
    /// Counts an operation, and says what becomes of it.
    fn operate(&self) -> Fate {
        self.state().operate()
    }
    /// How long the next piece takes.
    fn piece_latency(&self) -> Duration {
        let mut state = self.state();
        let (least, most) = state.latency_ms;
        state.dice.millis(least, most).duration()
    }
    /// How much of so many bytes goes out in one piece.
    fn piece_len(&self, len: usize) -> usize {
        let mut state = self.state();
        if state.dice.percent(20) {
            usize::try_from(state.dice.between(1, len.max(1) as u64)).unwrap_or(len)
        } else {
            len
        }
    }
}

impl State {
    fn operate(&mut self) -> Fate {
        self.operations += 1;
        match self.fails_at {
            Some((at, true)) if at == self.operations => Fate::Breaks,
            Some((at, false)) if at == self.operations => Fate::IsLost,
            _ => Fate::ComesThrough,
        }
    }
    /// How long a device's connecting takes; `None` where nothing of it gets through.
    fn latency(&mut self, device: usize) -> Option<Duration> {
        let now = Instant::now();
        self.parted.retain(|(_, until)| *until > now);
        let is_parted = self.parted.iter().any(|(parted, _)| *parted == device);
        let (least, most) = self.latency_ms;
        let latency = self.dice.millis(least, most).duration();
        (!is_parted).then_some(latency)
    }
}

/// Whoever listens.
pub(crate) struct Listening(tokio::sync::Mutex<UnboundedReceiver<(Wire, SocketAddr)>>);

impl Door for Listening {
    type Stream = Wire;
    async fn accept(&self) -> io::Result<(Wire, SocketAddr)> {
        match self.0.lock().await.recv().await {
            Some(connection) => Ok(connection),
            // another has begun to listen: this one is dead, and is about to find out
            None => std::future::pending().await,
        }
    }
}
