//! How long the evaluator takes for a message: `cargo run --release -p citywarden-rules --example evaluator_timing`.
//!
//! Sites with one device each that sends five quantities every so often, in a round, judged by the rules of the
//! built-in pack. Arguments: how many sites (200), how many seconds between two messages of one (60), how many messages
//! are looked ahead (32), and the ids of rules (all). The devices' interval is a minute in any case.

use std::sync::Arc;

use citywarden_model::{
    Asset, Attributes, Crs, Device, DeviceId, LocalClock, Moment, Observation, Offset, Reading, Registry,
    Span, Timestamp, Value,
};
use citywarden_problems::Problems;
use citywarden_rules::{
    Arrival, Evaluator, EvaluatorOptions, Followers, Recognised, RuleFile, RuleSet, load,
};

const SITES: u32 = 200;
const MESSAGES: u32 = 4_000_000;
const ROUNDS_MAX: u32 = 400;
const QUANTITIES: [(&str, f64); 5] =
    [("pm10", 80.5), ("humidity", 61.0), ("sound_level", 62.25), ("wind_speed", 1.5), ("temperature", 18.0)];

#[expect(clippy::print_stdout, reason = "its output is its purpose")]
#[expect(clippy::disallowed_methods, reason = "it measures time, and hands none to the evaluator")]
#[expect(clippy::cast_precision_loss, reason = "a few hundred thousand messages")]
fn main() {
    let mut arguments = std::env::args().skip(1).peekable();
    let mut number = |otherwise: u32| {
        let number = arguments.peek().and_then(|text| text.parse().ok());
        if number.is_some() {
            arguments.next();
        }
        number.unwrap_or(otherwise)
    };
    let (sites, seconds, ahead) = (number(SITES), number(60), number(32) as usize);
    let wanted: Vec<String> = arguments.collect();
    let rules = pack(&wanted);
    let registry = county(sites);
    let devices: Vec<DeviceId> = registry.devices.keys().cloned().collect();
    let start = Timestamp::parse("2026-11-24T08:00:00+08:00").expect("a time");
    let mut out = Vec::new();
    let mut evaluator = Evaluator::new(EvaluatorOptions::of(registry.region.clone()));
    let moment = Moment { offset: Offset(0), at: start };
    evaluator.install_registry(moment, Arc::new(registry), &mut out);
    evaluator.install_rules(moment, Arc::clone(&rules), &mut out);
    let mut offset = 0;
    let mut best = f64::MAX;
    let rounds = (MESSAGES / sites.max(1)).min(ROUNDS_MAX);
    for round in 0..rounds {
        let at = start + Span::from_secs(i64::from(round) * i64::from(seconds));
        let (found, mut recognised) = (evaluator.devices(), Recognised::default());
        let usual = devices.first().and_then(|device| found.find(device.as_str())).expect("there are some");
        found.recognise(usual, [observation(at, round)], &mut Followers::default(), &mut recognised);
        let began = std::time::Instant::now();
        for (place, device) in devices.iter().enumerate() {
            if ahead > 0 && place.is_multiple_of(ahead) {
                let near = devices.iter().skip(place).take(ahead);
                evaluator.look_ahead(near.filter_map(|device| evaluator.find(device.as_str())));
            }
            offset += 1;
            let moment = Moment { offset: Offset(offset), at };
            let arrival = Arrival { moment, duplicate: false, retained: false, payload: &[] };
            let device = found.find(device.as_str()).expect("it is in the registry");
            evaluator.observe_of(&arrival, device, recognised.said(0..1), &mut out);
        }
        if round > 30 {
            best = best.min(began.elapsed().as_nanos() as f64 / devices.len() as f64);
        }
    }
    let evaluations: u64 = evaluator.rule_tallies().values().map(|tally| tally.evaluations).sum();
    println!("{} rules, {sites} sites, {} messages of 5 quantities", rules.rules.len(), offset);
    println!(
        "{best:.0} ns a message in the best round, {:.1} evaluations a message",
        evaluations as f64 / offset as f64
    );
    println!("{} transitions, snapshot {} bytes", out.len(), evaluator.snapshot().len());
}

fn observation(at: Timestamp, round: u32) -> Observation<'static> {
    let readings = QUANTITIES.iter().map(|(name, value)| Reading {
        quantity: (*name).into(),
        value: Value::Number(value + if round.is_multiple_of(2) { 0.5 } else { 0.0 }),
    });
    Observation { observed_at: Some(at), readings: readings.collect(), ..Observation::default() }
}

fn pack(wanted: &[String]) -> Arc<RuleSet> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("packs");
    let chapters = std::fs::read_dir(root).expect("the pack is here").flatten();
    let paths = chapters.flat_map(|chapter| std::fs::read_dir(chapter.path()).expect("a chapter").flatten());
    let files: Vec<RuleFile> = paths
        .map(|file| file.path())
        .filter(|path| {
            let id = path.file_stem().unwrap_or_default().to_string_lossy();
            wanted.is_empty() || wanted.iter().any(|one| *one == id)
        })
        .map(|path| RuleFile {
            name: path.display().to_string(),
            text: std::fs::read_to_string(&path).expect("a rule file"),
        })
        .collect();
    Arc::new(load(&files, LocalClock::default(), &Problems::new()))
}

fn county(sites: u32) -> Registry {
    let mut registry = Registry::empty("330624".into());
    for number in 0..sites {
        let asset = Asset {
            id: format!("site-{number:04}").into(),
            kind: "construction_site".to_owned(),
            name: String::new(),
            region: registry.region.clone(),
            grid: None,
            position: None,
            attributes: Attributes::default(),
        };
        let device = Device {
            id: format!("monitor-{number:04}").into(),
            kind: "dust_monitor".to_owned(),
            asset: asset.id.clone(),
            interval: Some(Span::from_secs(60)),
            crs: Crs::Wgs84,
            attributes: Attributes::default(),
        };
        registry.assets.insert(asset.id.clone(), asset);
        registry.devices.insert(device.id.clone(), device);
    }
    registry
}
