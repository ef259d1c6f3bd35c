//! A connection in MQTT 3.1.1.

use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, MqttOptions, Outgoing, Packet,
    Publish, QoS, SubscribeFilter, SubscribeReasonCode,
};

use super::{Grant, LinkError, OWN_PACKETS, REQUESTS_MAX, Step, network, transport};
use crate::broker::config::BrokerConfig;

/// The largest packet there can be. In this version a broker cannot be told a smaller limit: what we refused would come
/// again on the next connection, for ever.
const PACKET_BYTES_MAX: usize = 268_435_455;
/// Ours are a few filters.
const OWN_PACKET_BYTES_MAX: usize = 1024 * 1024;

pub(super) fn open(config: &BrokerConfig) -> (AsyncClient, EventLoop) {
    let mut options = MqttOptions::new(&config.client_id, &config.host, config.port);
    options
        .set_transport(transport(config))
        .set_keep_alive(config.limits.keep_alive)
        .set_manual_acks(true)
        .set_clean_session(false)
        .set_max_packet_size(PACKET_BYTES_MAX, OWN_PACKET_BYTES_MAX)
        .set_inflight(OWN_PACKETS);
    if let Some(login) = &config.login {
        options.set_credentials(&login.username, &login.password);
    }
    let (client, mut events) = AsyncClient::new(options, REQUESTS_MAX);
    events.set_network_options(network(config));
    (client, events)
}

pub(super) fn step(event: Event) -> Step {
    let packet = match event {
        Event::Incoming(packet) => packet,
        Event::Outgoing(Outgoing::PubAck(_)) => return Step::Acknowledged,
        Event::Outgoing(Outgoing::Disconnect) => return Step::Left,
        Event::Outgoing(_) => return Step::Nothing,
    };
    if let Packet::Publish(publish) = packet {
        return Step::Received(publish);
    }
    if let Packet::ConnAck(greeting) = &packet {
        return Step::Connected { session_present: greeting.session_present };
    }
    if let Packet::SubAck(answer) = &packet {
        return Step::Subscribed(answer.return_codes.iter().map(|code| grant(*code)).collect());
    }
    Step::Nothing
}

const fn grant(code: SubscribeReasonCode) -> Grant {
    match code {
        SubscribeReasonCode::Success(QoS::AtMostOnce) => Grant::AtMostOnce,
        SubscribeReasonCode::Success(QoS::AtLeastOnce | QoS::ExactlyOnce) => Grant::AtLeastOnce,
        SubscribeReasonCode::Failure => Grant::Refused,
    }
}

/// A filter with `QoS` 1.
pub(super) fn filter(path: &str) -> SubscribeFilter {
    SubscribeFilter::new(path.to_owned(), QoS::AtLeastOnce)
}

/// All of a message that its acknowledgement needs.
pub(super) fn with_id(packet_id: u16) -> Publish {
    let mut publish = Publish::new("", QoS::AtLeastOnce, Vec::new());
    publish.pkid = packet_id;
    publish
}

pub(super) fn explain(error: &ConnectionError, greeted: bool) -> LinkError {
    if let ConnectionError::ConnectionRefused(code) = error {
        let is_version = *code == ConnectReturnCode::RefusedProtocolVersion;
        return if is_version { LinkError::VersionRefused } else { LinkError::Refused(format!("{code:?}")) };
    }
    let is_early = matches!(error, ConnectionError::MqttState(_) | ConnectionError::NotConnAck(_));
    match (greeted, is_early) {
        (true, _) => LinkError::Lost(error.to_string()),
        (false, true) => LinkError::ClosedEarly(error.to_string()),
        (false, false) => LinkError::Unreachable(error.to_string()),
    }
}
