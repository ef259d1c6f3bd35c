mod broken;

use citywarden_model::LocalClock;
use citywarden_problems::Problems;
use proptest::prelude::*;

use super::*;
use crate::pack::built_in_pack;
use crate::rule::{Gate, LimitValue, Otherwise, Statistic, Status, Window};
use citywarden_model::{Severity, Span};

/// A rule without a mistake; each case below spoils one line of it.
const GOOD: &str = r#"rule = "chime"
status = "active"
severity = "minor"
in_force = "2024-10-22"
title = { zh = "提示音超标", en = "chime" }
clause = { item = 1, text = "洒水车提示音不得超过50 分贝" }
watches = ["sprinkler_truck"]
responsible = ["建设局"]
message = { zh = "提示音 {loud_db}，限值 {limit_db}", en = "{loud_db}" }
evidence = ["sound_level", "position"]
[limit]
limit_db = { value = 50.0, unit = "dB(A)", source = "四（一）1" }
hold = { value = "20s", unit = "time", source = "choice" }
night_from = { value = "22:00", unit = "local time", source = "choice" }
night_to = { value = "06:00", unit = "local time", source = "choice" }
[input]
loud_db = 'laeq(sound_level, "20s").only_while(chime)'
night = 'local_time(night_from, night_to)'
washed = 'sum(washed.seconds, "5m").or(0.0)'
[let]
over_db = 'loud_db - limit_db'
[judge]
violation = 'over_db > 0.0 && night'
violation_lasting = "hold"
clear = '''
  loud_db <= limit_db
    && washed < 1.0'''
clear_after = "10m"
undecided."太吵，无法判定" = 'loud_db > 120.0'
[example]
"loud" = '''
    10:00 .. 10:01 every 10s  sound_level=56 chime=true
    10:01  => compliant'''
"#;

fn problems_of(files: &[RuleFile]) -> Vec<String> {
    let problems = Problems::new();
    load(files, LocalClock::default(), &problems);
    problems.into_sorted().iter().map(ToString::to_string).collect()
}

fn file(text: &str) -> RuleFile {
    RuleFile { name: "r.toml".to_owned(), text: text.to_owned() }
}

/// Spoils the good rule and compares every problem that is found.
fn check(cases: &[broken::Case]) {
    let mut wrong = Vec::new();
    for (good, bad, expected) in cases {
        assert_eq!(GOOD.matches(good).count(), 1, "{good}");
        let found = problems_of(&[file(&GOOD.replace(good, bad))]);
        if found != *expected {
            wrong.push(format!("{bad}: {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_good_rule_is_good() {
    assert_eq!(problems_of(&[file(GOOD)]), Vec::<String>::new());
}

#[test]
fn mistakes_in_the_head_are_reported_at_their_place() {
    check(broken::IN_THE_HEAD);
}

#[test]
fn mistakes_in_limits_are_reported_where_they_are_written() {
    check(broken::IN_LIMITS);
}

#[test]
fn mistakes_in_inputs_are_reported_at_their_word() {
    check(broken::IN_INPUTS);
}

#[test]
fn mistakes_in_expressions_are_reported_at_their_word_and_hide_nothing() {
    check(broken::IN_EXPRESSIONS);
}

#[test]
fn mistakes_in_examples_are_reported_at_their_word() {
    check(broken::IN_EXAMPLES);
}

#[test]
fn what_is_no_toml_is_reported_beside_the_rest() {
    check(broken::IN_TOML);
}

#[test]
fn files_of_windows_are_read_alike() {
    let windows = |text: &str| format!("\u{feff}{}", text.replace('\n', "\r\n"));
    assert_eq!(problems_of(&[file(&windows(GOOD))]), Vec::<String>::new());
    let spoilt = GOOD.replace("&& washed <", "&& wahsed <").replace("=> compliant", "=> complaint");
    let expected = [
        "r.toml:27:8: unknown name `wahsed`, did you mean `washed`",
        "r.toml:33:15: unknown verdict `complaint`, did you mean `compliant`",
    ];
    assert_eq!(problems_of(&[file(&windows(&spoilt))]), expected);
}

#[test]
fn both_forms_are_the_same_rule() {
    let table = r#"[limit]
limit_db = { value = 50.0, unit = "dB(A)", source = "四（一）1" }
hold = { value = "20s", unit = "time", source = "choice" }
"#;
    let inline = r#"limit = {
  limit_db = { value = 50.0, unit = "dB(A)", source = "四（一）1" },
  hold = { value = "20s", unit = "time", source = "choice" },
}
"#;
    let head = GOOD.split("[limit]").next().unwrap();
    let rest = "input = { a = 'last(speed)' }\njudge = { violation = 'a > limit_db', violation_lasting = \"hold\", undecided.\"为何\" = 'a < 0.0' }\n";
    let rest_in_tables = "[input]\na = 'last(speed)'\n[judge]\nviolation = 'a > limit_db'\nviolation_lasting = \"hold\"\nundecided.\"为何\" = 'a < 0.0'\n";
    let head = head.replace("loud_db", "a");
    let problems = Problems::new();
    let load_one = |text: String| load(&[file(&text)], LocalClock::default(), &problems).rules;
    let (one, other) =
        (load_one(format!("{head}{inline}{rest}")), load_one(format!("{head}{table}{rest_in_tables}")));
    assert!(!problems.has_errors(), "{:?}", problems.into_sorted());
    let shown = |rules: &[std::sync::Arc<crate::rule::Rule>]| {
        let rule = rules.first().unwrap();
        format!(
            "{:?} {:?} {:?}",
            rule.limits,
            rule.inputs,
            rule.judge.undecided.first().map(|one| &one.reason)
        )
    };
    assert_eq!(shown(&one), shown(&other));
}

#[test]
fn a_rule_is_what_its_file_says() {
    let rules = load(&[file(GOOD)], LocalClock::default(), &Problems::new()).rules;
    let rule = rules.first().unwrap();
    assert_eq!((rule.status, rule.severity), (Status::Active, Severity::Minor));
    assert_eq!(rule.clause.reference, "四（一）1");
    assert_eq!(rule.in_force.from.to_string(), "2024-10-21T16:00:00Z");
    assert_eq!(rule.reopen_window, Span::from_mins(30));
    assert_eq!(rule.digest, citywarden_model::Digest::of(GOOD.as_bytes()));
    assert_eq!(rule.limits.get(1).unwrap().value, LimitValue::Duration(Span::from_secs(20)));
    let loud = rule.inputs.first().unwrap();
    assert_eq!(loud.statistic, Statistic::Laeq("sound_level".into(), Window::Fixed(Span::from_secs(20))));
    assert_eq!(loud.gates, [Gate::OnlyWhile { quantity: "chime".into(), negated: false }]);
    assert_eq!(rule.inputs.get(2).unwrap().otherwise, Some(Otherwise::Number(0.0)));
    assert_eq!(rule.judge.violation.lasting, Window::Limit(1));
    assert_eq!(rule.judge.violation.expression.reads(), [5, 7]);
    assert_eq!(rule.examples.len(), 1);
}

#[test]
fn of_two_rules_with_one_id_the_first_stands() {
    let other = RuleFile { name: "s.toml".to_owned(), text: format!("# a copy\n{GOOD}") };
    let problems = Problems::new();
    let set = load(&[file(GOOD), other], LocalClock::default(), &problems);
    assert_eq!(set.rules.len(), 1);
    let found: Vec<String> = problems.into_sorted().iter().map(ToString::to_string).collect();
    assert_eq!(found, ["s.toml:2:8: rule `chime` is already in r.toml"]);
}

#[test]
fn a_broken_rule_does_not_take_the_others_with_it() {
    let broken = RuleFile { name: "a.toml".to_owned(), text: "rule = 3".to_owned() };
    let set = load(&[broken, file(GOOD)], LocalClock::default(), &Problems::new());
    assert_eq!(set.rules.iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>(), ["chime"]);
}

#[test]
fn a_file_is_bounded() {
    let long = format!("{GOOD}# {}", "x".repeat(FILE_BYTES_MAX));
    assert_eq!(problems_of(&[file(&long)]), ["r.toml:1:1: the file is longer than 256 KiB"]);
}

#[test]
fn the_digest_of_the_set_changes_with_any_rule_and_not_with_the_order_of_files() {
    let digest = |files: &[RuleFile]| load(files, LocalClock::default(), &Problems::new()).digest;
    let other = file(&GOOD.replace("rule = \"chime\"", "rule = \"other\""));
    let both = digest(&[file(GOOD), other.clone()]);
    assert_eq!(both, digest(&[other.clone(), file(GOOD)]));
    assert_ne!(both, digest(&[file(GOOD)]));
    assert_ne!(both, digest(&[file(&GOOD.replace("50.0", "51.0")), other]));
}

/// A text of the pack with some bytes changed, added or taken away.
fn mutated() -> impl Strategy<Value = String> {
    let pack = built_in_pack();
    let change = (any::<prop::sample::Index>(), 0..4_u8, any::<char>(), any::<prop::sample::Index>());
    (0..pack.len(), prop::collection::vec(change, 1..8)).prop_map(move |(nth, changes)| {
        let mut letters: Vec<char> = pack[nth].text.chars().collect();
        for (place, what, letter, other) in changes {
            let (place, other) = (place.index(letters.len()), other.index(letters.len()));
            match what {
                0 => letters[place] = letter,
                1 => letters.insert(place, "'\"[]{}=,.()!\n中".chars().nth(other % 15).unwrap_or(' ')),
                2 => letters.swap(place, other),
                _ => drop(letters.drain(place.min(other)..(place.min(other) + 9).min(letters.len()))),
            }
        }
        letters.into_iter().collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn no_mutation_of_a_rule_panics_and_none_is_taken_with_an_error(text in mutated()) {
        let problems = Problems::new();
        let set = load(&[file(&text)], LocalClock::default(), &problems);
        prop_assert_eq!(set.rules.is_empty(), problems.has_errors());
    }

    #[test]
    fn no_text_at_all_panics(text in ".{0,200}") {
        let set = load(&[file(&text)], LocalClock::default(), &Problems::new());
        prop_assert!(set.rules.is_empty());
    }

    #[test]
    fn every_place_is_inside_the_file(text in mutated()) {
        let problems = Problems::new();
        load(&[file(&text)], LocalClock::default(), &problems);
        for problem in problems.into_sorted() {
            let line = text.split('\n').nth(problem.line - 1);
            let columns = line.map(|line| line.chars().count() + 1);
            prop_assert!(columns.is_some_and(|columns| problem.column <= columns), "{}", problem);
        }
    }
}
