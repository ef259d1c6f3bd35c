//! Each staged violation exceeds what its rule needs, at the time that the truth tells, and nothing else does: by
//! plain arithmetic that knows nothing of the evaluator.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    dead_code,
    reason = "a wrong place in a test fails the test"
)]

mod tape;

use std::collections::BTreeMap;

use citywarden_model::{AlertKind, Span, Timestamp};
use citywarden_simulators::{County, Truth};
use tape::{Entry, Map, Series, Tape, energy, laeq, level, max, mean};

/// (rule, asset, kind) and the seconds at which it would be raised.
type Raised = BTreeMap<(String, String, AlertKind), Vec<i64>>;

fn all_raised(tape: &Tape, map: &Map, noise_limit: f64) -> Raised {
    let mut raised = Raised::new();
    let mut add = |rule: &str, asset: &str, kind, seconds: Vec<i64>| {
        if !seconds.is_empty() {
            raised.insert((rule.to_owned(), asset.to_owned(), kind), seconds);
        }
    };
    for site in ["a", "b"] {
        let asset = format!("site-{site}");
        let (warnings, violations) = dust(tape, &format!("dust-{site}"));
        add("site-dust", &asset, AlertKind::EarlyWarning, warnings);
        add("site-dust", &asset, AlertKind::Violation, violations);
        add(
            "construction-noise",
            &asset,
            AlertKind::Violation,
            noise(tape, &format!("noise-{site}"), noise_limit),
        );
        add(
            "nozzle-spacing",
            &asset,
            AlertKind::Violation,
            nozzles(tape, map, &format!("spray-{site}"), &asset),
        );
    }
    for kitchen in ["01", "02"] {
        add(
            "fume-concentration",
            &format!("kitchen-{kitchen}"),
            AlertKind::Violation,
            fume(tape, &format!("fume-{kitchen}")),
        );
    }
    for (truck, site) in [("muck-01", "a"), ("muck-02", "a"), ("muck-03", "b")] {
        add("muck-truck-uncovered", truck, AlertKind::Violation, uncovered(tape, map, truck));
        add("truck-leaves-unwashed", truck, AlertKind::Violation, unwashed(tape, map, truck, site));
    }
    add("sprinkler-chime-loudness", "sprinkler-01", AlertKind::Violation, chime(tape));
    add("linear-works-spraying", "works-01", AlertKind::Violation, works(tape));
    raised
}

fn dust(tape: &Tape, device: &str) -> (Vec<i64>, Vec<i64>) {
    let pm10 = tape.series(device, "pm10").windows(900, 30, mean);
    let humidity = tape.series(device, "humidity").windows(900, 30, mean);
    let above =
        |limit: f64| pm10.raised(900, |second, pm10| (humidity.get(second)? <= 90.0).then_some(pm10 > limit));
    (above(120.0), above(150.0))
}

fn noise(tape: &Tape, device: &str, limit: f64) -> Vec<i64> {
    let wind = tape.series(device, "wind_speed").windows(1_200, 60, max);
    let level = tape.series(device, "sound_level").windows(1_200, 60, laeq);
    level.raised(0, |second, db| (wind.get(second)? < 5.0).then_some(db > limit))
}

fn fume(tape: &Tape, device: &str) -> Vec<i64> {
    let means = tape.series_while(device, "fume", "fan_running").windows(600, 60, mean);
    means.raised(600, |_, mean| Some(mean > 2.0))
}

fn chime(tape: &Tape) -> Vec<i64> {
    let loud = tape.series_while("sprinkler-01", "sound_level", "chime").windows(20, 10, laeq);
    let quiet = tape.series("sprinkler-01", "background_level").windows(20, 10, laeq);
    loud.raised(20, |second, loud| {
        let quiet = quiet.get(second)?;
        (loud - quiet >= 3.0).then(|| level(energy(loud) - energy(quiet)) > 50.0)
    })
}

fn works(tape: &Tape) -> Vec<i64> {
    tape.series("works-spray", "spraying").raised(300, |_, spraying| Some(spraying < 0.5))
}

fn nozzles(tape: &Tape, map: &Map, device: &str, asset: &str) -> Vec<i64> {
    let attributes = &map.assets[asset];
    let numbers = |text: &str| -> Vec<f64> { text.split(';').map(|n| n.parse().expect("metres")).collect() };
    let chainages = numbers(&attributes["nozzle_chainage_m"]);
    let perimeter: f64 = attributes["perimeter_m"].parse().expect("metres");
    let gate = attributes["gate_spans_m"].split_once('-');
    let gate = gate.map(|(from, to)| (numbers(from)[0], numbers(to)[0]));
    let gap = |entry: &Entry| {
        assert_eq!(entry.nozzles.len(), chainages.len(), "{device}");
        let works: Vec<f64> =
            chainages.iter().zip(&entry.nozzles).filter(|(_, on)| **on).map(|(m, _)| *m).collect();
        let first = works.first().copied().unwrap_or(0.0);
        let around = works.iter().skip(1).copied().chain([first + perimeter]);
        let gaps = works.iter().zip(around).map(|(from, to)| {
            let left_out = gate.filter(|(begins, ends)| from <= begins && *ends <= to);
            to - from - left_out.map_or(0.0, |(begins, ends)| ends - begins)
        });
        gaps.fold(0.0, f64::max)
    };
    let gaps = tape.entries(device).filter(|entry| entry.is("spraying"));
    Series(gaps.map(|entry| (entry.second, gap(entry))).collect()).raised(600, |_, gap| Some(gap > 5.3))
}

fn uncovered(tape: &Tape, map: &Map, truck: &str) -> Vec<i64> {
    let in_a_site = |entry: &Entry| {
        let fix = entry.fix.expect("a truck knows where it is");
        ["zone-site-a", "zone-site-b"].iter().any(|zone| map.holds(zone, truck, fix))
    };
    let broken = tape.entries(truck).map(|entry| {
        let open = entry.is("loaded") && !entry.is("cover_closed");
        let drives = entry.values["speed"] > 5.0 && !in_a_site(entry);
        (entry.second, f64::from(u8::from(open && drives)))
    });
    Series(broken.collect()).raised(15, |_, broken| Some(broken > 0.5))
}

/// Exits of the site's exit zone, by two fixes inside and then two outside, with less than a minute of washing in the
/// five minutes before.
fn unwashed(tape: &Tape, map: &Map, truck: &str, site: &str) -> Vec<i64> {
    let washes: Vec<(i64, f64)> = tape
        .entries(&format!("wash-{site}"))
        .flat_map(|entry| entry.washed.iter().map(|(truck, seconds)| (entry.second, truck, *seconds)))
        .filter(|(_, washed, _)| *washed == truck)
        .map(|(second, _, seconds)| (second, seconds))
        .collect();
    let zone = format!("zone-exit-{site}");
    let places: Vec<(i64, bool)> = tape
        .entries(truck)
        .map(|entry| (entry.second, map.holds(&zone, truck, entry.fix.expect("a truck knows where it is"))))
        .collect();
    let exits = places
        .windows(4)
        .filter(|four| four.iter().map(|(_, inside)| *inside).eq([true, true, false, false]));
    let exits: Vec<i64> = exits.map(|four| four[2].0).collect();
    let trips = places.last().map_or(0, |(second, _)| second / 1_800);
    assert!(
        i64::try_from(exits.len()).unwrap() >= trips - 1,
        "{truck} leaves its site on each of {trips} trips: {exits:?}"
    );
    let seconds_before = |exit: i64| -> f64 {
        washes
            .iter()
            .filter(|(second, _)| (exit - 300..=exit).contains(second))
            .map(|(_, seconds)| seconds)
            .sum()
    };
    exits.into_iter().filter(|exit| seconds_before(*exit) < 60.0).collect()
}

#[track_caller]
fn check(start: &str, hours: i64, seed: u64, noise_limit: f64) {
    let start = Timestamp::parse(start).expect("it is a time");
    let county = County::new(seed, start);
    let map = Map::of(&county);
    let end = start + Span::from_mins(hours * 60);
    let truths = county.truth(end);
    let mut raised = all_raised(&Tape::of(county, start, hours), &map, noise_limit);
    for Truth { rule, asset, kind, from, to } in truths.iter().filter(|truth| truth.to < end) {
        let seconds = raised.entry((rule.clone(), asset.clone(), *kind)).or_default();
        let at = |second: &i64| start + Span::from_secs(*second);
        let told = seconds.iter().position(|second| (*from..=*to).contains(&at(second)));
        let place = told.unwrap_or_else(|| {
            panic!("{rule} on {asset} from {from} to {to}, not at {seconds:?} of seed {seed}")
        });
        seconds.remove(place);
    }
    raised.retain(|_, seconds| !seconds.is_empty());
    assert!(raised.is_empty(), "raised and not told (seed {seed}): {raised:?}");
}

#[test]
fn what_is_staged_by_day_is_raised_when_it_is_told_and_nothing_else_is() {
    for seed in [0, 1, 42, u64::MAX] {
        check("2026-11-24T08:00:00+08:00", 4, seed, 70.0);
    }
}

#[test]
fn what_is_staged_by_night_is_raised_when_it_is_told_and_nothing_else_is() {
    check("2026-11-24T23:00:00+08:00", 4, 7, 55.0);
}

#[test]
fn what_is_staged_every_eighth_cycle_is_raised_again() {
    check("2026-11-24T08:00:00+08:00", 20, 7, 70.0);
}
