//! Examples inside rule files: what is observed at which time, and what the rule has to say of it.
//!
//! ```text
//! given name=value …                                 what the registry says of the asset
//! time [.. time every step] [late span]  fact …      what is observed then, and how much later it arrives
//! time [.. …] [fact …]  => expectation               what the rule says once everything up to that time is in
//! ```

pub(crate) mod parsing;

use citywarden_model::{QuantityName, Span, Value};

/// An example of a rule, run as a test.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// Its name.
    pub name: String,
    /// Where it stands in the rule's file.
    pub place: Place,
    /// What the registry says of the asset: lines that begin with `given`.
    pub given: Vec<Given>,
    /// The other lines, in the order written; times need not rise from line to line.
    pub steps: Vec<Step>,
}

/// A place in the rule's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
}

/// What the registry says.
#[derive(Debug, Clone, PartialEq)]
pub enum Given {
    /// `name=value`: an attribute of the asset (`limit.<rule>.<name>` overrides a limit).
    Attribute {
        /// Its name.
        name: String,
        /// Its text.
        text: String,
    },
    /// `permit=kind` or `permit=kind@22:00..06:00`: the asset has a permit.
    Permit {
        /// Its kind.
        kind: String,
        /// When it is valid; `None`: all the time.
        hours: Option<(Span, Span)>,
    },
}

/// A line with a time.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// Where it stands.
    pub place: Place,
    /// The observed time, since the midnight (local) before the example begins. After the first line, a time of day
    /// earlier than the line before by more than 12 hours is on the next day, so an example may cross midnight.
    pub at: Span,
    /// The last time, where the line is a range (at `at`, `at + every`, … up to and with `until`).
    pub until: Span,
    /// The step of the range, and the devices' `interval_s`; `None`: a single time (the device reports on change).
    pub every: Option<Span>,
    /// How much later than observed it arrives.
    pub late: Span,
    /// What is observed at each of these times.
    pub facts: Vec<Fact>,
    /// What the rule says then (after the facts of this line); only on lines with a single time.
    pub expect: Option<Expectation>,
}

/// Something observed.
#[derive(Debug, Clone, PartialEq)]
pub enum Fact {
    /// `name=value`: a reading by a device of the asset.
    Reading {
        /// What is measured.
        quantity: QuantityName,
        /// Its value.
        value: Value<'static>,
    },
    /// `inside zone`, `entered zone`, `left zone`: the asset is in, enters or leaves a zone of this kind.
    Zone {
        /// Which.
        movement: Movement,
        /// The zone's kind.
        kind: String,
    },
    /// `event name key=value …`: an event that concerns the asset. Where the rule pairs events with a zone's owner
    /// (`at_zone`), a device of the owner of the example's zone of that kind sends it.
    Event {
        /// Its name.
        name: String,
        /// Its numbers, by name.
        fields: Vec<(String, f64)>,
    },
    /// `device kind`: a device of this kind sends something, and nothing that the rule reads (for `device_silence`).
    /// It belongs to the asset, or to the owner of the zone where the rule pairs it with a zone.
    Device {
        /// Its kind.
        kind: String,
    },
}

/// How an asset moves with respect to a zone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Movement {
    /// It is inside.
    Inside,
    /// It goes in.
    Entered,
    /// It goes out.
    Left,
}

/// What an example expects.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expectation {
    /// The verdict `compliant`, for whatever reason.
    Compliant,
    /// The verdict `early_warning`.
    EarlyWarning,
    /// The verdict `violation`.
    Violation,
    /// The verdict `undecided`.
    Undecided,
    /// The verdict `fault`.
    Fault,
    /// The state: a stage's condition holds, and not for long enough.
    Pending,
    /// The state: a violation is firing.
    Alert,
    /// The state `warned`: an early warning is firing, and no violation.
    Warned,
    /// The state: nothing is pending or firing.
    Normal,
}

impl Expectation {
    /// The words of all expectations: the verdicts, then the states.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("compliant", Self::Compliant),
        ("early_warning", Self::EarlyWarning),
        ("violation", Self::Violation),
        ("undecided", Self::Undecided),
        ("fault", Self::Fault),
        ("pending", Self::Pending),
        ("alert", Self::Alert),
        ("warned", Self::Warned),
        ("normal", Self::Normal),
    ];
    /// The expectation of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == word).map(|(_, expectation)| *expectation)
    }
    /// As an example writes it.
    pub fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, expectation)| *expectation == self).map_or("", |(word, _)| word)
    }
}
