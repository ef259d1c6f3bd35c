//! `[[receiver]]`: whom alerts are sent to.

use std::collections::BTreeSet;

use citywarden_alerting::ReceiverName;
use citywarden_alerting::outbox::ChannelLimits;
use citywarden_alerting::receiver::signature::Secret;
use citywarden_alerting::receiver::webhook::{ATTEMPT_TIMEOUT, CONNECT_TIMEOUT, WebhookConfig};
use citywarden_model::Span;
use citywarden_problems::did_you_mean;
use url::{Host, Url};

use super::fields::{Fields, Text};

/// The kinds of receiver that are to come.
const LATER_KINDS: &[&str] = &["email", "mqtt", "wecom", "dingtalk"];

/// One receiver.
#[derive(Debug, Clone)]
pub(crate) struct ReceiverConfig {
    pub(crate) name: ReceiverName,
    pub(crate) webhook: WebhookConfig,
    pub(crate) limits: ChannelLimits,
}

/// Every receiver, and the names of all that are written, right or wrong: routes are checked against these.
pub(crate) fn read_all(tables: Vec<Fields<'_, '_>>) -> (Vec<ReceiverConfig>, BTreeSet<String>) {
    let mut names = BTreeSet::new();
    let read = tables.into_iter().filter_map(|fields| {
        let name = fields.required("name");
        let is_new = name.as_ref().is_some_and(|name| names.insert(name.value.clone()));
        if let (Some(name), false) = (&name, is_new) {
            fields.error(&name.at, format!("a receiver `{}` is there already", name.value));
        }
        let receiver = read(&fields, name.as_ref().filter(|_| is_new));
        fields.finish();
        receiver
    });
    (read.collect(), names)
}

fn read(fields: &Fields<'_, '_>, name: Option<&Text>) -> Option<ReceiverConfig> {
    let kind = fields.required("type").filter(|kind| {
        let is_known = kind.value == "webhook";
        if !is_known {
            refuse_kind(fields, kind);
        }
        is_known
    });
    if kind.is_none() {
        // its keys are those of another type: not looked at
        drop(fields.section.entries());
        return None;
    }
    let url = fields.required("url").and_then(|text| webhook_url(fields, &text));
    let secret = secret(fields);
    let limits = ChannelLimits {
        in_flight_max: fields.count("in_flight_max", ChannelLimits::default().in_flight_max, 1..=64),
        per_minute: fields.place("per_minute").map(|_| fields.count("per_minute", 60, 1..=100_000)),
    };
    let seconds = Span::from_millis(100)..=Span::from_mins(5);
    let connect_timeout = fields.duration("connect_timeout", CONNECT_TIMEOUT, seconds.clone());
    let attempt_timeout = fields.duration("timeout", ATTEMPT_TIMEOUT, seconds);
    let webhook =
        WebhookConfig { connect_timeout, attempt_timeout, ..WebhookConfig::new(url?.as_str(), secret) };
    Some(ReceiverConfig { name: ReceiverName::from(name?.value.as_str()), webhook, limits })
}

fn refuse_kind(fields: &Fields<'_, '_>, kind: &Text) {
    if LATER_KINDS.contains(&kind.value.as_str()) {
        return fields.not_yet(&kind.at, &format!("receivers of type `{}`; expected `webhook`", kind.value));
    }
    let near = did_you_mean(&kind.value, LATER_KINDS.iter().copied().chain(["webhook"]));
    let hint = near.map_or("; expected `webhook`".to_owned(), |near| format!(", did you mean `{near}`"));
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
