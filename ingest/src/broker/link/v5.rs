//! A connection in MQTT 5.

use rumqttc::Outgoing;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::{
    ConnectReturnCode, Filter, Packet, Publish, RetainForwardRule, SubscribeReasonCode,
};
use rumqttc::v5::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions};

use super::{Grant, LinkError, OWN_PACKETS, REQUESTS_MAX, Received, Step, network, transport};
use crate::broker::config::BrokerConfig;

pub(super) fn open(config: &BrokerConfig) -> (AsyncClient, EventLoop) {
    let limits = &config.limits;
    let mut options = MqttOptions::new(&config.client_id, &config.host, config.port);
    options
        .set_transport(transport(config))
        .set_network_options(network(config))
        .set_connection_timeout(limits.connect_timeout.as_secs().max(1))
        .set_keep_alive(limits.keep_alive)
        .set_manual_acks(true)
        .set_clean_start(false)
        .set_session_expiry_interval(Some(u32::try_from(limits.session_expiry.as_secs()).unwrap_or(u32::MAX)))
        .set_receive_maximum(Some(limits.receive_maximum))
        .set_max_packet_size(Some(limits.packet_bytes_max))
        .set_outgoing_inflight_upper_limit(OWN_PACKETS);
    if let Some(login) = &config.login {
        options.set_credentials(&login.username, &login.password);
    }
    AsyncClient::new(options, REQUESTS_MAX)
}

pub(super) fn step(event: Event) -> Step {
    let packet = match event {
        Event::Incoming(packet) => packet,
        Event::Outgoing(Outgoing::PubAck(_)) => return Step::Acknowledged,
        Event::Outgoing(Outgoing::Disconnect) => return Step::Left,
        Event::Outgoing(_) => return Step::Nothing,
    };
    if let Packet::Publish(publish) = packet {
        return Step::Received(received(publish));
    }
    if let Packet::ConnAck(greeting) = &packet {
        return Step::Connected { session_present: greeting.session_present };
    }
    if let Packet::SubAck(answer) = &packet {
        return Step::Subscribed(answer.return_codes.iter().map(|code| grant(*code)).collect());
    }
    Step::Nothing
}

fn received(publish: Publish) -> Received {
    let qos =
        if publish.qos == QoS::AtMostOnce { rumqttc::QoS::AtMostOnce } else { rumqttc::QoS::AtLeastOnce };
    Received {
        dup: publish.dup,
        qos,
        retain: publish.retain,
        topic: String::from_utf8_lossy(&publish.topic).into_owned(),
        pkid: publish.pkid,
        payload: publish.payload,
    }
}

const fn grant(code: SubscribeReasonCode) -> Grant {
    match code {
        SubscribeReasonCode::Success(QoS::AtMostOnce) => Grant::AtMostOnce,
        SubscribeReasonCode::Success(QoS::AtLeastOnce | QoS::ExactlyOnce) => Grant::AtLeastOnce,
        SubscribeReasonCode::Failure
        | SubscribeReasonCode::Unspecified
        | SubscribeReasonCode::ImplementationSpecific
        | SubscribeReasonCode::NotAuthorized
        | SubscribeReasonCode::TopicFilterInvalid
        | SubscribeReasonCode::PkidInUse
        | SubscribeReasonCode::QuotaExceeded
        | SubscribeReasonCode::SharedSubscriptionsNotSupported
        | SubscribeReasonCode::SubscriptionIdNotSupported
        | SubscribeReasonCode::WildcardSubscriptionsNotSupported => Grant::Refused,
    }
}

/// A filter with `QoS` 1. What the broker retains comes with a new subscription, not with one that is renewed.
pub(super) fn filter(path: &str) -> Filter {
    let mut filter = Filter::new(path, QoS::AtLeastOnce);
    filter.preserve_retain = false;
    filter.retain_forward_rule = RetainForwardRule::OnNewSubscribe;
    filter
}

/// All of a message that its acknowledgement needs.
pub(super) fn with_id(packet_id: u16) -> Publish {
    Publish { qos: QoS::AtLeastOnce, pkid: packet_id, ..Publish::default() }
}

pub(super) fn explain(error: &ConnectionError, greeted: bool) -> LinkError {
    if let ConnectionError::ConnectionRefused(code) = error {
        let is_version = matches!(
            code,
            ConnectReturnCode::UnsupportedProtocolVersion | ConnectReturnCode::RefusedProtocolVersion
        );
        return if is_version { LinkError::VersionRefused } else { LinkError::Refused(format!("{code:?}")) };
    }
    let is_early = matches!(error, ConnectionError::MqttState(_) | ConnectionError::NotConnAck(_));
    match (greeted, is_early) {
        (true, _) => LinkError::Lost(error.to_string()),
        (false, true) => LinkError::ClosedEarly(error.to_string()),
        (false, false) => LinkError::Unreachable(error.to_string()),
    }
}
