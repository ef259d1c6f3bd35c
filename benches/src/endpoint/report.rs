//! The figures as tables.

use crate::figures::{median, millis, number, thousands};
use crate::measure::{Case, Run};
use crate::say;

/// The tables of one case.
pub(super) fn case(case: &Case, ours: &[Run], other: (&str, &[Run])) -> std::io::Result<()> {
    let (name, others) = other;
    say(&format!("\n### {} connections × {} in flight\n", case.connections, case.window))?;
    say(
        "| | acknowledged msg/s | judged msg/s | ack p50 | ack p99 | server CPU µs/msg (sockets + journal + judge) | generator CPU µs/msg | syncs | messages a sync |",
    )?;
    say("|---|---|---|---|---|---|---|---|---|")?;
    say(&row("durable and judged, median", ours))?;
    say(&row(&format!("{name}, median"), others))?;
    say(&format!(
        "\nbeside “{name}”: {:.2} acknowledged, {:.2} judged; medians of the ratios of each pair\n",
        median(pairs(ours, others).map(|(a, b)| a.acknowledged_rate() / b.acknowledged_rate())),
        median(pairs(ours, others).map(|(a, b)| a.judged_rate() / b.judged_rate())),
    ))?;
    for (run, (ours, other)) in pairs(ours, others).enumerate() {
        say(&each(run + 1, ours, other))?;
    }
    Ok(())
}

fn pairs<'r>(ours: &'r [Run], others: &'r [Run]) -> impl Iterator<Item = (&'r Run, &'r Run)> {
    ours.iter().zip(others)
}

fn row(name: &str, runs: &[Run]) -> String {
    let middle = |figure: &dyn Fn(&Run) -> f64| median(runs.iter().map(figure));
    let syncs = middle(&|run| number(run.syncs));
    let threads =
        |which: usize| middle(&|run| run.by_threads.get(which).map_or(0.0, |time| run.micros_each(*time)));
    let (sockets, journal, judge) = (threads(0), threads(1), threads(2));
    let (judged, syncs, each) = if syncs > 0.0 {
        let each = middle(&|run| number(run.messages) / number(run.syncs));
        (thousands(middle(&Run::judged_rate)), format!("{syncs:.0}"), format!("{each:.0}"))
    } else {
        ("–".to_owned(), "–".to_owned(), "–".to_owned())
    };
    format!(
        "| {name} | {} | {judged} | {:.2} ms | {:.2} ms | {:.2} ({sockets:.2} + {journal:.2} + {judge:.2}) | {:.2} | \
         {syncs} | {each} |",
        thousands(middle(&Run::acknowledged_rate)),
        middle(&|run| millis(run.p50)),
        middle(&|run| millis(run.p99)),
        middle(&|run| run.micros_each(run.cpu)),
        middle(&|run| run.micros_each(run.generator_cpu)),
    )
}

fn each(run: usize, ours: &Run, other: &Run) -> String {
    let evaluations = number(ours.evaluations) / number(ours.messages);
    let [sockets, journal, judge] = ours.by_threads.map(|time| format!("{:.2}", ours.micros_each(time)));
    format!(
        "* run {run}: {} messages of {} B in {:.2} s, judged in {:.2} s, {} acknowledged a second; CPU µs a message: \
         sockets {}, journal {}, judge {}; {evaluations:.2} \
         evaluations a message, {} readings discarded, {} cases compliant and {} not at the end; \
         the other: {} messages in {:.2} s, {} a second",
        ours.messages,
        ours.payload_bytes,
        ours.acknowledged_in.as_secs_f64(),
        ours.judged_in.as_secs_f64(),
        thousands(ours.acknowledged_rate()),
        sockets,
        journal,
        judge,
        ours.discarded,
        ours.compliant,
        ours.other_verdicts,
        other.messages,
        other.acknowledged_in.as_secs_f64(),
        thousands(other.acknowledged_rate()),
    )
}
