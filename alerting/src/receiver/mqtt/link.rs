//! A connection to a broker in either version: all that the receiver knows of rumqttc.

use std::time::Duration;

use rumqttc::v5::mqttbytes::v5 as packets5;
use rumqttc::{NetworkOptions, TlsConfiguration, Transport, v5};

use super::MqttConfig;
use crate::cloud_event;

/// Longer than a connection is kept without use: it is never asked whether it is alive.
const KEEP_ALIVE: Duration = Duration::from_mins(1);
/// Requests that wait for the connection: one event is on its way at a time.
const REQUESTS_MAX: usize = 4;
/// Packet ids in use at a time.
const IN_FLIGHT_MAX: u16 = 4;
/// The largest packet we read or write: an alert is some KiB.
const PACKET_BYTES_MAX: u32 = 1024 * 1024;

/// The versions we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    V5,
    V311,
}

impl Version {
    pub(super) const fn other(self) -> Self {
        match self {
            Self::V5 => Self::V311,
            Self::V311 => Self::V5,
        }
    }
}

/// An open connection.
pub(super) enum Link {
    V5(v5::AsyncClient, Box<v5::EventLoop>),
    V311(rumqttc::AsyncClient, Box<rumqttc::EventLoop>),
}

/// Why an event was not delivered.
#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    /// Perhaps because of the version.
    #[error("the broker does not greet us: {0}")]
    Version(String),
    #[error("cannot connect: {0}")]
    Unreachable(String),
    #[error("the connection broke: {0}")]
    Broken(String),
    /// Only in MQTT 5: in 3.1.1 a broker drops what it does not permit, and says nothing.
    #[error("the broker refuses the message: {0}")]
    Refused(String),
}

impl Link {
    /// Connects; returns once the broker has greeted us.
    pub(super) async fn connect(config: &MqttConfig, version: Version) -> Result<Self, LinkError> {
        match version {
            Version::V5 => connect_v5(config).await,
            Version::V311 => connect_v311(config).await,
        }
    }

    /// Publishes; returns once the broker has acknowledged it.
    pub(super) async fn publish(&mut self, topic: &str, body: &[u8]) -> Result<(), LinkError> {
        match self {
            Self::V5(client, events) => publish_v5(client, events, topic, body).await,
            Self::V311(client, events) => publish_v311(client, events, topic, body).await,
        }
    }
}

async fn connect_v5(config: &MqttConfig) -> Result<Link, LinkError> {
    let mut options = v5::MqttOptions::new(&config.client_id, &config.host, config.port);
    options
        .set_transport(transport(config))
        .set_network_options(network(config))
        .set_connection_timeout(seconds(config))
        .set_keep_alive(KEEP_ALIVE)
        .set_clean_start(true)
        .set_max_packet_size(Some(PACKET_BYTES_MAX))
        .set_outgoing_inflight_upper_limit(IN_FLIGHT_MAX);
    if let Some((name, password)) = &config.login {
        options.set_credentials(name, password);
    }
    let (client, mut events) = v5::AsyncClient::new(options, REQUESTS_MAX);
    loop {
        match events.poll().await {
            Ok(v5::Event::Incoming(packets5::Packet::ConnAck(_))) => {
                return Ok(Link::V5(client, Box::new(events)));
            }
            Ok(_) => {}
            Err(error) => return Err(greeting_error_v5(&error)),
        }
    }
}

fn greeting_error_v5(error: &v5::ConnectionError) -> LinkError {
    use packets5::ConnectReturnCode::{RefusedProtocolVersion, UnsupportedProtocolVersion};
    let why = error.to_string();
    let is_about_version = match error {
        v5::ConnectionError::ConnectionRefused(code) => {
            matches!(code, RefusedProtocolVersion | UnsupportedProtocolVersion)
        }
        v5::ConnectionError::MqttState(_) | v5::ConnectionError::NotConnAck(_) => true,
        v5::ConnectionError::Timeout(_)
        | v5::ConnectionError::Tls(_)
        | v5::ConnectionError::Io(_)
        | v5::ConnectionError::RequestsDone => false,
    };
    if is_about_version { LinkError::Version(why) } else { LinkError::Unreachable(why) }
}

async fn publish_v5(
    client: &v5::AsyncClient,
    events: &mut v5::EventLoop,
    topic: &str,
    body: &[u8],
) -> Result<(), LinkError> {
    use packets5::PubAckReason::{NoMatchingSubscribers, Success};
    let properties = packets5::PublishProperties {
        content_type: Some(cloud_event::CONTENT_TYPE.to_owned()),
        ..Default::default()
    };
    let qos = v5::mqttbytes::QoS::AtLeastOnce;
    client
        .publish_with_properties(topic, qos, false, body.to_vec(), properties)
        .await
        .map_err(|error| LinkError::Broken(error.to_string()))?;
    loop {
        match events.poll().await {
            Ok(v5::Event::Incoming(packets5::Packet::PubAck(answer))) => {
                let is_taken = matches!(answer.reason, Success | NoMatchingSubscribers);
                return if is_taken {
                    Ok(())
                } else {
                    Err(LinkError::Refused(format!("{:?}", answer.reason)))
                };
            }
            Ok(_) => {}
            Err(error) => return Err(LinkError::Broken(error.to_string())),
        }
    }
}

async fn connect_v311(config: &MqttConfig) -> Result<Link, LinkError> {
    let mut options = rumqttc::MqttOptions::new(&config.client_id, &config.host, config.port);
    let bytes_max = usize::try_from(PACKET_BYTES_MAX).unwrap_or(usize::MAX);
    options
        .set_transport(transport(config))
        .set_keep_alive(KEEP_ALIVE)
        .set_clean_session(true)
        .set_max_packet_size(bytes_max, bytes_max)
        .set_inflight(IN_FLIGHT_MAX);
    if let Some((name, password)) = &config.login {
        options.set_credentials(name, password);
    }
    let (client, mut events) = rumqttc::AsyncClient::new(options, REQUESTS_MAX);
    events.set_network_options(network(config));
    loop {
        match events.poll().await {
            Ok(rumqttc::Event::Incoming(rumqttc::Packet::ConnAck(_))) => {
                return Ok(Link::V311(client, Box::new(events)));
            }
            Ok(_) => {}
            Err(error) => return Err(greeting_error_v311(&error)),
        }
    }
}

fn greeting_error_v311(error: &rumqttc::ConnectionError) -> LinkError {
    let why = error.to_string();
    let is_about_version = match error {
        rumqttc::ConnectionError::ConnectionRefused(code) => {
            *code == rumqttc::ConnectReturnCode::RefusedProtocolVersion
        }
        rumqttc::ConnectionError::MqttState(_) | rumqttc::ConnectionError::NotConnAck(_) => true,
        rumqttc::ConnectionError::NetworkTimeout
        | rumqttc::ConnectionError::FlushTimeout
        | rumqttc::ConnectionError::Tls(_)
        | rumqttc::ConnectionError::Io(_)
        | rumqttc::ConnectionError::RequestsDone => false,
    };
    if is_about_version { LinkError::Version(why) } else { LinkError::Unreachable(why) }
}

async fn publish_v311(
    client: &rumqttc::AsyncClient,
    events: &mut rumqttc::EventLoop,
    topic: &str,
    body: &[u8],
) -> Result<(), LinkError> {
    client
        .publish(topic, rumqttc::QoS::AtLeastOnce, false, body)
        .await
        .map_err(|error| LinkError::Broken(error.to_string()))?;
    loop {
        match events.poll().await {
            Ok(rumqttc::Event::Incoming(rumqttc::Packet::PubAck(_))) => return Ok(()),
            Ok(_) => {}
            Err(error) => return Err(LinkError::Broken(error.to_string())),
        }
    }
}

fn transport(config: &MqttConfig) -> Transport {
    match &config.tls {
        None => Transport::Tcp,
        Some(tls) => Transport::tls_with_config(TlsConfiguration::Rustls(tls.clone())),
    }
}

/// One message waits for one acknowledgement: neither may wait for TCP to fill a segment.
fn network(config: &MqttConfig) -> NetworkOptions {
    let mut network = NetworkOptions::new();
    network.set_tcp_nodelay(true);
    network.set_connection_timeout(seconds(config));
    network
}

/// The library counts whole seconds; the attempt's own limit is exact.
fn seconds(config: &MqttConfig) -> u64 {
    config.attempt_timeout.duration().as_secs().max(1)
}
