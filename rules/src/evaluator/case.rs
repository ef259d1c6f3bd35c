//! A case: one rule on one asset, and how it stands. normal → pending → firing → normal, for the violation and for
//! the early warning.

use citywarden_model::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::lane::Seen;

/// How a case stands.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Case {
    pub(crate) outcome: Outcome,
    /// Since when, by the journal.
    pub(crate) since: Timestamp,
    pub(crate) violation: Stage,
    pub(crate) warning: Stage,
    /// For `restart_on`: the last value of an input, and when it changed (observed).
    pub(crate) changed: Vec<(usize, bool, Timestamp)>,
    /// When time alone may next change something.
    pub(crate) due: Option<Timestamp>,
    /// The due for which a timer waits: never later than `due`.
    pub(crate) armed: Option<Timestamp>,
}

/// What was found, with the number of the reason among the rule's.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Outcome {
    /// Not asked yet.
    #[default]
    Unasked,
    Compliant,
    NotInForce,
    /// The gate of this input is shut.
    Shut(usize),
    Rests,
    Excused(usize),
    EarlyWarning,
    Violation,
    /// This input has no value.
    Missing(usize),
    /// The register does not allow it to be told.
    Register(String),
    Undecided(usize),
    Fault(usize),
    Broken(String),
}

impl Outcome {
    /// Nothing can be said: what is pending is dropped, what is firing is kept.
    pub(crate) fn is_open(&self) -> bool {
        match self {
            Self::Unasked
            | Self::Shut(_)
            | Self::Rests
            | Self::Missing(_)
            | Self::Register(_)
            | Self::Undecided(_)
            | Self::Fault(_)
            | Self::Broken(_) => true,
            Self::Compliant | Self::NotInForce | Self::Excused(_) | Self::EarlyWarning | Self::Violation => {
                false
            }
        }
    }
}

/// How far a stage has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Stage {
    #[default]
    Normal,
    /// Its condition has held since `began`, and not for long enough.
    Pending {
        began: Seen,
        /// See [`Firing::violated`].
        violated: Timestamp,
    },
    Firing(Firing),
}

/// An alert that is active.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Firing {
    /// The observed time at which its condition first held.
    pub(crate) began: Timestamp,
    /// When the last reading came that found its condition to hold, by the journal; where time alone found it, when
    /// it began to hold. No timer moves it.
    pub(crate) violated: Timestamp,
    /// Since when the condition that ends it has held.
    pub(crate) clearing: Option<Seen>,
}

/// The present of an evaluation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// The journal's clock.
    pub(crate) at: Timestamp,
    /// The observed time that is judged: the newest of the device that sent the reading, or the journal's where a
    /// timer asks.
    pub(crate) judged: Timestamp,
    /// A reading asks, not a timer.
    pub(crate) by_reading: bool,
}

impl Now {
    pub(crate) fn seen(self) -> Seen {
        Seen { observed: self.judged, received: self.at }
    }

    /// Whether something that began then has lasted: by a reading made that much later, or by the journal's clock
    /// where nothing with an interval is waited for.
    pub(crate) fn has_lasted(self, began: Seen, lasting: Span, by_the_journal: bool) -> bool {
        let by_reading = self.by_reading && self.judged.since(began.observed) >= lasting;
        by_reading || lasting == Span::ZERO || by_the_journal && self.at.since(began.received) >= lasting
    }
}

/// What a stage is told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Held {
    /// Its condition holds; `None`: nothing can be said.
    pub(crate) holds: Option<bool>,
    /// The condition that ends it holds.
    pub(crate) clears: bool,
    pub(crate) lasting: Span,
    pub(crate) clear_lasting: Span,
    pub(crate) clear_after: Option<Span>,
    /// The journal's clock counts for its lasting, and for that of its end.
    pub(crate) by_the_journal: bool,
    pub(crate) clear_by_the_journal: bool,
}

/// What a stage does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Stays,
    /// An alert begins; its condition has held since this observed time.
    Raises(Timestamp),
    /// It ends, because its end's condition held long enough.
    Clears,
    /// It ends, because nothing violated for so long.
    Expires,
}

impl Stage {
    pub(crate) const fn is_firing(&self) -> bool {
        matches!(self, Self::Firing(_))
    }

    pub(crate) fn step(&mut self, held: Held, now: &Now) -> Step {
        if let Self::Firing(firing) = self {
            let step = firing.step(held, now);
            if step != Step::Stays {
                *self = Self::Normal;
            }
            return step;
        }
        if held.holds != Some(true) {
            *self = Self::Normal;
            return Step::Stays;
        }
        let (began, mut violated) = match *self {
            Self::Pending { began, violated } => (began, violated),
            Self::Normal | Self::Firing(_) => (now.seen(), now.at),
        };
        if now.by_reading {
            violated = now.at;
        }
        if now.has_lasted(began, held.lasting, held.by_the_journal) {
            *self = Self::Firing(Firing { began: began.observed, violated, clearing: None });
            return Step::Raises(began.observed);
        }
        *self = Self::Pending { began, violated };
        Step::Stays
    }

    /// When time alone may change it.
    pub(crate) fn due(&self, held: &Held) -> Option<Timestamp> {
        match self {
            Self::Normal => None,
            Self::Pending { began, .. } => held.by_the_journal.then(|| began.received + held.lasting),
            Self::Firing(firing) => {
                let clearing = firing.clearing.filter(|_| held.clear_by_the_journal);
                let cleared = clearing.map(|since| since.received + held.clear_lasting);
                let expired = held.clear_after.map(|after| firing.violated + after);
                cleared.into_iter().chain(expired).min()
            }
        }
    }
}

impl Firing {
    fn step(&mut self, held: Held, now: &Now) -> Step {
        match held.holds {
            Some(true) => {
                if now.by_reading {
                    self.violated = now.at;
                }
                self.clearing = None;
                return Step::Stays; // what holds does not expire
            }
            Some(false) if held.clears => {
                let since = *self.clearing.get_or_insert(now.seen());
                if now.has_lasted(since, held.clear_lasting, held.clear_by_the_journal) {
                    return Step::Clears;
                }
            }
            Some(false) | None => self.clearing = None,
        }
        match held.clear_after {
            Some(after) if now.at.since(self.violated) >= after => Step::Expires,
            Some(_) | None => Step::Stays,
        }
    }
}
