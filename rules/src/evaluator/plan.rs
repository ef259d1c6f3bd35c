//! Rules made ready for the way of a reading: names as numbers, and which rule to ask when what arrives.

use std::sync::Arc;

use citywarden_model::{AlertKind, Span};

use super::names::{Names, Quantity};
use super::window::Measure;
use crate::expression::{Expression, Scalar};
use crate::rule::{Condition, Gate, Input, LimitValue, Otherwise, Rule, Statistic, SumOf, Window};

/// The name under which the messages that carry a position are kept.
pub(crate) const POSITION: &str = "position";
/// What a device's speed is counted as, where its fix says it.
pub(crate) const SPEED: &str = "speed";
/// The limit that sets the least coverage of a rule's windows.
const COVERAGE_LIMIT: &str = "min_coverage";

/// A rule made ready.
#[derive(Debug)]
pub(crate) struct RulePlan {
    pub(crate) rule: Arc<Rule>,
    pub(crate) inputs: Vec<InputPlan>,
    /// Quantities whose readings ask the rule, sorted.
    pub(crate) reads: Vec<Quantity>,
    /// Quantities whose messages are evidence, sorted: those it names and those it reads.
    pub(crate) evidence: Vec<Quantity>,
    /// The limit that sets the least coverage.
    pub(crate) coverage_slot: Option<usize>,
    /// The inputs behind each stage's condition, and behind the one that ends an alert.
    pub(crate) violation_inputs: Vec<usize>,
    pub(crate) warning_inputs: Vec<usize>,
    pub(crate) clear_inputs: Vec<usize>,
    /// Numeric limits that an alert of each kind is measured against, in the order written.
    pub(crate) shown_limits: ShownLimits,
}

/// An input made ready.
#[derive(Debug)]
pub(crate) struct InputPlan {
    pub(crate) what: What,
    pub(crate) only_while: Option<(Quantity, bool)>,
    pub(crate) only_where: Option<Quantity>,
    pub(crate) at_zone: Option<String>,
    pub(crate) restart_on: Option<usize>,
    pub(crate) otherwise: Option<Standin>,
    pub(crate) is_truth: bool,
    /// The quantity with which its readings come; none where the journal's clock or the register moves it.
    pub(crate) rhythm: Option<Quantity>,
    /// A condition of measuring: an `undecided` condition reads it.
    pub(crate) is_condition_of_measuring: bool,
}

/// What an input computes.
#[derive(Debug)]
pub(crate) enum What {
    Last(Quantity),
    Over(Measure, Quantity, Window),
    Events { name: String, field: Option<String>, window: Window },
    Since(Quantity),
    Silence(Quantity),
    DeviceSilence(String),
    Left(String),
    Entered(String),
    Inside(String),
    Dwell(String),
    Permit(String),
    LocalTime(usize, usize),
    LargestGap { chainages: String, length: String, closed: String },
}

/// What stands in for an input that the asset is not fitted for.
#[derive(Debug)]
pub(crate) enum Standin {
    Value(Scalar),
    Input(Box<InputPlan>),
}

impl RulePlan {
    pub(crate) fn new(rule: Arc<Rule>, names: &mut Names) -> Self {
        let mut inputs: Vec<InputPlan> =
            rule.inputs.iter().map(|input| InputPlan::new(input, names)).collect();
        let first_input = rule.limits.len();
        for (place, input) in inputs.iter_mut().enumerate() {
            input.is_condition_of_measuring = rule
                .judge
                .undecided
                .iter()
                .any(|reasoned| reaches(&rule, &reasoned.expression, first_input + place));
        }
        let mut reads = Vec::new();
        for input in &inputs {
            input.quantities(names, &mut reads);
        }
        sort(&mut reads);
        let mut evidence = reads.clone();
        evidence.extend(rule.evidence.iter().map(|name| names.declare(name.as_str())));
        sort(&mut evidence);
        let coverage_slot = rule.limits.iter().position(|limit| limit.name == COVERAGE_LIMIT);
        let inputs_behind = |condition: Option<&Condition>| {
            let slots = condition.map(|one| slots_behind(&rule, &one.expression)).unwrap_or_default();
            slots.into_iter().filter_map(|slot| slot.checked_sub(first_input)).collect()
        };
        Self {
            violation_inputs: inputs_behind(Some(&rule.judge.violation)),
            warning_inputs: inputs_behind(rule.judge.warning.as_ref()),
            clear_inputs: inputs_behind(rule.judge.clear.as_ref()),
            shown_limits: ShownLimits::of(&rule),
            rule,
            inputs,
            reads,
            evidence,
            coverage_slot,
        }
    }

    /// The longest stretch of observed time this rule looks back over, with these limits.
    pub(crate) fn reach(&self, slots: &[Scalar]) -> Span {
        let windows = self.inputs.iter().map(|input| input.reach(slots)).max().unwrap_or_default();
        let judge = &self.rule.judge;
        let stages = judge.warning.iter().chain([&judge.violation]);
        windows + stages.map(|stage| span_of(stage.lasting, slots)).max().unwrap_or_default()
    }

    /// The longest window with these limits.
    pub(crate) fn window(&self, slots: &[Scalar]) -> Span {
        self.inputs.iter().map(|input| input.reach(slots)).max().unwrap_or_default()
    }

    /// Whether it has to be asked when an event of this name arrives.
    pub(crate) fn reads_event(&self, name: &str) -> bool {
        self.inputs.iter().any(|input| matches!(&input.what, What::Events { name: read, .. } if read == name))
    }

    /// Whether it has to be asked when a device of this kind sends anything.
    pub(crate) fn reads_kind(&self, kind: &str) -> bool {
        self.inputs.iter().any(
            |input| matches!(&input.what, What::DeviceSilence(read) if read == kind && input.at_zone.is_none()),
        )
    }

    /// Whether it looks at the asset that owns a zone, which may be in another shard.
    pub(crate) fn looks_across(&self) -> bool {
        self.inputs.iter().flat_map(InputPlan::and_standins).any(|input| input.at_zone.is_some())
    }

    /// The kinds of zone it looks at.
    pub(crate) fn zone_kinds(&self) -> impl Iterator<Item = &str> {
        self.inputs.iter().flat_map(InputPlan::and_standins).filter_map(|input| {
            let (What::Left(kind) | What::Entered(kind) | What::Inside(kind) | What::Dwell(kind)) =
                &input.what
            else {
                return None;
            };
            Some(kind.as_str())
        })
    }

    /// Quantities whose samples have to be kept as energies.
    pub(crate) fn levels(&self) -> impl Iterator<Item = Quantity> {
        self.inputs.iter().flat_map(InputPlan::and_standins).filter_map(|input| {
            let What::Over(Measure::Laeq, quantity, _) = input.what else { return None };
            Some(quantity)
        })
    }
}

impl InputPlan {
    fn new(input: &Input, names: &mut Names) -> Self {
        let mut plan = Self {
            what: What::new(&input.statistic, names),
            only_while: None,
            only_where: None,
            at_zone: None,
            restart_on: None,
            otherwise: None,
            is_truth: input.is_truth,
            rhythm: None,
            is_condition_of_measuring: false,
        };
        if !plan.is_by_the_journal() {
            plan.rhythm = plan.quantity().or_else(|| plan.is_position().then(|| names.declare(POSITION)));
        }
        for gate in &input.gates {
            match gate {
                Gate::OnlyWhile { quantity, negated } => {
                    plan.only_while = Some((names.declare(quantity.as_str()), *negated));
                }
                Gate::OnlyWhere(quantity) => plan.only_where = Some(names.declare(quantity.as_str())),
                Gate::AtZone(kind) => plan.at_zone = Some(kind.clone()),
                Gate::RestartOn(slot) => plan.restart_on = Some(*slot),
            }
        }
        plan.otherwise = input.otherwise.as_ref().map(|otherwise| match otherwise {
            Otherwise::Number(number) => Standin::Value(Scalar::Number(*number)),
            Otherwise::Truth(truth) => Standin::Value(Scalar::Truth(*truth)),
            Otherwise::Input(input) => Standin::Input(Box::new(Self::new(input, names))),
        });
        plan
    }

    /// This input and those that stand in for it.
    pub(crate) fn and_standins(&self) -> impl Iterator<Item = &Self> {
        std::iter::successors(Some(self), |input| match &input.otherwise {
            Some(Standin::Input(input)) => Some(&**input),
            Some(Standin::Value(_)) | None => None,
        })
    }

    /// The quantity it is a statistic of.
    pub(crate) fn quantity(&self) -> Option<Quantity> {
        let (What::Last(quantity)
        | What::Over(_, quantity, _)
        | What::Since(quantity)
        | What::Silence(quantity)) = self.what
        else {
            return None;
        };
        Some(quantity)
    }

    fn quantities(&self, names: &mut Names, out: &mut Vec<Quantity>) {
        for input in self.and_standins() {
            out.extend(input.quantity());
            out.extend(input.only_while.map(|(quantity, _)| quantity));
            out.extend(input.only_where);
            if input.is_position() {
                out.push(names.declare(POSITION));
            }
        }
    }

    fn is_position(&self) -> bool {
        matches!(self.what, What::Left(_) | What::Entered(_) | What::Inside(_) | What::Dwell(_))
    }

    /// Whether its value moves with the journal's clock or with facts of the registry, not with readings.
    pub(crate) fn is_by_the_journal(&self) -> bool {
        matches!(
            self.what,
            What::Since(_)
                | What::Silence(_)
                | What::DeviceSilence(_)
                | What::Dwell(_)
                | What::Permit(_)
                | What::LocalTime(..)
                | What::LargestGap { .. }
        )
    }

    /// Whether its value grows by one each second.
    pub(crate) fn runs(&self) -> bool {
        matches!(self.what, What::Since(_) | What::Silence(_) | What::DeviceSilence(_) | What::Dwell(_))
    }

    fn reach(&self, slots: &[Scalar]) -> Span {
        self.and_standins()
            .filter_map(|input| {
                let (What::Over(_, _, window) | What::Events { window, .. }) = &input.what else {
                    return None;
                };
                Some(span_of(*window, slots))
            })
            .max()
            .unwrap_or_default()
    }
}

impl What {
    fn new(statistic: &Statistic, names: &mut Names) -> Self {
        let mut number = |name: &citywarden_model::QuantityName| names.declare(name.as_str());
        match statistic {
            Statistic::Last(name) => Self::Last(number(name)),
            Statistic::Laeq(name, window) => Self::Over(Measure::Laeq, number(name), *window),
            Statistic::Mean(name, window) => Self::Over(Measure::Mean, number(name), *window),
            Statistic::Max(name, window) => Self::Over(Measure::Max, number(name), *window),
            Statistic::Min(name, window) => Self::Over(Measure::Min, number(name), *window),
            Statistic::Sum(SumOf::Quantity(name), window) => Self::Over(Measure::Sum, number(name), *window),
            Statistic::Count(SumOf::Quantity(name), window) => {
                Self::Over(Measure::Count, number(name), *window)
            }
            Statistic::Coverage(name, window) => Self::Over(Measure::Coverage, number(name), *window),
            Statistic::ShareOfTime(name, window) => Self::Over(Measure::ShareOfTime, number(name), *window),
            Statistic::LongestRun(name, window) => Self::Over(Measure::LongestRun, number(name), *window),
            Statistic::Sum(SumOf::Event { name, field }, window) => {
                Self::Events { name: name.clone(), field: field.clone(), window: *window }
            }
            Statistic::Count(SumOf::Event { name, .. }, window) => {
                Self::Events { name: name.clone(), field: None, window: *window }
            }
            Statistic::Since(name) => Self::Since(number(name)),
            Statistic::Silence(name) => Self::Silence(number(name)),
            Statistic::DeviceSilence(kind) => Self::DeviceSilence(kind.clone()),
            Statistic::Left(kind) => Self::Left(kind.clone()),
            Statistic::Entered(kind) => Self::Entered(kind.clone()),
            Statistic::Inside(kind) => Self::Inside(kind.clone()),
            Statistic::Dwell(kind) => Self::Dwell(kind.clone()),
            Statistic::Permit(kind) => Self::Permit(kind.clone()),
            Statistic::LocalTime(from, to) => Self::LocalTime(*from, *to),
            Statistic::LargestGap { chainages, length, closed } => Self::LargestGap {
                chainages: chainages.clone(),
                length: length.clone(),
                closed: closed.clone(),
            },
        }
    }
}

/// The slots of a rule before anything is read: its limits, and nothing else.
pub(crate) fn empty_slots(rule: &Rule) -> Vec<Scalar> {
    let mut slots: Vec<Scalar> = rule.limits.iter().map(|limit| scalar_of(limit.value)).collect();
    slots.resize(slots.len() + rule.inputs.len() + rule.lets.len(), Scalar::Missing);
    slots
}

/// A limit's value in a slot: durations and times of the day are seconds.
pub(crate) fn scalar_of(value: LimitValue) -> Scalar {
    match value {
        LimitValue::Number(number) => Scalar::Number(number),
        LimitValue::Switch(truth) => Scalar::Truth(truth),
        LimitValue::Duration(span) | LimitValue::TimeOfDay(span) => Scalar::Number(span.seconds()),
    }
}

/// The span a window means with these limits.
pub(crate) fn span_of(window: Window, slots: &[Scalar]) -> Span {
    match window {
        Window::Fixed(span) => span,
        Window::Limit(slot) => match slots.get(slot) {
            Some(Scalar::Number(seconds)) => span_of_seconds(*seconds),
            Some(Scalar::Truth(_) | Scalar::Missing) | None => Span::ZERO,
        },
    }
}

/// Seconds as a span, to the millisecond, rounded up: a timer must not be early.
#[expect(clippy::cast_possible_truncation, reason = "`as` saturates, and so do spans")]
pub(crate) fn span_of_seconds(seconds: f64) -> Span {
    Span::from_millis(libm::ceil(seconds * 1_000.0 - 1e-6) as i64)
}

/// Whether an expression reads this slot, itself or through lets.
pub(crate) fn reaches(rule: &Rule, expression: &Expression, slot: usize) -> bool {
    slots_behind(rule, expression).contains(&slot)
}

/// Limits and inputs that an expression reads, itself or through lets, in the order written.
pub(crate) fn slots_behind(rule: &Rule, expression: &Expression) -> Vec<usize> {
    let first_let = rule.limits.len() + rule.inputs.len();
    let mut found = Vec::new();
    let mut open = expression.reads().to_vec();
    while let Some(slot) = open.pop() {
        match slot.checked_sub(first_let).and_then(|place| rule.lets.get(place)) {
            Some(behind) => open.extend(behind.expression.reads()),
            None => found.push(slot),
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Every expression of a rule.
pub(crate) fn expressions(rule: &Rule) -> impl Iterator<Item = &Expression> {
    let judge = &rule.judge;
    let reasoned = judge.fault.iter().chain(&judge.undecided).chain(&judge.excused);
    let stages = judge.warning.iter().chain([&judge.violation]).chain(&judge.clear);
    let lets = rule.lets.iter().map(|one| &one.expression);
    lets.chain(&judge.rests)
        .chain(reasoned.map(|one| &one.expression))
        .chain(stages.map(|one| &one.expression))
}

/// The slots of the limits that an alert of each stage was measured against: those its condition reads.
#[derive(Debug)]
pub(crate) struct ShownLimits {
    violation: Vec<usize>,
    warning: Vec<usize>,
}

impl ShownLimits {
    fn of(rule: &Rule) -> Self {
        let is_number = |slot: &usize| {
            let value = rule.limits.get(*slot).map(|limit| limit.value);
            matches!(value, Some(LimitValue::Number(_) | LimitValue::Duration(_)))
        };
        let read_by = |stage: &Condition| -> Vec<usize> {
            slots_behind(rule, &stage.expression).into_iter().filter(is_number).collect()
        };
        Self {
            violation: read_by(&rule.judge.violation),
            warning: rule.judge.warning.as_ref().map(read_by).unwrap_or_default(),
        }
    }
    pub(crate) fn of_kind(&self, kind: AlertKind) -> &[usize] {
        if kind == AlertKind::EarlyWarning { &self.warning } else { &self.violation }
    }
}

fn sort(quantities: &mut Vec<Quantity>) {
    quantities.sort_unstable();
    quantities.dedup();
}
