//! `[[source]]` of type `mqtt`: the broker that a county already has.

use std::time::Duration;

use citywarden_ingest::broker::{BrokerConfig, BrokerLimits, Login};
use citywarden_model::{ALERT_TOPICS, RegionId, SourceName, Span, TopicMapping, filter_fault, filters_meet};

use super::fields::Fields;
use super::mqtt;

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;
/// A client id that is longer some brokers of 3.1.1 refuse.
const CLIENT_ID_BYTES_MAX: usize = 65_535;

pub(super) fn read(
    fields: &Fields<'_, '_>,
    source: SourceName,
    region: &RegionId,
    mappings: &[TopicMapping],
) -> Option<BrokerConfig> {
    let address = mqtt::read(fields);
    let topics = topics(fields, mappings);
    let limits = limits(fields);
    let usual = BrokerConfig::new(source, region, "", 0);
    let client_id = fields.text("client_id").map_or(usual.client_id.clone(), |text| {
        if text.value.len() > CLIENT_ID_BYTES_MAX || text.value.contains('\0') {
            fields.error(&text.at, "`client_id` has 1 to 65535 bytes and no NUL");
        }
        text.value
    });
    let dropped_topic = match fields.section.boolean("watch_dropped") {
        Some(false) => None,
        Some(true) | None => usual.dropped_topic.clone(),
    };
    let mqtt::BrokerAddress { host, port, tls, login } = address?;
    let login = login.map(|(username, password)| Login { username, password });
    Some(BrokerConfig { host, port, tls, login, client_id, topics, dropped_topic, limits, ..usual })
}

/// What is subscribed to: `topics`, or else our own, and whatever is mapped.
fn topics(fields: &Fields<'_, '_>, mappings: &[TopicMapping]) -> Vec<String> {
    let mut topics: Vec<String> = Vec::new();
    let written = fields.section.texts("topics");
    for (filter, at) in written.iter().flatten() {
        if let Some(fault) = filter_fault(filter) {
            fields.error(at, format!("`{filter}` is no topic filter: {fault}"));
        }
        keep_off_alerts(fields, filter, at);
        topics.push((*filter).to_owned());
    }
    if let Some(at) = fields.place("topics").filter(|_| topics.is_empty()) {
        fields.error(&at, "`topics` is empty; expected topic filters such as \"citywarden/+/+/+\"");
    } else if topics.is_empty() {
        topics.push(citywarden_model::OWN_TOPICS.to_owned());
    }
    topics.extend(mappings.iter().map(|mapping| mapping.filter.clone()));
    let mut seen = std::collections::BTreeSet::new();
    topics.retain(|topic| seen.insert(topic.clone()));
    topics
}

/// Alerts are published beside the readings: a source that took them in would feed on itself.
pub(super) fn keep_off_alerts(fields: &Fields<'_, '_>, filter: &str, at: &std::ops::Range<usize>) {
    let shared = filter.strip_prefix("$share/").and_then(|rest| rest.split_once('/'));
    let filter = shared.map_or(filter, |(_, filter)| filter);
    if filters_meet(filter, ALERT_TOPICS) {
        fields.error(
            at,
            format!("`{filter}` takes in the topics of alerts, `{ALERT_TOPICS}`; name those of devices"),
        );
    }
}

fn limits(fields: &Fields<'_, '_>) -> BrokerLimits {
    let default = BrokerLimits::default();
    let packet = fields.count("packet_bytes_max", default.packet_bytes_max as usize, KIB..=16 * MIB);
    let payload = fields.count("payload_bytes_max", default.payload_bytes_max, KIB..=MIB);
    if let Some(at) = fields.place("packet_bytes_max").or(fields.place("payload_bytes_max"))
        && packet < payload
    {
        fields.error(&at, format!("packets of {packet} bytes cannot carry payloads of {payload}"));
    }
    let receive =
        fields.count("receive_maximum", usize::from(default.receive_maximum), 1..=usize::from(u16::MAX));
    let time = |name, default: Duration, least, most| {
        let default = Span::from_nanos(i64::try_from(default.as_nanos()).unwrap_or(i64::MAX));
        fields.duration(name, default, least..=most).duration()
    };
    let (short, hour) = (Span::from_millis(10), Span::from_mins(60));
    let limits = BrokerLimits {
        receive_maximum: u16::try_from(receive).unwrap_or(default.receive_maximum),
        packet_bytes_max: u32::try_from(packet).unwrap_or(default.packet_bytes_max),
        payload_bytes_max: payload,
        cut_payload_bytes: fields.count("cut_payload_bytes", default.cut_payload_bytes, 0..=64 * KIB),
        held_bytes_max: fields.count("held_bytes_max", default.held_bytes_max, MIB..=4096 * MIB),
        session_expiry: time(
            "session_expiry",
            default.session_expiry,
            Span::from_mins(1),
            Span::from_mins(10 * 365 * 24 * 60),
        ),
        keep_alive: time("keep_alive", default.keep_alive, Span::from_secs(5), hour),
        connect_timeout: time("connect_timeout", default.connect_timeout, Span::from_secs(1), hour),
        drain_timeout: time("drain_timeout", default.drain_timeout, short, hour),
        first_pause: time("first_pause", default.first_pause, short, hour),
        longest_pause: time("longest_pause", default.longest_pause, short, hour),
    };
    if let Some(at) = fields.place("longest_pause").filter(|_| limits.longest_pause < limits.first_pause) {
        fields.error(&at, "`longest_pause` is shorter than `first_pause`");
    }
    limits
}
