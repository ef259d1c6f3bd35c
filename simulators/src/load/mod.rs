//! A load for measuring: connections that each keep a window of messages in flight, over MQTT 3.1.1 and plain TCP.
//!
//! Every acknowledgement is checked: it must name a message in flight. Packets are encoded once and only their packet
//! id, device and time are written over, so that the generator costs far less than what it measures.

mod connection;
mod histogram;
mod pace;
mod packet;
mod window;

use std::io;
use std::sync::Arc;

use citywarden_model::{Clock, Span};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use connection::Connection;

pub use histogram::Latencies;

/// What is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// Whom to: `host:port`.
    pub address: String,
    /// User and password, the same for every connection.
    pub credentials: Option<(String, String)>,
    /// Connections; at least 1.
    pub connections: u32,
    /// Messages that each of them keeps in flight, 1 to [`WINDOW_MAX`].
    pub window: u16,
    /// Devices that each of them speaks for in turn; at least 1.
    pub devices_each: u32,
    /// Messages in all; each connection sends an equal share.
    pub messages: u64,
    /// Messages a second, of all connections together; `None`: as many as the windows let through.
    pub rate: Option<u32>,
    /// No message is written later than this after the connection's first, however many are left.
    pub for_at_most: Option<Span>,
    /// The region in the topics.
    pub region: String,
}

/// The largest window: packet ids are the places in it, and 0 is none.
pub const WINDOW_MAX: u16 = u16::MAX;
/// Connections that are made at the same time: Mosquitto lets a hundred wait to be accepted, and cuts others off.
const GREETING_MAX: usize = 64;
/// Devices are numbered with five digits.
pub const DEVICES_MAX: u32 = 100_000;

/// The id of a device of the load, `load-00000` to `load-99999`.
pub fn device_id(number: u32) -> String {
    format!("load-{number:05}")
}

/// What became of a load.
#[derive(Debug, Clone, Default)]
pub struct LoadReport {
    /// Messages written.
    pub sent: u64,
    /// Acknowledged, each exactly once; all of `sent` where there was no error.
    pub acknowledged: u64,
    /// Bytes written, packets and all.
    pub bytes: u64,
    /// From the write of a message to the read of its acknowledgement.
    pub latencies: Latencies,
}

/// Why a load was broken off.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The load itself cannot be.
    #[error("{0}")]
    Impossible(&'static str),
    /// The network.
    #[error("connection {connection}: {source}")]
    Network {
        /// Which, from 0.
        connection: u32,
        /// What the system says.
        source: io::Error,
    },
    /// The other side broke the protocol.
    #[error("connection {connection}: {what}")]
    Protocol {
        /// Which, from 0.
        connection: u32,
        /// What it sent, and what was expected.
        what: String,
    },
}

/// Sends the whole load and waits for every acknowledgement; the first error ends all connections.
///
/// `clock` gives the latencies and the `ts` of the messages. A message is never sent again.
///
/// # Panics
/// Where a connection panicked, which is a fault of the load itself.
pub async fn run(load: &Load, clock: &Arc<dyn Clock>) -> Result<LoadReport, LoadError> {
    check(load)?;
    let mut connections = JoinSet::new();
    let greeting = Arc::new(Semaphore::new(GREETING_MAX));
    for number in 0..load.connections {
        connections.spawn(Connection::new(load, number, Arc::clone(clock), Arc::clone(&greeting)).run());
    }
    let mut report = LoadReport::default();
    while let Some(done) = connections.join_next().await {
        let part = done.expect("a connection of the load does not panic")?;
        report.sent += part.sent;
        report.acknowledged += part.acknowledged;
        report.bytes += part.bytes;
        report.latencies.add(&part.latencies);
    }
    Ok(report)
}

fn check(load: &Load) -> Result<(), LoadError> {
    let devices = u64::from(load.connections) * u64::from(load.devices_each);
    if load.connections == 0 || load.devices_each == 0 || load.window == 0 {
        return Err(LoadError::Impossible("connections, devices each and window must be at least 1"));
    }
    if load.rate == Some(0) {
        return Err(LoadError::Impossible("the rate must be at least 1 message a second"));
    }
    if devices > u64::from(DEVICES_MAX) {
        return Err(LoadError::Impossible("more than 100000 devices, which five digits cannot number"));
    }
    Ok(())
}
