//! The built-in pack: every rule loads, and every example of it holds.

use citywarden_model::LocalClock;
use citywarden_problems::Problems;
use citywarden_rules::{RuleFile, load, run_examples};

fn pack() -> Vec<RuleFile> {
    let mut files = Vec::new();
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("packs");
    for chapter in std::fs::read_dir(root).expect("the pack is here") {
        for file in std::fs::read_dir(chapter.expect("a chapter").path()).expect("a folder") {
            let path = file.expect("a file").path();
            let name = path.file_name().expect("a file has a name").to_string_lossy().into_owned();
            files.push(RuleFile { name, text: std::fs::read_to_string(&path).expect("a text") });
        }
    }
    files.sort_by(|one, other| one.name.cmp(&other.name));
    files
}

#[test]
fn every_example_of_the_built_in_pack_holds() {
    let problems = Problems::new();
    let rules = load(&pack(), LocalClock::default(), &problems);
    let problems: Vec<String> = problems.into_sorted().iter().map(ToString::to_string).collect();
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(rules.rules.len(), 8);
    let reports: Vec<_> = rules.rules.iter().map(|rule| run_examples(rule, LocalClock::default())).collect();
    let failures: Vec<String> =
        reports.iter().flat_map(|one| &one.failures).map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(reports.iter().map(|one| one.passed).sum::<usize>() >= 75);
}
