//! One connection of a load.

use std::sync::Arc;
use std::time::Duration;

use citywarden_model::{Clock, Span, Timestamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

use super::pace::Pace;
use super::packet::{self, CONNACK_ACCEPTED, DISCONNECT, PUBACK_HEAD, PUBACK_LEN, Template};
use super::window::Window;
use super::{Load, LoadError, LoadReport};

/// Different readings.
const TEMPLATES: u32 = 64;
/// How often it is looked what has fallen due.
const LOOK_EVERY: Duration = Duration::from_millis(2);
/// Read at once: a thousand acknowledgements.
const READ_LEN: usize = 4 * 1_024;

pub(super) struct Connection {
    number: u32,
    address: String,
    hello: Vec<u8>,
    clock: Arc<dyn Clock>,
    /// A place for each that may greet at the same time.
    greeting: Arc<Semaphore>,
    templates: Vec<Template>,
    window: Window,
    /// Messages that are still to be written.
    left: u64,
    /// Messages a second; `None`: as the window lets through.
    per_second: Option<f64>,
    pace: Option<Pace>,
    for_at_most: Option<Span>,
    ends: Option<Timestamp>,
    first_device: u32,
    devices: u32,
    /// Written and not yet taken by the socket.
    out: Vec<u8>,
    taken: usize,
    /// Read and not yet a whole acknowledgement.
    torn: Vec<u8>,
    report: LoadReport,
}

impl Connection {
    pub(super) fn new(load: &Load, number: u32, clock: Arc<dyn Clock>, greeting: Arc<Semaphore>) -> Self {
        let share = load.messages / u64::from(load.connections);
        let rest = load.messages % u64::from(load.connections);
        Self {
            number,
            address: load.address.clone(),
            hello: packet::connect(&format!("load-connection-{number}"), load.credentials.as_ref()),
            clock,
            greeting,
            templates: (0..TEMPLATES).map(|n| Template::new(&load.region, number * 7 + n)).collect(),
            window: Window::new(load.window),
            left: share + u64::from(u64::from(number) < rest),
            per_second: load.rate.map(|rate| f64::from(rate) / f64::from(load.connections)),
            pace: None,
            for_at_most: load.for_at_most,
            ends: None,
            first_device: number * load.devices_each,
            devices: load.devices_each,
            out: Vec::new(),
            taken: 0,
            torn: Vec::with_capacity(READ_LEN + PUBACK_LEN),
            report: LoadReport::default(),
        }
    }

    pub(super) async fn run(mut self) -> Result<LoadReport, LoadError> {
        let mut socket = self.greet().await?;
        let (mut reader, mut writer) = socket.split();
        let mut read = [0; READ_LEN];
        let begun = self.clock.now();
        self.pace = self.per_second.map(|per_second| Pace { begun, per_second });
        self.ends = self.for_at_most.map(|span| begun + span);
        self.fill();
        while self.left > 0 || self.report.acknowledged < self.report.sent {
            // writes never wait for reads: the other side may stop reading until its acknowledgements are taken
            tokio::select! {
                len = reader.read(&mut read) => {
                    let len = len.map_err(|source| self.network(source))?;
                    self.take(read.get(..len).unwrap_or_default())?;
                    self.fill();
                }
                len = writer.write(self.out.get(self.taken..).unwrap_or_default()),
                    if self.taken < self.out.len() =>
                {
                    self.taken += len.map_err(|source| self.network(source))?;
                }
                () = tokio::time::sleep(LOOK_EVERY), if self.pace.is_some() && self.left > 0 => self.fill(),
            }
        }
        writer.write_all(&DISCONNECT).await.map_err(|source| self.network(source))?;
        Ok(self.report)
    }

    async fn greet(&self) -> Result<TcpStream, LoadError> {
        let network = |source| self.network(source);
        let _place = self.greeting.acquire().await.expect("nobody closes it");
        let mut socket = TcpStream::connect(&self.address).await.map_err(network)?;
        socket.set_nodelay(true).map_err(network)?;
        socket.write_all(&self.hello).await.map_err(network)?;
        let mut answer = [0; CONNACK_ACCEPTED.len()];
        socket.read_exact(&mut answer).await.map_err(network)?;
        if answer != CONNACK_ACCEPTED {
            return Err(self.protocol(format!("{answer:02x?} to CONNECT, expected {CONNACK_ACCEPTED:02x?}")));
        }
        Ok(socket)
    }

    /// Writes as many messages as are due and the window has room for.
    fn fill(&mut self) {
        if self.taken >= self.out.len() / 2 {
            self.out.drain(..self.taken);
            self.taken = 0;
        }
        let now = self.clock.now();
        if self.ends.is_some_and(|ends| now >= ends) {
            self.left = 0;
        }
        let before = self.out.len();
        let due = self.pace.map_or(u64::MAX, |pace| pace.due(now));
        while self.left > 0 && self.report.sent < due {
            let Some(id) = self.window.take(now) else { break };
            let turn = u32::try_from(self.report.sent % u64::from(self.devices)).unwrap_or(0);
            let place = usize::try_from(self.report.sent).unwrap_or(0) % self.templates.len();
            if let Some(template) = self.templates.get(place) {
                template.write(&mut self.out, id, self.first_device + turn, now);
            }
            self.left -= 1;
            self.report.sent += 1;
        }
        self.report.bytes += (self.out.len() - before) as u64;
    }

    fn take(&mut self, read: &[u8]) -> Result<(), LoadError> {
        if read.is_empty() {
            return Err(self.protocol("closed with messages in flight".to_owned()));
        }
        let now = self.clock.now();
        let mut torn = std::mem::take(&mut self.torn);
        torn.extend_from_slice(read);
        let (whole, _) = torn.as_chunks::<PUBACK_LEN>();
        for puback in whole {
            self.acknowledge(*puback, now)?;
        }
        torn.drain(..whole.len() * PUBACK_LEN);
        self.torn = torn;
        Ok(())
    }

    fn acknowledge(&mut self, puback: [u8; PUBACK_LEN], now: Timestamp) -> Result<(), LoadError> {
        let [kind, len, high, low] = puback;
        let id = u16::from_be_bytes([high, low]);
        let since = if [kind, len] == PUBACK_HEAD { self.window.acknowledge(id) } else { None };
        let Some(since) = since else {
            return Err(self.protocol(format!("{puback:02x?}, expected the PUBACK of a message in flight")));
        };
        self.report.acknowledged += 1;
        self.report.latencies.record(u64::try_from(now.since(since).nanos()).unwrap_or(0), 1);
        Ok(())
    }

    fn network(&self, source: std::io::Error) -> LoadError {
        LoadError::Network { connection: self.number, source }
    }
    fn protocol(&self, what: String) -> LoadError {
        LoadError::Protocol { connection: self.number, what }
    }
}
