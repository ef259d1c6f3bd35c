//! Every scenario, judged by the built-in pack: each violation that it tells of is raised, once and in time, and nothing
//! else is; by day and by night, for several seeds.

use std::collections::BTreeMap;
use std::sync::Arc;

use citywarden_formats::{Format, Profile, decode};
use citywarden_model::{
    AlertKind, Change, LocalClock, Moment, Offset, RegionId, Registry, Span, Timestamp, Transition,
};
use citywarden_problems::{Level, Problems};
use citywarden_registry::{Options, RegistryFiles, read};
use citywarden_rules::{Arrival, Evaluator, EvaluatorOptions, RuleSet, built_in_pack, load};
use citywarden_simulators::scenario::{BUILT_IN, Scenario};
use citywarden_simulators::{REGION, Truth};

/// By day, by night, and one whose night is somebody else's day.
const STARTS: &[&str] =
    &["2026-11-24T10:00:00+08:00", "2026-11-24T23:00:00+08:00", "2026-07-01T02:30:30+08:00"];
const SEEDS: std::ops::Range<u64> = 1..5;

fn registry(scenario: &Scenario, start: Timestamp) -> Registry {
    let mut files = RegistryFiles::new("registry");
    let texts = scenario.registry(start);
    for (name, text) in texts.files() {
        files = files.with(name, text);
    }
    let region = RegionId::from(REGION);
    let options = Options { region: &region, clock: LocalClock::default(), receivers: None, max_loss: None };
    let reading = read(&files, options, None);
    let errors: Vec<_> = reading.problems.iter().filter(|problem| problem.level == Level::Error).collect();
    assert!(errors.is_empty(), "{errors:?}");
    reading.registry
}

/// What the pack raises, and when.
fn judge(scenario: &Scenario, rules: &Arc<RuleSet>, seed: u64, start: Timestamp) -> Vec<Transition> {
    let registry = Arc::new(registry(scenario, start));
    let mut evaluator = Evaluator::new(EvaluatorOptions::of(RegionId::from(REGION)));
    let mut out = Vec::new();
    let moment = Moment { offset: Offset(0), at: start };
    evaluator.install_rules(moment, Arc::clone(rules), &mut out);
    evaluator.install_registry(moment, Arc::clone(&registry), &mut out);
    for (offset, message) in (1..).zip(scenario.messages(seed, start)) {
        let device = registry.devices.get(&message.device).expect("every device is in the register");
        let format =
            message.topic.rsplit('/').next().and_then(Format::parse).expect("a format that is spoken");
        let mut observations = Vec::new();
        decode(format, || Profile::of(device), &message.payload, &mut observations)
            .unwrap_or_else(|error| panic!("{}: {error}", String::from_utf8_lossy(&message.payload)));
        let moment = Moment { offset: Offset(offset), at: message.at };
        let arrival = Arrival { moment, duplicate: false, retained: false, payload: &message.payload };
        evaluator.observe(&arrival, &message.device, observations, &mut out);
    }
    let last = Moment { offset: evaluator.moment().offset, at: start + scenario.lasts() };
    evaluator.advance(last, &mut out);
    out.retain(|transition| matches!(transition.change, Change::Raised { .. }));
    out
}

type Subject = (String, String, AlertKind);

fn check(name: &str, rules: &Arc<RuleSet>, seed: u64, start: Timestamp) {
    let scenario =
        Scenario::built_in(name).expect("it is built in").unwrap_or_else(|e| panic!("{name}: {e}"));
    let truths = scenario.truth(start);
    let mut raised: BTreeMap<Subject, Vec<Timestamp>> = BTreeMap::new();
    for transition in judge(&scenario, rules, seed, start) {
        let subject = (transition.rule.to_string(), transition.asset.to_string(), transition.kind);
        raised.entry(subject).or_default().push(transition.cause.at);
    }
    let passed = |at: Timestamp| at.since(start).seconds();
    for Truth { rule, asset, kind, from, to } in &truths {
        let times = raised.remove(&(rule.clone(), asset.clone(), *kind)).unwrap_or_default();
        let in_time = matches!(times[..], [at] if (*from..=*to).contains(&at));
        let seconds: Vec<f64> = times.iter().map(|at| passed(*at)).collect();
        assert!(
            in_time,
            "{name}, seed {seed}, {start}: {rule} of {asset} raised after {seconds:?} s, told {} to {} s",
            passed(*from),
            passed(*to)
        );
    }
    assert!(raised.is_empty(), "{name}, seed {seed}, {start}: nobody told of {raised:?}");
}

#[test]
fn every_violation_told_is_raised_once_and_nothing_else_is() {
    let problems = Problems::new();
    let rules = Arc::new(load(&built_in_pack(), LocalClock::default(), &problems));
    for (name, _) in BUILT_IN {
        for start in STARTS {
            for seed in SEEDS {
                check(name, &rules, seed, Timestamp::parse(start).expect("a time"));
            }
        }
    }
}

#[test]
fn each_rule_of_the_pack_has_a_scenario_with_violations_twins_and_traps() {
    let problems = Problems::new();
    let rules = load(&built_in_pack(), LocalClock::default(), &problems);
    let start = Timestamp::parse("2026-11-24T10:00:00+08:00").expect("a time");
    for rule in &rules.rules {
        let scenario = Scenario::built_in(rule.id.as_str());
        let scenario =
            scenario.unwrap_or_else(|| panic!("{} has no scenario", rule.id)).expect("it can be read");
        assert_eq!(scenario.about(), rule.id.as_str());
        assert!(!scenario.title().is_empty());
        let (told, assets) = (scenario.truth(start).len(), registry(&scenario, start).assets.len());
        assert!(told >= 1 && assets >= told + 3, "{}: {told} told of {assets} assets", rule.id);
    }
}

#[test]
fn the_same_seed_and_start_give_the_same_messages() {
    let start = Timestamp::parse("2026-11-24T10:00:00+08:00").expect("a time");
    for (name, text) in BUILT_IN {
        let scenario = Scenario::read(text).expect("it can be read");
        let messages = scenario.messages(7, start);
        assert_eq!(messages, scenario.messages(7, start), "{name}");
        assert_ne!(messages, scenario.messages(8, start), "{name}");
        assert!(messages.is_sorted_by_key(|message| message.at), "{name}");
        let later = scenario.messages(7, start + Span::from_mins(60));
        assert_eq!(messages.len(), later.len(), "{name}");
    }
}

#[test]
fn a_file_that_is_no_scenario_is_refused_with_its_reason() {
    let text = BUILT_IN[0].1;
    for (from, to, expected) in [
        ("lasts = ", "last = ", "unknown field `last`"),
        ("lasts = \"50m\"", "lasts = \"50 min\"", "`50 min` is no duration"),
        ("lasts = \"50m\"", "lasts = \"0s\"", "`lasts` is 0ns, expected up to 172800s"),
        (
            "every = \"60s\"",
            "every = \"5ms\"",
            "device `noise-loud-meter`: `every` is 5ms, expected 1s or more",
        ),
        (
            "to = \"27m\"",
            "to = \"5m\"",
            "device `noise-short-meter`: an act ends at Some(300s), where it begins or before",
        ),
        (
            "asset = \"noise-loud\"",
            "asset = \"noise\"",
            "device `noise-loud-meter`: its asset `noise` is not here",
        ),
        ("only = \"night\"", "only = \"noon\"", "unknown variant `noon`"),
    ] {
        assert!(text.contains(from), "{from}");
        let error = Scenario::read(&text.replacen(from, to, 1)).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
}
