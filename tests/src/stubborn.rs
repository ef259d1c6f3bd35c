//! A device that keeps each message until it is acknowledged, through as many connections as it takes.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::{Notify, mpsc};

use crate::wire::{Level, PUBACK, Quality, Wire, publish};

/// How long a device waits before it connects again.
const BACKOFF: Duration = Duration::from_millis(20);

/// What all devices have had acknowledged.
#[derive(Debug, Default)]
pub struct Acknowledged {
    payloads: Mutex<Vec<String>>,
    resent: AtomicUsize,
    changed: Notify,
}

impl Acknowledged {
    /// Every acknowledged payload so far.
    pub fn payloads(&self) -> Vec<String> {
        self.payloads.lock().expect("no test panicked in it").clone()
    }

    /// How many were acknowledged so far.
    pub fn count(&self) -> usize {
        self.payloads.lock().expect("no test panicked in it").len()
    }

    /// How many messages were sent again, with DUP.
    pub fn resent(&self) -> usize {
        self.resent.load(Ordering::Relaxed)
    }

    /// Waits until so many are acknowledged.
    pub async fn wait_for(&self, count: usize, patience: Duration) {
        let in_time = self.reaches(count, patience).await;
        assert!(in_time, "{} of {count} acknowledged within {patience:?}", self.count());
    }

    /// Whether so many are acknowledged within this time.
    pub async fn reaches(&self, count: usize, patience: Duration) -> bool {
        let wait = async {
            loop {
                let mut changed = std::pin::pin!(self.changed.notified());
                changed.as_mut().enable();
                if self.count() >= count {
                    return;
                }
                changed.await;
            }
        };
        tokio::time::timeout(patience, wait).await.is_ok()
    }
}

/// A device with a session of its own, 3.1.1, QoS 1.
#[derive(Debug)]
pub struct Stubborn {
    at: SocketAddr,
    topic: String,
    window: usize,
    next_id: u16,
    in_flight: VecDeque<(u16, String)>,
    acknowledged: Arc<Acknowledged>,
}

impl Stubborn {
    /// Starts a device that publishes what it is handed, so many at a time; it ends when nothing more can come and
    /// everything is acknowledged.
    pub fn start(
        at: SocketAddr,
        topic: String,
        window: usize,
        acknowledged: Arc<Acknowledged>,
    ) -> (mpsc::UnboundedSender<String>, tokio::task::JoinHandle<()>) {
        let (sender, work) = mpsc::unbounded_channel();
        let device = Self { at, topic, window, next_id: 1, in_flight: VecDeque::new(), acknowledged };
        (sender, tokio::spawn(device.run(work)))
    }

    async fn run(mut self, mut work: mpsc::UnboundedReceiver<String>) {
        let client_id = self.topic.replace('/', "-");
        loop {
            if let Ok(wire) = Wire::connect(self.at, Level::V311, &client_id).await
                && self.converse(wire, &mut work).await.is_ok()
            {
                return;
            }
            tokio::time::sleep(BACKOFF).await;
        }
    }

    /// Sends again what was not acknowledged, then what is new; `Ok` once there is nothing more to do.
    async fn converse(&mut self, wire: Wire, work: &mut mpsc::UnboundedReceiver<String>) -> io::Result<()> {
        let (mut reader, mut writer) = wire.into_stream().into_split();
        for (id, payload) in &self.in_flight {
            self.acknowledged.resent.fetch_add(1, Ordering::Relaxed);
            send(&mut writer, &self.topic, *id, true, payload).await?;
        }
        let mut open = true;
        let mut answers = Vec::new();
        while open || !self.in_flight.is_empty() {
            tokio::select! {
                read = reader.read_buf(&mut answers) => match read? {
                    0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    _ => self.settle(&mut answers)?,
                },
                payload = work.recv(), if open && self.in_flight.len() < self.window => match payload {
                    Some(payload) => self.publish(&mut writer, payload).await?,
                    None => open = false,
                },
            }
        }
        Ok(())
    }

    async fn publish(&mut self, writer: &mut OwnedWriteHalf, payload: String) -> io::Result<()> {
        let id = self.next_id;
        self.next_id = self.next_id.checked_add(1).unwrap_or(1);
        self.in_flight.push_back((id, payload));
        let (id, payload) = self.in_flight.back().expect("it was just put there");
        send(writer, &self.topic, *id, false, payload).await
    }

    /// Takes the acknowledgements that are there whole; they come in the order of the messages.
    fn settle(&mut self, answers: &mut Vec<u8>) -> io::Result<()> {
        const LENGTH: usize = 4;
        let whole = answers.len() / LENGTH * LENGTH;
        for answer in answers.drain(..whole).as_slice().chunks_exact(LENGTH) {
            let Some((id, payload)) = self.in_flight.pop_front() else {
                return Err(io::Error::other("an acknowledgement of nothing"));
            };
            let [high, low] = id.to_be_bytes();
            assert_eq!(answer, [PUBACK, 2, high, low], "{}: not the PUBACK that is due", self.topic);
            self.acknowledged.payloads.lock().expect("no test panicked in it").push(payload);
        }
        self.acknowledged.changed.notify_waiters();
        Ok(())
    }
}

async fn send(
    writer: &mut OwnedWriteHalf,
    topic: &str,
    id: u16,
    again: bool,
    payload: &str,
) -> io::Result<()> {
    let packet = publish(Level::V311, topic, Quality::AtLeastOnce { id, again }, payload.as_bytes());
    writer.write_all(&packet).await
}
