//! Runs the examples of a rule: each against an evaluator of its own, on a registry made for it.
//!
//! The asset is the first kind that the rule watches, with what `given` says. Its devices are made from the facts: a
//! quantity belongs to a device whose interval is the shortest `every` it is seen with, or that reports on change.
//! Where the rule looks at zones, there is one of each kind, owned by a site, and the asset sends its position with
//! every message; before anything is said of it, it is outside all of them.

mod messages;
mod stage;

use std::sync::Arc;

use citywarden_model::{LocalClock, Moment, Offset, Span, Timestamp, Transition};
use citywarden_problems::{Level, Problem};

use crate::evaluator::{Arrival, CaseState, Evaluator, EvaluatorOptions, VerdictLine};
use crate::example::{Example, Expectation, Step};
use crate::rule::{Rule, RuleSet};
use messages::Message;
use stage::Stage;

/// What became of the examples of a rule.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrialReport {
    /// Examples whose every expectation was met.
    pub passed: usize,
    /// Each expectation that was not, at its line.
    pub failures: Vec<Problem>,
}

/// Runs every example of a rule.
pub fn run_examples(rule: &Arc<Rule>, local: LocalClock) -> TrialReport {
    let mut report = TrialReport::default();
    for example in &rule.examples {
        let failures = run(rule, example, local);
        report.passed += usize::from(failures.is_empty());
        report.failures.extend(failures);
    }
    report
}

fn run(rule: &Arc<Rule>, example: &Example, local: LocalClock) -> Vec<Problem> {
    let midnight = midnight_of(rule);
    let stage = Stage::new(rule, example, midnight);
    let messages = messages::of(&stage, example, midnight);
    let mut run = Run::new(rule, &stage, local, &messages, example, midnight);
    let mut expected: Vec<&Step> = example.steps.iter().filter(|step| step.expect.is_some()).collect();
    expected.sort_by_key(|step| step.at);
    let mut messages = messages.iter().peekable();
    let mut failures = Vec::new();
    for step in expected {
        let at = midnight + step.at;
        while let Some(message) = messages.next_if(|message| message.received <= at) {
            run.send(message);
        }
        failures.extend(run.check(step, at));
    }
    failures
}

/// The midnight before an example: on a day on which the rule is in force.
fn midnight_of(rule: &Rule) -> Timestamp {
    const DAY: Span = Span::from_secs(86_400);
    let next = rule.in_force.from + DAY;
    // a whole day later permits of the night before are in force too
    if rule.in_force.until.is_some_and(|until| until < next + DAY + DAY) { rule.in_force.from } else { next }
}

struct Run<'a> {
    rule: &'a Rule,
    stage: &'a Stage,
    local: LocalClock,
    evaluator: Evaluator,
    offset: Offset,
    transitions: Vec<Transition>,
}

impl<'a> Run<'a> {
    fn new(
        rule: &'a Arc<Rule>,
        stage: &'a Stage,
        local: LocalClock,
        messages: &[Message],
        example: &Example,
        midnight: Timestamp,
    ) -> Self {
        let options = EvaluatorOptions { local, ..EvaluatorOptions::of(stage.registry.region.clone()) };
        let mut run = Self {
            rule,
            stage,
            local,
            evaluator: Evaluator::new(options),
            offset: Offset(0),
            transitions: Vec::new(),
        };
        let steps = example.steps.iter().map(|step| midnight + step.at);
        let first = steps.chain(messages.iter().map(|message| message.received)).min().unwrap_or(midnight);
        let start = run.moment(first - Span::from_secs(1));
        let rules = RuleSet { rules: vec![Arc::clone(rule)], digest: rule.digest };
        let registry = Arc::new(stage.registry.clone());
        run.evaluator.install_registry(start, registry, &mut run.transitions);
        run.evaluator.install_rules(start, Arc::new(rules), &mut run.transitions);
        run
    }

    fn moment(&mut self, at: Timestamp) -> Moment {
        self.offset = self.offset.next();
        Moment { offset: self.offset, at }
    }

    fn send(&mut self, message: &Message) {
        let moment = self.moment(message.received);
        let arrival = Arrival { moment, duplicate: false, retained: false, payload: &[] };
        let observations = [message.observation.clone()];
        self.evaluator.observe(&arrival, &message.device, observations, &mut self.transitions);
    }

    fn check(&mut self, step: &Step, at: Timestamp) -> Option<Problem> {
        let expected = step.expect?;
        let moment = self.moment(at);
        self.evaluator.advance(moment, &mut self.transitions);
        let asset = &self.stage.asset;
        let found =
            self.evaluator.verdicts().find(|line| line.asset == *asset && line.rule == self.rule.id)?;
        if meets(&found, expected) {
            return None;
        }
        let time = self.local.write(at);
        let time = time.split('T').next_back().unwrap_or_default();
        let time = time.split('+').next().unwrap_or_default();
        let message = format!(
            "expected {}, found {} at {time}{}",
            word(expected),
            said(&found, expected),
            self.values()
        );
        Some(Problem {
            file: self.rule.file.clone(),
            line: step.place.line,
            column: step.place.column,
            level: Level::Error,
            message,
        })
    }

    fn values(&self) -> String {
        let explanation = self.evaluator.explain(&self.rule.id, &self.stage.asset);
        let Some(explanation) = explanation else { return String::new() };
        let values = explanation.values.iter().map(|(name, value)| format!("{name}={value}"));
        let missing = explanation.missing.iter().map(|name| format!("{name} has no value"));
        let all: Vec<String> = values.chain(missing).collect();
        if all.is_empty() { String::new() } else { format!(": {}", all.join(", ")) }
    }
}

fn meets(found: &VerdictLine, expected: Expectation) -> bool {
    match expected {
        Expectation::Pending => found.state == CaseState::Pending,
        Expectation::Alert => found.state == CaseState::Firing,
        Expectation::Warned => found.state == CaseState::Warned,
        Expectation::Normal => found.state == CaseState::Normal,
        Expectation::Compliant
        | Expectation::EarlyWarning
        | Expectation::Violation
        | Expectation::Undecided
        | Expectation::Fault => found.verdict.as_str() == word(expected),
    }
}

fn word(expected: Expectation) -> &'static str {
    match expected {
        Expectation::Compliant => "compliant",
        Expectation::EarlyWarning => "early_warning",
        Expectation::Violation => "violation",
        Expectation::Undecided => "undecided",
        Expectation::Fault => "fault",
        Expectation::Pending => "pending",
        Expectation::Alert => "alert",
        Expectation::Warned => "warned",
        Expectation::Normal => "normal",
    }
}

fn said(found: &VerdictLine, expected: Expectation) -> String {
    let state = if found.state == CaseState::Firing { "alert" } else { found.state.as_str() };
    let reason = found.verdict.reason().map(|reason| format!(" ({reason})")).unwrap_or_default();
    let verdict = format!("{}{reason}", found.verdict.as_str());
    let is_of_state = matches!(
        expected,
        Expectation::Pending | Expectation::Alert | Expectation::Warned | Expectation::Normal
    );
    if is_of_state { format!("{state}, {verdict}") } else { format!("{verdict}, {state}") }
}
