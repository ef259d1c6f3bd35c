//! What a rule says of an asset at a moment.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The verdict of one rule on one asset. Pending and firing are states, not verdicts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Verdict {
    /// Nothing is wrong; the reason says why where the rule rests (`resting`) or is excused (a permit, frost).
    Compliant(Option<String>),
    /// Below the limit, above the warning level (预警).
    EarlyWarning,
    /// The clause is broken.
    Violation,
    /// Nobody can tell, and why.
    Undecided(String),
    /// A device or the rule itself is broken, and how.
    Fault(String),
}

impl Verdict {
    /// The verdict as a word, without its reason: the metric's label and the API's filter.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Compliant(_) => "compliant",
            Self::EarlyWarning => "early_warning",
            Self::Violation => "violation",
            Self::Undecided(_) => "undecided",
            Self::Fault(_) => "fault",
        }
    }
    /// The words of all verdicts.
    pub const WORDS: &'static [&'static str] =
        &["compliant", "early_warning", "violation", "undecided", "fault"];
    /// Why, where the verdict has a reason.
    pub fn reason(&self) -> Option<&str> {
        match self {
            Self::Compliant(reason) => reason.as_deref(),
            Self::Undecided(reason) | Self::Fault(reason) => Some(reason),
            Self::EarlyWarning | Self::Violation => None,
        }
    }
}

/// How pressing an alert is: S1 to S4 of the clause map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// 提示
    Notice,
    /// 一般
    Minor,
    /// 较重
    Serious,
    /// 紧急: goes out at once.
    Urgent,
}

impl Severity {
    /// From the mildest.
    pub const ALL: &'static [Self] = &[Self::Notice, Self::Minor, Self::Serious, Self::Urgent];
    /// As files and JSON write it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Notice => "notice",
            Self::Minor => "minor",
            Self::Serious => "serious",
            Self::Urgent => "urgent",
        }
    }
    /// The severity of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|severity| severity.as_str() == text)
    }
}

/// What an alert is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AlertKind {
    /// A clause is broken.
    Violation,
    /// It soon may be: told to the operator, never counted as a violation.
    EarlyWarning,
    /// A device is wrong; no clause.
    Device,
}

impl AlertKind {
    /// As JSON writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Violation => "violation",
            Self::EarlyWarning => "early_warning",
            Self::Device => "device",
        }
    }
}

impl fmt::Display for AlertKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}
