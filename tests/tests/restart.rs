//! A restart, killed or in good order, in the middle of everything: what is raised is raised once, at the time and with the
//! bytes it would have been without it.

#![expect(clippy::indexing_slicing, reason = "JSON of a known form: what is missing reads as null")]

use std::path::Path;
use std::time::Duration;

use citywarden_model::{Span, Timestamp};
use citywarden_tests::client::Client;
use citywarden_tests::county::{County, topic_of};
use citywarden_tests::fleet::Fleet;
use citywarden_tests::moment::now;
use citywarden_tests::receiver::{Delivery, WebhookServer};
use citywarden_tests::recording::{backtest, backtest_journal, dump, json_lines, sorted_as_raised, verify};
use citywarden_tests::scenario::{Scenario, eight_rules};
use citywarden_tests::service::{Service, free_address};
use serde_json::Value;

const LOADERS: usize = 4;
/// Violations that each span a restart.
const VIOLATIONS: usize = 4;
/// Rounds of the load before and after a restart.
const ROUNDS: usize = 50;
const PATIENCE: Duration = Duration::from_mins(1);

/// How a service ends.
#[derive(Debug, Clone, Copy)]
enum Ending {
    Killed,
    Stopped,
}

impl Ending {
    fn end(self, service: Service) {
        match self {
            Self::Killed => service.kill(),
            Self::Stopped => service.stop(),
        }
    }
}

/// Judges the journal as a recording, or its messages alone, as if nobody had ever stopped; the same bytes in any batches.
fn judged(county: &County, messages_alone: bool) -> Vec<Value> {
    let dump = dump(county.dir());
    let lines = dump.lines().filter(|line| !messages_alone || line.contains("\"payload\":"));
    county.put("recording.jsonl", &(lines.collect::<Vec<_>>().join("\n") + "\n"));
    let [one, many] =
        ["1", "10000"].map(|batch| backtest(county.dir(), &["--feed", "recording.jsonl", "--batch", batch]));
    assert!(one == many, "--batch 1:\n{one}\n--batch 10000:\n{many}");
    json_lines(&one)
}

/// What is raised, when it began, and when it was raised.
fn times(alerts: &[Value]) -> Vec<[Value; 5]> {
    let of = |alert: &Value| {
        let members = ["id", "rule", "began_at", "opened_at"].map(|name| alert[name].clone());
        let [id, rule, began, opened] = members;
        [id, rule, alert["asset"]["id"].clone(), began, opened]
    };
    let mut times: Vec<_> = alerts.iter().map(of).collect();
    times.sort_by_key(|members| members[0].to_string());
    times
}

fn raised(server: &WebhookServer) -> Vec<Value> {
    server.opened().iter().map(Delivery::alert).cloned().collect()
}

/// The journal, restarts and all, gives what was raised.
fn check(county: &County, server: &WebhookServer) {
    verify(county.dir());
    let raised = sorted_as_raised(&raised(server));
    assert_eq!(sorted_as_raised(&json_lines(&backtest_journal(county.dir()))), raised);
    assert_eq!(sorted_as_raised(&judged(county, false)), raised);
}

async fn spans_a_restart(ending: Ending) {
    let server = WebhookServer::start().await;
    let mut county = County::new();
    let address = free_address();
    county.mqtt = address.to_string();
    county.webhook = Some(server.url());
    Fleet::register(&mut county, LOADERS, VIOLATIONS);
    let dir = county.write();
    let mut service = Service::start(dir);
    let mut fleet = Fleet::start(address, LOADERS);
    for _ in 0..VIOLATIONS {
        (0..ROUNDS).for_each(|_| fleet.load());
        fleet.begin_violation();
        // what it has said so far is judged, and is no violation yet
        fleet.acknowledged.wait_for(fleet.offered(), PATIENCE).await;
        service.wait_for_count("citywarden_stage_lag_records", &[("stage", "rules")], |lag| lag == 0).await;
        (0..ROUNDS).for_each(|_| fleet.load());
        ending.end(service);
        service = Service::start(dir);
        fleet.go_on_violating();
    }
    let sent = fleet.finish(PATIENCE).await;
    sent.wait_for_alerts(&server, PATIENCE).await;
    service.stop();
    sent.check_kept(dir);
    sent.check_told_once(&server);
    check(&county, &server);
    assert_eq!(times(&judged(&county, true)), times(&raised(&server)), "as without a restart");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_violation_that_spans_a_kill_9_under_load_is_raised_once_at_the_time_it_would_have_been() {
    spans_a_restart(Ending::Killed).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_violation_that_spans_a_sigterm_under_load_is_raised_once_at_the_time_it_would_have_been() {
    spans_a_restart(Ending::Stopped).await;
}

async fn play(dir: &Path, server: &WebhookServer, scenarios: &[Scenario], ending: Ending) {
    let service = Service::start(dir);
    for scenario in scenarios {
        scenario.play(service.mqtt, now(), |_| true).await;
        for case in scenario.cases.iter().filter(|case| case.raises.is_some()) {
            server.wait_for_alert(scenario.rule, case.asset, PATIENCE).await;
        }
    }
    ending.end(service);
}

/// The eight rules, with a restart in the middle, and after it the same recording in batches of 1 and of 10,000.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_recording_with_a_restart_in_the_middle_or_in_any_batches_gives_the_same_alerts() {
    let server = WebhookServer::start().await;
    let mut county = County::new();
    county.webhook = Some(server.url());
    let scenarios = eight_rules();
    for scenario in &scenarios {
        scenario.prepare(&mut county);
    }
    let dir = county.write();
    let (first, second) = scenarios.split_at(scenarios.len() / 2);
    play(dir, &server, first, Ending::Killed).await;
    play(dir, &server, second, Ending::Stopped).await;
    check(&county, &server);
}

/// Longer than the journal takes for a gap between two ticks.
const ASLEEP: Duration = Duration::from_secs(12);
/// How long a controller may be off in this county.
const OFF_MAX_S: i64 = 8;

/// As a machine that is suspended, or whose clock jumps ahead: nobody ticked, so nobody listened.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_time_in_which_the_service_was_suspended_is_not_held_against_a_device() {
    let server = WebhookServer::start().await;
    let mut county = County::new();
    county.webhook = Some(server.url());
    let limit = OFF_MAX_S.to_string();
    county.asset("works", "linear_works", &[("limit.linear-works-spraying.off_max_s", &limit)]);
    county.device("works", "spray_controller", None, &[]);
    let service = Service::start(county.write());
    let off = serde_json::json!({"readings": {"spraying": false}}).to_string();
    Client::Rumqttc5.publish(service.mqtt, &topic_of("works"), &[off]).await;
    service.process.signal("-STOP");
    tokio::time::sleep(ASLEEP).await;
    service.process.signal("-CONT");
    let alert = server.wait_for_alert("linear-works-spraying", "works", PATIENCE).await;
    service.stop();

    let time = |value: &Value| Timestamp::parse(value.as_str().expect("a text")).expect("a time");
    let lines = json_lines(&dump(county.dir()));
    let resumed = lines.iter().find(|line| line["control"] == "resumed").expect("the journal says it");
    let (asleep, back) = (time(&resumed["last_received_at"]), time(&resumed["received_at"]));
    assert!(back.since(asleep) >= Span::from_secs(11), "{resumed}");
    let said = lines.iter().find(|line| line["payload"].is_string()).expect("one message");
    let listened = time(&alert["opened_at"]).since(time(&said["received_at"])) - back.since(asleep);
    let exactly = Span::from_secs(OFF_MAX_S);
    assert!(listened >= exactly && listened < exactly + Span::from_secs(2), "{listened:?}: {alert}");
    assert_eq!(
        sorted_as_raised(&json_lines(&backtest_journal(county.dir()))),
        sorted_as_raised(&raised(&server))
    );
}
