//! What the console is handed to show.

use std::collections::BTreeMap;

use citywarden_model::{
    Asset, AssetId, DeadLetterReason, Device, Offset, Permit, RuleId, Severity, Timestamp, Titles, Verdict,
};
use serde::Serialize;
use utoipa::ToSchema;

use crate::schema::{DeadLetterReasonSchema, SeveritySchema, TitlesSchema};

/// The part that knows has stopped, or does not answer; in words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Unavailable(pub String);

/// Everything that is shown beside the alerts. Each method answers from memory, at once.
pub trait Reads: Send + Sync {
    /// Each part of the service, and whether it works.
    fn parts(&self) -> Vec<Part>;
    /// The metrics in Prometheus' text format.
    fn metrics(&self) -> String;
    /// What the rules say of the assets now, in (rule, asset) order.
    fn verdicts(&self, filter: &VerdictFilter) -> Result<Vec<VerdictLine>, Unavailable>;
    /// The assets of the registry.
    fn assets(&self) -> Result<Vec<Asset>, Unavailable>;
    /// The devices of the registry, and when they were heard.
    fn devices(&self) -> Result<Vec<DeviceLine>, Unavailable>;
    /// The permits of the registry.
    fn permits(&self) -> Result<Vec<Permit>, Unavailable>;
    /// The rules in force.
    fn rules(&self) -> Result<Vec<RuleSummary>, Unavailable>;
    /// What could not be decoded or matched.
    fn dead_letters(&self) -> Result<DeadLetters, Unavailable>;
}

/// A part of the service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct Part {
    /// What it is called.
    pub name: String,
    /// Whether it works.
    pub ready: bool,
    /// How it is, in words; where it does not work, why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// Which verdicts are wanted: those that fit everything that is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerdictFilter {
    /// On this asset.
    pub asset: Option<String>,
    /// By this rule.
    pub rule: Option<String>,
    /// One of [`Verdict::WORDS`].
    pub verdict: Option<&'static str>,
}

impl VerdictFilter {
    /// Whether this verdict is wanted.
    pub fn admits(&self, line: &VerdictLine) -> bool {
        self.asset.as_ref().is_none_or(|asset| line.asset.as_str() == asset)
            && self.rule.as_ref().is_none_or(|rule| line.rule.as_str() == rule)
            && self.verdict.is_none_or(|verdict| line.verdict.as_str() == verdict)
    }
}

/// What one rule says of one asset.
#[derive(Debug, Clone, PartialEq)]
pub struct VerdictLine {
    /// The rule.
    pub rule: RuleId,
    /// The asset.
    pub asset: AssetId,
    /// What it says.
    pub verdict: Verdict,
    /// Since when, by the journal's clock.
    pub since: Timestamp,
}

/// A device, and how it is heard.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceLine {
    /// The device as the registry has it.
    pub device: Device,
    /// When it was last heard, by the journal's clock; `None` where it never was.
    pub heard_at: Option<Timestamp>,
    /// Whether nothing has come for longer than its interval allows.
    pub silent: bool,
}

/// What is shown of a rule.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[schema(as = Rule)]
pub struct RuleSummary {
    /// Its id.
    #[schema(value_type = String)]
    pub id: RuleId,
    /// What people call it.
    #[schema(value_type = TitlesSchema)]
    pub title: Titles,
    /// How pressing its violations are.
    #[schema(value_type = SeveritySchema)]
    pub severity: Severity,
    /// `active` or `trial`.
    pub status: String,
    /// The number of its clause, 1 to 25.
    pub clause: u8,
    /// The digest of its text.
    #[schema(value_type = String)]
    pub digest: citywarden_model::Digest,
    /// The quantities that its alerts rest on.
    #[schema(value_type = Vec<String>)]
    pub evidence: Vec<citywarden_model::QuantityName>,
    /// Its limits, as its file has them.
    pub limits: Vec<LimitSummary>,
}

/// What is shown of a limit; how much it is stands in each alert, where an asset may have its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[schema(as = Limit)]
pub struct LimitSummary {
    /// What the rule calls it.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// Where it comes from.
    pub source: String,
}

/// What could not be decoded or matched.
#[derive(Debug, Clone, Default, PartialEq, Serialize, ToSchema)]
#[schema(as = DeadMessages)]
pub struct DeadLetters {
    /// How many there are of each reason.
    #[schema(value_type = BTreeMap<String, u64>)]
    pub counts: BTreeMap<DeadLetterReason, u64>,
    /// The latest, newest first.
    pub recent: Vec<DeadLetter>,
}

/// One of them.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct DeadLetter {
    /// Its place in the journal.
    #[schema(value_type = u64)]
    pub offset: Offset,
    /// When it came.
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Timestamp,
    /// The topic.
    pub topic: String,
    /// Why it was not judged.
    #[schema(value_type = DeadLetterReasonSchema)]
    pub reason: DeadLetterReason,
    /// In words.
    pub detail: String,
}
