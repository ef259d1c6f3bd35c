//! What is said of an example that does not hold.

use citywarden_model::LocalClock;
use citywarden_problems::Problems;
use citywarden_rules::{RuleFile, TrialReport, load, run_examples};

const RULE: &str = r#"rule = "dusty"
status = "active"
severity = "minor"
in_force = "2024-10-22"
title = { zh = "题", en = "title" }
clause = { item = 18, text = "字" }
watches = ["construction_site"]
responsible = ["建设局"]
message = { zh = "话", en = "words" }
evidence = ["pm10"]

[limit]
limit = { value = 50.0, unit = "µg/m³", source = "test" }

[input]
level = 'last(pm10)'

[judge]
violation = 'level > limit'
violation_lasting = "30s"

[example]
"#;

fn report(examples: &str) -> TrialReport {
    let files = [RuleFile { name: "dusty.toml".to_owned(), text: format!("{RULE}{examples}") }];
    let problems = Problems::new();
    let rules = load(&files, LocalClock::default(), &problems);
    let problems: Vec<String> = problems.into_sorted().iter().map(ToString::to_string).collect();
    let rule = rules.rules.first().unwrap_or_else(|| panic!("{}", problems.join("\n")));
    run_examples(rule, LocalClock::default())
}

#[test]
fn an_example_that_does_not_hold_is_a_problem_at_its_line_with_what_was_found() {
    let report = report(
        "\"too early\" = '''\n    10:00:00 .. 10:01:00 every 10s  pm10=60\n    10:00:20  => alert\n    10:00:20  => undecided'''\n\
         \"fine\" = '''\n    10:00:00 .. 10:01:00 every 10s  pm10=60\n    10:00:30  => alert'''\n",
    );
    assert_eq!(report.passed, 1);
    let told: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "dusty.toml:25:5: expected alert, found pending, violation at 10:00:20: level=60.0",
            "dusty.toml:26:5: expected undecided, found violation, pending at 10:00:20: level=60.0",
        ]
    );
}

#[test]
fn an_expectation_before_anything_is_observed_names_what_has_no_value() {
    let report = report("\"nothing\" = '''\n    10:00  => compliant\n    10:01  pm10=1'''\n");
    let told: Vec<String> = report.failures.iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "dusty.toml:24:5: expected compliant, found undecided (no value: level), normal at 10:00:00: level has no value"
        ]
    );
}
