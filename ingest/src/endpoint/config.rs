//! What an endpoint is told when it begins.

use std::net::SocketAddr;
use std::time::Duration;

use citywarden_model::SourceName;

use super::tls::Tls;
use super::topics::TopicMap;
use super::users::Users;

/// An endpoint: where it listens, to whom, within which limits.
#[derive(Debug, Clone)]
pub struct EndpointConfig {
    /// What its messages are journalled under.
    pub source: SourceName,
    /// Where it listens; port 0 is any free one.
    pub listen: SocketAddr,
    /// Who may connect; `None`: whoever has a client certificate, or on loopback anybody.
    pub users: Option<Users>,
    /// TLS; `None`: plain TCP.
    pub tls: Option<Tls>,
    /// Which level of a topic is the device.
    pub topics: TopicMap,
    /// What bounds it.
    pub limits: Limits,
}

impl EndpointConfig {
    /// A plain one for this address, with nobody to know and the default limits.
    pub fn new(source: SourceName, listen: SocketAddr) -> Self {
        let (topics, limits) = (TopicMap::default(), Limits::default());
        Self { source, listen, users: None, tls: None, topics, limits }
    }
}

/// The bounds of an endpoint. The defaults hold 10,000 devices in less than 1 GiB.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Connections open at once; more are closed as they come.
    pub connections_max: usize,
    /// Bytes of a packet, its header included; larger ones end the connection.
    pub packet_bytes_max: u32,
    /// Bytes of a payload; larger ones are kept as dead letters, cut to [`Limits::cut_payload_bytes`].
    pub payload_bytes_max: usize,
    /// Bytes kept of a payload that is too large.
    pub cut_payload_bytes: usize,
    /// Messages of a connection that are read and not acknowledged; beyond them it is not read.
    pub receive_maximum: u16,
    /// Topic aliases of a connection.
    pub topic_alias_maximum: u16,
    /// Bytes that all buffers above 64 KiB take together; a connection that needs more waits.
    pub large_buffers_bytes_max: usize,
    /// The longest keep-alive, in seconds; in force where a client asks for none or a longer one.
    pub keep_alive_s_max: u16,
    /// From the first byte to a complete CONNECT, a TLS handshake included.
    pub connect_timeout: Duration,
    /// From the first byte of a packet to its last.
    pub packet_timeout: Duration,
    /// For what is written to be taken by the client.
    pub write_timeout: Duration,
    /// For the last acknowledgements, when it stops.
    pub drain_timeout: Duration,
    /// The longest that a session outlives its connection; in force where a client asks for longer. Zero: not at all.
    pub session_expiry_max: Duration,
    /// Sessions that outlive their connection; beyond them the one that would end next ends now.
    pub sessions_max: usize,
    /// Password hashes computed at once; each takes the memory its parameters say.
    pub password_checks_at_once: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections_max: 10_000,
            packet_bytes_max: 1024 * 1024,
            payload_bytes_max: 256 * 1024,
            cut_payload_bytes: 4 * 1024,
            receive_maximum: 1000,
            topic_alias_maximum: 16,
            large_buffers_bytes_max: 64 * 1024 * 1024,
            keep_alive_s_max: 3600,
            connect_timeout: Duration::from_secs(10),
            packet_timeout: Duration::from_mins(1),
            write_timeout: Duration::from_secs(30),
            drain_timeout: Duration::from_secs(5),
            session_expiry_max: Duration::from_hours(7 * 24),
            sessions_max: 50_000,
            password_checks_at_once: 2,
        }
    }
}
