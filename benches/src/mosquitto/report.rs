//! The figures as tables.

use crate::figures::{median, number, thousands};
use crate::measure::{Case, Run};
use crate::say;

use super::{Round, Turn};

/// Everything with few connections that have much in flight.
pub(super) fn gateways(case: &Case, rounds: &[Round]) -> std::io::Result<()> {
    head(case)?;
    let judged = |which: usize| rounds.iter().filter_map(move |round| round.judged.as_ref()?.get(which));
    say(&row("Mosquitto, bare subscriber", &bare(rounds)))?;
    say(&row("Mosquitto, judged, without archive", &judged(0).collect::<Vec<_>>()))?;
    say(&row("Mosquitto, judged, archived in SQLite as well", &judged(1).collect::<Vec<_>>()))?;
    say(&endpoint_row(rounds))?;
    let beside_bare = |which: usize| {
        median(rounds.iter().zip(judged(which)).map(|(round, turn)| turn.rate() / round.bare.rate()))
    };
    let endpoint =
        rounds.iter().zip(judged(0)).map(|(round, turn)| round.endpoint.judged_rate() / turn.rate());
    say(&format!(
        "\nmedians of the ratios of each round: judged behind Mosquitto / bare subscriber {:.2} (with SQLite {:.2}); \
         judged through the endpoint / judged behind Mosquitto {:.1}\n",
        beside_bare(0),
        beside_bare(1),
        median(endpoint),
    ))?;
    each(rounds)
}

/// The two with many connections that have one message in flight.
pub(super) fn devices(case: &Case, rounds: &[Round]) -> std::io::Result<()> {
    head(case)?;
    say(&row("Mosquitto, bare subscriber", &bare(rounds)))?;
    say(&endpoint_row(rounds))?;
    let ratios = rounds.iter().map(|round| round.endpoint.judged_rate() / round.bare.rate());
    say(&format!(
        "\nmedian of the ratios of each round: judged through the endpoint / bare subscriber behind Mosquitto {:.2}\n",
        median(ratios)
    ))?;
    each(rounds)
}

fn head(case: &Case) -> std::io::Result<()> {
    say(&format!("\n### {} connections × {} in flight\n", case.connections, case.window))?;
    say(
        "| | acknowledged msg/s | done msg/s | service CPU µs/msg (sockets + journal + judge) |\n|---|---|---|---|",
    )
}

fn bare(rounds: &[Round]) -> Vec<&Turn> {
    rounds.iter().map(|round| &round.bare).collect()
}

fn row(name: &str, turns: &[&Turn]) -> String {
    let middle = |figure: &dyn Fn(&Turn) -> f64| median(turns.iter().map(|turn| figure(turn)));
    let acknowledged = middle(&|turn| number(turn.messages) / turn.acknowledged_in.as_secs_f64());
    let cpu = middle(&|turn| turn.micros_each(turn.cpu));
    let [sockets, journal, judge] = [0, 1, 2]
        .map(|which| middle(&|turn| turn.by_threads.get(which).map_or(0.0, |time| turn.micros_each(*time))));
    let cpu = if cpu > 0.0 {
        format!("{cpu:.2} ({sockets:.2} + {journal:.2} + {judge:.2})")
    } else {
        "–".to_owned()
    };
    format!("| {name} | {} | {} | {cpu} |", thousands(acknowledged), thousands(middle(&Turn::rate)))
}

fn endpoint_row(rounds: &[Round]) -> String {
    let middle = |figure: &dyn Fn(&Run) -> f64| median(rounds.iter().map(|round| figure(&round.endpoint)));
    let [sockets, journal, judge] = [0, 1, 2]
        .map(|which| middle(&|run| run.by_threads.get(which).map_or(0.0, |time| run.micros_each(*time))));
    format!(
        "| endpoint, judged, without archive | {} | {} | {:.2} ({sockets:.2} + {journal:.2} + {judge:.2}) |",
        thousands(middle(&Run::acknowledged_rate)),
        thousands(middle(&Run::judged_rate)),
        middle(&|run| run.micros_each(run.cpu)),
    )
}

fn each(rounds: &[Round]) -> std::io::Result<()> {
    for (place, round) in rounds.iter().enumerate() {
        let behind = round.judged.as_ref().map_or(String::new(), |[without, with]| {
            format!("; judged {}, with SQLite {}", thousands(without.rate()), thousands(with.rate()))
        });
        let endpoint = &round.endpoint;
        say(&format!(
            "* round {}: {} messages behind each Mosquitto: bare {}{behind}; endpoint: {} messages, {} acknowledged, {} \
             judged a second, {:.0} messages a sync, {:.2} evaluations a message",
            place + 1,
            round.bare.messages,
            thousands(round.bare.rate()),
            endpoint.messages,
            thousands(endpoint.acknowledged_rate()),
            thousands(endpoint.judged_rate()),
            number(endpoint.messages) / number(endpoint.syncs.max(1)),
            number(endpoint.evaluations) / number(endpoint.messages),
        ))?;
    }
    Ok(())
}
