//! Decides: from inputs to an outcome.
//!
//! The order: not in force → a shut gate → rests → fault → undecided → an input without a value → excused →
//! violation → early warning → compliant. `rests`, `fault` and `undecided` are asked as soon as everything that they
//! read is known, so that a truck that is not leaving rests though no wash bay is near, and thin data is called what
//! the rule calls it. All others are asked when every input has a value.

use citywarden_model::Timestamp;

use super::calendar;
use super::case::{Case, Outcome};
use super::inputs::{Read, View};
use super::plan::{InputPlan, What};
use crate::expression::{Expression, ExpressionError, Interpreter, Scalar};
use crate::rule::{Condition, Reasoned, Rule};

/// What was found.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Findings {
    pub(crate) outcome: Outcome,
    /// Whether the violation's condition holds; `None`: nothing can be said.
    pub(crate) violation: Option<bool>,
    pub(crate) warning: Option<bool>,
    /// Whether the condition that ends an alert holds; `None`: the rule has none.
    pub(crate) clears: Option<bool>,
    /// A number stood in for a condition of measuring.
    pub(crate) stood_in: bool,
}

/// Reads the inputs into the slots and decides.
pub(crate) fn judge(
    view: &View<'_>,
    case: &mut Case,
    slots: &mut Vec<Scalar>,
    interpreter: &mut Interpreter,
) -> Findings {
    let rule = &view.plan.rule;
    slots.clone_from(&view.case.slots);
    let in_force = &rule.in_force;
    let at = view.now.judged;
    if at < in_force.from || in_force.until.is_some_and(|until| at >= until) {
        return Findings::of(Outcome::NotInForce, false);
    }
    let gathered = gather(view, case, slots);
    let is_firing = case.violation.is_firing() || case.warning.is_firing();
    let Gathered { shut, missing, stood_in } = gathered;
    if let Some(shut) = shut {
        return Findings::of(Outcome::Shut(shut), stood_in);
    }
    let mut bench = Bench { rule, interpreter, slots, is_firing };
    let broken = bench.compute_lets();
    let early = match bench.early(missing, broken) {
        Ok(None) => bench.late(),
        Ok(Some(outcome)) => Ok(Findings::of(outcome, false)),
        Err(error) => Err(error),
    };
    let mut findings = early.unwrap_or_else(|error| Findings::of(Outcome::Broken(error.to_string()), false));
    if let (Outcome::Missing(input), Some(why)) =
        (&findings.outcome, register_problem(view, &findings.outcome))
    {
        debug_assert!(*input < view.plan.inputs.len());
        findings.outcome = Outcome::Register(why);
    }
    findings.stood_in = stood_in;
    findings
}

/// Why the register does not give the input that is missing.
fn register_problem(view: &View<'_>, outcome: &Outcome) -> Option<String> {
    let Outcome::Missing(input) = outcome else { return None };
    view.largest_gap(view.plan.inputs.get(*input)?)?.err()
}

impl Findings {
    fn of(outcome: Outcome, stood_in: bool) -> Self {
        let known = (!outcome.is_open()).then_some(false);
        let clears = (!outcome.is_open()).then_some(true);
        Self { outcome, violation: known, warning: known, clears, stood_in }
    }
}

struct Gathered {
    shut: Option<usize>,
    missing: Option<usize>,
    stood_in: bool,
}

/// Reads all inputs: those that say when others restart before those that restart.
fn gather(view: &View<'_>, case: &mut Case, slots: &mut [Scalar]) -> Gathered {
    let first = view.plan.rule.limits.len();
    let mut gathered = Gathered { shut: None, missing: None, stood_in: false };
    for restarting in [false, true] {
        for (place, input) in view.plan.inputs.iter().enumerate() {
            if input.restart_on.is_some() != restarting {
                continue;
            }
            let restarted = input.restart_on.and_then(|slot| restarted(view, case, slots, slot));
            let (read, stood_in) = view.read(input, slots, restarted);
            gathered.stood_in |= stood_in && input.is_condition_of_measuring;
            let lowest = |known: Option<usize>| Some(known.map_or(place, |known: usize| known.min(place)));
            let value = match read {
                Read::Value(value) => value,
                Read::Shut => {
                    gathered.shut = lowest(gathered.shut);
                    Scalar::Missing
                }
                Read::Missing | Read::NotFitted => {
                    gathered.missing = lowest(gathered.missing);
                    Scalar::Missing
                }
            };
            if let Some(slot) = slots.get_mut(first + place) {
                *slot = value;
            }
        }
    }
    gathered
}

/// When the input in this slot last changed: by the calendar, or as this case has seen it.
fn restarted(view: &View<'_>, case: &mut Case, slots: &[Scalar], slot: usize) -> Option<Timestamp> {
    let input =
        slot.checked_sub(view.plan.rule.limits.len()).and_then(|place| view.plan.inputs.get(place))?;
    if let InputPlan { what: What::LocalTime(from, to), .. } = input {
        let hours = calendar::hours(*from, *to, slots)?;
        return Some(view.period(hours, view.now.judged).from);
    }
    let Some(Scalar::Truth(value)) = slots.get(slot).copied() else {
        return case.changed.iter().find(|(known, ..)| *known == slot).map(|(_, _, at)| *at);
    };
    match case.changed.iter_mut().find(|(known, ..)| *known == slot) {
        Some((_, known, at)) if *known == value => Some(*at),
        Some((_, known, at)) => {
            (*known, *at) = (value, view.now.judged);
            Some(*at)
        }
        None => {
            case.changed.push((slot, value, Timestamp::from_nanos(i64::MIN)));
            None
        }
    }
}

/// Where expressions are asked.
struct Bench<'a> {
    rule: &'a Rule,
    interpreter: &'a mut Interpreter,
    slots: &'a mut Vec<Scalar>,
    /// Something is firing that could end.
    is_firing: bool,
}

impl Bench<'_> {
    /// Computes the lets whose slots are known; the first that failed.
    fn compute_lets(&mut self) -> Option<ExpressionError> {
        let first = self.rule.limits.len() + self.rule.inputs.len();
        let mut broken = None;
        for (place, one) in self.rule.lets.iter().enumerate() {
            let value = if self.knows(&one.expression) {
                self.interpreter.evaluate(&one.expression, self.slots).unwrap_or_else(|error| {
                    broken.get_or_insert(error);
                    Scalar::Missing
                })
            } else {
                Scalar::Missing
            };
            if let Some(slot) = self.slots.get_mut(first + place) {
                *slot = value;
            }
        }
        broken
    }

    fn knows(&self, expression: &Expression) -> bool {
        let is_known = |slot: &usize| !matches!(self.slots.get(*slot), None | Some(Scalar::Missing));
        expression.reads().iter().all(is_known)
    }

    fn holds(&mut self, expression: &Expression) -> Result<bool, ExpressionError> {
        Ok(self.interpreter.evaluate(expression, self.slots)? == Scalar::Truth(true))
    }

    fn first(&mut self, reasoned: &[Reasoned]) -> Result<Option<usize>, ExpressionError> {
        for (place, one) in reasoned.iter().enumerate() {
            if self.knows(&one.expression) && self.holds(&one.expression)? {
                return Ok(Some(place));
            }
        }
        Ok(None)
    }

    /// What is asked before every input has a value.
    fn early(
        &mut self,
        missing: Option<usize>,
        broken: Option<ExpressionError>,
    ) -> Result<Option<Outcome>, ExpressionError> {
        let judge = &self.rule.judge;
        if let Some(rests) = &judge.rests
            && self.knows(rests)
            && self.holds(rests)?
        {
            return Ok(Some(Outcome::Rests));
        }
        if let Some(fault) = self.first(&judge.fault)? {
            return Ok(Some(Outcome::Fault(fault)));
        }
        if let Some(undecided) = self.first(&judge.undecided)? {
            return Ok(Some(Outcome::Undecided(undecided)));
        }
        match (missing, broken) {
            (Some(input), _) => Ok(Some(Outcome::Missing(input))),
            (None, Some(error)) => Err(error),
            (None, None) => Ok(None),
        }
    }

    /// What is asked when every input has a value.
    fn late(&mut self) -> Result<Findings, ExpressionError> {
        let judge = &self.rule.judge;
        if let Some(excused) = self.first(&judge.excused)? {
            return Ok(Findings::of(Outcome::Excused(excused), false));
        }
        let violation = self.holds(&judge.violation.expression)?;
        let warning = self.optional(judge.warning.as_ref())?;
        let clears = self.optional(judge.clear.as_ref().filter(|_| self.is_firing))?;
        let outcome = match (violation, warning) {
            (true, _) => Outcome::Violation,
            (false, Some(true)) => Outcome::EarlyWarning,
            (false, Some(false) | None) => Outcome::Compliant,
        };
        Ok(Findings { outcome, violation: Some(violation), warning, clears, stood_in: false })
    }

    fn optional(&mut self, condition: Option<&Condition>) -> Result<Option<bool>, ExpressionError> {
        condition.map(|condition| self.holds(&condition.expression)).transpose()
    }
}
