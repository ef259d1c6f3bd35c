//! Recordings and lists of alerts: JSON lines, read back.

use std::path::Path;

use serde_json::{Map, Value};

use crate::moment::{ago, now};
use crate::service::{citywarden_in, citywarden_ok_in};

/// Each line of a text as JSON.
pub fn json_lines(text: &str) -> Vec<Value> {
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect()
}

/// The journal of the county in this directory: every record a line.
pub fn dump(dir: &Path) -> String {
    citywarden_ok_in(dir, &["journal", "dump", "--config", "citywarden.toml"])
}

/// The payload of each message in a dump that is UTF-8.
pub fn payloads(dump: &str) -> impl Iterator<Item = String> {
    json_lines(dump).into_iter().filter_map(|line| line["payload"].as_str().map(str::to_owned))
}

/// Judges with `rules backtest --json` and more arguments; standard output as it is.
pub fn backtest(dir: &Path, more: &[&str]) -> String {
    let args = [&["rules", "backtest", "--json", "--config", "citywarden.toml"], more].concat();
    citywarden_ok_in(dir, &args)
}

/// Judges the journal itself, from its first record on.
pub fn backtest_journal(dir: &Path) -> String {
    let stat = citywarden_ok_in(dir, &["journal", "stat", "--json", "--config", "citywarden.toml"]);
    let stat: Value = serde_json::from_str(&stat).expect("one object");
    let from = stat["first_received_at"].as_str().expect("it holds something");
    let to = ago(now(), -60).to_string();
    backtest(dir, &["--from", from, "--to", &to])
}

/// Asserts that the journal is whole.
pub fn verify(dir: &Path) {
    let output = citywarden_in(dir, &["journal", "verify", "--config", "citywarden.toml"]);
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "journal verify: {}\n{said}", output.status);
}

/// What was found out when an alert was raised, and does not change after: the rest is what became of it.
pub fn as_raised(alert: &Value) -> Value {
    const MEMBERS: &[&str] = &[
        "id",
        "kind",
        "rule",
        "rule_digest",
        "ruleset_digest",
        "title",
        "clause",
        "severity",
        "lead",
        "asset",
        "region",
        "position",
        "responsible",
        "began_at",
        "opened_at",
        "values",
        "limits",
        "unit",
        "summary",
        "evidence",
    ];
    let member = |name: &&str| ((*name).to_owned(), alert[*name].clone());
    Value::Object(MEMBERS.iter().map(member).collect::<Map<_, _>>())
}

/// Alerts as they were raised, in the order of their ids.
pub fn sorted_as_raised<'a>(alerts: impl IntoIterator<Item = &'a Value>) -> Vec<Value> {
    let mut raised: Vec<_> = alerts.into_iter().map(as_raised).collect();
    raised.sort_by_key(|alert| alert["id"].to_string());
    raised
}
