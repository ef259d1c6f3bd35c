//! What `docs/writing-rules.md` shows is a rule, and its examples hold.

use citywarden_model::LocalClock;
use citywarden_problems::Problems;
use citywarden_rules::{RuleFile, load, run_examples};

#[test]
fn the_shortest_rule_of_the_guide_loads_and_its_examples_hold() {
    let guide = include_str!("../../docs/writing-rules.md");
    let text = guide.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
    let problems = Problems::new();
    let file = RuleFile { name: "writing-rules.md".to_owned(), text: text.to_owned() };
    let rules = load(&[file], LocalClock::default(), &problems);
    let problems: Vec<String> = problems.into_sorted().iter().map(ToString::to_string).collect();
    assert!(problems.is_empty(), "{problems:#?}");
    let report = run_examples(rules.rules.first().unwrap(), LocalClock::default());
    assert_eq!((report.passed, report.failures), (2, vec![]));
}
