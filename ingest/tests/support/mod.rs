//! An endpoint on a free loopback port over a real journal in a temporary directory, and devices made by hand.

#![allow(dead_code, unreachable_pub, reason = "each test crate uses its own part of it")]

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use citywarden_ingest::endpoint::{Counters, Endpoint, EndpointConfig, RunError, SessionStore};
use citywarden_journal::{
    Body, CheckpointKey, Commit, CommitError, Disk, HostDisk, Inbox, InboxOptions, Journal, JournalOptions,
    LogOptions, Reader, Writer,
};
use citywarden_model::{Clock, DeadLetterReason, Offset, Span, Timestamp};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Longer than anything takes on a busy machine, and longer than any time-out that a test waits for on paused time.
pub const PATIENCE: Duration = Duration::from_mins(10);

pub struct WallClock;

impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "a test's clock, handed in")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap())
    }
}

/// The wall's time, moved on by the test.
#[derive(Default)]
pub struct MovedClock(AtomicI64);

impl MovedClock {
    pub fn advance(&self, by: Span) {
        self.0.fetch_add(by.nanos(), Ordering::Relaxed);
    }
}

impl Clock for MovedClock {
    fn now(&self) -> Timestamp {
        WallClock.now() + Span::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

/// What is left when a service ends.
pub struct Site {
    pub disk: Arc<dyn Disk>,
    pub clock: Arc<MovedClock>,
    dir: tempfile::TempDir,
}

impl Site {
    pub fn new(disk: Arc<dyn Disk>) -> Self {
        Self { disk, clock: Arc::default(), dir: tempfile::tempdir().unwrap() }
    }
    pub fn sessions(&self) -> SessionStore {
        SessionStore {
            disk: self.disk.clone(),
            dir: self.dir.path().join("sessions"),
            name: "test".to_owned(),
            clock: self.clock.clone(),
        }
    }
}

/// Who commits.
#[derive(Clone)]
pub enum Committing {
    /// A thread, whenever something came.
    Always,
    /// The test, by [`Rig::commit`].
    ByHand,
}

pub struct Rig {
    pub counters: Arc<Counters>,
    pub inbox: Inbox,
    pub address: std::net::SocketAddr,
    pub site: Site,
    committing: Committing,
    writer: Option<Writer>,
    writing: Option<std::thread::JoinHandle<Result<(), CommitError>>>,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<Result<(), RunError>>,
}

/// A message as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub topic: String,
    pub identity: String,
    pub qos: u8,
    pub retained: bool,
    pub duplicate: bool,
    pub refused: Option<DeadLetterReason>,
    pub payload: Vec<u8>,
    pub full: Option<u64>,
}

pub fn config() -> EndpointConfig {
    EndpointConfig::new("test".into(), "127.0.0.1:0".parse().unwrap())
}

fn options(inbox: InboxOptions) -> JournalOptions {
    let log = LogOptions { segment_bytes: 8 << 20, ..LogOptions::default() };
    JournalOptions { log, inbox, ..JournalOptions::default() }
}

impl Rig {
    pub async fn start(config: EndpointConfig, committing: Committing) -> Self {
        Self::with(config, committing, InboxOptions::default(), Arc::new(HostDisk)).await
    }
    pub async fn with(
        config: EndpointConfig,
        committing: Committing,
        inbox: InboxOptions,
        disk: Arc<dyn Disk>,
    ) -> Self {
        Self::on(Site::new(disk), config, committing, inbox).await
    }
    /// One on what another has left.
    pub async fn on(site: Site, config: EndpointConfig, committing: Committing, inbox: InboxOptions) -> Self {
        let key = CheckpointKey::from_seed(&[7; 32]);
        let journal = Journal::open(&site.disk, Arc::new(WallClock), site.dir.path(), options(inbox), key);
        let journal = journal.unwrap();
        let (mut writer, mut writing) = (None, None);
        match committing {
            Committing::Always => writing = Some(journal.writer.spawn(|_| {}).unwrap()),
            Committing::ByHand => writer.insert(journal.writer).commit().map(drop).unwrap(),
        }
        let counters = Arc::new(Counters::default());
        let endpoint = Endpoint::bind(config, journal.inbox.clone(), counters.clone(), site.sessions()).await;
        let endpoint = endpoint.unwrap();
        let address = endpoint.local_addr();
        let (stop, stopped) = oneshot::channel::<()>();
        let running = tokio::spawn(endpoint.run(async move { drop(stopped.await) }));
        let (inbox, stop) = (journal.inbox, Some(stop));
        Self { counters, inbox, address, site, committing, writer, writing, stop, running }
    }
    pub fn commit(&mut self) -> Result<Commit, CommitError> {
        self.writer.as_mut().unwrap().commit()
    }
    pub async fn device(&self) -> Device<TcpStream> {
        Device::new(TcpStream::connect(self.address).await.unwrap())
    }
    /// A device that has said hello in version 3.1.1.
    pub async fn v311(&self, id: &str) -> Device<TcpStream> {
        let mut device = self.device().await;
        device.send(&connect(4, id, 60, None)).await;
        device.expect(&[0x20, 2, 0, 0]).await;
        device
    }
    /// A device that has said hello in version 5.
    pub async fn v5(&self, id: &str) -> Device<TcpStream> {
        let mut device = self.device().await;
        device.send(&connect(5, id, 60, None)).await;
        let connack = device.packet().await.unwrap();
        assert_eq!((connack[0], connack[3]), (0x20, 0), "{connack:02x?}");
        device
    }
    pub fn ask_to_stop(&mut self) {
        drop(self.stop.take());
    }
    pub async fn ended(&mut self) -> Result<(), RunError> {
        timeout(PATIENCE, &mut self.running).await.expect("it ends").unwrap()
    }
    /// Killed; what it leaves.
    pub async fn killed(mut self) -> Site {
        self.running.abort();
        drop((&mut self.running).await);
        self.left()
    }
    /// Stopped in order; what it leaves.
    pub async fn stopped(mut self) -> Site {
        self.ask_to_stop();
        self.ended().await.unwrap();
        self.left()
    }
    fn left(self) -> Site {
        self.inbox.close();
        drop(self.writing.map(|writing| writing.join().unwrap()));
        self.site
    }
    /// Another on the directory of one that was killed, at the same address.
    pub async fn restarted(self) -> Self {
        let config = EndpointConfig { listen: self.address, ..config() };
        let committing = self.committing.clone();
        Self::on(self.killed().await, config, committing, InboxOptions::default()).await
    }
    /// What is durable.
    pub fn kept(&self) -> Vec<Kept> {
        kept(&self.site.disk, self.site.dir.path(), self.inbox.committed())
    }
    /// Waits until this holds; it is looked at again after everything that other tasks and threads do.
    pub async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let wait = async {
            while !holds(self) {
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_secs(20), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
    }
}

fn kept(disk: &Arc<dyn Disk>, dir: &Path, up_to: Offset) -> Vec<Kept> {
    let mut reader = Reader::open_oldest(disk, dir).unwrap();
    let mut messages = Vec::new();
    while reader.position() < up_to {
        for record in reader.next_batch(Some(up_to), 1000).unwrap().iter() {
            let Body::Message(message) = record.unwrap().body else { continue };
            messages.push(Kept {
                topic: message.topic.to_owned(),
                identity: message.identity.to_owned(),
                qos: message.qos,
                retained: message.retained,
                duplicate: message.duplicate,
                refused: message.refused,
                payload: message.payload.to_vec(),
                full: message.full.map(|(length, _)| length),
            });
        }
    }
    messages
}

/// A client of hand-made packets.
pub struct Device<S> {
    stream: S,
    received: Vec<u8>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Device<S> {
    pub fn new(stream: S) -> Self {
        Self { stream, received: Vec::new() }
    }
    pub async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }
    /// Sends what the server may refuse to take to its end.
    pub async fn try_send(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok() && self.stream.flush().await.is_ok()
    }
    pub async fn end(&mut self) {
        self.stream.shutdown().await.unwrap();
    }
    /// The next packet, or `None` when the server has closed.
    pub async fn packet(&mut self) -> Option<Vec<u8>> {
        loop {
            if let Some(length) = citywarden_ingest::codec::declared_length(&self.received)
                && self.received.len() >= length
            {
                return Some(self.received.drain(..length).collect());
            }
            let mut bytes = [0; 4096];
            match timeout(PATIENCE, self.stream.read(&mut bytes)).await.expect("an answer in time") {
                Ok(0) | Err(_) => return None,
                Ok(count) => self.received.extend(&bytes[..count]),
            }
        }
    }
    pub async fn expect(&mut self, packet: &[u8]) {
        let found = self.packet().await;
        assert_eq!(found.as_deref(), Some(packet), "{found:02x?} instead of {packet:02x?}");
    }
    /// Nothing is waiting to be read. To be asked only after something that the server does later was seen.
    pub async fn expect_alive(&mut self) {
        self.send(&[0xc0, 0]).await;
        self.expect(&[0xd0, 0]).await;
    }
    pub async fn expect_closed(&mut self) {
        let found = self.packet().await;
        assert_eq!(found, None, "{found:02x?} instead of the end");
    }
}

fn text(text: &str) -> Vec<u8> {
    let mut bytes = u16::try_from(text.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend(text.bytes());
    bytes
}

/// A packet of this first byte and body.
pub fn packet(first: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![first];
    let mut left = body.len();
    while left > 0x7f {
        packet.push(u8::try_from(left & 0x7f).unwrap() | 0x80);
        left >>= 7;
    }
    packet.push(u8::try_from(left).unwrap());
    packet.extend(body);
    packet
}

/// A CONNECT; version 5 without properties.
pub fn connect(level: u8, id: &str, keep_alive_s: u16, login: Option<(&str, &str)>) -> Vec<u8> {
    let mut body = text("MQTT");
    body.extend([level, if login.is_some() { 0xc2 } else { 2 }]);
    body.extend(keep_alive_s.to_be_bytes());
    body.extend((level == 5).then_some(0));
    body.extend(text(id));
    if let Some((name, password)) = login {
        body.extend(text(name));
        body.extend(text(password));
    }
    packet(0x10, &body)
}

/// A PUBLISH; `QoS` 1 with a packet id, 0 without. Version 5 without properties.
pub fn publish(level: u8, topic: &str, packet_id: Option<u16>, payload: &[u8]) -> Vec<u8> {
    let mut body = text(topic);
    body.extend(packet_id.into_iter().flat_map(u16::to_be_bytes));
    body.extend((level == 5).then_some(0));
    body.extend(payload);
    packet(0x30 | if packet_id.is_some() { 2 } else { 0 }, &body)
}

pub fn puback(packet_id: u16) -> [u8; 4] {
    let [high, low] = packet_id.to_be_bytes();
    [0x40, 2, high, low]
}

pub const TOPIC: &str = "citywarden/330624/dust-01/json";
