//! What the endpoint counts, for whoever shows it.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows, or a gauge where its name says so.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// The present value.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
    pub(crate) fn add(&self, count: u64) {
        if count > 0 {
            self.0.fetch_add(count, Ordering::Relaxed);
        }
    }
    pub(crate) fn increment(&self) {
        self.add(1);
    }
    pub(crate) fn decrement(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Counters of one endpoint. Read at any time, from any thread.
#[derive(Debug, Default)]
pub struct Counters {
    /// Messages journalled, `QoS` 0.
    pub received_qos0: Counter,
    /// Messages journalled, `QoS` 1.
    pub received_qos1: Counter,
    /// PUBACKs written to a connection, each after its message was committed.
    pub acknowledged: Counter,
    /// Journalled as a dead letter: the credentials do not name the device.
    pub not_permitted: Counter,
    /// Journalled as a dead letter: larger than a record may be.
    pub too_large: Counter,
    /// Not journalled: a packet larger than the limit; the connection was closed.
    pub packet_too_large: Counter,
    /// Connections closed because of a packet that is none.
    pub malformed: Counter,
    /// Connections closed because of a `QoS` 2 packet.
    pub qos2_refused: Counter,
    /// Topic filters refused.
    pub subscriptions_refused: Counter,
    /// Clients let in.
    pub connected: Counter,
    /// Connections that are open now (a gauge).
    pub connections: Counter,
    /// Connections refused because there were too many.
    pub connections_refused: Counter,
    /// Clients refused because of their credentials.
    pub logins_refused: Counter,
    /// Connections closed because another took over their client id.
    pub takeovers: Counter,
    /// Clients refused because their client id was taken over too often.
    pub takeovers_refused: Counter,
    /// Wills that nobody will publish.
    pub wills_ignored: Counter,
    /// Connections closed because no CONNECT, or no rest of a packet, came in time.
    pub timed_out: Counter,
    /// Connections closed because nothing was heard for one and a half keep-alives.
    pub keep_alive_expired: Counter,
    /// Connections closed because they did not read what was written to them.
    pub slow_readers: Counter,
    /// TLS handshakes that failed.
    pub tls_failed: Counter,
}
