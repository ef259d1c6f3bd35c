//! What the client of a broker is told when it begins.

use std::sync::Arc;
use std::time::Duration;

use citywarden_model::{OWN_TOPICS, RegionId, SourceName};
use tokio_rustls::rustls::ClientConfig;

/// Where mosquitto says how many messages it has dropped because a queue was full.
const DROPPED_TOPIC: &str = "$SYS/broker/publish/messages/dropped";

/// A broker: where it is, who we are there, what we want of it, within which limits.
#[derive(Debug, Clone)]
pub struct BrokerConfig {
    /// What its messages are journalled under.
    pub source: SourceName,
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// TLS, with our own certificate where the broker wants one; `None`: plain TCP.
    pub tls: Option<Arc<ClientConfig>>,
    /// Who we are; `None`: nobody, or whom the certificate names.
    pub login: Option<Login>,
    /// Under which the broker keeps our session: always the same, and nobody else's.
    pub client_id: String,
    /// What we subscribe to.
    pub topics: Vec<String>,
    /// Where the broker says how many messages it has dropped; `None`: it is not asked. A refusal is put up with.
    pub dropped_topic: Option<String>,
    /// What bounds it.
    pub limits: BrokerLimits,
}

/// A name and a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Login {
    /// The name.
    pub username: String,
    /// The password. Never shown.
    pub password: String,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login").field("username", &self.username).finish_non_exhaustive()
    }
}

impl BrokerConfig {
    /// A broker at this address, with nobody to know, our own topics and the default limits.
    pub fn new(source: SourceName, region: &RegionId, host: &str, port: u16) -> Self {
        Self {
            client_id: Self::client_id_of(region, &source),
            source,
            host: host.to_owned(),
            port,
            tls: None,
            login: None,
            topics: vec![OWN_TOPICS.to_owned()],
            dropped_topic: Some(DROPPED_TOPIC.to_owned()),
            limits: BrokerLimits::default(),
        }
    }
    /// The client id of a source, where none is configured. With the usual name at most 23 characters, which is what
    /// every broker of 3.1.1 takes.
    pub fn client_id_of(region: &RegionId, source: &SourceName) -> String {
        format!("citywarden-{region}-{source}")
    }
}

/// The bounds of a broker's client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BrokerLimits {
    /// Messages that the broker may send beyond those acknowledged. MQTT 5 only: in 3.1.1 the broker decides.
    pub receive_maximum: u16,
    /// Bytes of a packet that the broker may send. MQTT 5 only: in 3.1.1 a packet that is refused would come again and
    /// again, so all are read.
    pub packet_bytes_max: u32,
    /// Bytes of a payload; larger ones are kept as dead letters, cut to [`BrokerLimits::cut_payload_bytes`].
    pub payload_bytes_max: usize,
    /// Bytes kept of a payload that is too large.
    pub cut_payload_bytes: usize,
    /// Bytes of payloads that wait for the journal; beyond them the connection is not read.
    pub held_bytes_max: usize,
    /// How long the broker keeps our session, and what comes for it, while we are away. MQTT 5 only: in 3.1.1 the
    /// broker decides.
    pub session_expiry: Duration,
    /// How long the connection may be quiet before it is asked whether it is alive; whole seconds, at least 5.
    pub keep_alive: Duration,
    /// From connecting to CONNACK, a TLS handshake included; whole seconds.
    pub connect_timeout: Duration,
    /// For the last acknowledgements, when it stops.
    pub drain_timeout: Duration,
    /// The pause after the first connection that failed; doubles …
    pub first_pause: Duration,
    /// … up to this.
    pub longest_pause: Duration,
}

impl Default for BrokerLimits {
    fn default() -> Self {
        Self {
            receive_maximum: 1000,
            packet_bytes_max: 1024 * 1024,
            payload_bytes_max: 256 * 1024,
            cut_payload_bytes: 4 * 1024,
            held_bytes_max: 64 * 1024 * 1024,
            session_expiry: Duration::from_hours(7 * 24),
            keep_alive: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(10),
            drain_timeout: Duration::from_secs(5),
            first_pause: Duration::from_millis(200),
            longest_pause: Duration::from_secs(30),
        }
    }
}
