//! What a rule is, once its file has been read and checked: everything the evaluator needs, and nothing that could
//! still be wrong. Built by the rulebook alone.
//!
//! Names become *slots*: one numbered row of values a rule and asset, first the limits, then the inputs, then the
//! lets, each in the order written. A condition is an [`Expression`] over slots.

use std::sync::Arc;

use citywarden_model::{Clause, Digest, QuantityName, RuleId, Severity, Span, Timestamp, Titles};

use crate::expression::Expression;

/// All rules in force, known by one digest.
#[derive(Debug, Clone)]
pub struct RuleSet {
    /// The rules, by id.
    pub rules: Vec<Arc<Rule>>,
    /// SHA-256 over each rule's id and digest, in id order.
    pub digest: Digest,
}

/// One rule.
#[derive(Debug)]
pub struct Rule {
    /// Its id; never reused.
    pub id: RuleId,
    /// The digest of its text.
    pub digest: Digest,
    /// The name of its file.
    pub file: String,
    /// Its text, as it was read.
    pub text: Arc<str>,
    /// Whether it tells anybody.
    pub status: Status,
    /// How pressing its violations are.
    pub severity: Severity,
    /// The dates between which it is in force.
    pub in_force: InForce,
    /// The version of the document it rests on.
    pub document: Option<String>,
    /// What people call it.
    pub title: Titles,
    /// The clause it rests on.
    pub clause: Clause,
    /// The kinds of asset it watches.
    pub watches: Vec<String>,
    /// The units that answer for the clause.
    pub responsible: Vec<String>,
    /// One sentence for people, Chinese and English.
    pub message: [Template; 2],
    /// What people call its early warnings; `None`: its title, as an early warning.
    pub warning_title: Option<Titles>,
    /// One sentence for people in its early warnings, Chinese and English; `None`: its message, as an early warning.
    pub warning_message: Option<[Template; 2]>,
    /// The quantities whose readings an alert keeps.
    pub evidence: Vec<QuantityName>,
    /// Active again within this span of clearing: the same alert.
    pub reopen_window: Span,
    /// Its parameters: slots `0..limits.len()`.
    pub limits: Vec<Limit>,
    /// What it reads: the slots after the limits.
    pub inputs: Vec<Input>,
    /// What it computes from them: the slots after the inputs.
    pub lets: Vec<Let>,
    /// How it decides.
    pub judge: Judge,
    /// Its examples, run as tests.
    pub examples: Vec<crate::example::Example>,
}

/// Whether a rule tells anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// It raises alerts.
    Active,
    /// It judges and counts, and tells nobody.
    Trial,
}

/// The dates between which a rule is in force, local midnight each.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InForce {
    /// From the beginning of this day.
    pub from: Timestamp,
    /// To the end of the day before this moment; `None`: for good.
    pub until: Option<Timestamp>,
}

/// A parameter of a rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// Its name in expressions and overrides (`limit.<rule>.<name>`).
    pub name: String,
    /// Its value where the registry does not override it.
    pub value: LimitValue,
    /// Its unit.
    pub unit: String,
    /// Where the number comes from: standard and clause, or "engineering choice".
    pub source: String,
}

/// The value of a limit. Numbers are finite.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum LimitValue {
    /// A number in the limit's unit.
    Number(f64),
    /// Something that can be switched on.
    Switch(bool),
    /// A duration; in expressions its number of seconds.
    Duration(Span),
    /// A time of the local day, as the span since midnight; not readable in expressions.
    TimeOfDay(Span),
}

/// The name of an input or let.
pub type InputName = String;

/// A declared input: a statistic over readings, maintained natively.
#[derive(Debug, Clone, PartialEq)]
pub struct Input {
    /// Its name in expressions.
    pub name: InputName,
    /// What is computed.
    pub statistic: Statistic,
    /// Which readings count: at most one of each kind.
    pub gates: Vec<Gate>,
    /// What stands in where the asset never sent such a reading; `None`: it is then undecided.
    pub otherwise: Option<Otherwise>,
    /// True: the input is a boolean; false: a number.
    pub is_truth: bool,
}

/// A span of time in an input: written, or a limit's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// Digits.
    Fixed(Span),
    /// The slot of a limit that is a duration.
    Limit(usize),
}

/// What a sum or count is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SumOf {
    /// The readings of a quantity; a sum of a quantity per hour is not scaled.
    Quantity(QuantityName),
    /// A field of an event, such as `washed.seconds`; for `count`, the events.
    Event {
        /// The event's name.
        name: String,
        /// The field; `None` for `count(washed, …)`.
        field: Option<String>,
    },
}

/// What an input computes. Windows are spans of observed time; see `docs/writing-rules.md` for each one's meaning.
#[derive(Debug, Clone, PartialEq)]
pub enum Statistic {
    /// The newest value.
    Last(QuantityName),
    /// The energy mean of levels, dB.
    Laeq(QuantityName, Window),
    /// The arithmetic mean.
    Mean(QuantityName, Window),
    /// The greatest value.
    Max(QuantityName, Window),
    /// The least value.
    Min(QuantityName, Window),
    /// The sum; of no events it is 0.
    Sum(SumOf, Window),
    /// How many.
    Count(SumOf, Window),
    /// The share (0 to 1) of the readings expected in the window that are there.
    Coverage(QuantityName, Window),
    /// The share (0 to 1) of the window's time in which a state was true.
    ShareOfTime(QuantityName, Window),
    /// The longest uninterrupted time in the window in which a state was true, seconds.
    LongestRun(QuantityName, Window),
    /// How long a state has been false, seconds, counted from the first false; 0 while it is true.
    Since(QuantityName),
    /// How long no reading of the quantity has arrived, seconds, by the journal's clock.
    Silence(QuantityName),
    /// How long no device of this kind at the asset has sent anything, seconds, by the journal's clock.
    DeviceSilence(String),
    /// The asset has just left a zone of this kind: true for that evaluation alone.
    Left(String),
    /// The asset has just entered a zone of this kind: true for that evaluation alone.
    Entered(String),
    /// The asset is in a zone of this kind.
    Inside(String),
    /// How long the asset has been in a zone of this kind without a break, seconds.
    Dwell(String),
    /// The asset has a permit of this kind, valid now.
    Permit(String),
    /// The local time is between two times of the day (slots of limits), the first included, across midnight if need be.
    LocalTime(usize, usize),
    /// The largest gap between neighbouring positions along a line, m: of an attribute with chainages `0;5;10`,
    /// the attribute with the line's length, the attribute that says whether it is closed. Gate spans are left out.
    LargestGap {
        /// Attribute with the chainages, m, `;` between them.
        chainages: String,
        /// Attribute with the length, m.
        length: String,
        /// Attribute that says whether the line is closed.
        closed: String,
    },
}

/// Which readings an input takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Gate {
    /// Only readings made while a state is true (or false, where `negated`). Shut outside `or()`, the rule rests.
    OnlyWhile {
        /// The state.
        quantity: QuantityName,
        /// `only_while(!x)`.
        negated: bool,
    },
    /// Only the elements whose place in this array of booleans is true; all of them where it was never sent.
    OnlyWhere(QuantityName),
    /// Only what was sent by devices of the asset that owns the zone (of this kind) that was entered or left.
    AtZone(String),
    /// Nothing from before this input last changed: the slot of a boolean input of the same rule.
    RestartOn(usize),
}

/// What stands in for an input that the asset is not fitted for.
#[derive(Debug, Clone, PartialEq)]
pub enum Otherwise {
    /// A number. Makes the alert a lead where the input is a condition of measuring.
    Number(f64),
    /// True or false.
    Truth(bool),
    /// Another statistic with gates of its own (and perhaps another stand-in); its gate only selects readings.
    Input(Box<Input>),
}

/// A value computed from other slots.
#[derive(Debug)]
pub struct Let {
    /// Its name.
    pub name: InputName,
    /// How.
    pub expression: Expression,
}

/// How a rule decides, in the order in which it is asked: rests, fault, undecided, excused, violation, warning.
#[derive(Debug)]
pub struct Judge {
    /// The rule has nothing to judge.
    pub rests: Option<Expression>,
    /// A device is broken.
    pub fault: Vec<Reasoned>,
    /// Nobody can tell.
    pub undecided: Vec<Reasoned>,
    /// It would be a violation, and is allowed.
    pub excused: Vec<Reasoned>,
    /// The early warning.
    pub warning: Option<Stage>,
    /// The violation.
    pub violation: Stage,
    /// When an alert ends; `None`: when the stage's condition no longer holds.
    pub clear: Option<Condition>,
    /// Ends an alert this long (by the journal's clock) after the last reading that violated.
    pub clear_after: Option<Window>,
}

/// A condition with the reason it gives.
#[derive(Debug)]
pub struct Reasoned {
    /// The reason, in the officer's words.
    pub reason: String,
    /// The condition.
    pub expression: Expression,
}

/// A condition that has to hold for some time.
#[derive(Debug)]
pub struct Condition {
    /// What has to hold.
    pub expression: Expression,
    /// For how long; zero: once.
    pub lasting: Window,
}

/// A stage of a rule: the condition that raises it.
pub type Stage = Condition;

/// A message with named values in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template(pub Vec<TemplatePart>);

/// A part of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TemplatePart {
    /// Words.
    Words(String),
    /// The value of a slot.
    Slot(usize),
}
