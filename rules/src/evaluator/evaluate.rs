//! Asks one case, and says what changed.

use citywarden_model::{Alert, AlertKind, Change, Moment, Offset, Span, TimeSource, Transition};

use super::case::{Case, Held, Now, Outcome, Stage, Step};
use super::draft::{Occasion, draft};
use super::due::next_due;
use super::inputs::View;
use super::judge::{Findings, judge};
use super::outlook::verdict_of;
use super::plan::{RulePlan, span_of};
use super::scope::Scope;
use super::shard::{States, shard_with_mut};
use super::timers::Sleeper;
use super::whereabouts::Crossing;
use crate::expression::Scalar;
use crate::rule::{Condition, Window};

/// Why cases are asked.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Occurrence {
    pub(crate) cause: Moment,
    pub(crate) now: Now,
    pub(crate) is_late: bool,
    /// The zone that an asset has just entered or left.
    pub(crate) crossing: Option<(usize, Crossing)>,
    pub(crate) source: TimeSource,
    /// The clock of the device that asks is wrong.
    pub(crate) is_lead: bool,
}

impl Occurrence {
    /// Time alone asks.
    pub(crate) fn timer(cause: Moment) -> Self {
        Self {
            cause,
            now: Now { at: cause.at, judged: cause.at, by_reading: false },
            is_late: false,
            crossing: None,
            source: TimeSource::Observed,
            is_lead: false,
        }
    }
}

/// What became of a case: at most one of each kind.
enum Happened {
    Raised { alert: Box<Alert>, reopen_window: Span, evidence: Vec<Offset> },
    Cleared(AlertKind, String),
}

impl<'e> Scope<'e> {
    /// Asks every case noted in `asked`, in the order of (rule, asset), and forgets them.
    pub(crate) fn ask_all(&mut self, occurrence: &Occurrence, out: &mut Vec<Transition>) {
        let mut asked = std::mem::take(&mut self.desk.asked);
        if asked.len() > 1 {
            asked.sort_unstable();
            asked.dedup();
        }
        for (_, asset, case) in asked.drain(..) {
            self.ask(asset, case, occurrence, out);
        }
        self.desk.asked = asked;
    }

    fn ask(&mut self, asset: usize, place: usize, occurrence: &Occurrence, out: &mut Vec<Transition>) {
        // meanwhile the asset has no cases: nobody looks at those of an asset that is judged
        let cases = self.cases_mut(asset, occurrence.is_late).map(std::mem::take);
        let Some(mut cases) = cases else { return };
        let happened = cases.get_mut(place).and_then(|case| self.ask_case(case, asset, place, occurrence));
        if let Some(there) = self.cases_mut(asset, occurrence.is_late) {
            *there = cases;
        }
        let Some((plan, happened)) = happened.filter(|(_, happened)| !happened.is_empty()) else { return };
        self.tell(plan, asset, happened, occurrence, out);
    }

    /// Seldom: apart, so that what only it needs is not made ready for every message.
    #[inline(never)]
    fn tell(
        &mut self,
        plan: &RulePlan,
        asset: usize,
        happened: Vec<Happened>,
        occurrence: &Occurrence,
        out: &mut Vec<Transition>,
    ) {
        let Some(asset) = self.field.assets.get(asset) else { return };
        for one in happened {
            let (kind, change) = match one {
                Happened::Raised { alert, reopen_window, evidence } => {
                    (alert.kind, Change::Raised { alert, reopen_window, evidence })
                }
                Happened::Cleared(kind, why) => (kind, Change::Cleared(why)),
            };
            self.emit(occurrence.cause, (plan.rule.id.clone(), asset.id.clone(), kind), change, out);
        }
    }

    fn ask_case(
        &mut self,
        case: &mut Case,
        asset: usize,
        place: usize,
        occurrence: &Occurrence,
    ) -> Option<(&'e RulePlan, Vec<Happened>)> {
        let field = self.field;
        let desk = &mut *self.desk;
        let case_plan = field.assets.get(asset)?.cases.get(place)?;
        let plan = field.plans.get(case_plan.rule)?;
        let view = View {
            options: self.options,
            field,
            calendar: &desk.calendar,
            states: States::of(self.shards),
            asset,
            is_late: occurrence.is_late,
            now: &occurrence.now,
            crossing: occurrence.crossing.filter(|(who, _)| *who == asset).map(|(_, crossing)| crossing),
            plan,
            case: case_plan,
        };
        let before = case.outcome.word();
        let findings = judge(&view, case, &mut desk.slots, &mut desk.interpreter);
        let is_broken = matches!(findings.outcome, Outcome::Broken(_));
        let happened = settle(&view, case, &desk.slots, findings, occurrence);
        let shard = shard_with_mut(self.shards, asset)?;
        shard.tally.evaluated(case_plan.rule, is_broken);
        if !occurrence.is_late {
            shard.standing.change(case_plan.rule, before, case.outcome.word());
            shard.timers.arm(&mut case.armed, case.due, Sleeper::Case { asset, case: place });
        }
        Some((plan, happened))
    }

    fn cases_mut(&mut self, asset: usize, is_late: bool) -> Option<&mut Vec<Case>> {
        Some(&mut self.state_mut(asset)?.lane_mut(is_late)?.cases)
    }
}

/// Moves the stages of a case by what was found.
fn settle(
    view: &View<'_>,
    case: &mut Case,
    slots: &[Scalar],
    findings: Findings,
    occurrence: &Occurrence,
) -> Vec<Happened> {
    let judge = &view.plan.rule.judge;
    let violation =
        held(view, case, &findings, findings.violation, &judge.violation, &view.plan.violation_inputs);
    let warning = judge
        .warning
        .as_ref()
        .map(|warning| held(view, case, &findings, findings.warning, warning, &view.plan.warning_inputs));
    let stood_in = findings.stood_in;
    if findings.outcome != case.outcome {
        if std::mem::discriminant(&findings.outcome) != std::mem::discriminant(&case.outcome) {
            case.since = view.now.at;
        }
        case.outcome = findings.outcome;
    }
    let mut happened = Vec::new();
    let step = case.violation.step(violation, view.now);
    report(view, (&case.outcome, slots), AlertKind::Violation, step, stood_in, occurrence, &mut happened);
    if let Stage::Firing(firing) = case.violation {
        if matches!(case.warning, Stage::Firing(_)) && !view.is_late {
            let id = citywarden_model::AlertId::derive(
                &view.options.region,
                &view.plan.rule.id,
                &view.field.assets.get(view.asset).map_or_else(|| "".into(), |asset| asset.id.clone()),
                AlertKind::Violation,
                firing.began,
            );
            happened.push(Happened::Cleared(AlertKind::EarlyWarning, format!("became the violation {id}")));
        }
        case.warning = Stage::Normal;
    } else if let Some(warning) = warning {
        let step = case.warning.step(warning, view.now);
        report(
            view,
            (&case.outcome, slots),
            AlertKind::EarlyWarning,
            step,
            stood_in,
            occurrence,
            &mut happened,
        );
    } else if matches!(case.warning, Stage::Firing(_)) {
        case.warning = Stage::Normal;
        happened.push(Happened::Cleared(AlertKind::EarlyWarning, "the rule warns no longer".to_owned()));
    }
    case.due = next_due(view, case, &violation, &warning.unwrap_or(violation));
    happened
}

fn held(
    view: &View<'_>,
    case: &Case,
    findings: &Findings,
    holds: Option<bool>,
    stage: &Condition,
    inputs: &[usize],
) -> Held {
    let slots = &view.case.slots;
    let judge = &view.plan.rule.judge;
    let lasting = span_of(stage.lasting, slots);
    let at_once = matches!(findings.outcome, Outcome::NotInForce);
    let clear_lasting = match &judge.clear {
        Some(clear) if !at_once => span_of(clear.lasting, slots),
        Some(_) | None => Span::ZERO,
    };
    let is_firing = matches!(case.violation, Stage::Firing(_)) || matches!(case.warning, Stage::Firing(_));
    Held {
        holds,
        clears: findings.clears.unwrap_or(holds == Some(false)),
        lasting,
        clear_lasting,
        clear_after: judge.clear_after.map(|after: Window| span_of(after, slots)),
        // asked only where something is, or becomes, pending
        by_the_journal: holds == Some(true) && lasting > Span::ZERO && is_by_the_journal(view, inputs),
        clear_by_the_journal: is_firing
            && clear_lasting > Span::ZERO
            && is_by_the_journal(view, &view.plan.clear_inputs),
    }
}

/// Whether no device with an interval feeds these inputs: then the journal's clock reaches what has to last.
fn is_by_the_journal(view: &View<'_>, inputs: &[usize]) -> bool {
    inputs.iter().filter_map(|input| view.plan.inputs.get(*input)).all(|input| {
        let mut rhythms = input.and_standins().filter_map(|one| one.rhythm);
        !rhythms.any(|quantity| view.has_rhythm(quantity))
    })
}

fn report(
    view: &View<'_>,
    (outcome, slots): (&Outcome, &[Scalar]),
    kind: AlertKind,
    step: Step,
    stood_in: bool,
    occurrence: &Occurrence,
    happened: &mut Vec<Happened>,
) {
    let why = match step {
        Step::Stays => return,
        Step::Raises(began) => {
            let Occurrence { cause, source, is_lead, .. } = *occurrence;
            let occasion = Occasion { kind, began, cause, source, has_wrong_clock: is_lead, stood_in };
            if let Some((alert, evidence)) = draft(view, slots, occasion) {
                let reopen_window = view.plan.rule.reopen_window;
                happened.push(Happened::Raised { alert: Box::new(alert), reopen_window, evidence });
            }
            return;
        }
        Step::Expires => "nothing violated for as long as the rule waits".to_owned(),
        Step::Clears => {
            let verdict = verdict_of(view.plan, outcome);
            verdict.reason().unwrap_or("the condition has ended").to_owned()
        }
    };
    if !view.is_late {
        happened.push(Happened::Cleared(kind, why));
    }
}
