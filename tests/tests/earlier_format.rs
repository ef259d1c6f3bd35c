//! A directory that an earlier commit wrote opens: its journal and its alert log are whole, the journal judged again gives the
//! alerts it gave then, and a service goes on in it without telling anything again.
//!
//! `fixtures/county-of-ec27af9.tar.gz` is the directory of `backtest.rs`'s county, after the service of commit ec27af9 had
//! judged it (eight rules, 694 messages) and was stopped, with what `rules backtest --json` of that commit said of it.

#![expect(clippy::indexing_slicing, reason = "JSON of a known form: what is missing reads as null")]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use citywarden_tests::recording::{backtest, json_lines, payloads, verify};
use citywarden_tests::service::{Service, citywarden_ok_in};
use serde_json::Value;
use tempfile::TempDir;

const FIXTURE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/county-of-ec27af9.tar.gz");
const MESSAGES: usize = 694;

fn unpacked() -> TempDir {
    let dir = TempDir::new().expect("there is room for a directory");
    let untar = Command::new("tar").args(["-xzf", FIXTURE, "-C"]).arg(dir.path()).output();
    let output = untar.expect("tar is there");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    dir
}

/// What that commit's backtest said.
fn said_then(dir: &Path) -> Vec<Value> {
    let alerts = json_lines(&fs::read_to_string(dir.join("backtest.jsonl")).expect("it is in the fixture"));
    assert_eq!(alerts.len(), 13, "eight rules, some with two stages");
    alerts
}

/// Its backtest over the whole journal; later commits may say more of an alert, and nothing else.
fn check_judged_again(dir: &Path) {
    let stat = citywarden_ok_in(dir, &["journal", "stat", "--json", "--config", "citywarden.toml"]);
    let stat: Value = serde_json::from_str(&stat).expect("one object");
    let time = |name: &str| stat[name].as_str().expect("a time").to_owned();
    let (from, to) = (time("first_received_at"), time("last_received_at"));
    let (then, now) = (said_then(dir), json_lines(&backtest(dir, &["--from", &from, "--to", &to])));
    assert_eq!(now.len(), then.len(), "{now:#?}");
    for (then, now) in then.iter().zip(&now) {
        for (name, value) in then.as_object().expect("an object") {
            assert_eq!(&now[name], value, "`{name}` of {then}");
        }
    }
}

#[test]
fn the_journal_of_an_earlier_commit_is_whole_and_gives_the_alerts_it_gave_then() {
    let dir = unpacked();
    verify(dir.path());
    let dump = citywarden_ok_in(dir.path(), &["journal", "dump", "--config", "citywarden.toml"]);
    assert_eq!(payloads(&dump).count(), MESSAGES);
    check_judged_again(dir.path());
    for alert in said_then(dir.path()) {
        let id = alert["id"].as_str().expect("a text");
        citywarden_ok_in(dir.path(), &["rules", "explain", id, "--config", "citywarden.toml"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_goes_on_in_the_directory_of_an_earlier_commit_and_tells_nothing_again() {
    let dir = unpacked();
    let service = Service::start(dir.path());
    service.wait_for_count("citywarden_stage_lag_records", &[("stage", "rules")], |lag| lag == 0).await;
    service.wait_for_count("citywarden_archive_up", &[], |up| up == 1).await;
    assert_eq!(service.count("citywarden_alert_events_total", &[("event", "opened")]).await, 0);
    let (status, page) = service.get("/api/v1/alerts?limit=100").await;
    assert_eq!(status, 200, "{page}");
    let page: Value = serde_json::from_str(&page).expect("it is JSON");
    let ids = |alerts: &[Value]| alerts.iter().map(|alert| alert["id"].to_string()).collect::<BTreeSet<_>>();
    let known = page["alerts"].as_array().expect("a list");
    assert_eq!(ids(known), ids(&said_then(dir.path())));
    service.stop();
    verify(dir.path());
}
