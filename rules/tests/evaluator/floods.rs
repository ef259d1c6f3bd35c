//! Devices that send more than their rhythm: what they share, and what it costs nobody else.

use std::collections::BTreeMap;
use std::sync::Arc;

use citywarden_model::{DeviceId, Moment, Observation, Offset, Reading, Span, Transition, Value};
use citywarden_rules::{Arrival, Evaluator, EvaluatorOptions, VerdictLine};
use proptest::prelude::*;

use crate::world::{add_device, registry, renew, rule, rules, time};

/// What all series together may hold beyond their rhythm, here.
const SURPLUS_MAX: usize = 40;
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
        self.evaluator.observe(&arrival, &device, &[observation], &mut self.out);
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
    fn who_floods_shares_a_fixed_memory_and_who_keeps_its_rhythm_loses_nothing(steps in steps()) {
        let (mut flood, mut senders) = (Flood::new(), BTreeMap::new());
        for step in steps {
            let mut before = flood.held(&senders);
            flood.send(step);
            senders.insert(flood.at.offset, step.1);
            let held = flood.held(&senders);
            let surplus = |held: [usize; DEVICES.len()]| {
                held[0].saturating_sub(METER_REGULAR) + held[1].saturating_sub(FAST_REGULAR) + held[2] + held[3] + held[4]
            };
            // each device may have a second series, in the lane of what came late
            prop_assert!(surplus(held) <= SURPLUS_MAX + 2 * DEVICES.len(), "{held:?}");
            before[step.1] = 0;
            let untouched = held.iter().zip(before).all(|(held, before)| *held >= before);
            prop_assert!(untouched || step.2 > 600_000, "{before:?} {held:?}: only who sends is cut");
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
