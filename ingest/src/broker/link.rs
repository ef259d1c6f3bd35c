//! One connection to a broker, in either version: all that the rest knows of rumqttc.
//!
//! A link is made for one connection and dropped with it, and its channel of requests with it: an acknowledgement that
//! comes late cannot get onto another connection, where its packet id may be another message's.

mod v311;
mod v5;

use std::time::Duration;

use rumqttc::{NetworkOptions, TlsConfiguration, Transport};
use tokio::time::timeout;

use super::config::BrokerConfig;
use super::version::{Ending, Version};

/// A message, as version 3.1.1 has it; what version 5 has beyond that, nobody here looks at.
pub(crate) use rumqttc::Publish as Received;

/// Requests that may wait for the link to take them: as many as there are packet ids, so that no acknowledgement ever
/// waits for room.
const REQUESTS_MAX: usize = 1 << 16;
/// Packet ids that the link keeps tables for. It publishes nothing; subscriptions take a few.
const OWN_PACKETS: u16 = 16;
/// After so many keep-alives in which nothing whatever has happened, not even a ping, the link hangs.
const HANGS_AFTER: u32 = 3;

/// A connection that is being made, or is there.
pub(crate) struct Link {
    events: Events,
    requests: Requests,
    greeted: bool,
    patience: Duration,
    /// How it ended, while there are steps from before that.
    ended: Option<LinkError>,
}

enum Events {
    V5(Box<rumqttc::v5::EventLoop>),
    V311(Box<rumqttc::EventLoop>),
}

/// What a connection is asked to do. None of these waits for the link to be polled.
#[derive(Clone)]
pub(crate) enum Requests {
    V5(rumqttc::v5::AsyncClient),
    V311(rumqttc::AsyncClient),
}

/// What happened on a connection.
#[derive(Debug)]
pub(crate) enum Step {
    /// The broker greeted us.
    Connected { session_present: bool },
    /// It sent a message.
    Received(Received),
    /// It answered the oldest SUBSCRIBE, for each filter in its order.
    Subscribed(Vec<Grant>),
    /// A PUBACK went out.
    Acknowledged,
    /// Our DISCONNECT went out.
    Left,
    /// Nothing that matters.
    Nothing,
}

/// What the broker grants of a subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Grant {
    AtLeastOnce,
    AtMostOnce,
    Refused,
}

/// Why there is no connection, or no more.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum LinkError {
    #[error("the broker does not speak this version of MQTT")]
    VersionRefused,
    #[error("the broker closed the connection instead of greeting: {0}")]
    ClosedEarly(String),
    #[error("the broker refuses us: {0}")]
    Refused(String),
    #[error("the broker cannot be reached: {0}")]
    Unreachable(String),
    #[error("the connection broke: {0}")]
    Lost(String),
}

impl LinkError {
    pub(crate) const fn ending(&self) -> Ending {
        match self {
            Self::VersionRefused => Ending::Refused,
            Self::ClosedEarly(_) => Ending::ClosedEarly,
            Self::Refused(_) | Self::Unreachable(_) => Ending::Elsewhere,
            Self::Lost(_) => Ending::Greeted,
        }
    }
}

impl Link {
    /// Begins; the first step connects.
    pub(crate) fn open(config: &BrokerConfig, version: Version) -> Self {
        let (events, requests) = match version {
            Version::V5 => {
                let (client, events) = v5::open(config);
                (Events::V5(Box::new(events)), Requests::V5(client))
            }
            Version::V311 => {
                let (client, events) = v311::open(config);
                (Events::V311(Box::new(events)), Requests::V311(client))
            }
        };
        let patience = config.limits.keep_alive * HANGS_AFTER + config.limits.connect_timeout;
        Self { events, requests, greeted: false, patience, ended: None }
    }

    pub(crate) fn requests(&self) -> Requests {
        self.requests.clone()
    }

    /// Waits for what happens next. To be called again and again: between two steps nothing is read or written. A step
    /// that is given up may have taken a request with it.
    pub(crate) async fn step(&mut self) -> Result<Step, LinkError> {
        if self.ended.is_none() {
            match self.poll().await {
                Ok(step) => {
                    self.greeted |= matches!(step, Step::Connected { .. });
                    return Ok(step);
                }
                Err(error) => self.ended = Some(error),
            }
        }
        // the library reports the end before what it had read by then
        match (self.left_over(), &self.ended) {
            (Some(step), _) => Ok(step),
            (None, ended) => Err(ended.clone().unwrap_or_else(|| LinkError::Lost("it has ended".to_owned()))),
        }
    }

    async fn poll(&mut self) -> Result<Step, LinkError> {
        let greeted = self.greeted;
        let polled = async {
            match &mut self.events {
                Events::V5(events) => {
                    events.poll().await.map(v5::step).map_err(|error| v5::explain(&error, greeted))
                }
                Events::V311(events) => {
                    events.poll().await.map(v311::step).map_err(|error| v311::explain(&error, greeted))
                }
            }
        };
        // rumqttc waits without end for a broker that does not read
        let hangs = |_| LinkError::Lost(format!("nothing went in or out for {:?}", self.patience));
        timeout(self.patience, polled).await.map_err(hangs)?
    }

    fn left_over(&mut self) -> Option<Step> {
        match &mut self.events {
            Events::V5(events) => events.state.events.pop_front().map(v5::step),
            Events::V311(events) => events.state.events.pop_front().map(v311::step),
        }
    }
}

impl Requests {
    /// Acknowledges; false where the connection is gone.
    pub(crate) async fn acknowledge(&self, packet_id: u16) -> bool {
        match self {
            Self::V5(client) => client.ack(&v5::with_id(packet_id)).await.is_ok(),
            Self::V311(client) => client.ack(&v311::with_id(packet_id)).await.is_ok(),
        }
    }
    /// Subscribes to these with `QoS` 1. Where the connection is gone, the next step says so.
    pub(crate) async fn subscribe(&self, filters: &[String]) {
        let sent = match self {
            Self::V5(client) => {
                client.subscribe_many(filters.iter().map(|path| v5::filter(path))).await.is_ok()
            }
            Self::V311(client) => {
                client.subscribe_many(filters.iter().map(|path| v311::filter(path))).await.is_ok()
            }
        };
        if !sent {
            tracing::debug!("a subscription could not be asked for: the connection is gone");
        }
    }
    pub(crate) async fn unsubscribe(&self, filter: &str) {
        let sent = match self {
            Self::V5(client) => client.unsubscribe(filter).await.is_ok(),
            Self::V311(client) => client.unsubscribe(filter).await.is_ok(),
        };
        if !sent {
            tracing::debug!("a subscription could not be ended: the connection is gone");
        }
    }
    /// Leaves, after what was asked before.
    pub(crate) async fn leave(&self) {
        let sent = match self {
            Self::V5(client) => client.disconnect().await.is_ok(),
            Self::V311(client) => client.disconnect().await.is_ok(),
        };
        if !sent {
            tracing::debug!("the connection was gone before it was left");
        }
    }
}

fn transport(config: &BrokerConfig) -> Transport {
    match &config.tls {
        None => Transport::Tcp,
        Some(tls) => Transport::tls_with_config(TlsConfiguration::Rustls(tls.clone())),
    }
}

/// Without this the broker's delayed acknowledgements of TCP hold up each window by 40 ms.
fn network(config: &BrokerConfig) -> NetworkOptions {
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    network.set_connection_timeout(config.limits.connect_timeout.as_secs().max(1));
    network
}
