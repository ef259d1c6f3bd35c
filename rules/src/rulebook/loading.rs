//! From files to a rule set.

use std::collections::BTreeMap;
use std::sync::Arc;

use citywarden_model::{Digest, Hasher, KNOWN_QUANTITIES, LocalClock, known_quantity};
use citywarden_problems::{Document, Level, Problem, Problems, Section, Source};

use super::declared::Declared;
use super::head::{Head, filled};
use super::written::Written;
use super::{examples, input, judge, lets, limits, template, unused};
use crate::example::parsing::Vocabulary;
use crate::expression::{Compiler, suggestion};
use crate::rule::{Input, Rule, RuleSet, Template};

/// A rule file may be at most so long: 256 KiB.
pub const FILE_BYTES_MAX: usize = 256 * 1024;

/// The text of a rule file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFile {
    /// Its name, as problems show it.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// Reads rule files. The rules that are right come back, in id order; every problem of every file is reported, and a
/// rule with an error is left out. Of two files with the same id the first stands. The clock says when days begin.
pub fn load(files: &[RuleFile], clock: LocalClock, problems: &Problems) -> RuleSet {
    let compiler = Compiler::new();
    let mut rules: BTreeMap<String, Arc<Rule>> = BTreeMap::new();
    for file in files {
        let own = Problems::new();
        let rule = read(file, &compiler, clock, &own);
        own.into_sorted().into_iter().for_each(|problem| problems.push(problem));
        let Some(rule) = rule else { continue };
        if let Some(first) = rules.get(rule.id.as_str()) {
            problems.push(twice(file, &rule, first));
            continue;
        }
        rules.insert(rule.id.to_string(), Arc::new(rule));
    }
    let rules: Vec<_> = rules.into_values().collect();
    RuleSet { digest: digest_of(&rules), rules }
}

fn twice(file: &RuleFile, rule: &Rule, first: &Rule) -> Problem {
    let at = file.text.find(&format!("\"{}\"", rule.id)).unwrap_or(0);
    let message = format!("rule `{}` is already in {}", rule.id, first.file);
    Source::new(&file.name, &file.text).problem(Level::Error, &(at..at), message)
}

/// SHA-256 over each rule's id and digest as text, a newline after each, in id order.
fn digest_of(rules: &[Arc<Rule>]) -> Digest {
    let mut hasher = Hasher::new();
    for rule in rules {
        hasher.update(format!("{}\n{}\n", rule.id, rule.digest).as_bytes());
    }
    hasher.finish()
}

fn read(file: &RuleFile, compiler: &Compiler, clock: LocalClock, problems: &Problems) -> Option<Rule> {
    let source = Source::new(&file.name, &file.text);
    if file.text.len() > FILE_BYTES_MAX {
        problems.push(source.problem(Level::Error, &(0..0), "the file is longer than 256 KiB"));
        return None;
    }
    let document = Document::parse(source, problems);
    let root = document.root(problems);
    let mut declared = Declared::new();
    let rule = rule_of(&root, file, compiler, clock, &mut declared);
    let rule = rule.filter(|_| !problems.has_errors());
    if let Some(rule) = &rule {
        warn_of_unused(&root, rule, &declared);
    }
    root.finish();
    rule.filter(|_| !problems.has_errors())
}

fn rule_of<'d>(
    root: &Section<'d, '_>,
    file: &RuleFile,
    compiler: &Compiler,
    clock: LocalClock,
    declared: &mut Declared<'d>,
) -> Option<Rule> {
    let head = Head::read(root, clock);
    limits::read(root, compiler, declared);
    let inputs = input::read(root, compiler, declared);
    let lets = lets::read(root, compiler, declared);
    let judge = judge::read(root, compiler, declared, &inputs);
    let message = template(root, head.message, declared);
    let warning_message = template(root, head.warning_message, declared);
    if judge.as_ref().is_some_and(|judge| judge.warning.is_none()) {
        for name in ["warning_title", "warning_message"] {
            let Some(key) = root.take(name) else { continue };
            root.warning(&key.place(), format!("`{name}` is never used: the rule has no `warning`"));
        }
    }
    let inputs: Option<Vec<Input>> = inputs.into_iter().collect();
    let limits = declared.names.words().take(declared.limits.len());
    let vocabulary = examples::vocabulary(head.id, limits, inputs.as_deref());
    let evidence = evidence(root, &vocabulary);
    let examples = examples::read(root, &vocabulary);
    Some(Rule {
        id: head.id?.into(),
        digest: Digest::of(file.text.as_bytes()),
        file: file.name.clone(),
        text: Arc::from(file.text.as_str()),
        status: head.status?,
        severity: head.severity?,
        in_force: head.in_force?,
        document: head.document.map(str::to_owned),
        title: head.title?,
        clause: head.clause?,
        watches: head.watches,
        responsible: head.responsible,
        message: message?,
        warning_title: head.warning_title,
        warning_message,
        evidence: evidence.into_iter().map(Into::into).collect(),
        reopen_window: head.reopen_window,
        limits: std::mem::take(&mut declared.limits).into_iter().collect::<Option<_>>()?,
        inputs: inputs?,
        lets: lets.into_iter().collect::<Option<_>>()?,
        judge: judge?,
        examples,
    })
}

fn template(
    root: &Section<'_, '_>,
    written: Option<[Written<'_>; 2]>,
    declared: &Declared<'_>,
) -> Option<[Template; 2]> {
    Some(written?.map(|written| {
        let (template, mistakes) = template::parse(written.text, &declared.names);
        written.report(root, &mistakes);
        template
    }))
}

/// Known quantities, `position`, and the events that the rule reads.
fn evidence<'d>(root: &Section<'d, '_>, vocabulary: &Vocabulary<'_>) -> Vec<&'d str> {
    let names = filled(root, "evidence", "[\"sound_level\"]");
    let events = &vocabulary.events;
    for (name, at) in &names {
        if known_quantity(name).is_some()
            || *name == "position"
            || events.contains(name)
            || !vocabulary.is_whole
        {
            continue;
        }
        let known =
            KNOWN_QUANTITIES.iter().map(|known| known.name).chain(["position"]).chain(events.iter().copied());
        match suggestion(name, known) {
            none if none.is_empty() => root.warning(at, format!("unknown quantity `{name}`: taken as it is")),
            near => root.error(at, format!("unknown quantity `{name}`{near}")),
        }
    }
    names.into_iter().map(|(name, _)| name).collect()
}

fn warn_of_unused(root: &Section<'_, '_>, rule: &Rule, declared: &Declared<'_>) {
    for slot in unused::unused(rule) {
        let place = declared.places.get(slot).cloned().unwrap_or_default();
        let name = declared.names.slots.get(slot).map_or("", |slot| slot.name);
        root.warning(&place, format!("nothing reads `{name}`"));
    }
}
