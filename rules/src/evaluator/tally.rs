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
    pub(crate) fresh: Vec<RuleTally>,
}

/// What is counted of a rule.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleTally {
    /// How often it was asked.
    pub evaluations: u64,
    /// How often it failed.
    pub errors: u64,
}

impl Tally {
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
        if let Some(tally) = self.fresh.get_mut(rule) {
            tally.evaluations += 1;
            tally.errors += u64::from(failed);
        }
    }

    /// Files the fresh counts under the rules' ids, before the numbers change.
    pub(crate) fn settle<'a>(&mut self, rules: impl Iterator<Item = &'a RuleId>) {
        for (rule, fresh) in rules.zip(std::mem::take(&mut self.fresh)) {
            let tally = self.rules.entry(rule.clone()).or_default();
            tally.evaluations += fresh.evaluations;
            tally.errors += fresh.errors;
        }
    }
}
