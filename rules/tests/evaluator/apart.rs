//! Shards judged apart bring about what they bring about together.

use std::ops::Range;
use std::sync::Arc;

use citywarden_model::{
    DeviceId, Event, Fix, Flag, Moment, Observation, Offset, Reading, Registry, Span, Transition, Value,
};
use citywarden_rules::{
    Arrival, DeviceNumber, Devices, Evaluator, EvaluatorOptions, Followers, Recognised, Said,
};
use proptest::prelude::*;
use proptest::sample::select;

use crate::world::{ORIGIN, add_asset, add_device, add_zone, registry, renew, rule, rule_on, rules, time};

const DEVICES: [&str; 8] = ["meter", "fast", "second", "switch", "wash", "other", "unit", "unit-2"];
/// Also names that devices made up, and one that is too long to be told apart.
const QUANTITIES: [&str; 7] = ["pm10", "laeq", "temperature", "speed", "made_up", "invented", LONG];
const LONG: &str = "a name that is longer than sixty-four bytes and is counted with all others of its sort";
const CONCERNED: [Option<&str>; 5] = [None, Some("site"), Some("site-2"), Some("truck"), Some("truck-2")];

/// Two sites with an exit each, and two trucks: each of both in another shard.
fn county() -> Registry {
    let mut registry = registry();
    add_asset(&mut registry, "truck-2", "muck_truck", &[]);
    add_device(&mut registry, "unit-2", "tracker", "truck-2", Some(10));
    add_zone(&mut registry, "exit", "site_exit", Some("site"), 0.0, 50.0);
    add_zone(&mut registry, "exit-2", "site_exit", Some("site-2"), 200.0, 50.0);
    renew(&mut registry);
    registry
}

fn texts() -> Vec<String> {
    let high = "[limit]\nlimit = { value = 50.0, unit = \"1\", source = \"test\" }\n\
                min_coverage = { value = 0.01, unit = \"share\", source = \"test\" }\n\
                [input]\nlevel = 'mean(pm10, \"1m\")'\n[judge]\nviolation = 'level > limit'\nviolation_lasting = \"20s\"\nclear_after = \"1m\"\n";
    let silent = "[input]\nsilent = 'device_silence(\"noise\")'\n[judge]\nviolation = 'silent > 90.0'\n";
    let spilt =
        "[input]\nspilt = 'count(spilt, \"5m\")'\n[judge]\nviolation = 'spilt > 1.0'\nclear_after = \"1m\"\n";
    let washed = "[input]\ngone = 'left(site_exit)'\nwashed = 'sum(washed.seconds, \"5m\").at_zone(site_exit)'\n\
                  [judge]\nrests = '!gone'\nviolation = 'washed < 60.0'\nclear_after = \"1m\"\n";
    vec![
        rule("high", high),
        rule("silent", silent),
        rule("spilt", spilt),
        rule_on("washed", "muck_truck", washed),
    ]
}

/// One message: so long after the one before, from whom, how late, what.
#[derive(Debug, Clone)]
struct Step {
    after_ms: i64,
    device: &'static str,
    late_ms: Option<i64>,
    readings: Vec<(&'static str, Sort, u8)>,
    /// The message says something else too, of a second before.
    second: Option<(&'static str, u8)>,
    flag: Flag,
    east: Option<i32>,
    event: Option<(&'static str, Option<&'static str>)>,
    duplicate: bool,
    retained: bool,
    /// What is between this message and the one before, where something is.
    before: Option<Before>,
}

/// What messages are not judged side by side across.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Before {
    Nothing,
    Restart,
    OtherRules,
    Away,
}

/// What sort of value is sent.
#[derive(Debug, Clone, Copy)]
enum Sort {
    Number,
    TooLarge,
    Truth,
    Text,
    States,
}

impl Sort {
    fn value(self, number: u8) -> Value<'static> {
        match self {
            Self::Number => Value::Number(f64::from(number)),
            Self::TooLarge => Value::Number(1e13),
            Self::Truth => Value::Bool(number.is_multiple_of(2)),
            Self::Text => Value::Text("a text".into()),
            Self::States => Value::Bools(vec![number.is_multiple_of(2), number.is_multiple_of(3)]),
        }
    }
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let after_ms = prop_oneof![20 => 0..500_i64, 4 => 1_000..20_000_i64, 1 => 60_000..300_000_i64];
    let late_ms = prop_oneof![2 => Just(None), 20 => Just(Some(0_i64)), 2 => (660_000..5_000_000_i64).prop_map(Some), 1 => Just(Some(-900_000))];
    let quantity = prop_oneof![8 => Just("pm10"), 3 => select(&QUANTITIES[..])];
    let others = select(&[Sort::TooLarge, Sort::Truth, Sort::Text, Sort::States][..]);
    let sort = prop_oneof![12 => Just(Sort::Number), 1 => others];
    let readings = prop::collection::vec((quantity, sort, 0..100_u8), 0..3);
    let second = prop::option::weighted(0.05, (select(&QUANTITIES[..]), 0..100_u8));
    let flag = prop_oneof![30 => Just(Flag::Normal), 1 => Just(Flag::Other('D'))];
    let event = (select(&["washed", "spilt", "unread"][..]), select(&CONCERNED[..]));
    let before = prop_oneof![
        4 => Just(Before::Nothing),
        1 => Just(Before::Restart),
        1 => Just(Before::OtherRules),
        1 => Just(Before::Away),
    ];
    let step = (
        after_ms,
        select(&DEVICES[..]),
        late_ms,
        (readings, second, flag),
        prop::option::weighted(0.2, -100..300_i32),
        prop::option::weighted(0.1, event),
        (prop::bool::weighted(0.1), prop::bool::weighted(0.05)),
        prop::option::weighted(0.1, before),
    );
    let step = step.prop_map(|(after_ms, device, late_ms, said, east, event, flags, before)| {
        let ((readings, second, flag), (duplicate, retained)) = (said, flags);
        Step { after_ms, device, late_ms, readings, second, flag, east, event, duplicate, retained, before }
    });
    prop::collection::vec(step, 1..300)
}

struct Message {
    moment: Moment,
    device: &'static str,
    duplicate: bool,
    retained: bool,
    observations: Vec<Observation<'static>>,
}

impl Message {
    fn arrival(&self) -> Arrival<'_> {
        Arrival { moment: self.moment, duplicate: self.duplicate, retained: self.retained, payload: b"{}" }
    }
}

fn messages(steps: &[Step]) -> Vec<Message> {
    let mut moment = Moment { offset: Offset(10), at: time("08:00") };
    let message = |step: &Step| {
        moment = Moment { offset: moment.offset.next(), at: moment.at + Span::from_millis(step.after_ms) };
        let reading = |quantity: &'static str, sort: Sort, number| Reading {
            quantity: quantity.into(),
            value: sort.value(number),
        };
        let fix = |east: i32| Fix {
            reported: ORIGIN.moved(f64::from(east), 0.0),
            valid: true,
            speed_kmh: (east % 2 == 0).then_some(20.0),
            heading_deg: None,
        };
        let event = |(name, concerned): (&'static str, Option<&'static str>)| Event {
            name: name.into(),
            asset: concerned.map(Into::into),
            fields: vec![("seconds".into(), 90.0)],
        };
        let observed_at = step.late_ms.map(|late| moment.at - Span::from_millis(late));
        let first = Observation {
            observed_at,
            readings: step.readings.iter().map(|sent| reading(sent.0, sent.1, sent.2)).collect(),
            flag: step.flag,
            fix: step.east.map(fix),
            events: step.event.map(event).into_iter().collect(),
        };
        let second = step.second.map(|(quantity, number)| Observation {
            observed_at: observed_at.map(|at| at - Span::from_secs(1)),
            readings: vec![reading(quantity, Sort::Number, number)],
            ..Observation::default()
        });
        Message {
            moment,
            device: step.device,
            duplicate: step.duplicate,
            retained: step.retained,
            observations: std::iter::once(first).chain(second).collect(),
        }
    };
    steps.iter().map(message).collect()
}

fn options() -> EvaluatorOptions {
    EvaluatorOptions {
        readings_surplus_max: 60,
        readings_share_min: 1,
        ..EvaluatorOptions::of("330624".into())
    }
}

fn evaluator(out: &mut Vec<Transition>) -> Evaluator {
    let mut evaluator = Evaluator::new(options());
    let at = Moment { offset: Offset(0), at: time("08:00") };
    evaluator.install_registry(at, Arc::new(county()), out);
    evaluator.install_rules(at, rules(&texts()), out);
    evaluator
}

/// What is between messages, at the moment of the one after it.
fn come_between(before: Before, evaluator: &mut Evaluator, at: Moment, out: &mut Vec<Transition>) {
    match before {
        Before::Nothing => {}
        Before::Restart => {
            let (rules, registry) = (Arc::clone(evaluator.rules()), Arc::clone(evaluator.registry()));
            let bytes = evaluator.snapshot();
            *evaluator = Evaluator::restore(options(), &bytes, rules, registry).expect("its own snapshot");
        }
        Before::OtherRules => {
            let all = evaluator.rules().rules.len() == texts().len();
            let texts = if all { texts().split_off(1) } else { texts() };
            evaluator.install_rules(at, rules(&texts), out);
        }
        Before::Away => evaluator.resume(at, at.at - Span::from_secs(30), out),
    }
}

fn together(messages: &[Message], steps: &[Step]) -> (Vec<Transition>, Vec<u8>) {
    let mut out = Vec::new();
    let mut evaluator = evaluator(&mut out);
    for (message, step) in messages.iter().zip(steps) {
        if let Some(before) = step.before {
            come_between(before, &mut evaluator, message.moment, &mut out);
        }
        let device = DeviceId::from(message.device);
        evaluator.observe(&message.arrival(), &device, message.observations.clone(), &mut out);
    }
    (out, evaluator.snapshot())
}

/// Judges side by side what may be, in stretches; how many messages were.
fn apart(messages: &[Message], steps: &[Step]) -> (Vec<Transition>, Vec<u8>, usize) {
    let mut out = Vec::new();
    let mut evaluator = evaluator(&mut out);
    let mut beside = 0;
    let (mut rest, mut rest_steps) = (messages, steps);
    while let Some((first, step)) = rest.first().zip(rest_steps.first()) {
        if let Some(before) = step.before {
            come_between(before, &mut evaluator, first.moment, &mut out);
        }
        let devices = evaluator.devices();
        let mut told = Told::default();
        let stretch = rest.iter().zip(rest_steps).enumerate().take_while(|(place, (message, step))| {
            (*place == 0 || step.before.is_none()) && told.recognise(message, &devices)
        });
        let stretch = stretch.count();
        if stretch == 0 {
            let (device, said) = told.of(0);
            evaluator.observe_of(&first.arrival(), device, said, &mut out);
        } else {
            judge_apart(&mut evaluator, rest.split_at(stretch).0, &told, &mut out);
        }
        beside += stretch;
        rest = rest.split_at(stretch.max(1)).1;
        rest_steps = rest_steps.split_at(stretch.max(1)).1;
    }
    (out, evaluator.snapshot(), beside)
}

/// What some messages say, recognised one after the other.
#[derive(Default)]
struct Told {
    followers: Followers,
    recognised: Recognised<'static>,
    by_message: Vec<(DeviceNumber, Range<usize>)>,
}

impl Told {
    /// Adds a message; whether it stays apart.
    fn recognise(&mut self, message: &Message, devices: &Devices) -> bool {
        let device = devices.find(message.device).expect("the registry has it");
        let (first, observations) = (self.recognised.len(), message.observations.clone());
        let stays_apart = devices.recognise(device, observations, &mut self.followers, &mut self.recognised);
        self.by_message.push((device, first..self.recognised.len()));
        stays_apart
    }

    fn of(&self, message: usize) -> (DeviceNumber, Said<'_, 'static>) {
        let (device, places) = self.by_message.get(message).expect("it was recognised");
        (*device, self.recognised.said(places.clone()))
    }
}

fn judge_apart(evaluator: &mut Evaluator, messages: &[Message], told: &Told, out: &mut Vec<Transition>) {
    let mut brought = Vec::new();
    for mut shard in evaluator.shards().into_iter().rev() {
        for (place, message) in messages.iter().enumerate() {
            let (device, said) = told.of(place);
            if device.shard() == shard.number() {
                shard.look_ahead([device]);
                shard.observe(&message.arrival(), device, said);
            } else if shard.is_due(message.moment.at) {
                shard.advance(message.moment);
            }
        }
        brought.extend(shard.brought());
    }
    let last = messages.last().expect("there is one at least");
    evaluator.join(last.moment, brought, out);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn shards_judged_side_by_side_bring_about_and_remember_what_they_do_together(steps in steps()) {
        let messages = messages(&steps);
        let (out, bytes) = together(&messages, &steps);
        let (apart_out, apart_bytes, _) = apart(&messages, &steps);
        prop_assert_eq!(out, apart_out);
        prop_assert!(bytes == apart_bytes, "what is remembered differs");
    }
}

#[test]
fn most_messages_of_sites_are_judged_side_by_side_and_bring_alerts_about_in_both_shards() {
    let step = |number: usize| Step {
        after_ms: 5_000,
        device: if number.is_multiple_of(2) { "fast" } else { "other" },
        late_ms: Some(0),
        readings: vec![("pm10", Sort::Number, 90)],
        second: None,
        flag: Flag::Normal,
        east: None,
        event: None,
        duplicate: false,
        retained: false,
        before: None,
    };
    let steps: Vec<Step> = (0..200).map(step).collect();
    let messages = messages(&steps);
    let (out, bytes, beside) = apart(&messages, &steps);
    assert_eq!(beside, messages.len());
    assert!(
        ["site", "site-2"].iter().all(|site| out.iter().any(|one| one.asset.as_str() == *site)),
        "{out:?}"
    );
    assert_eq!((out, bytes), together(&messages, &steps));
}
