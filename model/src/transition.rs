//! What the evaluator hands on: the moments at which an alert begins or ends.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Alert, AlertKind, AssetId, Offset, RuleId, Span, Timestamp};

/// A moment of the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Moment {
    /// The record that brought it about.
    pub offset: Offset,
    /// The journal's clock: the record's `received_at`, or the time at which a timer was due.
    pub at: Timestamp,
}

/// A change that alerting has to know. Derived again from the same journal it is the same, with the same `cause`
/// and `index`, so that one that was taken already can be dropped.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transition {
    /// When and by which record.
    pub cause: Moment,
    /// Its place among the transitions of that record, from 0.
    pub index: u32,
    /// The rule.
    pub rule: RuleId,
    /// The asset.
    pub asset: AssetId,
    /// The kind of alert that changes.
    pub kind: AlertKind,
    /// What happens.
    pub change: Change,
}

/// What happens to the alert of a (rule, asset, kind).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Change {
    /// The condition has held for as long as the rule asks.
    Raised {
        /// The alert as it would be if none came before it: state open, condition active.
        alert: Box<Alert>,
        /// Active again within this span of clearing: the same alert goes on.
        reopen_window: Span,
        /// The messages it rests on, in order.
        evidence: Vec<Offset>,
    },
    /// The condition has ended, and why.
    Cleared(String),
    /// The rule or the asset is gone, and which: the alert is closed.
    Removed(String),
}

/// Which clock a time is by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TimeSource {
    /// The device's own.
    #[default]
    Observed,
    /// Ours: the device sent none, or one that cannot be.
    Received,
}

impl TimeSource {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
    pub(crate) const fn is_observed(&self) -> bool {
        matches!(self, Self::Observed)
    }
}

/// A text in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Titles {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// Named values of an alert: numbers, booleans and texts as JSON, in name order.
pub type ValueMap = BTreeMap<String, serde_json::Value>;
