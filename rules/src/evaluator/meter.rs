//! A device's clock, and whether a message of it counts: which lane it belongs to, and by which clock.

use std::collections::VecDeque;

use citywarden_model::{Digest, TimeSource, Timestamp};
use serde::{Deserialize, Serialize};

use super::Arrival;
use super::options::{EvaluatorOptions, FINGERPRINTS_MAX, SLOW_CLOCK_AFTER, SLOW_CLOCK_SPREAD};

/// What is remembered of a device beside its readings.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Meter {
    /// Its clock is wrong.
    pub(crate) is_wrong: bool,
    /// Late readings in a row, all late by about the same.
    streak: Option<Streak>,
    /// Digests of messages without a time of their own, and when they arrived.
    fingerprints: VecDeque<(Digest, Timestamp)>,
    /// The due for which its timer waits.
    pub(crate) armed: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Streak {
    began: Timestamp,
    /// The least and the greatest lateness, ns.
    least: i64,
    greatest: i64,
}

/// How an observation is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Admission {
    /// The time it is judged at.
    pub(crate) observed: Timestamp,
    pub(crate) source: TimeSource,
    /// In its own time, beside the live state.
    pub(crate) is_late: bool,
    /// What it shows is a lead at most: its clock is wrong.
    pub(crate) is_lead: bool,
    /// How far ahead (positive) or behind a wrong clock is, ns; `None` where it is sane; not asked of late history.
    pub(crate) wrong_by: Option<i64>,
}

impl Meter {
    /// The same, with no timer waiting.
    pub(crate) fn unarmed(mut self) -> Self {
        self.disarm();
        self
    }

    pub(crate) fn disarm(&mut self) {
        self.armed = None;
    }

    /// Admits an observation that carries this time.
    pub(crate) fn admit(
        &mut self,
        observed: Option<Timestamp>,
        received: Timestamp,
        options: &EvaluatorOptions,
    ) -> Admission {
        let by_arrival = |wrong_by: Option<i64>| Admission {
            observed: received,
            source: TimeSource::Received,
            is_late: false,
            is_lead: wrong_by.is_some(),
            wrong_by,
        };
        let Some(observed) = observed else { return by_arrival(None) };
        let age = received.since(observed);
        if age.nanos() < -options.future_skew.nanos() {
            self.streak = None;
            return by_arrival(Some(-age.nanos()));
        }
        if age > options.late_after {
            if self.is_constantly_late(age.nanos(), received) {
                return by_arrival(Some(-age.nanos()));
            }
            return Admission {
                observed,
                source: TimeSource::Observed,
                is_late: true,
                is_lead: false,
                wrong_by: None,
            };
        }
        self.streak = None;
        Admission { observed, source: TimeSource::Observed, is_late: false, is_lead: false, wrong_by: None }
    }

    /// Whether it has been late by the same amount for so long that its clock is wrong.
    fn is_constantly_late(&mut self, age: i64, received: Timestamp) -> bool {
        let fresh = Streak { began: received, least: age, greatest: age };
        let streak = self.streak.map_or(fresh, |streak| Streak {
            least: streak.least.min(age),
            greatest: streak.greatest.max(age),
            ..streak
        });
        let is_steady = streak.greatest - streak.least <= SLOW_CLOCK_SPREAD.nanos();
        let streak = if is_steady { streak } else { fresh };
        self.streak = Some(streak);
        received.since(streak.began) >= SLOW_CLOCK_AFTER
    }

    /// Whether a message without a time of its own was here before: sent again, and equal.
    pub(crate) fn is_repeated(&mut self, arrival: &Arrival<'_>, options: &EvaluatorOptions) -> bool {
        let digest = Digest::of(arrival.payload);
        let oldest = arrival.moment.at - options.duplicate_within;
        self.fingerprints.retain(|(_, at)| *at >= oldest);
        let known = self.fingerprints.iter().position(|(known, _)| *known == digest);
        if known.is_some() && arrival.duplicate {
            return true;
        }
        // it counts: a redelivery is one of the message that counted last, not of the first that was equal
        if let Some(place) = known {
            self.fingerprints.remove(place);
        }
        if self.fingerprints.len() >= FINGERPRINTS_MAX {
            self.fingerprints.pop_front();
        }
        self.fingerprints.push_back((digest, arrival.moment.at));
        false
    }
}
