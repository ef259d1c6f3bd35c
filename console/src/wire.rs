//! The API's own JSON, where it is not the model's.

use citywarden_alerting::event::Update;
use citywarden_alerting::outbox::DeadDelivery;
use citywarden_alerting::{Event, EvidenceMessage, What};
use citywarden_model::{Alert, AlertId, Asset, Offset, Timestamp, Verdict};
use serde::{Deserialize, Serialize};

use crate::reads::{DeadLetters, DeviceLine, VerdictLine};

#[derive(Serialize)]
pub(crate) struct AlertPage<'a> {
    pub(crate) alerts: Vec<&'a Alert>,
    pub(crate) next: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct AlertDetail<'a> {
    #[serde(flatten)]
    pub(crate) alert: &'a Alert,
    pub(crate) events: Vec<EventJson<'a>>,
}

/// One event of an alert.
#[derive(Serialize)]
pub(crate) struct EventJson<'a> {
    sequence: u32,
    at: Timestamp,
    event: &'static str,
    who: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<Offset>,
    #[serde(skip_serializing_if = "Option::is_none")]
    update: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    violation: Option<&'a AlertId>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tell: Vec<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    receiver: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    given_up: Option<bool>,
}

impl<'a> EventJson<'a> {
    pub(crate) fn of(event: &'a Event) -> Self {
        let (update, violation) = match &event.what {
            What::Updated(Update::Again(_)) => (Some("again"), None),
            What::Updated(Update::GrewInto { violation }) => (Some("grew_into"), Some(violation)),
            What::Updated(Update::StillActive) => (Some("still_active"), None),
            What::Opened(_)
            | What::Cleared
            | What::Acknowledged
            | What::Resolved
            | What::Closed
            | What::Reopened { .. }
            | What::Noted
            | What::Notified(_)
            | What::Failed { .. } => (None, None),
        };
        let (delivery, given_up) = match &event.what {
            What::Notified(delivery) => (Some(delivery), None),
            What::Failed { delivery, given_up } => (Some(delivery), Some(*given_up)),
            What::Opened(_)
            | What::Updated(_)
            | What::Cleared
            | What::Acknowledged
            | What::Resolved
            | What::Closed
            | What::Reopened { .. }
            | What::Noted => (None, None),
        };
        Self {
            sequence: event.sequence,
            at: event.at,
            event: event.what.word(),
            who: event.who.to_string(),
            why: event.why.as_deref(),
            offset: event.cause.map(|cause| cause.moment.offset),
            update,
            violation,
            tell: event.tell.iter().map(|recipient| recipient.receiver.as_str()).collect(),
            receiver: delivery.map(|delivery| delivery.receiver.as_str()),
            attempts: delivery.map(|delivery| delivery.attempts),
            given_up,
        }
    }
}

/// What the stream sends: the event, and the alert as it is now.
#[derive(Serialize)]
pub(crate) struct Streamed<'a> {
    pub(crate) event: EventJson<'a>,
    pub(crate) alert: &'a Alert,
}

#[derive(Serialize)]
pub(crate) struct EvidenceJson {
    pub(crate) alert: AlertId,
    pub(crate) messages: Vec<EvidenceMessage>,
}

/// The body of a command. Who gives it is not in it.
#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
pub(crate) struct CommandBody {
    #[serde(default)]
    pub(crate) reason: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct VerdictJson<'a> {
    rule: &'a str,
    asset: &'a str,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a str>,
    since: Timestamp,
}

impl<'a> VerdictJson<'a> {
    pub(crate) fn of(line: &'a VerdictLine) -> Self {
        Self {
            rule: line.rule.as_str(),
            asset: line.asset.as_str(),
            verdict: line.verdict.as_str(),
            reason: Verdict::reason(&line.verdict),
            since: line.since,
        }
    }
}

#[derive(Serialize)]
pub(crate) struct VerdictPage<'a> {
    pub(crate) verdicts: Vec<VerdictJson<'a>>,
    /// Whether there are more than are shown.
    pub(crate) truncated: bool,
}

#[derive(Serialize)]
pub(crate) struct Assets {
    pub(crate) assets: Vec<Asset>,
}

#[derive(Serialize)]
pub(crate) struct Devices<'a> {
    pub(crate) devices: Vec<DeviceJson<'a>>,
}

#[derive(Serialize)]
pub(crate) struct DeviceJson<'a> {
    id: &'a str,
    kind: &'a str,
    asset: &'a str,
    interval_s: Option<f64>,
    heard_at: Option<Timestamp>,
    silent: bool,
    crs: citywarden_model::Crs,
    attributes: &'a citywarden_model::Attributes,
}

impl<'a> DeviceJson<'a> {
    pub(crate) fn of(line: &'a DeviceLine) -> Self {
        let device = &line.device;
        Self {
            id: device.id.as_str(),
            kind: &device.kind,
            asset: device.asset.as_str(),
            interval_s: device.interval.map(citywarden_model::Span::seconds),
            heard_at: line.heard_at,
            silent: line.silent,
            crs: device.crs,
            attributes: &device.attributes,
        }
    }
}

#[derive(Serialize)]
pub(crate) struct DeadLettersJson<'a> {
    #[serde(flatten)]
    pub(crate) messages: DeadLetters,
    /// Notifications that a receiver did not take.
    pub(crate) notifications: Vec<DeadDeliveryJson<'a>>,
}

#[derive(Serialize)]
pub(crate) struct DeadDeliveryJson<'a> {
    receiver: &'a str,
    notification: String,
    at: Timestamp,
    why: &'a str,
}

impl<'a> DeadDeliveryJson<'a> {
    pub(crate) fn of(dead: &'a DeadDelivery) -> Self {
        Self {
            receiver: dead.receiver.as_str(),
            notification: dead.key.to_string(),
            at: dead.at,
            why: &dead.why,
        }
    }
}
