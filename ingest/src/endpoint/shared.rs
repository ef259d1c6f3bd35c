//! What all connections of an endpoint have in common.

use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use citywarden_model::{DeadLetterReason, Digest};

use super::clients::Clients;
use super::config::EndpointConfig;
use super::counters::Counters;
use super::login::Login;
use super::read_buffer::LargeBuffers;
use super::sessions::Sessions;
use crate::codec::DecodeError;

/// Clients whose wills were spoken of in the log; beyond so many, nobody's is.
const WILLS_TOLD_MAX: usize = 10_000;
/// Hexadecimal digits that set one run apart from another.
const RUN_DIGITS: usize = 16;

/// What all connections of an endpoint have in common.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) config: EndpointConfig,
    pub(crate) counters: Arc<Counters>,
    pub(crate) login: Login,
    pub(crate) clients: Arc<Clients>,
    pub(crate) sessions: Arc<Sessions>,
    pub(crate) large_buffers: Arc<LargeBuffers>,
    /// What sets the ids that are given out apart from those of an earlier run.
    run: String,
    ids_assigned: AtomicU64,
    wills_told: Mutex<HashSet<String>>,
}

impl Shared {
    pub(crate) fn new(
        mut config: EndpointConfig,
        counters: Arc<Counters>,
        sessions: Sessions,
        key: [u8; 32],
    ) -> Self {
        let login = Login::new(config.users.take(), config.limits.password_checks_at_once, key);
        let large_buffers = Arc::new(LargeBuffers::new(config.limits.large_buffers_bytes_max));
        let mut run = Digest::of(&key).hex();
        run.truncate(RUN_DIGITS);
        Self {
            config,
            counters,
            login,
            clients: Arc::default(),
            sessions: Arc::new(sessions),
            large_buffers,
            run,
            ids_assigned: AtomicU64::new(0),
            wills_told: Mutex::default(),
        }
    }
    /// An id for a client that has none, and that no session of an earlier run has.
    pub(crate) fn assign_client_id(&self) -> String {
        format!("assigned-{}-{}", self.run, self.ids_assigned.fetch_add(1, Ordering::Relaxed) + 1)
    }
    /// Counts a will, and says once for each client that nobody will publish it.
    pub(crate) fn ignore_will(&self, client_id: &str) {
        self.counters.wills_ignored.increment();
        let mut told = self.wills_told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.len() < WILLS_TOLD_MAX && told.insert(client_id.to_owned()) {
            tracing::info!(client_id, "ignoring the will: this endpoint takes messages and publishes none");
        }
    }
}

impl Counters {
    pub(crate) fn count_refused(&self, refused: Option<DeadLetterReason>) {
        match refused {
            Some(DeadLetterReason::TooLarge) => self.too_large.increment(),
            Some(_) => self.not_permitted.increment(),
            None => {}
        }
    }
    pub(crate) fn count_bad_packet(&self, error: DecodeError) {
        match error {
            DecodeError::TooLarge { .. } => self.packet_too_large.increment(),
            DecodeError::QosNotSupported => self.qos2_refused.increment(),
            DecodeError::Malformed(_)
            | DecodeError::Protocol(_)
            | DecodeError::TopicName(_)
            | DecodeError::TopicAlias
            | DecodeError::UnsupportedVersion { .. } => self.malformed.increment(),
        }
    }
}
