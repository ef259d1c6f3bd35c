//! Promises that hold for any messages: restarts and ticks change nothing, and time never stands in the way.

use std::sync::{Arc, OnceLock};

use citywarden_model::{
    AlertKind, AssetId, Change, Fix, Flag, Moment, Observation, Offset, Reading, Registry, RuleId, Span,
    Timestamp, Transition, Value,
};
use citywarden_rules::{
    Arrival, Evaluator, EvaluatorOptions, RestoreError, RuleFile, RuleSet, VerdictLine, load,
};
use proptest::prelude::*;

use crate::world::{ORIGIN, add_asset, add_device, add_zone, registry, renew, rule, rules, time};

fn pack() -> Arc<RuleSet> {
    static PACK: OnceLock<Arc<RuleSet>> = OnceLock::new();
    Arc::clone(PACK.get_or_init(read_pack))
}

fn read_pack() -> Arc<RuleSet> {
    let mut files = Vec::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("packs");
    for chapter in std::fs::read_dir(root).unwrap() {
        for file in std::fs::read_dir(chapter.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            files.push(RuleFile {
                name: path.display().to_string(),
                text: std::fs::read_to_string(&path).unwrap(),
            });
        }
    }
    Arc::new(load(&files, citywarden_model::LocalClock::default(), &citywarden_problems::Problems::new()))
}

fn county() -> Arc<Registry> {
    let mut county = registry();
    add_asset(
        &mut county,
        "site",
        "construction_site",
        &[("nozzle_chainage_m", "0;5;10"), ("perimeter_m", "15"), ("closed_loop", "true")],
    );
    add_asset(&mut county, "works", "linear_works", &[]);
    add_asset(&mut county, "kitchen", "restaurant", &[]);
    add_device(&mut county, "spray", "relay", "works", None);
    add_device(&mut county, "fume", "fume", "kitchen", Some(60));
    add_zone(&mut county, "exit", "site_exit", Some("site"), 0.0, 50.0);
    add_zone(&mut county, "inner", "site", Some("site"), -200.0, 50.0);
    renew(&mut county);
    Arc::new(county)
}

/// One message: how much later than the one before, from whom, what, and how late.
#[derive(Debug, Clone)]
struct Step {
    after_s: i64,
    device: usize,
    value: u8,
    late_s: i64,
    tick: bool,
    restart: bool,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let late = prop_oneof![
        6 => Just(0_i64),
        1 => 1..30_i64,
        1 => 60..600_i64,
        1 => 700..4000_i64,
        1 => -500..0_i64,
    ];
    let after = prop_oneof![8 => 0..61_i64, 1 => 61..1500_i64];
    let step = (after, 0..DEVICES.len(), any::<u8>(), late, any::<bool>(), prop::bool::weighted(0.1));
    let step = step.prop_map(|(after_s, device, value, late_s, tick, restart)| Step {
        after_s,
        device,
        value,
        late_s,
        tick,
        restart,
    });
    prop::collection::vec(step, 1..120)
}

const DEVICES: [&str; 6] = ["meter", "fast", "switch", "unit", "spray", "fume"];

fn observation(step: &Step, received: Timestamp) -> Observation<'static> {
    let high = step.value & 1 == 1;
    let state = step.value & 2 == 2;
    let mut observation = Observation {
        observed_at: (step.value < 250).then(|| received - Span::from_secs(step.late_s)),
        flag: if step.value % 17 == 3 { Flag::Other('M') } else { Flag::Normal },
        ..Observation::default()
    };
    let readings: &[(&str, Value<'static>)] = match step.device {
        0 => &[("sound_level", Value::Number(if high { 75.0 } else { 52.3 }))],
        1 => &[
            ("pm10", Value::Number(if high { 300.0 } else { 90.5 })),
            ("humidity", Value::Number(if step.value > 240 { 99.0 } else { 60.0 })),
        ],
        2 => &[("nozzles", Value::Bools(vec![true, high, true])), ("spraying", Value::Bool(state || high))],
        3 => &[
            ("loaded", Value::Bool(high)),
            ("cover_closed", Value::Bool(state)),
            ("speed", Value::Number(f64::from(step.value) / 8.0)),
        ],
        4 => &[("spraying", Value::Bool(high))],
        _ => &[
            ("fume", Value::Number(if high { 4.0 } else { 0.2 })),
            ("fan_running", Value::Bool(state || high)),
        ],
    };
    for (quantity, value) in readings {
        observation.readings.push(Reading { quantity: (*quantity).into(), value: value.clone() });
    }
    if step.device == 3 {
        let reported = ORIGIN.moved(if step.value & 4 == 4 { 0.0 } else { 130.0 }, 0.0);
        observation.fix = Some(Fix {
            reported,
            valid: step.value & 0b1_1000 != 0b1_1000,
            speed_kmh: None,
            heading_deg: None,
        });
    }
    observation
}

/// A transition but for the number of the record and its place in it.
fn essence(one: &Transition) -> (Timestamp, RuleId, AssetId, AlertKind, Change) {
    (one.cause.at, one.rule.clone(), one.asset.clone(), one.kind, one.change.clone())
}

/// Messages have even offsets whatever ticks stand between them.
fn play(steps: &[Step], with_ticks: bool, with_restarts: bool) -> (Vec<Transition>, Vec<VerdictLine>) {
    let options = EvaluatorOptions::of("330624".into());
    let (rules, registry) = (pack(), county());
    let mut evaluator = Evaluator::new(options.clone());
    let mut out = Vec::new();
    let mut at = time("21:30");
    let start = Moment { offset: Offset(0), at };
    evaluator.install_registry(start, Arc::clone(&registry), &mut out);
    evaluator.install_rules(start, Arc::clone(&rules), &mut out);
    for (number, step) in steps.iter().enumerate() {
        let before = at;
        at = at + Span::from_secs(step.after_s);
        let offset = Offset(number as u64 * 2 + 2);
        if with_ticks && step.tick {
            let between = before + Span::from_nanos(at.since(before).nanos() / 2);
            evaluator.advance(Moment { offset: Offset(offset.0 - 1), at: between }, &mut out);
            evaluator.advance(Moment { offset: Offset(offset.0 - 1), at }, &mut out);
        }
        if with_restarts && step.restart {
            let bytes = evaluator.snapshot();
            evaluator =
                Evaluator::restore(options.clone(), &bytes, Arc::clone(&rules), Arc::clone(&registry))
                    .expect("its own snapshot");
        }
        let arrival = Arrival {
            moment: Moment { offset, at },
            duplicate: step.value % 5 == 0,
            retained: step.value % 31 == 7,
            payload: &[step.value],
        };
        let device = DEVICES[step.device].into();
        evaluator.observe(&arrival, &device, [observation(step, at)], &mut out);
    }
    let end = Moment { offset: Offset(1_000_000), at: at + Span::from_mins(60) };
    evaluator.advance(end, &mut out);
    let verdicts: Vec<VerdictLine> = evaluator.verdicts().collect();
    for ((rule, word), count) in evaluator.verdict_counts() {
        let are_so = verdicts.iter().filter(|line| line.rule == rule && line.verdict.as_str() == word);
        assert_eq!(are_so.count() as u64, count, "{rule} {word}");
    }
    (out, verdicts)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_restart_from_a_snapshot_anywhere_changes_nothing(steps in steps()) {
        let (whole, verdicts) = play(&steps, false, false);
        let (cut, verdicts_cut) = play(&steps, false, true);
        prop_assert_eq!(whole, cut);
        prop_assert_eq!(verdicts, verdicts_cut);
    }

    #[test]
    fn ticks_between_records_change_nothing(steps in steps()) {
        let (sparse, verdicts) = play(&steps, false, false);
        let (dense, verdicts_dense) = play(&steps, true, false);
        let essences = |all: &[Transition]| all.iter().map(essence).collect::<Vec<_>>();
        prop_assert_eq!(essences(&sparse), essences(&dense));
        prop_assert_eq!(verdicts, verdicts_dense);
    }

    #[test]
    fn one_alert_of_a_kind_is_active_at_a_time(steps in steps()) {
        let (out, _) = play(&steps, false, false);
        let mut active = std::collections::BTreeSet::new();
        for one in &out {
            let case = (one.rule.clone(), one.asset.clone(), one.kind);
            match &one.change {
                Change::Raised { alert, .. } if alert.reconstructed => {}
                Change::Raised { .. } => prop_assert!(active.insert(case), "raised twice: {:?}", one),
                Change::Cleared(_) | Change::Removed(_) => {
                    prop_assert!(active.remove(&case), "ended without having begun: {:?}", one);
                }
            }
        }
    }

    #[test]
    fn transitions_come_in_the_order_of_the_journals_clock(steps in steps()) {
        let (out, _) = play(&steps, true, false);
        prop_assert!(out.is_sorted_by_key(|one| (one.cause.at, one.cause.offset, one.index)));
    }
}

#[test]
fn random_messages_do_raise_alerts() {
    let steps: Vec<Step> = (0..240)
        .map(|number| Step {
            after_s: 10,
            device: [0, 1, 2, 3, 4, 5][number % 6],
            value: u8::from(number % 6 != 4),
            late_s: 0,
            tick: false,
            restart: false,
        })
        .collect();
    let (out, _) = play(&steps, false, false);
    let raised: std::collections::BTreeSet<&str> = out.iter().map(|one| one.rule.as_str()).collect();
    assert!(raised.contains("construction-noise") && raised.contains("linear-works-spraying"), "{raised:?}");
}

#[test]
fn a_snapshot_of_other_rules_or_another_registry_or_version_or_damaged_is_refused() {
    let options = EvaluatorOptions::of("330624".into());
    let bytes = Evaluator::new(options.clone()).snapshot();
    let registry = Arc::new(Registry::empty("330624".into()));
    let none = Arc::new(RuleSet { rules: Vec::new(), digest: citywarden_model::Digest::default() });
    let restore = |bytes: &[u8], rules: &Arc<RuleSet>, registry: &Arc<Registry>| {
        Evaluator::restore(options.clone(), bytes, Arc::clone(rules), Arc::clone(registry)).map(|_| ())
    };
    assert_eq!(restore(&bytes, &none, &registry), Ok(()));
    let other = rules(&[rule("other", "[input]\nx = 'last(pm10)'\n[judge]\nviolation = 'x > 1.0'\n")]);
    assert!(matches!(restore(&bytes, &other, &registry), Err(RestoreError::Rules { .. })));
    assert!(matches!(restore(&bytes, &none, &county()), Err(RestoreError::Registry { .. })));
    let mut old = bytes.clone();
    old[0] = 99;
    assert_eq!(restore(&old, &none, &registry), Err(RestoreError::Version { found: 99 }));
    assert!(matches!(restore(&bytes[..bytes.len() - 1], &none, &registry), Err(RestoreError::Damaged(_))));
}
