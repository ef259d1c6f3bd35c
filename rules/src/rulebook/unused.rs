//! Slots that nothing reads.

use std::collections::BTreeSet;

use super::limits::MIN_COVERAGE;
use crate::rule::{Condition, Gate, Input, Otherwise, Rule, Statistic, TemplatePart, Window};

/// The slots that neither an input, a condition, a let nor the message reads.
pub(crate) fn unused(rule: &Rule) -> Vec<usize> {
    let mut used = BTreeSet::new();
    of_judge(rule, &mut used);
    rule.lets.iter().for_each(|value| used.extend(value.expression.reads()));
    rule.inputs.iter().for_each(|input| of_input(input, &mut used));
    for part in rule.message.iter().flat_map(|template| &template.0) {
        if let TemplatePart::Slot(slot) = part {
            used.insert(*slot);
        }
    }
    used.extend(rule.limits.iter().position(|limit| limit.name == MIN_COVERAGE));
    let slots = rule.limits.len() + rule.inputs.len() + rule.lets.len();
    (0..slots).filter(|slot| !used.contains(slot)).collect()
}

fn of_judge(rule: &Rule, used: &mut BTreeSet<usize>) {
    let judge = &rule.judge;
    let reasoned = judge.fault.iter().chain(&judge.undecided).chain(&judge.excused);
    reasoned.for_each(|reasoned| used.extend(reasoned.expression.reads()));
    judge.rests.iter().for_each(|expression| used.extend(expression.reads()));
    let conditions = judge.warning.iter().chain([&judge.violation]).chain(&judge.clear);
    for Condition { expression, lasting } in conditions {
        used.extend(expression.reads());
        of_window(*lasting, used);
    }
    judge.clear_after.iter().for_each(|window| of_window(*window, used));
}

fn of_window(window: Window, used: &mut BTreeSet<usize>) {
    if let Window::Limit(slot) = window {
        used.insert(slot);
    }
}

fn of_input(input: &Input, used: &mut BTreeSet<usize>) {
    match &input.statistic {
        Statistic::Laeq(_, window)
        | Statistic::Mean(_, window)
        | Statistic::Max(_, window)
        | Statistic::Min(_, window)
        | Statistic::Sum(_, window)
        | Statistic::Count(_, window)
        | Statistic::Coverage(_, window)
        | Statistic::ShareOfTime(_, window)
        | Statistic::LongestRun(_, window) => of_window(*window, used),
        Statistic::LocalTime(from, to) => used.extend([*from, *to]),
        Statistic::Last(_)
        | Statistic::Since(_)
        | Statistic::Silence(_)
        | Statistic::DeviceSilence(_)
        | Statistic::Left(_)
        | Statistic::Entered(_)
        | Statistic::Inside(_)
        | Statistic::Dwell(_)
        | Statistic::Permit(_)
        | Statistic::LargestGap { .. } => {}
    }
    used.extend(input.gates.iter().filter_map(|gate| match gate {
        Gate::RestartOn(slot) => Some(*slot),
        Gate::OnlyWhile { .. } | Gate::OnlyWhere(_) | Gate::AtZone(_) => None,
    }));
    if let Some(Otherwise::Input(other)) = &input.otherwise {
        of_input(other, used);
    }
}
