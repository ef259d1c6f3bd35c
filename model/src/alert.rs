//! The alert object: the same everywhere it is shown, sent or printed.

use serde::{Deserialize, Serialize};

use crate::{
    AlertId, AlertKind, AssetId, Digest, GridId, Offset, Point, RegionId, RuleId, Severity, TimeSource,
    Timestamp, Titles, ValueMap,
};

/// One violation, early warning or device finding. The field order is the order in JSON.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Derived from region, rule, asset, kind and `began_at`.
    pub id: AlertId,
    /// What it is about.
    pub kind: AlertKind,
    /// The rule that raised it.
    pub rule: RuleId,
    /// The digest of that rule's text.
    pub rule_digest: Digest,
    /// The digest of the whole rule set in force at that offset.
    pub ruleset_digest: Digest,
    /// What people call it.
    pub title: Titles,
    /// The clause it rests on; `None` for device findings.
    pub clause: Option<Clause>,
    /// How pressing it is.
    pub severity: Severity,
    /// Whether it is a lead only (线索): the device has no valid review, or a condition of measuring is not known.
    pub lead: bool,
    /// Why it is a lead only; empty where it is none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lead_reasons: Vec<LeadReason>,
    /// Raised by a rule on trial: counted, told to nobody.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub trial: bool,
    /// Found in readings that came too late to be judged live.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reconstructed: bool,
    /// Which clock `began_at` is by.
    #[serde(default, skip_serializing_if = "TimeSource::is_observed")]
    pub time_source: TimeSource,
    /// Whom it is about.
    pub asset: AssetSummary,
    /// The region.
    pub region: RegionId,
    /// The grid cell of the asset.
    pub grid: Option<GridId>,
    /// Where it was.
    pub position: Option<PointJson>,
    /// The units that answer for the clause, as the measures write them.
    pub responsible: Vec<String>,
    /// What people have done about it.
    pub state: AlertState,
    /// Whether the condition still holds.
    pub condition: Condition,
    /// The observed time at which the condition first held.
    pub began_at: Timestamp,
    /// When it was raised, by the journal's clock.
    pub opened_at: Timestamp,
    /// When the condition ended, by the journal's clock.
    pub cleared_at: Option<Timestamp>,
    /// What was measured, by the rule's names.
    pub values: ValueMap,
    /// What it was measured against, by the rule's names.
    pub limits: ValueMap,
    /// The unit of the first limit.
    pub unit: String,
    /// One sentence for people, in Chinese.
    pub summary: String,
    /// The same in English.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary_en: String,
    /// What it rests on.
    pub evidence: Evidence,
}

/// Why an alert is a lead only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LeadReason {
    /// A device that was read has no valid review.
    NotReviewed,
    /// The clock of the device is wrong: it was judged by the time of arrival.
    Clock,
    /// A condition of measuring (such as the wind) is not measured: a number stood in for it.
    NotMeasured,
}

impl LeadReason {
    /// As JSON writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotReviewed => "not_reviewed",
            Self::Clock => "clock",
            Self::NotMeasured => "not_measured",
        }
    }
    /// In words for people, Chinese and English.
    pub const fn words(self) -> [&'static str; 2] {
        match self {
            Self::NotReviewed => ["设备未经有效审核", "a device without a valid review"],
            Self::Clock => ["设备时钟不可信", "the device's clock is not trusted"],
            Self::NotMeasured => ["测量条件未监测", "a condition of measuring is not measured"],
        }
    }
}

/// A position in JSON, six decimals are enough for 0.1 m.
pub type PointJson = Point;

/// A clause of part four of the measures.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clause {
    /// Its number, 1 to 25.
    pub item: u8,
    /// Its place in the document, such as `四（一）1`.
    pub reference: String,
    /// Its words.
    pub text: String,
}

/// Whom an alert is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetSummary {
    /// Its id.
    pub id: AssetId,
    /// Its kind.
    pub kind: String,
    /// What people call it.
    pub name: String,
}

/// The messages an alert rests on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Evidence {
    /// Where they are in the journal.
    pub journal: JournalRange,
    /// SHA-256 over the SHA-256 of each of their payloads, in the order of their offsets.
    pub digest: Digest,
}

/// A stretch of the journal, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct JournalRange {
    /// The first message.
    pub first: Offset,
    /// The last message.
    pub last: Offset,
}

/// What people have done about an alert. Any later state may follow any earlier one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertState {
    /// Nobody has looked yet.
    Open,
    /// Somebody has seen it.
    Acknowledged,
    /// Somebody has been told to go.
    Assigned,
    /// They are there.
    Arrived,
    /// It is put right.
    Resolved,
    /// The case is closed; may reopen.
    Closed,
    /// A permit registered later covers it.
    Withdrawn,
}

impl AlertState {
    /// As JSON writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
            Self::Assigned => "assigned",
            Self::Arrived => "arrived",
            Self::Resolved => "resolved",
            Self::Closed => "closed",
            Self::Withdrawn => "withdrawn",
        }
    }
}

/// Whether the condition of an alert holds, whatever people have done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Condition {
    /// It holds.
    Active,
    /// It has ended.
    Cleared,
}

impl Condition {
    /// As JSON writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Cleared => "cleared",
        }
    }
}
