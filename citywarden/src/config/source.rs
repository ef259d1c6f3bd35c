//! `[[source]]`: where messages come from.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use citywarden_ingest::broker::BrokerConfig;
use citywarden_ingest::endpoint::{EndpointConfig, Limits, Tls, TopicMap, Users};
use citywarden_model::{RegionId, SourceName, Span, TopicMapping};
use citywarden_problems::{Problems, Source, did_you_mean};

use super::fields::{Fields, NamedFile, Text};
use super::{broker, mapping};

/// Where the endpoint listens, where nothing is configured.
pub(crate) const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 1883);
const ENDPOINT: &str = "mqtt-endpoint";
const BROKER: &str = "mqtt";
const KINDS: [&str; 2] = [BROKER, ENDPOINT];
const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

/// One source.
#[derive(Debug, Clone)]
pub(crate) enum SourceConfig {
    /// Devices connect to us.
    Endpoint(EndpointConfig),
    /// We connect to their broker.
    Broker(BrokerConfig),
}

impl SourceConfig {
    /// The largest payload it keeps whole.
    pub(crate) const fn payload_bytes_max(&self) -> usize {
        match self {
            Self::Endpoint(endpoint) => endpoint.limits.payload_bytes_max,
            Self::Broker(broker) => broker.limits.payload_bytes_max,
        }
    }
}

/// Every source, and the mappings of all of them; without a table, the endpoint on loopback.
pub(crate) fn read_all(
    tables: Vec<Fields<'_, '_>>,
    region: &RegionId,
) -> (Vec<SourceConfig>, Vec<TopicMapping>) {
    if tables.is_empty() {
        let endpoint = EndpointConfig::new(SourceName::from(ENDPOINT), LISTEN);
        return (vec![SourceConfig::Endpoint(endpoint)], Vec::new());
    }
    let (mut names, mut mappings) = (BTreeSet::new(), Vec::new());
    let read = tables.into_iter().filter_map(|fields| {
        let source = source(&fields, region, &mut names, &mut mappings);
        fields.finish();
        source
    });
    (read.collect(), mappings)
}

fn source(
    fields: &Fields<'_, '_>,
    region: &RegionId,
    names: &mut BTreeSet<String>,
    mappings: &mut Vec<TopicMapping>,
) -> Option<SourceConfig> {
    let kind = fields.required("type").filter(|kind| {
        let is_known = KINDS.contains(&kind.value.as_str());
        if !is_known {
            refuse_kind(fields, kind);
        }
        is_known
    });
    let Some(kind) = kind else {
        // its keys are those of another type: not looked at
        drop(fields.section.entries());
        return None;
    };
    let name = fields.text("name").unwrap_or(kind.clone());
    if !names.insert(name.value.clone()) {
        fields
            .error(&name.at, format!("a source `{}` is there already; give each its own `name`", name.value));
    }
    let name = SourceName::from(name.value);
    let own = mapping::read_all(fields, &name);
    mappings.extend(own.iter().cloned());
    if kind.value == BROKER {
        return broker::read(fields, name, region, &own).map(SourceConfig::Broker);
    }
    let endpoint = EndpointConfig { topics: TopicMap::new(own), ..endpoint(fields, name) };
    Some(SourceConfig::Endpoint(endpoint))
}

fn refuse_kind(fields: &Fields<'_, '_>, kind: &Text) {
    let near = did_you_mean(&kind.value, KINDS);
    let hint = near.map_or_else(
        || format!("; expected `{BROKER}` or `{ENDPOINT}`"),
        |near| format!(", did you mean `{near}`"),
    );
    fields.error(&kind.at, format!("unknown type of source `{}`{hint}", kind.value));
}

fn endpoint(fields: &Fields<'_, '_>, source: SourceName) -> EndpointConfig {
    let listen = fields.address("listen").unwrap_or(LISTEN);
    let users = fields.place("users_file").is_some().then(|| users(fields));
    let tls = tls(fields);
    check_exposure(fields, listen, users.is_some());
    EndpointConfig { users, tls, limits: limits(fields), ..EndpointConfig::new(source, listen) }
}

fn users(fields: &Fields<'_, '_>) -> Users {
    let Some(file) = fields.secret_file("users_file") else { return Users::default() };
    let name = file.path.display().to_string();
    let Ok(text) = str::from_utf8(&file.content) else {
        fields.error(&file.at, format!("`{name}` is not UTF-8"));
        return Users::default();
    };
    let problems: &Problems = fields.setting.problems;
    let users = Users::parse(&Source::new(&name, text), problems);
    if users.is_empty() {
        fields.warning(&file.at, format!("`{name}` names nobody: no device can connect"));
    }
    users
}

fn tls(fields: &Fields<'_, '_>) -> Option<Tls> {
    let (cert, key) = (fields.place("cert_file"), fields.place("key_file"));
    let client_ca = fields.place("client_ca_file");
    match (&cert, &key) {
        (Some(at), None) => fields.error(at, "`cert_file` without `key_file`"),
        (None, Some(at)) => fields.error(at, "`key_file` without `cert_file`"),
        (None, None) => {
            if let Some(at) = &client_ca {
                fields.error(at, "`client_ca_file` without `cert_file` and `key_file`");
            }
            return None;
        }
        (Some(_), Some(_)) => {}
    }
    let chain = fields.file("cert_file");
    let key = fields.secret_file("key_file");
    let client_ca = client_ca.map(|_| fields.file("client_ca_file"));
    let client_ca: Option<NamedFile> = match client_ca {
        None => None,
        Some(file) => Some(file?),
    };
    let (chain, key) = (chain?, key?);
    Tls::from_pem(&chain.content, &key.content, client_ca.as_ref().map(|file| file.content.as_slice()))
        .map_err(|error| fields.error(&chain.at, error.to_string()))
        .ok()
}

/// Beyond loopback whoever connects must prove who they are; server TLS alone is no identity.
fn check_exposure(fields: &Fields<'_, '_>, listen: SocketAddr, has_users: bool) {
    let Some(at) = fields.place("listen").filter(|_| !listen.ip().is_loopback()) else { return };
    if !has_users && fields.place("client_ca_file").is_none() {
        let message =
            format!("{listen} is beyond loopback; expected `users_file` or `client_ca_file`, or 127.0.0.1");
        fields.error(&at, message);
    } else if fields.place("cert_file").is_none() {
        fields.warning(&at, "passwords travel unencrypted; expected `cert_file` and `key_file`");
    }
}

fn limits(fields: &Fields<'_, '_>) -> Limits {
    let default = Limits::default();
    let packet = fields.count("packet_bytes_max", default.packet_bytes_max as usize, KIB..=16 * MIB);
    let payload = fields.count("payload_bytes_max", default.payload_bytes_max, KIB..=MIB);
    if let Some(at) = fields.place("packet_bytes_max").or(fields.place("payload_bytes_max"))
        && packet < payload
    {
        fields.error(&at, format!("packets of {packet} bytes cannot carry payloads of {payload}"));
    }
    let u16_of = |name, default: u16, least| {
        let count = fields.count(name, usize::from(default), least..=usize::from(u16::MAX));
        u16::try_from(count).unwrap_or(default)
    };
    let time = |name, default: std::time::Duration| {
        let default = Span::from_nanos(i64::try_from(default.as_nanos()).unwrap_or(i64::MAX));
        fields.duration(name, default, Span::from_millis(100)..=Span::from_mins(60)).duration()
    };
    Limits {
        connections_max: fields.count("connections_max", default.connections_max, 1..=1_000_000),
        packet_bytes_max: u32::try_from(packet).unwrap_or(default.packet_bytes_max),
        payload_bytes_max: payload,
        cut_payload_bytes: fields.count("cut_payload_bytes", default.cut_payload_bytes, 0..=64 * KIB),
        receive_maximum: u16_of("receive_maximum", default.receive_maximum, 1),
        topic_alias_maximum: u16_of("topic_alias_maximum", default.topic_alias_maximum, 0),
        large_buffers_bytes_max: fields.count(
            "large_buffers_bytes_max",
            default.large_buffers_bytes_max,
            16 * MIB..=4096 * MIB,
        ),
        keep_alive_s_max: u16_of("keep_alive_s_max", default.keep_alive_s_max, 1),
        connect_timeout: time("connect_timeout", default.connect_timeout),
        packet_timeout: time("packet_timeout", default.packet_timeout),
        write_timeout: time("write_timeout", default.write_timeout),
        drain_timeout: time("drain_timeout", default.drain_timeout),
        session_expiry_max: session_expiry_max(fields, default.session_expiry_max),
        sessions_max: fields.count("sessions_max", default.sessions_max, 1..=1_000_000),
        password_checks_at_once: fields.count(
            "password_checks_at_once",
            default.password_checks_at_once,
            1..=64,
        ),
    }
}

fn session_expiry_max(fields: &Fields<'_, '_>, default: std::time::Duration) -> std::time::Duration {
    let default = Span::from_nanos(i64::try_from(default.as_nanos()).unwrap_or(i64::MAX));
    let ten_years = Span::from_mins(10 * 365 * 24 * 60);
    fields.duration("session_expiry_max", default, Span::ZERO..=ten_years).duration()
}
