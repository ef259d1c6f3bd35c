//! The built-in pack: the rules that are in force where nobody says otherwise.

use crate::rulebook::RuleFile;

macro_rules! pack {
    ($($path:literal)+) => {
        /// Paths within `packs/` and texts: a folder for each chapter of part four of the document.
        const FILES: &[(&str, &str)] = &[$(($path, include_str!(concat!("../packs/", $path)))),+];
    };
}

pack! {
    "1-sanitation/sprinkler-chime-loudness.toml"
    "4-utilities/muck-truck-uncovered.toml"
    "6-environment/construction-noise.toml"
    "6-environment/fume-concentration.toml"
    "6-environment/linear-works-spraying.toml"
    "6-environment/nozzle-spacing.toml"
    "6-environment/site-dust.toml"
    "6-environment/truck-leaves-unwashed.toml"
}

/// The built-in pack's files; their names are paths below the folder that a pack is exported to.
pub fn built_in_pack() -> Vec<RuleFile> {
    FILES.iter().map(|(path, text)| RuleFile { name: (*path).to_owned(), text: (*text).to_owned() }).collect()
}

#[cfg(test)]
mod tests {
    use citywarden_model::LocalClock;
    use citywarden_problems::Problems;

    use super::*;
    use crate::rulebook::load;

    #[test]
    fn the_pack_loads_without_a_word() {
        let problems = Problems::new();
        let rules = load(&built_in_pack(), LocalClock::default(), &problems);
        let found: Vec<String> = problems.into_sorted().iter().map(ToString::to_string).collect();
        assert!(found.is_empty(), "{found:#?}");
        assert_eq!(rules.rules.len(), FILES.len());
    }

    #[test]
    fn every_file_of_the_pack_is_built_in() {
        let packs = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("packs");
        let mut found = Vec::new();
        for folder in std::fs::read_dir(packs).unwrap() {
            let folder = folder.unwrap();
            for file in std::fs::read_dir(folder.path()).unwrap() {
                let (folder, file) = (folder.file_name(), file.unwrap().file_name());
                found.push(format!("{}/{}", folder.to_str().unwrap(), file.to_str().unwrap()));
            }
        }
        found.sort();
        assert_eq!(found, FILES.iter().map(|(path, _)| *path).collect::<Vec<_>>());
    }

    #[test]
    fn every_rule_of_the_pack_has_cases_on_both_sides() {
        use crate::example::Expectation::{Alert, Compliant, Undecided};
        let rules = load(&built_in_pack(), LocalClock::default(), &Problems::new());
        for rule in &rules.rules {
            let expected = |wanted| {
                let mut steps = rule.examples.iter().flat_map(|example| &example.steps);
                steps.any(|step| step.expect == Some(wanted))
            };
            assert!(expected(Alert) && expected(Compliant), "{}", rule.id);
            let is_decidable = rule.judge.undecided.is_empty() || expected(Undecided);
            assert!(is_decidable, "{} has undecided conditions and no example of one", rule.id);
        }
    }
}
