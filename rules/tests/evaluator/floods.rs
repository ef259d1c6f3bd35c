//! Devices that send more than their rhythm: what they share, and what it costs nobody else.

use std::collections::BTreeMap;
use std::sync::Arc;

use citywarden_model::{DeviceId, Event, Moment, Observation, Offset, Reading, Span, Transition, Value};
use citywarden_rules::{Arrival, Evaluator, EvaluatorOptions, VerdictLine};
use proptest::prelude::*;

use crate::world::{add_device, registry, renew, rule, rules, time};

/// What all series together may hold beyond their rhythm, here.
const SURPLUS_MAX: usize = 40;
/// An eighth more for a moment, and the one that has just come.
const HELD_MAX: usize = SURPLUS_MAX + SURPLUS_MAX / 8 + 1;
/// Of these devices of the site only `meter` and `fast` have a rhythm.
const DEVICES: [&str; 5] = ["meter", "fast", "switch", "wash", "gate"];
/// Twice what a rhythm makes of the 11 minutes looked back (a minute, and the 10 that readings may come late).
const METER_REGULAR: usize = 22;
const FAST_REGULAR: usize = 132;

/// One message: so many milliseconds after the one before, from whom, observed how much before, what; whether a restart is before it.
type Step = (i64, usize, i64, u8, bool);

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let after = prop_oneof![20 => 0..500_i64, 1 => 1_000..200_000_i64];
    let late = prop_oneof![20 => Just(0_i64), 4 => 0..5_000_i64, 1 => 660_000..5_000_000_i64];
    prop::collection::vec((after, 0..DEVICES.len(), late, 0..100_u8, prop::bool::weighted(0.05)), 1..400)
}

struct Flood {
    evaluator: Evaluator,
    out: Vec<Transition>,
    at: Moment,
}

impl Flood {
    fn new() -> Self {
        let mut registry = registry();
        add_device(&mut registry, "gate", "relay", "site", None);
        renew(&mut registry);
        let text = rule(
            "mean",
            "[limit]\nlimit = { value = 50.0, unit = \"1\", source = \"test\" }\nmin_coverage = { value = 0.01, unit = \"share\", source = \"test\" }\n\
             [input]\nlevel = 'mean(pm10, \"1m\")'\n[judge]\nviolation = 'level > limit'\nclear_after = \"1m\"\n",
        );
        let at = Moment { offset: Offset(0), at: time("08:00") };
        let mut flood = Self { evaluator: Evaluator::new(options()), out: Vec::new(), at };
        flood.evaluator.install_registry(at, Arc::new(registry), &mut flood.out);
        flood.evaluator.install_rules(at, rules(&[text]), &mut flood.out);
        flood
    }

    fn restart(&mut self) {
        let (rules, registry) = (Arc::clone(self.evaluator.rules()), Arc::clone(self.evaluator.registry()));
        let bytes = self.evaluator.snapshot();
        self.evaluator = Evaluator::restore(options(), &bytes, rules, registry).expect("its own snapshot");
    }

    fn send(&mut self, (after_ms, device, late_ms, value, _): Step) {
        self.at = Moment { offset: self.at.offset.next(), at: self.at.at + Span::from_millis(after_ms) };
        let arrival = Arrival { moment: self.at, duplicate: false, retained: false, payload: b"" };
        let reading = Reading { quantity: "pm10".into(), value: Value::Number(f64::from(value)) };
        let observation = Observation {
            observed_at: Some(self.at.at - Span::from_millis(late_ms)),
            readings: vec![reading],
            ..Observation::default()
        };
        let device = DeviceId::from(DEVICES[device]);
        self.evaluator.observe(&arrival, &device, [observation], &mut self.out);
    }

    /// How many messages of each device are still held: one reading each.
    fn held(&self, senders: &BTreeMap<Offset, usize>) -> [usize; DEVICES.len()] {
        let mut held = [0; DEVICES.len()];
        for offset in self.evaluator.evidence_before(Offset(u64::MAX)) {
            held[senders[&offset]] += 1;
        }
        held
    }
}

fn options() -> EvaluatorOptions {
    EvaluatorOptions {
        readings_surplus_max: SURPLUS_MAX,
        readings_share_min: 1,
        ..EvaluatorOptions::of("330624".into())
    }
}

fn play(steps: &[Step], with_restarts: bool) -> (Vec<Transition>, Vec<VerdictLine>) {
    let mut flood = Flood::new();
    for step in steps {
        if with_restarts && step.4 {
            flood.restart();
        }
        flood.send(*step);
    }
    (flood.out, flood.evaluator.verdicts().collect())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_restart_in_the_middle_of_a_flood_changes_nothing(steps in steps()) {
        prop_assert_eq!(play(&steps, false), play(&steps, true));
    }

    #[test]
    fn however_many_flood_after_one_another_they_share_a_fixed_memory(steps in steps()) {
        let (mut flood, mut senders) = (Flood::new(), BTreeMap::new());
        for step in steps {
            flood.send(step);
            senders.insert(flood.at.offset, step.1);
            let held = flood.held(&senders);
            let surplus = held[0].saturating_sub(METER_REGULAR) + held[1].saturating_sub(FAST_REGULAR) + held[2] + held[3] + held[4];
            prop_assert!(surplus <= HELD_MAX, "{held:?}");
        }
    }
}

#[test]
fn whoever_has_less_than_an_equal_share_keeps_all_of_it_beside_a_flood() {
    let (mut flood, mut senders) = (Flood::new(), BTreeMap::new());
    for number in 0..3_000_u32 {
        // one floods, one sends at its rhythm, one has something to say now and then
        let device = match number {
            number if number % 1_000 == 0 => 0,
            number if number % 500 == 1 => 3,
            _ => 2,
        };
        flood.send((60, device, 0, if number % 2 == 0 { 40 } else { 60 }, false));
        senders.insert(flood.at.offset, device);
    }
    let held = flood.held(&senders);
    assert_eq!((held[0], held[3]), (3, 6), "{held:?}");
    assert!(held[2] <= SURPLUS_MAX && held[2] >= SURPLUS_MAX - 8, "{held:?}");
}

/// What `wash` brings about, ten hours after `switch` has sent so many readings within some minutes and fallen silent.
fn beside_one_that_fell_silent(readings: u32) -> (Vec<Moment>, Vec<VerdictLine>) {
    let mut flood = Flood::new();
    let began = flood.at.at;
    (0..readings).for_each(|_| flood.send((1_000, 2, 0, 10, false)));
    flood.at = Moment { offset: Offset(1_000), at: began + Span::from_secs(36_000) };
    (0..90).for_each(|number| flood.send((2_000, 3, 0, if number < 45 { 10 } else { 90 }, false)));
    (flood.out.iter().map(|one| one.cause).collect(), flood.evaluator.verdicts().collect())
}

#[test]
fn who_fell_silent_hours_ago_changes_no_verdict_of_another() {
    let few = beside_one_that_fell_silent(1);
    assert_eq!(few.0.len(), 1, "it is raised: {few:?}");
    assert_eq!(beside_one_that_fell_silent(40), few);
}

#[test]
fn a_flood_that_goes_around_from_device_to_device_holds_no_more_than_one() {
    let (mut flood, mut senders) = (Flood::new(), BTreeMap::new());
    for device in [2, 3, 4] {
        for _ in 0..100 {
            flood.send((60, device, 0, 10, false));
            senders.insert(flood.at.offset, device);
        }
    }
    let held = flood.held(&senders);
    assert!(held.iter().sum::<usize>() <= HELD_MAX, "{held:?}");
}

#[test]
fn events_that_no_rule_reads_take_no_memory() {
    let mut flood = Flood::new();
    for number in 0..100_u32 {
        flood.at = Moment { offset: flood.at.offset.next(), at: flood.at.at + Span::from_millis(1) };
        let arrival = Arrival { moment: flood.at, duplicate: false, retained: false, payload: b"" };
        let event = Event { name: format!("nobody reads {number}").into(), asset: None, fields: Vec::new() };
        let observation =
            Observation { observed_at: Some(flood.at.at), events: vec![event], ..Observation::default() };
        flood.evaluator.observe(&arrival, &DeviceId::from("switch"), [observation], &mut flood.out);
    }
    assert_eq!(flood.evaluator.evidence_before(Offset(u64::MAX)), []);
}
