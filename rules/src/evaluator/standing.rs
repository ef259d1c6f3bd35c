//! How many cases are in which verdict, by rule: counted as they change, so that whoever asks does not send the judge through
//! the whole county.

use citywarden_model::Verdict;

use super::case::Outcome;

const WORDS: usize = Verdict::WORDS.len();

/// Counts by the rule's number in the plans, and by the word's place in [`Verdict::WORDS`].
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing(Vec<Counts>);

/// Of one rule, by word. No line of memory is of two shards, which are judged by two threads.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[repr(align(64))]
struct Counts([u64; WORDS]);

impl Standing {
    /// Of these cases, of so many rules.
    pub(crate) fn of<'o>(rules: usize, cases: impl Iterator<Item = (usize, &'o Outcome)>) -> Self {
        let mut standing = Self(vec![Counts::default(); rules]);
        for (rule, outcome) in cases {
            if let Some(count) = standing.count(rule, outcome.word()) {
                *count += 1;
            }
        }
        standing
    }

    /// What several have counted.
    pub(crate) fn total<'s>(all: impl Iterator<Item = &'s Self>) -> Self {
        let mut total = Self::default();
        for one in all {
            total.0.resize(one.0.len().max(total.0.len()), Counts::default());
            let counts = total
                .0
                .iter_mut()
                .flat_map(|counts| &mut counts.0)
                .zip(one.0.iter().flat_map(|counts| &counts.0));
            counts.for_each(|(sum, count)| *sum += count);
        }
        total
    }

    /// A case of this rule had one word, and has another.
    pub(crate) fn change(&mut self, rule: usize, before: usize, now: usize) {
        if before == now {
            return;
        }
        if let Some(count) = self.count(rule, before) {
            *count -= 1;
        }
        if let Some(count) = self.count(rule, now) {
            *count += 1;
        }
    }

    fn count(&mut self, rule: usize, word: usize) -> Option<&mut u64> {
        self.0.get_mut(rule)?.0.get_mut(word)
    }

    /// The counts of each rule, with their words.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (usize, &'static str, u64)> {
        let rules = self.0.iter().enumerate();
        rules.flat_map(|(rule, counts)| {
            Verdict::WORDS.iter().zip(counts.0).map(move |(word, count)| (rule, *word, count))
        })
    }
}

impl Outcome {
    /// The place of its word in [`Verdict::WORDS`].
    pub(crate) fn word(&self) -> usize {
        match self {
            Self::Compliant | Self::NotInForce | Self::Shut(_) | Self::Rests | Self::Excused(_) => 0,
            Self::EarlyWarning => 1,
            Self::Violation => 2,
            Self::Unasked | Self::Missing(_) | Self::Register(_) | Self::Undecided(_) => 3,
            Self::Fault(_) | Self::Broken(_) => 4,
        }
    }
}
