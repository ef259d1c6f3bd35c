//! `[[receiver]]`: whom alerts are sent to.

use std::collections::BTreeSet;
use std::sync::Arc;

use citywarden_alerting::ReceiverName;
use citywarden_alerting::outbox::ChannelLimits;
use citywarden_alerting::receiver::Receiver;
use citywarden_alerting::receiver::mqtt::{Mqtt, MqttConfig};
use citywarden_alerting::receiver::signature::Secret;
use citywarden_alerting::receiver::webhook::{
    ATTEMPT_TIMEOUT, CONNECT_TIMEOUT, Webhook, WebhookConfig, WebhookError,
};
use citywarden_model::{RegionId, Span};
use citywarden_problems::did_you_mean;
use url::{Host, Url};

use super::fields::{Fields, Text};
use super::mqtt;

/// The kinds of receiver that are to come.
const LATER_KINDS: &[&str] = &["email", "wecom", "dingtalk"];
const WEBHOOK: &str = "webhook";
const BROKER: &str = "mqtt";

/// One receiver.
#[derive(Debug, Clone)]
pub(crate) struct ReceiverConfig {
    pub(crate) name: ReceiverName,
    pub(crate) way: Way,
    pub(crate) limits: ChannelLimits,
}

/// How it is reached.
#[derive(Debug, Clone)]
pub(crate) enum Way {
    Webhook(WebhookConfig),
    Mqtt(MqttConfig),
}

impl ReceiverConfig {
    /// Whoever delivers to it; connects to nothing yet.
    pub(crate) fn open(&self) -> Result<Arc<dyn Receiver>, WebhookError> {
        Ok(match &self.way {
            Way::Webhook(webhook) => Arc::new(Webhook::new(webhook.clone())?),
            Way::Mqtt(mqtt) => Arc::new(Mqtt::new(mqtt.clone())),
        })
    }
    /// As [`ReceiverConfig::open`], beside a running service: where the two would take each other's place, this one
    /// has a place of its own.
    pub(crate) fn open_beside(&self) -> Result<Arc<dyn Receiver>, WebhookError> {
        let mut beside = self.clone();
        if let Way::Mqtt(mqtt) = &mut beside.way {
            mqtt.client_id += "-test";
        }
        beside.open()
    }
}

/// Every receiver, and the names of all that are written, right or wrong: routes are checked against these.
pub(crate) fn read_all(
    tables: Vec<Fields<'_, '_>>,
    region: &RegionId,
) -> (Vec<ReceiverConfig>, BTreeSet<String>) {
    let mut names = BTreeSet::new();
    let read = tables.into_iter().filter_map(|fields| {
        let name = fields.required("name");
        let is_new = name.as_ref().is_some_and(|name| names.insert(name.value.clone()));
        if let (Some(name), false) = (&name, is_new) {
            fields.error(&name.at, format!("a receiver `{}` is there already", name.value));
        }
        let receiver = read(&fields, region, name.as_ref().filter(|_| is_new));
        fields.finish();
        receiver
    });
    (read.collect(), names)
}

fn read(fields: &Fields<'_, '_>, region: &RegionId, name: Option<&Text>) -> Option<ReceiverConfig> {
    let kind = fields.required("type").filter(|kind| {
        let is_known = matches!(kind.value.as_str(), WEBHOOK | BROKER);
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
    let limits = ChannelLimits {
        in_flight_max: fields.count("in_flight_max", ChannelLimits::default().in_flight_max, 1..=64),
        per_minute: fields.place("per_minute").map(|_| fields.count("per_minute", 60, 1..=100_000)),
    };
    let seconds = Span::from_millis(100)..=Span::from_mins(5);
    let attempt_timeout = fields.duration("timeout", ATTEMPT_TIMEOUT, seconds);
    let way = if kind.value == BROKER {
        broker(fields, region, name, attempt_timeout).map(Way::Mqtt)
    } else {
        webhook(fields, attempt_timeout).map(Way::Webhook)
    };
    Some(ReceiverConfig { name: ReceiverName::from(name?.value.as_str()), way: way?, limits })
}

fn webhook(fields: &Fields<'_, '_>, attempt_timeout: Span) -> Option<WebhookConfig> {
    let url = fields.required("url").and_then(|text| webhook_url(fields, &text));
    let secret = secret(fields);
    let seconds = Span::from_millis(100)..=Span::from_mins(5);
    let connect_timeout = fields.duration("connect_timeout", CONNECT_TIMEOUT, seconds);
    Some(WebhookConfig { connect_timeout, attempt_timeout, ..WebhookConfig::new(url?.as_str(), secret) })
}

fn broker(
    fields: &Fields<'_, '_>,
    region: &RegionId,
    name: Option<&Text>,
    attempt_timeout: Span,
) -> Option<MqttConfig> {
    let address = mqtt::read(fields);
    let usual = format!("citywarden-{region}-{}", name.map_or("", |name| &name.value));
    let client_id = fields.text("client_id").map_or(usual, |text| text.value);
    let mqtt::BrokerAddress { host, port, tls, login } = address?;
    Some(MqttConfig { host, port, tls, login, client_id, attempt_timeout })
}

fn refuse_kind(fields: &Fields<'_, '_>, kind: &Text) {
    let expected = format!("expected `{WEBHOOK}` or `{BROKER}`");
    if LATER_KINDS.contains(&kind.value.as_str()) {
        return fields.not_yet(&kind.at, &format!("receivers of type `{}`; {expected}", kind.value));
    }
    let near = did_you_mean(&kind.value, LATER_KINDS.iter().copied().chain([WEBHOOK, BROKER]));
    let hint = near.map_or_else(|| format!("; {expected}"), |near| format!(", did you mean `{near}`"));
    fields.error(&kind.at, format!("unknown type of receiver `{}`{hint}", kind.value));
}

fn webhook_url(fields: &Fields<'_, '_>, text: &Text) -> Option<Url> {
    let url =
        Url::parse(&text.value).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    let Some(url) = url else {
        fields.error(&text.at, format!("`{}` is no address; expected https://host/path", text.value));
        return None;
    };
    if !url.username().is_empty() || url.password().is_some() {
        fields.warning(&text.at, "a password in an address ends up in logs; sign with `secret_file` instead");
    }
    if url.scheme() == "http" && !is_loopback(&url) {
        fields.warning(&text.at, "alerts go there unencrypted; expected https");
    }
    Some(url)
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn secret(fields: &Fields<'_, '_>) -> Option<Secret> {
    if fields.place("secret_file").is_none() {
        fields
            .warning(&fields.at(), "no `secret_file`: notifications are unsigned, anybody could forge them");
    }
    let file = fields.secret_file("secret_file")?;
    let text = String::from_utf8_lossy(&file.content);
    Secret::parse(&text)
        .map_err(|error| fields.error(&file.at, format!("`{}`: {error}", file.path.display())))
        .ok()
}
