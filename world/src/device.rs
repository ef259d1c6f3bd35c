//! A device: it takes readings whatever the network does, keeps each until it is acknowledged, and sends what was not
//! acknowledged again, as a duplicate, over its next connection.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use citywarden_model::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Duration, Instant, sleep, sleep_until, timeout};

use crate::county::{Script, device_id, topic};
use crate::network::{Network, Wire};
use crate::random::Dice;
use crate::time::Time;

/// Messages sent and not acknowledged at a time.
const IN_FLIGHT_MAX: usize = 8;
const CONNACK_TIMEOUT: Duration = Duration::from_secs(5);
/// After so long without the oldest acknowledgement a connection is given up.
const ACKNOWLEDGEMENT_TIMEOUT: Duration = Duration::from_secs(8);
const KEEP_ALIVE_S: u16 = 60;

/// What became of a device's messages.
#[derive(Debug, Default)]
pub(crate) struct Deeds {
    /// For each message acknowledged, in order: when.
    pub(crate) acknowledged: Vec<Timestamp>,
    /// How many were sent at least once.
    pub(crate) sent: usize,
    /// What the endpoint did and must not.
    pub(crate) faults: Vec<String>,
    /// Connections that were accepted.
    pub(crate) connections: u64,
    /// Messages sent again.
    pub(crate) resent: u64,
}

/// A device; it lives until everything it has to say is acknowledged.
pub(crate) struct Device {
    pub(crate) script: Arc<Script>,
    pub(crate) network: Network,
    pub(crate) time: Time,
    pub(crate) dice: Dice,
    pub(crate) deeds: Arc<Mutex<Deeds>>,
}

/// A connection on which the device may publish.
struct Session {
    wire: Wire,
    received: Vec<u8>,
    /// The next message to be sent on it.
    next: usize,
    in_flight: VecDeque<usize>,
    /// When the oldest acknowledgement is given up.
    deadline: Instant,
}

impl Device {
    /// Lives.
    pub(crate) async fn live(mut self) {
        while self.deeds().acknowledged.len() < self.script.len() {
            if let Some(mut session) = self.connect().await {
                self.deeds().connections += 1;
                self.talk(&mut session).await;
            }
            sleep(self.dice.millis(50, 2_000).duration()).await;
        }
    }

    async fn connect(&mut self) -> Option<Session> {
        let mut wire = self.network.connect(self.script.site).await.ok()?;
        wire.write_all(&connect_packet(&device_id(self.script.site))).await.ok()?;
        let mut answer = [0; 4];
        timeout(CONNACK_TIMEOUT, wire.read_exact(&mut answer)).await.ok()?.ok()?;
        if !matches!(answer, [0x20, 2, 0 | 1, 0]) {
            self.deeds().faults.push(format!("{answer:02x?} as an answer to CONNECT"));
            return None;
        }
        let next = self.deeds().acknowledged.len();
        let deadline = Instant::now() + ACKNOWLEDGEMENT_TIMEOUT;
        Some(Session { wire, received: Vec::new(), next, in_flight: VecDeque::new(), deadline })
    }

    /// Publishes and takes acknowledgements until the connection ends or everything is said.
    async fn talk(&mut self, session: &mut Session) {
        loop {
            if self.publish(session).await.is_none() || self.deeds().acknowledged.len() == self.script.len() {
                return;
            }
            let is_due = session.next < self.script.len() && session.in_flight.len() < IN_FLIGHT_MAX;
            let due = self.time.instant(self.script.at(session.next));
            let mut bytes = [0; 512];
            tokio::select! {
                biased;
                read = session.wire.read(&mut bytes) => {
                    let Some(count) = read.ok().filter(|count| *count > 0) else { return };
                    session.received.extend(bytes.iter().take(count));
                    if self.take_acknowledgements(session).is_none() {
                        return;
                    }
                }
                () = sleep_until(due), if is_due => {}
                () = sleep_until(session.deadline), if !session.in_flight.is_empty() => return,
            }
        }
    }

    /// Sends what is due, as far as it may be in flight; `None` where the connection has ended.
    async fn publish(&mut self, session: &mut Session) -> Option<()> {
        while session.next < self.script.len()
            && session.in_flight.len() < IN_FLIGHT_MAX
            && self.script.at(session.next) <= self.time.truth()
        {
            let number = session.next;
            let is_again = number < self.deeds().sent;
            let packet =
                publish_packet(&topic(self.script.site), number, is_again, &self.script.payload(number));
            // as good as sent: some of it may arrive
            let sent = self.deeds().sent.max(number + 1);
            self.deeds().sent = sent;
            self.deeds().resent += u64::from(is_again);
            timeout(ACKNOWLEDGEMENT_TIMEOUT, session.wire.write_all(&packet)).await.ok()?.ok()?;
            if session.in_flight.is_empty() {
                session.deadline = Instant::now() + ACKNOWLEDGEMENT_TIMEOUT;
            }
            session.in_flight.push_back(number);
            session.next = number + 1;
        }
        Some(())
    }

    fn take_acknowledgements(&self, session: &mut Session) -> Option<()> {
        let now = self.time.truth();
        let mut deeds = self.deeds();
        while let Some((packet, _)) = session.received.split_first_chunk::<4>() {
            let [kind, len, high, low] = *packet;
            let expected = session.in_flight.front().copied();
            if (kind, len) != (0x40, 2) || expected.map(packet_id) != Some(u16::from_be_bytes([high, low])) {
                deeds.faults.push(format!("{packet:02x?} where PUBACK of message {expected:?} was due"));
                return None;
            }
            session.received.drain(..4);
            session.in_flight.pop_front();
            session.deadline = Instant::now() + ACKNOWLEDGEMENT_TIMEOUT;
            deeds.acknowledged.push(now);
        }
        Some(())
    }

    fn deeds(&self) -> MutexGuard<'_, Deeds> {
        self.deeds.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Packet ids go round.
fn packet_id(number: usize) -> u16 {
    u16::try_from(number % 60_000 + 1).unwrap_or(1)
}

fn connect_packet(client: &str) -> Vec<u8> {
    let mut body = vec![0, 4, b'M', b'Q', b'T', b'T', 4, 0];
    body.extend(KEEP_ALIVE_S.to_be_bytes());
    text(&mut body, client);
    packet(0x10, &body)
}

fn publish_packet(topic: &str, number: usize, is_duplicate: bool, payload: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    text(&mut body, topic);
    body.extend(packet_id(number).to_be_bytes());
    body.extend(payload);
    packet(if is_duplicate { 0x3A } else { 0x32 }, &body)
}

fn text(body: &mut Vec<u8>, text: &str) {
    body.extend(u16::try_from(text.len()).unwrap_or(u16::MAX).to_be_bytes());
    body.extend(text.bytes());
}

fn packet(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut packet = vec![kind];
    let mut left = body.len();
    loop {
        let seven_bits = u8::try_from(left % 128).unwrap_or(0);
        left /= 128;
        packet.push(if left > 0 { seven_bits | 0x80 } else { seven_bits });
        if left == 0 {
            break;
        }
    }
    packet.extend(body);
    packet
}
