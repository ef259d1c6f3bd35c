//! The rule files, from their folder, the built-in pack or the store.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;

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

/// Reads the rules of this folder, or the built-in pack where there is none. A broken file keeps the rule that it held
/// in `previous`.
pub(crate) fn read(dir: Option<&Path>, local: LocalClock, previous: Option<&RuleSet>) -> RuleReading {
    let problems = Problems::new();
    let files = match dir {
        None => built_in_pack(),
        Some(dir) => read_dir(dir, &problems),
    };
    let rules = load(&files, local, &problems);
    let problems = problems.into_sorted();
    let rules = match previous {
        Some(previous) if has_errors(&problems) => load_kept(files, &problems, previous, local),
        _ => rules,
    };
    RuleReading { rules, problems }
}

/// The files again, the broken ones with the text they had in `previous`.
fn load_kept(
    mut files: Vec<RuleFile>,
    problems: &[Problem],
    previous: &RuleSet,
    local: LocalClock,
) -> RuleSet {
    let errors = problems.iter().filter(|problem| problem.level == Level::Error);
    let broken: BTreeSet<&str> = errors.map(|problem| problem.file.as_str()).collect();
    for file in files.iter_mut().filter(|file| broken.contains(file.name.as_str())) {
        let stem = Path::new(&file.name).file_stem().and_then(|stem| stem.to_str());
        // rules from the store are named after their id
        let held =
            previous.rules.iter().find(|rule| rule.file == file.name || stem == Some(rule.id.as_str()));
        if let Some(rule) = held {
            file.text = rule.text.to_string();
        }
    }
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

/// Every `.toml` file in this folder and those inside it, in the order of their paths; a file is itself.
pub(crate) fn read_dir(dir: &Path, problems: &Problems) -> Vec<RuleFile> {
    let mut files = Vec::new();
    if let Err(error) = collect(dir, 0, &mut files) {
        report(dir, problems, format!("cannot be read: {error}"));
    }
    if files.is_empty() && !problems.has_errors() {
        report(dir, problems, "no rule files; expected *.toml".to_owned());
    }
    files
}

fn report(path: &Path, problems: &Problems, message: String) {
    problems.push(Source::new(&path.display().to_string(), "").problem(Level::Error, &(0..0), message));
}

fn collect(path: &Path, depth: usize, files: &mut Vec<RuleFile>) -> io::Result<()> {
    if !fs::metadata(path)?.is_dir() {
        let text = String::from_utf8_lossy(&fs::read(path)?).into_owned();
        files.push(RuleFile { name: path.display().to_string(), text });
        return Ok(());
    }
    let mut entries: Vec<_> =
        fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<io::Result<_>>()?;
    entries.sort();
    for entry in entries.into_iter().filter(|entry| !is_hidden(entry)) {
        let is_rule = entry.extension().is_some_and(|ending| ending == "toml");
        if files.len() < MAX_FILES && (is_rule || entry.is_dir() && depth < MAX_DEPTH) {
            collect(&entry, depth + 1, files)?;
        }
    }
    Ok(())
}

/// Editors keep their copies under such names.
fn is_hidden(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'))
}
