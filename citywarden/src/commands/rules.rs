//! `citywarden rules list | check | test | export`.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

use anyhow::Context as _;
use citywarden_model::LocalClock;
use citywarden_rules::{LimitValue, Rule, Status, built_in_pack, run_examples};
use serde_json::json;

use super::{output, print_problems, read_config};
use crate::cli::{ConfigFile, RulesAt};
use crate::rulebook::{self, RuleReading};

/// Prints the rules.
pub(crate) fn list(at: &RulesAt) -> anyhow::Result<ExitCode> {
    let (reading, _) = read(at)?;
    let mut out = output();
    for rule in &reading.rules.rules {
        if at.json {
            writeln!(out, "{}", to_json(rule))?;
        } else {
            let Rule { id, severity, clause, title, .. } = &**rule;
            let status = status(rule);
            writeln!(
                out,
                "{id:<28} {status:<6} {severity:<8} {:>2} {}  {} / {}",
                clause.item, clause.reference, title.zh, title.en
            )?;
        }
    }
    out.flush()?;
    Ok(end(&reading))
}

/// Prints every problem.
pub(crate) fn check(at: &RulesAt) -> anyhow::Result<ExitCode> {
    let (reading, _) = read(at)?;
    let (rules, problems) = (reading.rules.rules.len(), reading.problems.len());
    if at.json {
        for problem in &reading.problems {
            let object = json!({
                "file": problem.file, "line": problem.line, "column": problem.column,
                "level": format!("{:?}", problem.level).to_lowercase(), "message": problem.message,
            });
            writeln!(output(), "{object}")?;
        }
    } else {
        writeln!(output(), "{rules} rules, {problems} problems")?;
    }
    Ok(end(&reading))
}

/// Runs the examples.
pub(crate) fn test(at: &RulesAt) -> anyhow::Result<ExitCode> {
    let (reading, local) = read(at)?;
    let mut out = output();
    let (mut passed, mut failed) = (0, 0);
    for rule in &reading.rules.rules {
        let report = run_examples(rule, local);
        let wrong = rule.examples.len() - report.passed;
        passed += report.passed;
        failed += wrong;
        print_problems(&report.failures)?;
        if at.json {
            let failures: Vec<_> = report.failures.iter().map(ToString::to_string).collect();
            writeln!(
                out,
                "{}",
                json!({"rule": rule.id, "passed": report.passed, "failed": wrong, "failures": failures})
            )?;
        } else {
            writeln!(out, "{:<28} {} passed, {wrong} failed", rule.id, report.passed)?;
        }
    }
    if !at.json {
        writeln!(out, "{passed} passed, {failed} failed")?;
    }
    out.flush()?;
    Ok(if failed > 0 { ExitCode::FAILURE } else { end(&reading) })
}

/// Writes the built-in pack; what is there already stays as it is.
pub(crate) fn export(dir: &Path) -> anyhow::Result<ExitCode> {
    let mut out = output();
    for file in built_in_pack() {
        let path = dir.join(&file.name);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
        }
        match File::create_new(&path) {
            Ok(mut created) => {
                created.write_all(file.text.as_bytes())?;
                writeln!(out, "{}", path.display())?;
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                writeln!(io::stderr(), "{}: is there already, left alone", path.display())?;
            }
            Err(error) => return Err(error).with_context(|| format!("cannot write {}", path.display())),
        }
    }
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

/// The rules of the path, or of the configuration, or the built-in pack; their problems are printed.
fn read(at: &RulesAt) -> anyhow::Result<(RuleReading, LocalClock)> {
    let config = at.config.clone().map(|path| read_config(&ConfigFile { path })).transpose()?;
    let local = config.as_ref().map(|config| config.local).unwrap_or_default();
    let dir = at.path.clone().or_else(|| config.and_then(|config| config.rules_dir));
    let reading = rulebook::read(dir.as_deref(), local, None);
    print_problems(&reading.problems)?;
    Ok((reading, local))
}

fn end(reading: &RuleReading) -> ExitCode {
    if rulebook::has_errors(&reading.problems) { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

fn status(rule: &Rule) -> &'static str {
    match rule.status {
        Status::Active => "active",
        Status::Trial => "trial",
    }
}

fn to_json(rule: &Rule) -> serde_json::Value {
    let limits: Vec<_> = rule
        .limits
        .iter()
        .map(|limit| json!({"name": limit.name, "value": limit_value(limit.value), "unit": limit.unit, "source": limit.source}))
        .collect();
    json!({
        "rule": rule.id, "status": status(rule), "severity": rule.severity, "title": rule.title, "clause": rule.clause,
        "watches": rule.watches, "responsible": rule.responsible, "limits": limits, "digest": rule.digest,
        "file": rule.file, "examples": rule.examples.len(),
    })
}

fn limit_value(value: LimitValue) -> serde_json::Value {
    match value {
        LimitValue::Number(number) => json!(number),
        LimitValue::Switch(on) => json!(on),
        LimitValue::Duration(span) => json!(format!("{}s", span.seconds())),
        LimitValue::TimeOfDay(since_midnight) => {
            let minutes = since_midnight.nanos() / 60_000_000_000;
            json!(format!("{:02}:{:02}", minutes / 60, minutes % 60))
        }
    }
}
