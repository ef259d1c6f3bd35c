//! Messages that were kept and not judged: counted by reason, the latest ones at hand.

use std::collections::{BTreeMap, VecDeque};

use citywarden_journal::Message;
use citywarden_model::{DeadLetterReason, Moment, Offset, Timestamp};
use serde::Serialize;

/// How many of the latest are kept at hand; all of them are in the journal.
const RECENT_MAX: usize = 200;

/// A message that was not judged.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct DeadLetter {
    /// Its place in the journal.
    pub(crate) offset: Offset,
    /// When it arrived.
    pub(crate) received_at: Timestamp,
    /// Its topic.
    pub(crate) topic: String,
    /// Why.
    pub(crate) reason: DeadLetterReason,
    /// What exactly was wrong, where more can be said.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) detail: String,
}

impl DeadLetter {
    pub(super) fn new(reason: DeadLetterReason, detail: String) -> Self {
        Self { offset: Offset(0), received_at: Timestamp::EPOCH, topic: String::new(), reason, detail }
    }
    /// With its place.
    pub(crate) fn at(self, moment: Moment, message: &Message<'_>) -> Self {
        Self { offset: moment.offset, received_at: moment.at, topic: message.topic.to_owned(), ..self }
    }
}

/// Dead letters by reason, and the latest.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    by_reason: BTreeMap<DeadLetterReason, u64>,
    recent: VecDeque<DeadLetter>,
}

impl Tally {
    pub(super) fn add(&mut self, letter: DeadLetter) {
        *self.by_reason.entry(letter.reason).or_default() += 1;
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(letter);
    }
    /// How many of each reason, all reasons named.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (DeadLetterReason, u64)> {
        DeadLetterReason::ALL
            .iter()
            .map(|reason| (*reason, self.by_reason.get(reason).copied().unwrap_or_default()))
    }
    /// The latest ones, oldest first.
    pub(crate) fn recent(&self) -> impl DoubleEndedIterator<Item = &DeadLetter> {
        self.recent.iter()
    }
}
