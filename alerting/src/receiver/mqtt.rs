//! A receiver over an MQTT broker: one PUBLISH an event with `QoS` 1, CloudEvents in the body, to
//! `citywarden-alerts/{region}/{alert}`.
//!
//! Delivered is what the broker has acknowledged. The connection is this receiver's own: made when there is something to
//! send, kept for a while for what follows, made anew where it broke. One event is on its way at a time. MQTT 5 comes
//! first, in which a broker can say that it refuses a message; 3.1.1 where the broker refuses 5.

mod link;

use std::sync::Arc;
use std::time::Duration;

use citywarden_model::{Span, Timestamp};
use rustls::ClientConfig;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use self::link::{Link, LinkError, Version};
use super::{Attempt, Outcome, Receiver};
use crate::cloud_event::Notification;

/// Nobody looks after the connection between two events; after so long without one it is not used again.
const IDLE_MAX: Duration = Duration::from_secs(10);

/// How a broker is reached.
#[derive(Clone)]
pub struct MqttConfig {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// TLS; `None`: plain TCP.
    pub tls: Option<Arc<ClientConfig>>,
    /// Name and password; `None`: nobody, or whom the certificate names.
    pub login: Option<(String, String)>,
    /// Nobody else's: who comes with the same one takes the connection over.
    pub client_id: String,
    /// How long an attempt may take, connecting included.
    pub attempt_timeout: Span,
}

impl std::fmt::Debug for MqttConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("MqttConfig")
            .field("host", &self.host)
            .field("port", &self.port)
            .field("tls", &self.tls.is_some())
            .field("username", &self.login.as_ref().map(|(name, _)| name))
            .field("client_id", &self.client_id)
            .field("attempt_timeout", &self.attempt_timeout)
            .finish()
    }
}

/// A receiver over an MQTT broker.
pub struct Mqtt {
    config: MqttConfig,
    state: Mutex<State>,
}

struct State {
    /// A connection that nothing is on its way by, and when it was last used.
    idle: Option<(Link, Instant)>,
    version: Version,
}

impl Mqtt {
    /// Connects to nothing yet.
    pub fn new(config: MqttConfig) -> Self {
        Self { config, state: Mutex::new(State { idle: None, version: Version::V5 }) }
    }

    async fn attempt(&self, notification: &Notification) -> Outcome {
        let mut state = self.state.lock().await;
        let patience = self.config.attempt_timeout.duration();
        match timeout(patience, self.send(&mut state, notification)).await {
            Ok(Ok(())) => Outcome::Delivered,
            Ok(Err(error)) => Outcome::Retry { why: error.to_string(), after: None },
            Err(_) => Outcome::Retry { why: "no answer in time".to_owned(), after: None },
        }
    }

    /// Sends by the connection that is there, and where it proves to be broken, by a new one.
    async fn send(&self, state: &mut State, notification: &Notification) -> Result<(), LinkError> {
        // taken out: given up half way, it is not used again
        if let Some((mut link, used_at)) = state.idle.take()
            && used_at.elapsed() < IDLE_MAX
        {
            match link.publish(&topic(notification), &notification.body).await {
                Err(LinkError::Broken(_)) => {}
                sent => return Self::keep(state, link, sent),
            }
        }
        let mut link = self.connect(state).await?;
        let sent = link.publish(&topic(notification), &notification.body).await;
        Self::keep(state, link, sent)
    }

    fn keep(state: &mut State, link: Link, sent: Result<(), LinkError>) -> Result<(), LinkError> {
        if sent.is_ok() {
            state.idle = Some((link, Instant::now()));
        }
        sent
    }

    /// A new connection; where the broker refuses this version, with the other.
    async fn connect(&self, state: &mut State) -> Result<Link, LinkError> {
        match Link::connect(&self.config, state.version).await {
            Err(LinkError::Version(_)) => {
                state.version = state.version.other();
                Link::connect(&self.config, state.version).await
            }
            connected => connected,
        }
    }
}

impl Receiver for Mqtt {
    fn deliver<'a>(&'a self, notification: &'a Notification, _: Timestamp) -> Attempt<'a> {
        Box::pin(self.attempt(notification))
    }
}

/// `citywarden-alerts/{region}/{alert}`; a test's last level is `test`.
fn topic(notification: &Notification) -> String {
    let alert = notification.alert.as_ref().map_or("test", |alert| alert.as_str());
    format!("citywarden-alerts/{}/{alert}", notification.region)
}
