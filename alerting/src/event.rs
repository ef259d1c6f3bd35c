//! The life of an alert as events: what the alert log holds, and what receivers and the page are told.

use citywarden_model::{Alert, AlertId, Moment, Offset, Span, Timestamp, Transition};
use serde::{Deserialize, Serialize};

use crate::evidence::EvidenceCopy;

/// One step in an alert's life: who, when, why. Its JSON is what the alert log holds and the API shows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// The alert.
    pub alert: AlertId,
    /// The number of this event among those of the alert that can be notified, from 1. Notes and the records of a
    /// delivery (`notified`, `failed`) take no number of their own: a note carries that of the event before it, a
    /// delivery that of the event it delivers.
    pub sequence: u32,
    /// When, by the journal's clock.
    pub at: Timestamp,
    /// Who did it.
    pub who: Actor,
    /// Why, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// The transition that it came from, where it came from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Whom to tell, decided once: a later change of the routes does not tell anybody of the past.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tell: Vec<Recipient>,
    /// What happened.
    #[serde(flatten)]
    pub what: What,
}

impl Event {
    /// The idempotency key of the event: `{alert}.{sequence}`.
    pub fn key(&self) -> Key {
        Key { alert: self.alert.clone(), sequence: self.sequence }
    }
}

/// The idempotency key of a notification, written `{alert}.{sequence}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    /// The alert.
    pub alert: AlertId,
    /// The event's number in it.
    pub sequence: u32,
}

impl std::fmt::Display for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.alert, self.sequence)
    }
}

/// What a notification says of an event besides the alert: small enough to be kept for as long as a receiver is away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Headline {
    /// The idempotency key.
    pub key: Key,
    /// When, by the journal's clock.
    pub at: Timestamp,
    /// Who did it.
    pub who: Actor,
    /// Why.
    pub why: Option<String>,
    /// The event's word.
    pub word: &'static str,
    /// The violation that an early warning grew into.
    pub related: Option<AlertId>,
}

impl Headline {
    /// The headline of this event.
    pub fn of(event: &Event) -> Self {
        let related = if let What::Updated(Update::GrewInto { violation }) = &event.what {
            Some(violation.clone())
        } else {
            None
        };
        Self {
            key: event.key(),
            at: event.at,
            who: event.who.clone(),
            why: event.why.clone(),
            word: event.what.word(),
            related,
        }
    }
}

/// Who did something.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Actor {
    /// The rules: it follows from the journal.
    Rules,
    /// Alerting itself: a repetition, a delivery.
    Alerting,
    /// A person, by the name of their token.
    Person(String),
}

impl std::fmt::Display for Actor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Rules => f.write_str("rules"),
            Self::Alerting => f.write_str("alerting"),
            Self::Person(name) => f.write_str(name),
        }
    }
}

/// The transition an event came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// The record, and the journal's clock there.
    #[serde(flatten)]
    pub moment: Moment,
    /// The transition's place among those of that record.
    pub index: u32,
    /// More of what follows from it is in the next entry of the log: it is not taken before that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub more: bool,
}

impl Cause {
    /// The cause that this transition is.
    pub const fn of(transition: &Transition) -> Self {
        Self { moment: transition.cause, index: transition.index, more: false }
    }
    /// Its place in the order of all transitions.
    pub const fn position(self) -> Position {
        Position { offset: self.moment.offset, index: self.index }
    }
}

/// A place in the order of all transitions. What is at or before the last one taken is dropped when it comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The record.
    pub offset: Offset,
    /// The place among its transitions.
    pub index: u32,
}

impl Position {
    /// After every transition of this record.
    pub const fn after(offset: Offset) -> Self {
        Self { offset, index: u32::MAX }
    }
}

/// The name of a receiver, as the configuration writes it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ReceiverName(std::sync::Arc<str>);

impl ReceiverName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}
impl From<&str> for ReceiverName {
    fn from(name: &str) -> Self {
        Self(name.into())
    }
}
impl std::fmt::Display for ReceiverName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// One receiver that an event is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Recipient {
    /// Whom.
    pub receiver: ReceiverName,
    /// Since when it is waiting, by the clock alerting was handed.
    pub since: Timestamp,
    /// Not before: `group_wait` has passed.
    pub due: Timestamp,
}

/// What happened to an alert. Assignment, arrival, escalation, silences and withdrawal join here with their issues.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum What {
    /// It was raised.
    Opened(Box<Raise>),
    /// It goes on, differently.
    Updated(Update),
    /// The condition has ended.
    Cleared,
    /// Somebody has seen it.
    Acknowledged,
    /// It is put right.
    Resolved,
    /// The case is closed: by a person, or because the rule or the asset is gone.
    Closed,
    /// It is open again: by a person, or, with what was raised, because the condition holds again.
    Reopened {
        /// What was raised again; `None` where a person reopened it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        raise: Option<Box<Raise>>,
    },
    /// Somebody wrote something down: the event's `why`.
    Noted,
    /// A receiver has taken the event of this sequence.
    Notified(Delivery),
    /// A receiver has not taken it.
    Failed {
        /// To whom, and how often it was tried.
        #[serde(flatten)]
        delivery: Delivery,
        /// Whether no more attempts are made: a dead letter.
        given_up: bool,
    },
}

/// How an alert goes on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "update", rename_all = "snake_case")]
pub enum Update {
    /// It was raised again within the rule's `reopen_window`, or while it was active: what is measured now.
    Again(Box<Raise>),
    /// An early warning has become a violation, and ends with that.
    GrewInto {
        /// The violation.
        violation: AlertId,
    },
    /// It is still active and nobody has acknowledged it: told again, `repeat_interval` after the last time.
    StillActive,
}

/// An alert as it was raised, and copies of what it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Raise {
    /// The alert as the evaluator raised it.
    pub raised: Alert,
    /// Active again within this span of clearing: the same alert.
    pub reopen_window: Span,
    /// Copies of the messages.
    pub evidence: EvidenceCopy,
}

/// A delivery that was tried.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delivery {
    /// To whom.
    pub receiver: ReceiverName,
    /// How often it was tried since the last start.
    pub attempts: u32,
}

impl What {
    /// The words for all of them, as metrics and the API write them.
    pub const WORDS: &'static [&'static str] = &[
        "opened",
        "updated",
        "cleared",
        "acknowledged",
        "resolved",
        "closed",
        "reopened",
        "noted",
        "notified",
        "failed",
    ];
    /// The word for it: the metric's label, and the end of the CloudEvents type.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Opened(_) => "opened",
            Self::Updated(_) => "updated",
            Self::Cleared => "cleared",
            Self::Acknowledged => "acknowledged",
            Self::Resolved => "resolved",
            Self::Closed => "closed",
            Self::Reopened { .. } => "reopened",
            Self::Noted => "noted",
            Self::Notified(_) => "notified",
            Self::Failed { .. } => "failed",
        }
    }
    /// Whether receivers are told of such an event, so that it takes a number of its own.
    pub const fn is_notifiable(&self) -> bool {
        !matches!(self, Self::Noted | Self::Notified(_) | Self::Failed { .. })
    }
    /// What was raised, where something was.
    pub fn raise(&self) -> Option<&Raise> {
        match self {
            Self::Opened(raise) | Self::Updated(Update::Again(raise)) => Some(raise),
            Self::Reopened { raise } => raise.as_deref(),
            Self::Updated(Update::GrewInto { .. } | Update::StillActive)
            | Self::Cleared
            | Self::Acknowledged
            | Self::Resolved
            | Self::Closed
            | Self::Noted
            | Self::Notified(_)
            | Self::Failed { .. } => None,
        }
    }
    /// As [`Self::raise`], taken out.
    pub fn into_raise(self) -> Option<Raise> {
        match self {
            Self::Opened(raise) | Self::Updated(Update::Again(raise)) => Some(*raise),
            Self::Reopened { raise } => raise.map(|raise| *raise),
            Self::Updated(Update::GrewInto { .. } | Update::StillActive)
            | Self::Cleared
            | Self::Acknowledged
            | Self::Resolved
            | Self::Closed
            | Self::Noted
            | Self::Notified(_)
            | Self::Failed { .. } => None,
        }
    }
}

/// One record of the alert log.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub enum Record {
    /// An event of an alert.
    Event(Event),
    /// Every transition up to here is taken, also those that changed nothing.
    Applied(Position),
}
