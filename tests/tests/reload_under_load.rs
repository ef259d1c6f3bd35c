//! A hundred saved rules while trucks load the service: no reading is skipped or judged twice, and each alert names the
//! rules that were in force at the record that raised it.

#![expect(clippy::indexing_slicing, reason = "JSON of a known form: what is missing reads as null")]

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use citywarden_model::Digest;
use citywarden_tests::county::County;
use citywarden_tests::fleet::{Fleet, RULE, Sent};
use citywarden_tests::receiver::{Delivery, WebhookServer};
use citywarden_tests::recording::{backtest_journal, dump, json_lines};
use citywarden_tests::service::{Service, citywarden_ok_in};
use serde_json::Value;

const RELOADS: usize = 100;
/// A violation begins between every so many reloads, and the next of them falls into it.
const VIOLATES_EACH: usize = 4;
const LOADERS: usize = 4;
const PATIENCE: Duration = Duration::from_mins(1);
/// Between two messages of a truck while a save is waited for.
const BEAT: Duration = Duration::from_millis(5);

/// The n-th version of the rule: a limit of its own.
struct Version {
    limit: f64,
    text: String,
}

fn versions(county: &County) -> Vec<Version> {
    let built_in = county.pack.text(RULE);
    let version = |number: usize| {
        let written = if number == 0 { "5.0".to_owned() } else { format!("4.{number:03}") };
        let text = built_in.replacen("value = 5.0,", &format!("value = {written},"), 1);
        Version { limit: written.parse().expect("a number"), text }
    };
    let versions: Vec<_> = (0..=RELOADS).map(version).collect();
    assert_ne!(versions[0].text, versions[1].text, "the rule has the limit that is changed here");
    versions
}

/// Loads until the rules in force hold this text.
async fn load_until_in_force(service: &Service, fleet: &mut Fleet, text: &str) {
    let digest = Digest::of(text.as_bytes()).to_string();
    let mut beat = tokio::time::interval(BEAT);
    let loading = async {
        while !service.get("/api/v1/rules").await.1.contains(&digest) {
            fleet.load();
            beat.tick().await;
        }
    };
    let in_time = tokio::time::timeout(PATIENCE, loading).await;
    assert!(in_time.is_ok(), "not in force after {PATIENCE:?}:\n{}", service.process.err.lines().join("\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_of_a_hundred_saved_rules_takes_force_at_a_record_and_no_reading_is_skipped_or_judged_twice() {
    let server = WebhookServer::start().await;
    let mut county = County::new();
    county.webhook = Some(server.url());
    county.more = "\n[watch]\nquiet = \"50ms\"\n".to_owned();
    Fleet::register(&mut county, LOADERS, RELOADS / VIOLATES_EACH);
    let dir = county.write();
    let versions = versions(&county);
    let service = Service::start(dir);
    let mut fleet = Fleet::start(service.mqtt, LOADERS);
    for (number, version) in versions.iter().enumerate().skip(1) {
        let violates = number.is_multiple_of(VIOLATES_EACH);
        if violates {
            fleet.begin_violation();
        }
        county.pack.save(RULE, &version.text);
        // by the signal, or because the save was noticed
        if number.is_multiple_of(2) {
            service.process.signal("-HUP");
        }
        load_until_in_force(&service, &mut fleet, &version.text).await;
        if violates {
            fleet.go_on_violating();
        }
    }
    let sent = fleet.finish(PATIENCE).await;
    sent.wait_for_alerts(&server, PATIENCE).await;
    service.wait_for_count("citywarden_stage_lag_records", &[("stage", "rules")], |lag| lag == 0).await;
    for quantity in ["loaded", "cover_closed"] {
        let judged = service.count("citywarden_readings_total", &[("quantity", quantity)]).await;
        assert_eq!(judged, sent.payloads.len(), "each message has one {quantity}, judged once");
    }
    service.stop();
    sent.check_kept(dir);
    sent.check_told_once(&server);
    check_versions(dir, &server, &versions);
    check_derived_again(dir, &server, &sent);
}

/// Offset and rules of each record that puts rules into force.
fn in_force(dir: &Path) -> Vec<(u64, Value)> {
    let lines = json_lines(&dump(dir));
    let rules = lines.into_iter().filter(|line| line["control"] == "rules");
    rules.map(|line| (line["offset"].as_u64().expect("it has one"), line["digest"].clone())).collect()
}

fn check_versions(dir: &Path, server: &WebhookServer, versions: &[Version]) {
    let in_force = in_force(dir);
    assert_eq!(in_force.len(), versions.len(), "each save took force once: {in_force:?}");
    let mut named = BTreeMap::<usize, usize>::new();
    for delivery in server.opened() {
        let alert = delivery.alert();
        let raised_by = alert["evidence"]["journal"]["last"].as_u64().expect("an offset");
        let number = in_force.partition_point(|(offset, _)| *offset < raised_by) - 1;
        let version = &versions[number];
        assert_eq!(alert["ruleset_digest"], in_force[number].1, "{number}: {alert}");
        assert_eq!(
            alert["rule_digest"],
            Digest::of(version.text.as_bytes()).to_string(),
            "{number}: {alert}"
        );
        assert_eq!(alert["limits"]["moving_kmh"], version.limit, "{number}: {alert}");
        *named.entry(number).or_default() += 1;
    }
    assert!(named.len() > versions.len() / VIOLATES_EACH / 2, "too few versions raised anything: {named:?}");
}

/// Each alert comes out of the journal as it was raised, by the rules of its time; and by those of today at the same times.
fn check_derived_again(dir: &Path, server: &WebhookServer, sent: &Sent) {
    let times = |alert: &Value| {
        let member = |name: &str| alert[name].as_str().expect("a text").to_owned();
        (alert["asset"]["id"].as_str().expect("a text").to_owned(), member("began_at"), member("opened_at"))
    };
    let opened = server.opened();
    for delivery in &opened {
        let id = delivery.alert()["id"].as_str().expect("a text");
        citywarden_ok_in(dir, &["rules", "explain", id, "--config", "citywarden.toml"]);
    }
    let derived = json_lines(&backtest_journal(dir));
    assert_eq!(derived.len(), sent.violating.len());
    let sorted = |mut all: Vec<(String, String, String)>| {
        all.sort();
        all
    };
    let raised = opened.iter().map(Delivery::alert).map(times).collect();
    assert_eq!(sorted(derived.iter().map(times).collect()), sorted(raised));
}
