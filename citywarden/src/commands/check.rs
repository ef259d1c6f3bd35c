//! `citywarden check`: every problem, not only the first.

use std::io::{self, Write};
use std::sync::Arc;

use citywarden_journal::HostDisk;
use citywarden_model::Registry;
use citywarden_problems::{Level, Problem, Problems, Source, did_you_mean};
use citywarden_rules::RuleSet;
use serde_json::json;

use crate::cli::Check;
use crate::config::{self, Config, Host};
use crate::county;
use crate::rulebook;
use crate::texts::TextStore;

/// What was found.
struct Findings {
    problems: Vec<Problem>,
    counts: Option<Counts>,
}

/// What is there, where the configuration could be read.
struct Counts {
    sources: usize,
    receivers: usize,
    rules: usize,
    devices: usize,
    assets: usize,
    zones: usize,
    permits: usize,
    units: usize,
}

/// Checks; whether all is fine. Problems go to `stderr`, the summary to `stdout`.
pub(crate) fn run(
    command: &Check,
    host: &dyn Host,
    stdout: &mut dyn Write,
    stderr: &mut dyn Write,
) -> io::Result<bool> {
    let findings = find(command, host)?;
    let errors = findings.problems.iter().filter(|problem| problem.level == Level::Error).count();
    let warnings = findings.problems.len() - errors;
    for problem in &findings.problems {
        writeln!(stderr, "{problem}")?;
    }
    if command.json {
        writeln!(stdout, "{}", to_json(&findings))?;
    } else if errors > 0 {
        writeln!(stderr, "{} found, {}", counted(errors, "error"), counted(warnings, "warning"))?;
    } else if let Some(counts) = &findings.counts {
        writeln!(
            stdout,
            "ok: {}{}",
            counts.summary(),
            if warnings > 0 { format!("; {}", counted(warnings, "warning")) } else { String::new() }
        )?;
    }
    Ok(errors == 0)
}

fn find(command: &Check, host: &dyn Host) -> io::Result<Findings> {
    let reading = config::load(&command.config.path, host);
    let mut problems = reading.problems;
    let Some(config) = reading.config else { return Ok(Findings { problems, counts: None }) };
    if command.accept {
        county::accept(&config)?;
    }
    let registry = county::read(&config, in_force(&config).as_ref());
    problems.extend(registry.problems);
    let rules = rulebook::read(config.rules_dir.as_deref(), config.local, None);
    problems.extend(rules.problems);
    problems.extend(unknown_limits(&config, &registry.registry, &rules.rules));
    let counts = Some(Counts::of(&config, &registry.registry, &rules.rules));
    Ok(Findings { problems, counts })
}

/// The registry in force, to compare with: none where the service has never run, or its store cannot be read.
fn in_force(config: &Config) -> Option<Registry> {
    let digest = county::in_force(&config.data_dir)?;
    let texts = TextStore::open(Arc::new(HostDisk), &config.texts_dir()).ok()?;
    texts.registry(&digest).ok()
}

/// Columns `limit.<rule>.<name>` that no rule reads: the registry does not know rules, so this is where it is found.
fn unknown_limits(config: &Config, registry: &Registry, rules: &RuleSet) -> Vec<Problem> {
    let mut columns: Vec<&str> = registry
        .assets
        .values()
        .flat_map(|asset| asset.attributes.iter())
        .filter_map(|(name, _)| name.strip_prefix("limit."))
        .collect();
    columns.sort_unstable();
    columns.dedup();
    let file = config.registry.dir.join("assets.csv").display().to_string();
    let problems = Problems::new();
    for message in columns.into_iter().filter_map(|column| unknown_limit(column, rules)) {
        problems.push(Source::new(&file, "").problem(Level::Warning, &(0..0), message));
    }
    problems.into_sorted()
}

fn unknown_limit(column: &str, rules: &RuleSet) -> Option<String> {
    let (id, name) = column.split_once('.')?;
    let hint = |near: Option<&str>| near.map_or(String::new(), |near| format!(", did you mean `{near}`"));
    let Some(rule) = rules.rules.iter().find(|rule| rule.id.as_str() == id) else {
        let near = did_you_mean(id, rules.rules.iter().map(|rule| rule.id.as_str()));
        return Some(format!("column `limit.{column}`: no rule `{id}`{}", hint(near)));
    };
    let known = || rule.limits.iter().map(|limit| limit.name.as_ref());
    let is_known = known().any(|limit| limit == name);
    (!is_known).then(|| {
        format!(
            "column `limit.{column}`: rule `{id}` has no limit `{name}`{}",
            hint(did_you_mean(name, known()))
        )
    })
}

impl Counts {
    fn of(config: &Config, registry: &Registry, rules: &RuleSet) -> Self {
        Self {
            sources: config.sources.len(),
            receivers: config.receivers.len(),
            rules: rules.rules.len(),
            devices: registry.devices.len(),
            assets: registry.assets.len(),
            zones: registry.zones.len(),
            permits: registry.permits.len(),
            units: registry.units.len(),
        }
    }
    fn named(&self) -> [(&'static str, usize); 8] {
        [
            ("source", self.sources),
            ("receiver", self.receivers),
            ("rule", self.rules),
            ("device", self.devices),
            ("asset", self.assets),
            ("zone", self.zones),
            ("permit", self.permits),
            ("unit", self.units),
        ]
    }
    fn summary(&self) -> String {
        self.named().map(|(name, count)| counted(count, name)).join(", ")
    }
}

fn counted(count: usize, name: &str) -> String {
    format!("{count} {name}{}", if count == 1 { "" } else { "s" })
}

fn to_json(findings: &Findings) -> serde_json::Value {
    let problems: Vec<_> = findings
        .problems
        .iter()
        .map(|problem| {
            let level = if problem.level == Level::Error { "error" } else { "warning" };
            let Problem { file, line, column, message, .. } = problem;
            json!({ "file": file, "line": line, "column": column, "level": level, "message": message })
        })
        .collect();
    let counts = findings.counts.as_ref().map(|counts| {
        counts
            .named()
            .into_iter()
            .map(|(name, count)| (format!("{name}s"), json!(count)))
            .collect::<serde_json::Map<_, _>>()
    });
    let ok = findings.problems.iter().all(|problem| problem.level == Level::Warning);
    json!({ "ok": ok, "counts": counts, "problems": problems })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use tempfile::TempDir;

    use super::*;
    use crate::cli::ConfigFile;
    use crate::config::Machine;

    const ASSETS: &str = "id,kind,limit.site-dust.limit_ug_m3\na,venue,120\nb,venue,\nc,venue,\n";

    /// A folder with a configuration and a registry.
    fn folder(config: &str) -> TempDir {
        let dir = tempfile::tempdir().expect("a scratch folder");
        fs::create_dir(dir.path().join("registry")).expect("made");
        write(&dir, "c.toml", config);
        write(&dir, "registry/assets.csv", ASSETS);
        write(&dir, "registry/devices.csv", "id,kind,asset,interval_s\nd,meter,a,60\n");
        dir
    }
    fn write(dir: &TempDir, name: &str, text: &str) {
        fs::write(dir.path().join(name), text).expect("written");
    }
    /// Whether all was fine, and what came out, without the folder's own name.
    fn check(dir: &TempDir, accept: bool, json: bool) -> (bool, String, String) {
        let config = ConfigFile { path: dir.path().join("c.toml") };
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let fine =
            run(&Check { config, accept, json }, &Machine, &mut out, &mut err).expect("written to memory");
        let text = |bytes: Vec<u8>| {
            String::from_utf8(bytes).expect("UTF-8").replace(&format!("{}/", dir.path().display()), "")
        };
        (fine, text(out), text(err))
    }
    /// As a service leaves it behind.
    fn put_in_force(dir: &Path) {
        let reading = config::load(&dir.join("c.toml"), &Machine);
        let config = reading.config.expect("a right configuration");
        let registry = county::read(&config, None).registry;
        let texts = TextStore::open(Arc::new(HostDisk), &config.texts_dir()).expect("a store");
        let digest = texts.put_registry(&registry).expect("kept");
        county::note_in_force(&config.data_dir, &digest).expect("noted");
    }

    #[test]
    fn what_is_right_is_counted_and_warnings_are_told() {
        let (fine, out, err) = check(&folder("region = \"330624\"\n"), false, false);
        assert!(fine);
        assert!(out.starts_with("ok: 1 source, 0 receivers, 8 rules, 1 device, 3 assets, 0 zones"), "{out}");
        assert_eq!(err, "c.toml:1:1: warning: no [route]: alerts are shown on the page and sent to nobody\n");
    }

    #[test]
    fn mistakes_of_registry_and_rules_are_found_in_one_run() {
        let dir = folder("region = \"330624\"\n[rules]\ndir = \"rules\"\n");
        fs::create_dir(dir.path().join("rules")).expect("made");
        write(&dir, "rules/a.toml", "rule = \n");
        write(&dir, "registry/assets.csv", &ASSETS.replace("b,venue", "b,venu"));
        let (fine, out, err) = check(&dir, false, false);
        assert!(!fine && out.is_empty(), "{out}");
        for expected in [
            "registry/assets.csv:3:3: unknown kind of asset `venu`, did you mean `venue`\n",
            "registry/assets.csv:1:1: warning: column `limit.site-dust.limit_ug_m3`: no rule `site-dust`\n",
            "rules/a.toml:1:",
        ] {
            assert!(err.contains(expected), "{expected} is not in:\n{err}");
        }
    }

    #[test]
    fn a_wrong_configuration_is_said_as_json_too() {
        let (fine, out, _) = check(&folder("regoin = \"330624\"\n"), false, true);
        let found: serde_json::Value = serde_json::from_str(&out).expect("JSON");
        assert!(!fine && found["ok"] == false && found["counts"].is_null(), "{found}");
        assert_eq!(found["problems"][1]["message"], "unknown key `regoin`, did you mean `region`");
    }

    #[test]
    fn a_loss_of_rows_is_refused_until_it_is_accepted() {
        let dir = folder("region = \"330624\"\n");
        put_in_force(dir.path());
        write(&dir, "registry/assets.csv", "id,kind\na,venue\n");
        let (fine, _, err) = check(&dir, false, false);
        assert!(!fine && err.contains("registry/assets.csv:1:1: 2 of 3 rows are gone"), "{err}");
        assert!(check(&dir, true, false).0, "accepted");
        assert!(check(&dir, false, false).0, "and stays so");
        write(&dir, "registry/assets.csv", "id,kind\nb,venue\n");
        assert!(!check(&dir, false, false).0, "another file is another matter");
    }
}
