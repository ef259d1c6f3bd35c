//! When time alone may change a case.

use citywarden_model::Timestamp;

use super::calendar;
use super::case::{Case, Held};
use super::inputs::View;
use super::plan::{InputPlan, What};
use super::timers::next_crossing;

/// The next such time; `None`: only a reading can.
pub(crate) fn next_due(view: &View<'_>, case: &Case, violation: &Held, warning: &Held) -> Option<Timestamp> {
    if view.is_late {
        return None; // late readings bring their own time
    }
    let now = view.now.at;
    let stages = [case.violation.due(violation), case.warning.due(warning)];
    let force = &view.plan.rule.in_force;
    let running = view.case.crossings.iter().filter_map(|crossings| {
        let since = view.running_since(view.plan.inputs.get(crossings.input)?)?;
        next_crossing(since, &crossings.at, crossings.each_second, now)
    });
    let calendar = view.plan.inputs.iter().flat_map(InputPlan::and_standins);
    stages
        .into_iter()
        .flatten()
        .chain([force.from])
        .chain(force.until)
        .chain(running)
        .chain(calendar.flat_map(|input| hours_due(view, input).into_iter().chain(permit_dues(view, input))))
        .filter(|due| *due > now)
        .min()
}

fn hours_due(view: &View<'_>, input: &InputPlan) -> Option<Timestamp> {
    let What::LocalTime(from, to) = &input.what else { return None };
    let hours = calendar::hours(*from, *to, &view.case.slots)?;
    Some(view.period(hours, view.now.at).until)
}

fn permit_dues(view: &View<'_>, input: &InputPlan) -> impl Iterator<Item = Timestamp> {
    let kind = if let What::Permit(kind) = &input.what { Some(kind) } else { None };
    let own = view.case.permits.iter().filter(move |permit| Some(&permit.0) == kind);
    own.flat_map(|permit| [permit.1, permit.2])
}
