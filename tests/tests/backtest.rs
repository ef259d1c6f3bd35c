//! A recording judged again gives the same alerts: whatever the batches, and as the running service raised them.

#![expect(clippy::indexing_slicing, reason = "JSON of a known form: what is missing reads as null")]

use std::fs;
use std::time::Duration;

use citywarden_model::Timestamp;
use citywarden_tests::county::{County, REGION, unit_of};
use citywarden_tests::moment::{ago, now};
use citywarden_tests::receiver::{Delivery, WebhookServer};
use citywarden_tests::recording::{backtest, backtest_journal, dump, json_lines, sorted_as_raised};
use citywarden_tests::scenario::{Scenario, eight_rules, sentinel};
use citywarden_tests::service::{Service, citywarden_ok_in};
use serde_json::{Value, json};

const ALERT: Duration = Duration::from_secs(30);

fn county(scenarios: &[Scenario]) -> County {
    let mut county = County::new();
    for scenario in scenarios {
        scenario.prepare(&mut county);
    }
    county
}

/// Judges a recording in small and in large batches; both have to print the same bytes.
fn judged(county: &County, recording: &str) -> String {
    let one = backtest(county.dir(), &["--feed", recording, "--batch", "1"]);
    let many = backtest(county.dir(), &["--feed", recording, "--batch", "10000"]);
    assert!(one == many, "--batch 1:\n{one}\n--batch 10000:\n{many}");
    one
}

fn kinds_raised(scenarios: &[Scenario]) -> usize {
    scenarios.iter().flat_map(|scenario| &scenario.cases).filter(|case| case.raises.is_some()).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recording_of_a_running_service_gives_the_alerts_that_it_raised() {
    let server = WebhookServer::start().await;
    let scenarios: Vec<_> = eight_rules().into_iter().chain([sentinel()]).collect();
    let mut county = county(&scenarios);
    county.webhook = Some(server.url());
    let service = Service::start(county.write());
    for scenario in &scenarios {
        scenario.play(service.mqtt, now(), |_| true).await;
        let raised = scenario.cases.iter().filter(|case| case.raises.is_some());
        for case in raised {
            server.wait_for_alert(scenario.rule, case.asset, ALERT).await;
        }
    }
    fs::write(county.file("beside.jsonl"), dump(county.dir())).expect("there is room");
    service.stop();

    let derived = json_lines(&judged(&county, "beside.jsonl"));
    let raised = server.opened();
    assert!(raised.len() >= kinds_raised(&scenarios), "{:?}", server.opened_subjects());
    let raised = sorted_as_raised(raised.iter().map(Delivery::alert));
    assert_eq!(sorted_as_raised(&derived), raised);
    check_journal_between_two_times(&county, &raised);
}

/// The journal itself gives them too, and its end alone gives none.
fn check_journal_between_two_times(county: &County, raised: &[Value]) {
    assert_eq!(sorted_as_raised(&json_lines(&backtest_journal(county.dir()))), raised);
    let (end, after) = (now().to_string(), ago(now(), -60).to_string());
    assert_eq!(backtest(county.dir(), &["--from", &end, "--to", &after]), "", "nothing began after the end");
}

#[test]
fn a_recording_made_by_hand_gives_the_same_bytes_in_any_batches() {
    let scenarios = eight_rules();
    let county = county(&scenarios);
    county.write();
    county.put("made.jsonl", &recording(&scenarios, now()));

    let alerts = json_lines(&judged(&county, "made.jsonl"));
    let about = |rule: &str, asset: &str| {
        alerts.iter().filter(|alert| alert["rule"] == rule && alert["asset"]["id"] == asset).count()
    };
    for scenario in &scenarios {
        for case in &scenario.cases {
            let wanted = usize::from(case.raises.is_some());
            let count = about(scenario.rule, case.asset);
            let passes_through = case.asset == "dust-much" && count == 2;
            assert!(count == wanted || passes_through, "{} {}: {count} alerts", scenario.rule, case.asset);
        }
    }
    let order = |alert: &Value| {
        [&alert["began_at"], &alert["rule"], &alert["asset"]["id"]].map(|key| key.as_str().map(str::to_owned))
    };
    assert!(alerts.is_sorted_by_key(order), "sorted by (began_at, rule, asset)");
}

/// The messages of all scenarios in the order in which they arrive, and one much later that lets every timer pass.
fn recording(scenarios: &[Scenario], until: Timestamp) -> String {
    let mut messages: Vec<_> = scenarios.iter().flat_map(|scenario| scenario.record(until)).collect();
    let last = sentinel().record(ago(until, -300));
    messages.extend(last.into_iter().take(1));
    messages.sort_by_key(|(received, _)| *received);
    messages.into_iter().map(|(_, message)| message.to_string() + "\n").collect()
}

#[test]
fn a_changed_rule_is_compared_with_what_was_raised() {
    let scenarios = [sentinel()];
    let county = county(&scenarios);
    county.write();
    county.put("made.jsonl", &recording(&scenarios, now()));
    let before = json_lines(&backtest(county.dir(), &["--feed", "made.jsonl"]));
    assert_eq!(before.len(), 1, "{before:?}");
    // uncovered at 32 km/h is allowed where 40 km/h count as standing still
    let text = county.pack.text("muck-truck-uncovered");
    let lenient = text.replace("value = 5.0", "value = 40.0");
    assert_ne!(text, lenient);
    county.pack.save("muck-truck-uncovered", &lenient);
    assert_eq!(backtest(county.dir(), &["--feed", "made.jsonl", "--diff", "diff.json"]), "");
    assert!(county.file("diff.json").exists(), "the comparison goes to the file");
}

/// A controller switched off for two minutes before the service was away for an hour, and what is raised after it.
#[test]
fn the_time_in_which_the_service_was_away_is_not_held_against_a_device() {
    let mut county = County::new();
    county.asset("works", "linear_works", &[]);
    county.device("works", "spray_controller", None, &[]);
    county.write();
    let began = ago(now(), 7_200);
    // a restart, or a disk that was full
    for control in ["started", "resumed"] {
        check_absence(&county, began, control);
    }
}

fn check_absence(county: &County, began: Timestamp, control: &str) {
    let at = |seconds: i64| ago(began, -seconds);
    let says = |seconds: i64, on: bool| {
        let payload = json!({"ts": at(seconds), "readings": {"spraying": on}}).to_string();
        json!({"received_at": at(seconds), "topic": format!("citywarden/{REGION}/{}/json", unit_of("works")), "payload": payload})
    };
    let tick = |seconds: i64| json!({"received_at": at(seconds), "control": "tick"});
    let started = json!({"received_at": at(3_720), "control": control, "last_received_at": at(120)});
    let before = [says(-10, true), says(0, false), tick(120)].map(|line| line.to_string());
    let judged = |after: &[Value]| {
        let after = after.iter().map(ToString::to_string);
        let lines: Vec<_> = before.iter().cloned().chain(after).collect();
        county.put("made.jsonl", &(lines.join("\n") + "\n"));
        json_lines(&judged(county, "made.jsonl"))
    };
    assert_eq!(judged(&[started.clone(), tick(3_899)]).len(), 0, "three minutes of five are missing");
    let alerts = judged(&[started, tick(3_901)]);
    assert_eq!(alerts.len(), 1, "{alerts:?}");
    assert_eq!(alerts[0]["opened_at"], json!(at(3_900)));
    let said = citywarden_ok_in(
        county.dir(),
        &["rules", "backtest", "--config", "citywarden.toml", "--feed", "made.jsonl"],
    );
    let mut words = said.split_whitespace();
    assert_eq!(words.next(), alerts[0]["id"].as_str());
    let began = words.next().and_then(|time| Timestamp::parse(time).ok());
    assert_eq!(began, Some(at(3_900)), "in the county's local time: {said}");
}
