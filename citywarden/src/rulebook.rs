//! The rule files, from their folder, the built-in pack or the store.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use citywarden_model::{Digest, LocalClock};
use citywarden_problems::{Level, Problem, Problems, Source};
use citywarden_rules::{RuleFile, RuleSet, built_in_pack, load};

use crate::texts::{TextStore, note};

/// Holds the digest of the rule set in force.
const IN_FORCE: &str = "rules.in-force";
/// The deepest folder that is looked into: a pack has a folder for each chapter of the measures.
const MAX_DEPTH: usize = 4;
/// More files than this are no pack.
const MAX_FILES: usize = 2_000;

/// What came of reading rule files.
#[derive(Debug)]
pub(crate) struct RuleReading {
    /// The rules to be in force.
    pub(crate) rules: RuleSet,
    /// Every problem.
    pub(crate) problems: Vec<Problem>,
}

/// Reads the rules of this folder, or the built-in pack where there is none. While anything in the folder is broken or
/// cannot be read, every rule of `previous` that no readable file claims stays in force: a folder that is away for a
/// moment, or one bad file, never switches a rule off.
pub(crate) fn read(dir: Option<&Path>, local: LocalClock, previous: Option<&RuleSet>) -> RuleReading {
    let problems = Problems::new();
    let files = match dir {
        None => built_in_pack(),
        Some(dir) => read_dir(dir, &problems),
    };
    let rules = load(&files, local, &problems);
    let problems = problems.into_sorted();
    let rules = match previous {
        Some(previous) if has_errors(&problems) => load_kept(files, &problems, &rules, previous, local),
        _ => rules,
    };
    RuleReading { rules, problems }
}

/// The files that are right, and the text of every rule in `previous` that none of them holds.
fn load_kept(
    mut files: Vec<RuleFile>,
    problems: &[Problem],
    right: &RuleSet,
    previous: &RuleSet,
    local: LocalClock,
) -> RuleSet {
    let errors = problems.iter().filter(|problem| problem.level == Level::Error);
    let broken: BTreeSet<&str> = errors.map(|problem| problem.file.as_str()).collect();
    files.retain(|file| !broken.contains(file.name.as_str()));
    let claimed: BTreeSet<_> =
        right.rules.iter().filter(|rule| !broken.contains(rule.file.as_str())).map(|rule| &rule.id).collect();
    let kept = previous.rules.iter().filter(|rule| !claimed.contains(&rule.id));
    files.extend(kept.map(|rule| RuleFile { name: rule.file.clone(), text: rule.text.to_string() }));
    load(&files, local, &Problems::new())
}

/// Notes which rule set is in force, for the next start.
pub(crate) fn note_in_force(data_dir: &Path, digest: &Digest) -> io::Result<()> {
    note::write(data_dir, IN_FORCE, digest)
}

/// The digest of the rule set that was last in force.
pub(crate) fn in_force(data_dir: &Path) -> Option<Digest> {
    note::read(data_dir, IN_FORCE)
}

/// The rules of this digest, from the store.
pub(crate) fn read_stored(texts: &TextStore, digest: &Digest, local: LocalClock) -> Result<RuleSet, String> {
    let files = texts.rule_files(digest).map_err(|error| error.to_string())?;
    let problems = Problems::new();
    let rules = load(&files, local, &problems);
    if rules.digest == *digest {
        return Ok(rules);
    }
    let first = problems.into_sorted().into_iter().find(|problem| problem.level == Level::Error);
    Err(first.map_or_else(|| "they load to another rule set".to_owned(), |problem| problem.to_string()))
}

/// Whether any of these refuses a file.
pub(crate) fn has_errors(problems: &[Problem]) -> bool {
    problems.iter().any(|problem| problem.level == Level::Error)
}

/// Every `.toml` file in this folder and those inside it, in the order of their paths; a file is itself. What cannot be
/// read is reported, and the rest is read all the same.
pub(crate) fn read_dir(dir: &Path, problems: &Problems) -> Vec<RuleFile> {
    let mut files = Vec::new();
    collect(dir, 0, &mut files, problems);
    if files.is_empty() && !problems.has_errors() {
        report(dir, problems, "no rule files; expected *.toml".to_owned());
    }
    files
}

fn report(path: &Path, problems: &Problems, message: String) {
    problems.push(Source::new(&path.display().to_string(), "").problem(Level::Error, &(0..0), message));
}

fn collect(path: &Path, depth: usize, files: &mut Vec<RuleFile>, problems: &Problems) {
    match entries(path) {
        Ok(None) => match fs::read(path) {
            Ok(bytes) => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                files.push(RuleFile { name: path.display().to_string(), text });
            }
            Err(error) => report(path, problems, format!("cannot be read: {error}")),
        },
        Ok(Some(entries)) => {
            for entry in entries.into_iter().filter(|entry| !is_hidden(entry)) {
                let is_rule = entry.extension().is_some_and(|ending| ending == "toml");
                if files.len() < MAX_FILES && (is_rule || entry.is_dir() && depth < MAX_DEPTH) {
                    collect(&entry, depth + 1, files, problems);
                }
            }
        }
        Err(error) => report(path, problems, format!("cannot be read: {error}")),
    }
}

/// What a folder holds, in order; `None` for a file.
fn entries(path: &Path) -> io::Result<Option<Vec<PathBuf>>> {
    if !fs::metadata(path)?.is_dir() {
        return Ok(None);
    }
    let mut entries: Vec<_> =
        fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    entries.sort();
    Ok(Some(entries))
}

/// Editors keep their copies under such names.
fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with the built-in rules, and what is in force from it.
    fn folder() -> (tempfile::TempDir, PathBuf, RuleSet) {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("rules");
        fs::create_dir(&dir).unwrap();
        for (place, file) in built_in_pack().into_iter().enumerate() {
            fs::write(dir.join(format!("{place:02}.toml")), file.text).unwrap();
        }
        let rules = read(Some(&dir), LocalClock::default(), None).rules;
        assert_eq!(rules.rules.len(), 8);
        (home, dir, rules)
    }

    /// Whatever is wrong with the folder is reported, and all eight rules stay as they are.
    fn check(damage: impl Fn(&Path)) {
        let (_home, dir, mut rules) = folder();
        damage(&dir);
        // as they come from the store after a restart: named after their ids
        for stored in [false, true] {
            if stored {
                let named = |rule: &std::sync::Arc<citywarden_rules::Rule>| RuleFile {
                    name: format!("{}.toml", rule.id),
                    text: rule.text.to_string(),
                };
                let files: Vec<_> = rules.rules.iter().map(named).collect();
                rules = load(&files, LocalClock::default(), &Problems::new());
            }
            let reading = read(Some(&dir), LocalClock::default(), Some(&rules));
            assert!(has_errors(&reading.problems));
            assert_eq!(reading.rules.digest, rules.digest, "stored: {stored}");
        }
    }

    #[test]
    fn a_folder_that_is_away_switches_no_rule_off() {
        check(|dir| fs::rename(dir, dir.with_extension("away")).unwrap());
    }

    #[test]
    fn an_entry_that_cannot_be_read_switches_no_rule_off() {
        check(|dir| {
            fs::remove_file(dir.join("03.toml")).unwrap();
            std::os::unix::fs::symlink("/nonexistent", dir.join("03.toml")).unwrap();
        });
    }

    #[test]
    fn a_broken_file_keeps_its_rule_whatever_it_is_called() {
        check(|dir| fs::write(dir.join("05.toml"), "broken = [").unwrap());
    }

    #[test]
    fn a_rule_whose_file_is_gone_goes_once_everything_can_be_read() {
        let (_home, dir, rules) = folder();
        fs::remove_file(dir.join("00.toml")).unwrap();
        let reading = read(Some(&dir), LocalClock::default(), Some(&rules));
        assert_eq!(reading.rules.rules.len(), 7);
    }
}
