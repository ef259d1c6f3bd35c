//! What the client of a broker counts, for whoever shows it.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::endpoint::Counter;

/// Counters of one broker's client. Read at any time, from any thread.
#[derive(Debug, Default)]
pub struct BrokerCounters {
    /// Messages journalled, `QoS` 0.
    pub received_qos0: Counter,
    /// Messages journalled, `QoS` 1.
    pub received_qos1: Counter,
    /// PUBACKs handed to a connection, each after its message was committed.
    pub acknowledged: Counter,
    /// Not sent: the connection that the message came by was gone. The broker sends the message again, if it still has
    /// our session.
    pub stale_acknowledgements: Counter,
    /// Journalled as a dead letter: larger than a record may be.
    pub too_large: Counter,
    /// Connections that the broker accepted.
    pub connected: Counter,
    /// Connections that failed or broke.
    pub disconnected: Counter,
    /// Times the broker no longer had the session that we left: what came meanwhile is lost.
    pub sessions_lost: Counter,
    /// Subscriptions that the broker granted with `QoS` 0 only: a message of them may be lost.
    pub granted_qos0: Counter,
    up: AtomicBool,
    dropped: AtomicU64,
    dropped_known: AtomicBool,
}

impl BrokerCounters {
    /// Whether we are connected and subscribed.
    pub fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }
    pub(crate) fn set_up(&self, up: bool) {
        self.up.store(up, Ordering::Relaxed);
    }
    /// How many messages the broker says it has dropped since its own start, for all of its clients; `None` where it
    /// does not say.
    pub fn dropped_by_broker(&self) -> Option<u64> {
        self.dropped_known.load(Ordering::Acquire).then(|| self.dropped.load(Ordering::Relaxed))
    }
    pub(crate) fn set_dropped_by_broker(&self, dropped: u64) {
        self.dropped.store(dropped, Ordering::Relaxed);
        self.dropped_known.store(true, Ordering::Release);
    }
}
