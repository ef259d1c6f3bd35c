//! How the model's own types are described in the OpenAPI document: names, types, meaning. Nothing here is ever made; a
//! test holds each against what the type it stands for is written as.
#![expect(dead_code, reason = "these types are described, never made")]

use std::collections::BTreeMap;

use utoipa::ToSchema;

/// One violation, early warning or device finding.
#[derive(ToSchema)]
#[schema(as = Alert)]
pub(crate) struct AlertSchema {
    /// Derived from region, rule, asset, kind and `began_at`: 26 characters of base32.
    #[schema(example = "K5ZQ3V7N2M4TB6XWQH3YRAJD5E")]
    id: String,
    kind: AlertKindSchema,
    /// The rule that raised it.
    #[schema(example = "sprinkler-chime-loudness")]
    rule: String,
    /// The digest of that rule's text: `sha256:` and 64 hexadecimal digits.
    rule_digest: String,
    /// The digest of the whole rule set in force at that offset.
    ruleset_digest: String,
    title: TitlesSchema,
    /// The clause it rests on; null for device findings.
    #[schema(required)]
    clause: Option<ClauseSchema>,
    severity: SeveritySchema,
    /// Whether it is a lead only: the device has no valid review, or a condition of measuring is not known.
    lead: bool,
    /// Why it is a lead only: `not_reviewed` (a device without a valid review), `clock` (the device's clock is not trusted),
    /// `not_measured` (a condition of measuring, such as the wind). Absent: it is none.
    lead_reasons: Option<Vec<String>>,
    /// Raised by a rule on trial: counted, told to nobody. Absent: false.
    trial: Option<bool>,
    /// Found in readings that came too late to be judged live. Absent: false.
    reconstructed: Option<bool>,
    /// Which clock `began_at` is by. Absent: `observed`.
    time_source: Option<TimeSourceSchema>,
    asset: AssetSummarySchema,
    /// The administrative division code.
    #[schema(example = "330624")]
    region: String,
    /// The grid cell of the asset.
    #[schema(required)]
    grid: Option<String>,
    /// Where it was.
    #[schema(required)]
    position: Option<PointSchema>,
    /// The units that answer for the clause, as the measures write them.
    responsible: Vec<String>,
    state: AlertStateSchema,
    condition: ConditionSchema,
    /// The observed time at which the condition first held.
    #[schema(format = DateTime)]
    began_at: String,
    /// When it was raised, by the journal's clock.
    #[schema(format = DateTime)]
    opened_at: String,
    /// When the condition ended, by the journal's clock.
    #[schema(required, format = DateTime)]
    cleared_at: Option<String>,
    /// What was measured, by the rule's names: numbers, booleans and texts.
    values: BTreeMap<String, serde_json::Value>,
    /// What it was measured against, by the rule's names.
    limits: BTreeMap<String, serde_json::Value>,
    /// The unit of the first limit.
    unit: String,
    /// One sentence for people, in Chinese.
    summary: String,
    /// The same in English, where there is one.
    summary_en: Option<String>,
    evidence: EvidenceRangeSchema,
}

/// A violation breaks a clause, an early warning soon may, a device finding is about a device.
#[derive(ToSchema)]
#[schema(as = AlertKind, rename_all = "snake_case")]
pub(crate) enum AlertKindSchema {
    Violation,
    EarlyWarning,
    Device,
}

/// How pressing it is.
#[derive(ToSchema)]
#[schema(as = Severity, rename_all = "snake_case")]
pub(crate) enum SeveritySchema {
    Notice,
    Minor,
    Serious,
    Urgent,
}

/// What people have done about an alert. Any later state may follow any earlier one; `closed` may reopen.
#[derive(ToSchema)]
#[schema(as = AlertState, rename_all = "snake_case")]
pub(crate) enum AlertStateSchema {
    Open,
    Acknowledged,
    Assigned,
    Arrived,
    Resolved,
    Closed,
    Withdrawn,
}

/// Whether the condition of an alert holds, whatever people have done.
#[derive(ToSchema)]
#[schema(as = Condition, rename_all = "snake_case")]
pub(crate) enum ConditionSchema {
    Active,
    Cleared,
}

/// The device's clock, or ours.
#[derive(ToSchema)]
#[schema(as = TimeSource, rename_all = "snake_case")]
pub(crate) enum TimeSourceSchema {
    Observed,
    Received,
}

/// A text in both languages.
#[derive(ToSchema)]
#[schema(as = Titles)]
pub(crate) struct TitlesSchema {
    zh: String,
    en: String,
}

/// A clause of part four of the measures.
#[derive(ToSchema)]
#[schema(as = Clause)]
pub(crate) struct ClauseSchema {
    /// Its number.
    #[schema(minimum = 1, maximum = 25)]
    item: u8,
    /// Its place in the document.
    #[schema(example = "四（一）1")]
    reference: String,
    /// Its words.
    text: String,
}

/// Whom an alert is about.
#[derive(ToSchema)]
#[schema(as = AssetSummary)]
pub(crate) struct AssetSummarySchema {
    id: String,
    kind: String,
    /// What people call it.
    name: String,
}

/// A point in WGS-84, degrees.
#[derive(ToSchema)]
#[schema(as = Point)]
pub(crate) struct PointSchema {
    lat: f64,
    lon: f64,
}

/// Where the messages are that an alert rests on.
#[derive(ToSchema)]
#[schema(as = EvidenceRange)]
pub(crate) struct EvidenceRangeSchema {
    journal: JournalRangeSchema,
    /// SHA-256 over the SHA-256 of each of their payloads, in the order of their offsets.
    digest: String,
}

/// A stretch of the journal, both ends included.
#[derive(ToSchema)]
#[schema(as = JournalRange)]
pub(crate) struct JournalRangeSchema {
    first: u64,
    last: u64,
}

/// A message as it came: its text, or where it is none its bytes in base64.
#[derive(ToSchema)]
#[schema(as = EvidenceMessage)]
pub(crate) struct EvidenceMessageSchema {
    /// Its place in the journal.
    offset: u64,
    #[schema(format = DateTime)]
    received_at: String,
    topic: String,
    payload: Option<String>,
    payload_base64: Option<String>,
}

/// A thing that is watched.
#[derive(ToSchema)]
#[schema(as = Asset)]
pub(crate) struct AssetSchema {
    id: String,
    #[schema(example = "construction_site")]
    kind: String,
    /// What people call it.
    name: String,
    region: String,
    #[schema(required)]
    grid: Option<String>,
    /// Where it stands, where it stands still.
    #[schema(required)]
    position: Option<PointSchema>,
    /// Every other column of `assets.csv`.
    attributes: BTreeMap<String, String>,
}

/// The datum of the positions that a device reports.
#[derive(ToSchema)]
#[schema(as = Crs, rename_all = "lowercase")]
pub(crate) enum CrsSchema {
    Wgs84,
    Gcj02,
}

/// Why a message was kept and not judged.
#[derive(ToSchema)]
#[schema(as = DeadLetterReason, rename_all = "snake_case")]
pub(crate) enum DeadLetterReasonSchema {
    TooLarge,
    NotPermitted,
    UnknownTopic,
    ForeignRegion,
    UnknownDevice,
    UnknownAsset,
    UnknownFormat,
    Undecodable,
}

#[cfg(test)]
mod tests;
