//! The county is the same each time, in order, and describes itself.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    dead_code,
    reason = "a wrong place in a test fails the test"
)]

mod tape;

use std::collections::{BTreeMap, BTreeSet};

use citywarden_formats::json;
use citywarden_model::{ASSET_KINDS, Flag, Span, Timestamp, Value, known_quantity};
use citywarden_simulators::{County, TimedMessage};
use tape::{Map, rows};

fn start() -> Timestamp {
    Timestamp::parse("2026-11-24T08:00:00+08:00").expect("it is a time")
}

fn hours(seed: u64, hours: i64) -> Vec<TimedMessage> {
    let until = start() + Span::from_mins(hours * 60);
    County::new(seed, start()).take_while(|message| message.at < until).collect()
}

#[test]
fn the_same_seed_gives_the_same_bytes_and_another_seed_others() {
    assert_eq!(hours(7, 3), hours(7, 3));
    let (one, other) = (hours(7, 1), hours(8, 1));
    assert!(one.iter().zip(&other).any(|(one, other)| one.payload != other.payload));
}

#[test]
fn the_bytes_are_those_of_the_day_they_were_first_written() {
    let mut hasher = citywarden_model::Hasher::new();
    for message in hours(7, 3) {
        hasher.update(message.at.to_string().as_bytes());
        hasher.update(message.topic.as_bytes());
        hasher.update(&message.payload);
    }
    let digest = hasher.finish().to_string();
    assert_eq!(
        digest, DIGEST_OF_THREE_HOURS,
        "who changes the county changes what others compare with: is it meant?"
    );
}

const DIGEST_OF_THREE_HOURS: &str = "sha256:5027b252f0c9fa2f3f9a1f9b7ae711e827c6b6a8031882ebc9beb00e087e6ef6";

#[test]
fn messages_come_in_the_order_of_the_clock_from_every_device_at_its_interval() {
    let messages = hours(7, 2);
    assert!(messages.windows(2).all(|two| two[0].at <= two[1].at));
    let map = Map::of(&County::new(7, start()));
    let mut seen: BTreeMap<&str, BTreeSet<i64>> = BTreeMap::new();
    for message in &messages {
        assert_eq!(*message.topic, *format!("citywarden/330624/{}/json", message.device));
        let mut observations = Vec::new();
        json::decode(&message.payload, &mut observations).unwrap();
        let times = observations
            .iter()
            .filter_map(|o| o.observed_at)
            .map(|at| at.since(start()).nanos() / 1_000_000_000);
        seen.entry(message.device.as_str()).or_default().extend(times);
    }
    for (device, row) in &map.devices {
        let interval: i64 = row["interval_s"].parse().unwrap();
        let missing: Vec<i64> = (1..7_200 / interval)
            .map(|n| n * interval)
            .filter(|s| !seen[device.as_str()].contains(s))
            .collect();
        assert!(missing.is_empty(), "{device} is silent at {missing:?}");
    }
    assert_eq!(seen.len(), map.devices.len());
}

#[test]
fn messages_are_live_or_late_within_ten_minutes_and_some_come_twice() {
    let (mut late, mut twice, mut arrays, mut maintained) = (0, 0, 0, 0);
    let mut known = BTreeSet::new();
    for message in hours(7, 2) {
        let mut observations = Vec::new();
        json::decode(&message.payload, &mut observations).unwrap();
        let oldest = observations.iter().filter_map(|o| o.observed_at).min().unwrap();
        let age = message.at.since(oldest);
        assert!(age > Span::ZERO && age < Span::from_mins(10), "{}: {age:?}", message.device);
        late += usize::from(age > Span::from_mins(3));
        arrays += usize::from(observations.len() > 1);
        maintained += usize::from(observations.iter().any(|o| o.flag == Flag::Other('M')));
        twice += usize::from(!known.insert((message.device.clone(), message.payload.clone())));
    }
    assert!(late > 0 && twice > 0 && arrays > 0 && maintained > 0, "{late} {twice} {arrays} {maintained}");
}

#[test]
fn quantities_are_known_ones_of_their_kind() {
    for message in hours(7, 2) {
        let mut observations = Vec::new();
        json::decode(&message.payload, &mut observations).unwrap();
        for reading in observations.iter().flat_map(|o| &o.readings) {
            let known = known_quantity(&reading.quantity).unwrap_or_else(|| panic!("{}", reading.quantity));
            let kind = match reading.value {
                Value::Number(_) => citywarden_model::ValueKind::Number,
                Value::Bool(_) => citywarden_model::ValueKind::Bool,
                Value::Bools(_) => citywarden_model::ValueKind::Bools,
                Value::Text(_) => panic!("{} is a text", reading.quantity),
            };
            assert_eq!(kind, known.kind, "{}", reading.quantity);
        }
    }
}

#[test]
fn a_half_open_cover_is_among_what_is_staged() {
    let halves =
        hours(7, 3).into_iter().filter(|m| String::from_utf8_lossy(&m.payload).contains("\"half\"")).count();
    assert!(halves > 0);
}

#[test]
fn the_registry_names_assets_of_known_kinds_and_what_belongs_to_them() {
    let county = County::new(7, start());
    let texts = county.registry();
    let assets = rows(&texts.assets);
    let kinds: BTreeMap<&str, usize> = assets.values().fold(BTreeMap::new(), |mut kinds, row| {
        *kinds.entry(row["kind"].as_str()).or_default() += 1;
        kinds
    });
    let expected = [
        ("construction_site", 2),
        ("linear_works", 1),
        ("muck_truck", 3),
        ("restaurant", 2),
        ("sprinkler_truck", 1),
    ];
    assert_eq!(kinds, BTreeMap::from(expected));
    assert!(kinds.keys().all(|kind| ASSET_KINDS.contains(kind)));
    let devices = rows(&texts.devices);
    assert!(devices.values().all(|row| assets.contains_key(&row["asset"])), "{devices:?}");
    assert_eq!(devices.values().filter(|row| row["crs"] == "gcj02").count(), 1);
    assert!(rows(&texts.permits).values().all(|row| assets.contains_key(&row["asset"])));
    assert_eq!(rows(&texts.units).len(), 5);
    let names: Vec<&str> = texts.files().iter().map(|(name, _)| *name).collect();
    assert_eq!(names, ["assets.csv", "devices.csv", "zones.geojson", "permits.csv", "units.csv"]);
}

#[test]
fn all_eight_rules_are_broken_within_a_hundred_minutes_the_first_within_four() {
    let truths = County::new(7, start()).truth(start() + Span::from_mins(100));
    let due =
        |minutes: i64| truths.iter().filter(move |truth| truth.to <= start() + Span::from_mins(minutes));
    let rules: BTreeSet<&str> = due(100).map(|truth| truth.rule.as_str()).collect();
    let expected = [
        "construction-noise",
        "fume-concentration",
        "linear-works-spraying",
        "muck-truck-uncovered",
        "nozzle-spacing",
        "site-dust",
        "sprinkler-chime-loudness",
        "truck-leaves-unwashed",
    ];
    assert_eq!(rules, BTreeSet::from(expected));
    assert_eq!(truths.len(), 9, "and one early warning: {truths:?}");
    assert_eq!(due(4).count(), 1);
    let json = serde_json::to_string(&truths[0]).unwrap();
    assert_eq!(
        json,
        r#"{"rule":"sprinkler-chime-loudness","asset":"sprinkler-01","kind":"violation","from":"2026-11-24T00:01:50Z","to":"2026-11-24T00:03:30Z"}"#
    );
}

#[test]
fn the_truth_of_later_cycles_goes_on_and_a_wash_is_skipped_every_eighth() {
    let truths = County::new(7, start()).truth(start() + Span::from_mins(34 * 60));
    let count = |rule: &str| truths.iter().filter(|truth| truth.rule == rule).count();
    assert_eq!((count("truck-leaves-unwashed"), count("muck-truck-uncovered")), (3, 17));
    assert!(truths.windows(2).all(|two| two[0].from <= two[1].from));
}
