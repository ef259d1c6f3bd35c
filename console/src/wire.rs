//! The API's own JSON, where it is not the model's.

use std::sync::Arc;

use citywarden_alerting::EvidenceMessage;
use citywarden_alerting::outbox::DeadDelivery;
use citywarden_model::{
    Alert, AlertId, Asset, AssetId, Attributes, Crs, DeviceId, Permit, Timestamp, Verdict,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::problem::Problem;
use crate::reads::{DeadLetters, DeviceLine, RuleSummary, VerdictLine};
use crate::schema::{AlertSchema, AssetSchema, CrsSchema, EvidenceMessageSchema};

mod event;
pub(crate) use event::{EventJson, Streamed};

#[derive(Serialize, ToSchema)]
pub(crate) struct AlertPage {
    /// Latest opened first.
    #[schema(value_type = Vec<AlertSchema>)]
    pub(crate) alerts: Vec<Arc<Alert>>,
    /// The `cursor` of the next page; null on the last.
    #[schema(required)]
    pub(crate) next: Option<String>,
}

/// An alert, and what happened to it.
#[derive(Serialize, ToSchema)]
pub(crate) struct AlertDetail {
    #[serde(flatten)]
    #[schema(value_type = AlertSchema)]
    pub(crate) alert: Arc<Alert>,
    /// In order.
    pub(crate) events: Vec<EventJson>,
}

/// The messages an alert rests on.
#[derive(Serialize, ToSchema)]
pub(crate) struct Evidence {
    #[schema(value_type = String)]
    pub(crate) alert: AlertId,
    #[schema(value_type = Vec<EvidenceMessageSchema>)]
    pub(crate) messages: Vec<EvidenceMessage>,
}

/// The body of a command. Who gives it is not in it.
#[derive(Deserialize, Default, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Reason)]
pub(crate) struct ReasonBody {
    /// Why, in at most 4096 bytes.
    #[serde(default)]
    #[schema(max_length = 4096, example = "a patrol is on the way")]
    pub(crate) reason: Option<String>,
}

/// The body of a note.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Note)]
#[expect(dead_code, reason = "read as a reason; alerting refuses a note without words")]
pub(crate) struct NoteBody {
    /// The note, in at most 4096 bytes.
    #[schema(
        pattern = r"\S",
        max_length = 4096,
        example = "called the site; the sprinklers are being repaired"
    )]
    reason: String,
}

impl ReasonBody {
    /// Reads the body of a command; none is one without a reason.
    pub(crate) fn read(body: &[u8]) -> Result<Self, Problem> {
        if body.is_empty() {
            return Ok(Self::default());
        }
        let wrong = |error| Problem::wrong(format!("the body is not {{\"reason\": \"…\"}}: {error}"));
        // by way of an object: a struct would take an array as well
        let object: Option<serde_json::Map<_, _>> = serde_json::from_slice(body).map_err(wrong)?;
        serde_json::from_value(object.unwrap_or_default().into()).map_err(wrong)
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = VerdictLine)]
pub(crate) struct VerdictJson {
    #[schema(value_type = String)]
    rule: citywarden_model::RuleId,
    #[schema(value_type = String)]
    asset: AssetId,
    /// `compliant`, `early_warning`, `violation`, `undecided` or `fault`.
    #[schema(value_type = String)]
    verdict: &'static str,
    /// Why, where there is a reason.
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// By the journal's clock.
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

impl VerdictJson {
    pub(crate) fn of(line: &VerdictLine) -> Self {
        Self {
            rule: line.rule.clone(),
            asset: line.asset.clone(),
            verdict: line.verdict.as_str(),
            reason: Verdict::reason(&line.verdict).map(str::to_owned),
            since: line.since,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct VerdictPage {
    pub(crate) verdicts: Vec<VerdictJson>,
    /// The `cursor` of the next page; null on the last.
    #[schema(required)]
    pub(crate) next: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Assets {
    #[schema(value_type = Vec<AssetSchema>)]
    pub(crate) assets: Vec<Asset>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Rules {
    pub(crate) rules: Vec<RuleSummary>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Devices {
    pub(crate) devices: Vec<DeviceJson>,
}

/// A device, and how it is heard.
#[derive(Serialize, ToSchema)]
#[schema(as = Device)]
pub(crate) struct DeviceJson {
    #[schema(value_type = String)]
    id: DeviceId,
    kind: String,
    /// Whose readings it sends.
    #[schema(value_type = String)]
    asset: AssetId,
    /// The time between two of its readings; null: it reports on change.
    #[schema(required)]
    interval_s: Option<f64>,
    /// When it was last heard, by the journal's clock; null: never.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    heard_at: Option<Timestamp>,
    /// Whether nothing has come for longer than its interval allows.
    silent: bool,
    #[schema(value_type = CrsSchema)]
    crs: Crs,
    /// Every other column of `devices.csv`.
    #[schema(value_type = std::collections::BTreeMap<String, String>)]
    attributes: Attributes,
}

impl DeviceJson {
    pub(crate) fn of(line: DeviceLine) -> Self {
        let DeviceLine { device, heard_at, silent } = line;
        Self {
            id: device.id,
            kind: device.kind,
            asset: device.asset,
            interval_s: device.interval.map(citywarden_model::Span::seconds),
            heard_at,
            silent,
            crs: device.crs,
            attributes: device.attributes,
        }
    }
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Permits {
    pub(crate) permits: Vec<PermitJson>,
}

#[derive(Serialize, ToSchema)]
pub(crate) struct Silences {
    pub(crate) silences: Vec<PermitJson>,
}

/// A line of `permits.csv`.
#[derive(Serialize, ToSchema)]
#[schema(as = Permit)]
pub(crate) struct PermitJson {
    id: String,
    /// `night_work`, `restricted_road`, `silence`.
    pub(crate) kind: String,
    #[schema(value_type = String)]
    asset: AssetId,
    /// Valid from this moment …
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    /// … up to, and not at, this one.
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
    /// Whether it is valid now.
    in_force: bool,
}

impl PermitJson {
    pub(crate) fn of(permit: Permit, now: Timestamp) -> Self {
        let Permit { id, kind, asset, from, to } = permit;
        Self { id, kind, asset, from, to, in_force: from <= now && now < to }
    }
}

#[derive(Serialize, ToSchema)]
#[schema(as = DeadLetters)]
pub(crate) struct DeadLettersJson {
    #[serde(flatten)]
    pub(crate) messages: DeadLetters,
    /// Notifications that a receiver did not take, the latest first.
    pub(crate) notifications: Vec<DeadDeliveryJson>,
}

/// A notification that a receiver did not take and will not be offered again.
#[derive(Serialize, ToSchema)]
#[schema(as = DeadNotification)]
pub(crate) struct DeadDeliveryJson {
    receiver: String,
    /// Its idempotency key.
    notification: String,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    why: String,
}

impl DeadDeliveryJson {
    pub(crate) fn of(dead: &DeadDelivery) -> Self {
        Self {
            receiver: dead.receiver.as_str().to_owned(),
            notification: dead.key.to_string(),
            at: dead.at,
            why: dead.why.clone(),
        }
    }
}
