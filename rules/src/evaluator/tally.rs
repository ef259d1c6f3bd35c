//! What is counted on the way.

use std::collections::BTreeMap;

use citywarden_model::RuleId;
use serde::{Deserialize, Serialize};

/// Counters since the evaluator was made; a snapshot keeps them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Tally {
    pub(crate) discarded: BTreeMap<String, u64>,
    /// By rule: evaluations and errors.
    pub(crate) rules: BTreeMap<RuleId, RuleTally>,
    /// The same, not yet added, by the rule's number in the plans.
    pub(crate) fresh: Vec<Fresh>,
}

/// What was counted of a rule since numbers last changed. It is written to with each evaluation: no line of memory is of two
/// shards, which are judged by two threads.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[repr(align(64))]
pub(crate) struct Fresh(RuleTally);

/// What is counted of a rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleTally {
    /// How often it was asked.
    pub evaluations: u64,
    /// How often it failed.
    pub errors: u64,
}

impl Tally {
    /// What several have counted.
    pub(crate) fn total<'t>(all: impl Iterator<Item = &'t Self>) -> Self {
        let mut total = Self::default();
        for one in all {
            for (reason, count) in &one.discarded {
                *total.discarded.entry(reason.clone()).or_default() += count;
            }
            for (rule, tally) in &one.rules {
                total.rules.entry(rule.clone()).or_default().add(*tally);
            }
            total.fresh.resize(one.fresh.len().max(total.fresh.len()), Fresh::default());
            total.fresh.iter_mut().zip(&one.fresh).for_each(|(sum, fresh)| sum.0.add(fresh.0));
        }
        total
    }

    /// Counts a reading or message that is not judged, and why.
    pub(crate) fn discard(&mut self, reason: &str) {
        match self.discarded.get_mut(reason) {
            Some(count) => *count += 1,
            None => {
                self.discarded.insert(reason.to_owned(), 1);
            }
        }
    }

    pub(crate) fn evaluated(&mut self, rule: usize, failed: bool) {
        if let Some(Fresh(tally)) = self.fresh.get_mut(rule) {
            tally.evaluations += 1;
            tally.errors += u64::from(failed);
        }
    }

    /// Files the fresh counts under the rules' ids, before the numbers change.
    pub(crate) fn settle<'a>(&mut self, rules: impl Iterator<Item = &'a RuleId>) {
        for (rule, Fresh(fresh)) in rules.zip(std::mem::take(&mut self.fresh)) {
            self.rules.entry(rule.clone()).or_default().add(fresh);
        }
    }
}

impl RuleTally {
    fn add(&mut self, other: Self) {
        self.evaluations += other.evaluations;
        self.errors += other.errors;
    }
}
