//! The built-in rules in a directory of the test's own, with durations that a test can wait for.

use std::fs;
use std::path::{Path, PathBuf};

use crate::service::citywarden_ok;

/// An exported pack.
#[derive(Debug, Clone)]
pub struct Pack {
    dir: PathBuf,
}

impl Pack {
    /// Exports the built-in pack into this directory.
    pub fn export(dir: &Path) -> Self {
        citywarden_ok(&["rules", "export", dir.to_str().expect("a UTF-8 path")]);
        Self { dir: dir.to_owned() }
    }

    /// The file that holds this rule.
    pub fn file(&self, rule: &str) -> PathBuf {
        let head = format!("rule = \"{rule}\"");
        let found = rule_files(&self.dir).into_iter().find(|path| {
            fs::read_to_string(path).is_ok_and(|text| text.lines().any(|line| line.trim_end() == head))
        });
        found.unwrap_or_else(|| panic!("no file under {} begins with `{head}`", self.dir.display()))
    }

    /// The text of this rule.
    pub fn text(&self, rule: &str) -> String {
        fs::read_to_string(self.file(rule)).expect("the rule's file can be read")
    }

    /// Saves a rule as an editor does: beside it, then over it.
    pub fn save(&self, rule: &str, text: &str) {
        let file = self.file(rule);
        let beside = file.with_extension("toml.part");
        fs::write(&beside, text).expect("the directory can be written");
        fs::rename(&beside, &file).expect("it can be renamed");
    }

    /// Writes `to` for each duration `from` of a rule, quotes and all; its examples, which tell of the old ones, go.
    pub fn shorten(&self, rule: &str, from: &str, to: &str) {
        self.save(rule, &with_duration(&without_examples(&self.text(rule)), from, to));
    }

    /// Every rule's file, in the order of their paths.
    pub fn files(&self) -> Vec<PathBuf> {
        rule_files(&self.dir)
    }
}

/// The text with `"to"` for each `"from"`; there has to be one.
fn with_duration(text: &str, from: &str, to: &str) -> String {
    let (old, new) = (format!("\"{from}\""), format!("\"{to}\""));
    assert!(text.contains(&old), "the rule has no duration {old}:\n{text}");
    text.replace(&old, &new)
}

/// The text without its table of examples.
fn without_examples(text: &str) -> String {
    let mut kept = String::new();
    let mut among_examples = false;
    for line in text.lines() {
        if line.starts_with('[') {
            among_examples = line.starts_with("[example");
        }
        if !among_examples {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

fn rule_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("the pack can be listed").flatten() {
        let path = entry.path();
        if path.is_dir() {
            found.extend(rule_files(&path));
        } else if path.extension().is_some_and(|ending| ending == "toml") {
            found.push(path);
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: &str = "rule = \"a\"\n[input]\nm = 'mean(pm10, \"15m\")'\n[judge]\nlasting = \"15m\"\n[example]\n\"x\" = '''\n    10:00 pm10=1'''\n";

    #[test]
    fn shortened_rules_have_new_durations_and_no_examples() {
        let short = with_duration(&without_examples(RULE), "15m", "150s");
        assert_eq!(short, "rule = \"a\"\n[input]\nm = 'mean(pm10, \"150s\")'\n[judge]\nlasting = \"150s\"\n");
    }

    #[test]
    #[should_panic(expected = "the rule has no duration \"14m\"")]
    fn a_duration_that_is_not_there_is_noticed() {
        with_duration(RULE, "14m", "150s");
    }
}
