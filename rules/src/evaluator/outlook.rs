//! What can be asked of the evaluator: how cases stand, what was counted, and why a case is judged as it is.

use std::collections::BTreeMap;

use citywarden_model::{AssetId, DeviceId, RuleId, Timestamp, ValueMap, Verdict};

use super::Evaluator;
use super::case::{Case, Now, Outcome, Stage};
use super::draft;
use super::inputs::View;
use super::judge::judge;
use super::names::Counts;
use super::options::last_holds;
use super::plan::RulePlan;
use super::standing::Standing;
use super::tally::{RuleTally, Tally};
use crate::expression::{Expression, Interpreter, Scalar};
use crate::rule::{Reasoned, Rule};

/// How far a case has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CaseState {
    /// Nothing is pending or firing.
    Normal,
    /// A stage's condition holds, and not for long enough.
    Pending,
    /// An early warning is firing.
    Warned,
    /// A violation is firing.
    Firing,
}

/// One rule on one asset.
#[derive(Debug, Clone, PartialEq)]
pub struct VerdictLine {
    /// The rule.
    pub rule: RuleId,
    /// The asset.
    pub asset: AssetId,
    /// What the rule last said.
    pub verdict: Verdict,
    /// How far it has come.
    pub state: CaseState,
    /// Since when the verdict is what it is, by the journal's clock.
    pub since: Timestamp,
}

/// Why a case is judged as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Explanation {
    /// The verdict now.
    pub verdict: Verdict,
    /// How far it has come.
    pub state: CaseState,
    /// Limits in force for this asset, by name.
    pub limits: ValueMap,
    /// Inputs and lets with a value, by name.
    pub values: ValueMap,
    /// Inputs without a value.
    pub missing: Vec<String>,
    /// The first condition, in the order in which they are asked, that does not hold and would change the verdict:
    /// its name and its text.
    pub first_not_held: Option<(String, String)>,
}

impl CaseState {
    /// As a word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::Pending => "pending",
            Self::Warned => "warned",
            Self::Firing => "firing",
        }
    }

    fn of(case: &Case) -> Self {
        match (case.violation, case.warning) {
            (Stage::Firing(_), _) => Self::Firing,
            (_, Stage::Firing(_)) => Self::Warned,
            (Stage::Pending { .. }, _) | (_, Stage::Pending { .. }) => Self::Pending,
            (Stage::Normal, Stage::Normal) => Self::Normal,
        }
    }
}

/// An outcome in words.
pub(crate) fn verdict_of(plan: &RulePlan, outcome: &Outcome) -> Verdict {
    let rule = &plan.rule;
    let input = |place: &usize| rule.inputs.get(*place).map(|input| input.name.as_str()).unwrap_or_default();
    let reason = |reasons: &[Reasoned], place: &usize| {
        reasons.get(*place).map(|one| one.reason.clone()).unwrap_or_default()
    };
    match outcome {
        Outcome::Unasked => Verdict::Undecided("not judged yet".to_owned()),
        Outcome::Compliant => Verdict::Compliant(None),
        Outcome::NotInForce => Verdict::Compliant(Some("not in force".to_owned())),
        Outcome::Shut(place) => {
            Verdict::Compliant(Some(format!("resting: {} is not measured now", input(place))))
        }
        Outcome::Rests => Verdict::Compliant(Some("resting".to_owned())),
        Outcome::Excused(place) => {
            Verdict::Compliant(Some(format!("excused: {}", reason(&rule.judge.excused, place))))
        }
        Outcome::EarlyWarning => Verdict::EarlyWarning,
        Outcome::Violation => Verdict::Violation,
        Outcome::Missing(place) => Verdict::Undecided(format!("no value: {}", input(place))),
        Outcome::Register(why) => Verdict::Undecided(why.clone()),
        Outcome::Undecided(place) => Verdict::Undecided(reason(&rule.judge.undecided, place)),
        Outcome::Fault(place) => Verdict::Fault(reason(&rule.judge.fault, place)),
        Outcome::Broken(why) => Verdict::Fault(why.clone()),
    }
}

impl Evaluator {
    /// Every case, by asset and rule.
    pub fn verdicts(&self) -> impl Iterator<Item = VerdictLine> {
        self.cases().map(|(plan, asset, case)| VerdictLine {
            rule: plan.rule.id.clone(),
            asset: asset.clone(),
            verdict: verdict_of(plan, &case.outcome),
            state: CaseState::of(case),
            since: case.since,
        })
    }

    fn cases(&self) -> impl Iterator<Item = (&RulePlan, &AssetId, &Case)> {
        self.field.assets.iter().zip(self.states().all()).flat_map(|(asset, state)| {
            asset
                .cases
                .iter()
                .zip(&state.live.cases)
                .filter_map(|(plan, case)| Some((self.field.plans.get(plan.rule)?, &asset.id, case)))
        })
    }

    /// How many assets are in each verdict (its word), by rule; rules in force have every word.
    pub fn verdict_counts(&self) -> BTreeMap<(RuleId, &'static str), u64> {
        let standing = Standing::total(self.shards.iter().map(|shard| &shard.standing));
        let counts = standing.counts();
        let named = |(rule, word, count): (usize, &'static str, u64)| {
            Some(((self.field.plans.get(rule)?.rule.id.clone(), word), count))
        };
        counts.filter_map(named).collect()
    }

    /// Counts anew how cases stand, after they were put where they belong.
    pub(crate) fn count_standing(&mut self) {
        for shard in &mut self.shards {
            let assets =
                shard.numbered().filter_map(|(asset, state)| Some((self.field.assets.get(asset)?, state)));
            let cases = assets.flat_map(|(asset, state)| {
                asset.cases.iter().zip(&state.live.cases).map(|(plan, case)| (plan.rule, &case.outcome))
            });
            shard.standing = Standing::of(self.field.plans.len(), cases);
        }
    }

    /// Devices with an interval from which nothing came for so long that their last value holds no longer
    /// (three intervals, 60 s at least); time in which we were away does not count.
    pub fn silent_devices(&self, now: Timestamp) -> impl Iterator<Item = &DeviceId> {
        self.field.devices.iter().filter_map(move |device| {
            let sender = self.states().get(device.asset)?.live.senders.get(device.place)?;
            let silence = now.since(sender.silent_since?);
            (silence > last_holds(device.interval?)).then_some(&device.id)
        })
    }

    /// When each device was last heard, by the journal's clock; devices that never were are left out.
    pub fn devices_heard(&self) -> impl Iterator<Item = (&DeviceId, Timestamp)> {
        self.field.devices.iter().filter_map(|device| {
            let sender = self.states().get(device.asset)?.live.senders.get(device.place)?;
            Some((&device.id, sender.heard?))
        })
    }

    /// Readings and messages that were not judged, by reason.
    pub fn discarded(&self) -> impl Iterator<Item = (String, u64)> {
        self.tally().discarded.into_iter()
    }

    fn tally(&self) -> Tally {
        Tally::total(self.shards.iter().map(|shard| &shard.tally))
    }

    /// Readings taken in, by quantity.
    pub fn readings(&self) -> impl Iterator<Item = (&str, u64)> {
        Counts::total(self.shards.iter().map(|shard| &shard.counts)).named(&self.names)
    }

    /// Evaluations and errors, by rule.
    pub fn rule_tallies(&self) -> BTreeMap<RuleId, RuleTally> {
        let mut tally = self.tally();
        tally.settle(self.field.plans.iter().map(|plan| &plan.rule.id));
        tally.rules
    }

    /// Why a rule judges an asset as it does, at the last moment that the evaluator was told of; `None` where the
    /// rule does not watch it.
    pub fn explain(&self, rule: &RuleId, asset: &AssetId) -> Option<Explanation> {
        let number = self.field.asset_of(asset.as_str())?;
        let rule = self.field.rule_of(rule)?;
        let place = self.field.assets.get(number)?.cases.iter().position(|case| case.rule == rule)?;
        let case = self.states().get(number)?.live.cases.get(place)?;
        let plan = self.field.plans.get(rule)?;
        let judged = self.judged_time(number);
        let now = Now { at: self.desk.moment.at, judged, by_reading: false };
        let view = View {
            options: &self.options,
            field: &self.field,
            calendar: &self.desk.calendar,
            states: self.states(),
            asset: number,
            is_late: false,
            now: &now,
            crossing: None,
            plan,
            case: self.field.assets.get(number)?.cases.get(place)?,
        };
        let (mut slots, mut interpreter) = (Vec::new(), Interpreter::new());
        let findings = judge(&view, &mut case.clone(), &mut slots, &mut interpreter);
        Some(Explanation {
            verdict: verdict_of(plan, &findings.outcome),
            state: CaseState::of(case),
            limits: limits(&plan.rule, &slots),
            values: draft::values(&plan.rule, &slots),
            missing: missing(&plan.rule, &slots),
            first_not_held: first_not_held(&plan.rule, &slots, &mut interpreter),
        })
    }

    fn judged_time(&self, asset: usize) -> Timestamp {
        let senders = self.states().get(asset).map(|state| state.live.senders.as_slice()).unwrap_or_default();
        let newest = senders.iter().filter_map(|sender| sender.newest).map(|newest| newest.observed).max();
        newest.unwrap_or(self.desk.moment.at)
    }
}

fn limits(rule: &Rule, slots: &[Scalar]) -> ValueMap {
    let names = rule.limits.iter().map(|limit| &limit.name);
    let json = |slot: &Scalar| match slot {
        Scalar::Number(number) => Some(serde_json::Value::from(*number)),
        Scalar::Truth(truth) => Some(serde_json::Value::from(*truth)),
        Scalar::Missing => None,
    };
    names.zip(slots).filter_map(|(name, slot)| Some((name.clone(), json(slot)?))).collect()
}

fn missing(rule: &Rule, slots: &[Scalar]) -> Vec<String> {
    let inputs = rule.inputs.iter().zip(slots.iter().skip(rule.limits.len()));
    inputs.filter(|(_, slot)| **slot == Scalar::Missing).map(|(input, _)| input.name.clone()).collect()
}

fn first_not_held(rule: &Rule, slots: &[Scalar], interpreter: &mut Interpreter) -> Option<(String, String)> {
    let judge = &rule.judge;
    let named = |name: &str, one: &Expression| (name.to_owned(), one.text().to_owned());
    let violation = Some(("violation", &judge.violation.expression));
    let warning = judge.warning.as_ref().map(|one| ("warning", &one.expression));
    let stages = violation.into_iter().chain(warning);
    let mut failing =
        stages.filter(|(_, one)| !matches!(interpreter.evaluate(one, slots), Ok(Scalar::Truth(true))));
    failing.next().map(|(name, one)| named(name, one))
}
