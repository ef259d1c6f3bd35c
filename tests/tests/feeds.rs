//! Feeds: what a scenario stages is raised by a running service and by a backtest, and a recording keeps every message.

#![expect(clippy::indexing_slicing, reason = "JSON of a known form: what is missing reads as null")]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::time::Duration;

use citywarden_model::Timestamp;
use citywarden_tests::client::Client;
use citywarden_tests::moment::{ago, now};
use citywarden_tests::mosquitto::Mosquitto;
use citywarden_tests::recording::{backtest, json_lines};
use citywarden_tests::service::{
    Running, Service, address_said, citywarden, citywarden_in, citywarden_ok, citywarden_ok_in,
};
use serde_json::Value;
use tempfile::TempDir;

/// How long a command may take that publishes a few thousand messages.
const COMMAND: Duration = Duration::from_mins(2);
const SUBSCRIBED: Duration = Duration::from_secs(20);

fn folder() -> TempDir {
    TempDir::new().expect("there is room for a directory")
}

/// Rule, asset and kind.
type Subjects = BTreeSet<(String, String, String)>;

fn subjects(objects: &[Value], asset: impl Fn(&Value) -> &Value) -> Subjects {
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    objects.iter().map(|one| (text(&one["rule"]), text(asset(one)), text(&one["kind"]))).collect()
}

fn told(dir: &Path) -> Vec<Value> {
    json_lines(&fs::read_to_string(dir.join("truth.jsonl")).expect("the truth is written"))
}

/// Every built-in scenario, as `--list` names them, but the county, which has no end.
fn scenarios() -> Vec<String> {
    let list = citywarden_ok(&["simulate", "--list"]);
    let names = list.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned);
    names.filter(|name| name != "county").collect()
}

#[test]
fn a_backtest_of_each_scenario_raises_what_it_tells_of_and_nothing_else() {
    let names = scenarios();
    assert_eq!(names.len(), 8, "{names:?}");
    for name in &names {
        for start in ["2026-11-24T10:00:00+08:00", "2026-11-24T23:00:00+08:00"] {
            let dir = folder();
            fs::write(dir.path().join("citywarden.toml"), "region = \"330624\"\n").expect("there is room");
            let beside = ["--registry", "registry", "--truth", "truth.jsonl", "-o", "feed.jsonl"];
            citywarden_ok_in(dir.path(), &[&["simulate", name, "--start", start], &beside[..]].concat());
            let alerts = json_lines(&backtest(dir.path(), &["--feed", "feed.jsonl"]));
            let told = told(dir.path());
            assert_eq!(alerts.len(), told.len(), "{name} at {start}");
            let found = subjects(&alerts, |alert| &alert["asset"]["id"]);
            assert_eq!(found, subjects(&told, |truth| &truth["asset"]), "{name} at {start}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_scenario_played_to_a_running_service_is_judged_live() {
    let dir = folder();
    let config = "region = \"330624\"\n[[source]]\ntype = \"mqtt-endpoint\"\nlisten = \"127.0.0.1:0\"\n[http]\nlisten = \"127.0.0.1:0\"\n";
    fs::write(dir.path().join("citywarden.toml"), config).expect("there is room");
    let name = "muck-truck-uncovered";
    citywarden_ok_in(dir.path(), &["simulate", name, "--registry", "registry", "--files-only"]);
    let service = Service::start(dir.path());
    // begins nine and a half minutes ago, which is live, and ends now
    let url = format!("mqtt://{}", service.mqtt);
    let how = ["--mqtt", &url, "--speed", "60", "--for", "9m", "--truth", "truth.jsonl"];
    let said = citywarden_ok_in(dir.path(), &[&["simulate", name], &how[..]].concat());
    assert!(said.contains(" messages published, "), "{said}");
    let opened = [("event", "opened")];
    let told = told(dir.path());
    service.wait_for_count("citywarden_alert_events_total", &opened, |count| count >= told.len()).await;
    let (status, page) = service.get("/api/v1/alerts").await;
    assert_eq!(status, 200, "{page}");
    let page: Value = serde_json::from_str(&page).expect("JSON");
    let alerts = page["items"].as_array().or_else(|| page["alerts"].as_array()).expect("a list").clone();
    let found = subjects(&alerts, |alert| &alert["asset"]["id"]);
    assert_eq!(found, subjects(&told, |truth| &truth["asset"]));
    service.stop();
}

/// The payloads of a recording's HJ 212 topics.
fn packets(dir: &Path, file: &str) -> Vec<String> {
    let topics = by_topic(dir, file).into_iter().filter(|(topic, _)| topic.ends_with("/hj212"));
    topics.flat_map(|(_, payloads)| payloads).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hj212_through_a_broker_is_read_and_what_does_not_hold_ends_as_a_dead_letter_with_its_reason() {
    let (broker, dir) = (Mosquitto::start(), folder());
    let dir = dir.path();
    let config = format!(
        "region = \"330624\"\n[[source]]\ntype = \"mqtt\"\nurl = \"{}\"\n[http]\nlisten = \"127.0.0.1:0\"\n",
        broker.url()
    );
    fs::write(dir.join("citywarden.toml"), config).expect("there is room");
    let stage = ["simulate", "site-dust", "--registry", "registry", "-o", "made.jsonl", "--for", "20m"];
    citywarden_ok_in(dir, &stage);
    let process = Running::start(dir, &["run", "--config", "citywarden.toml"]);
    let http = address_said(&process.err, "http listening on ");
    process.err.wait_for_words(" ready: ", COMMAND);
    let whole = packets(dir, "made.jsonl");
    assert!(whole.len() > 40, "{}", whole.len());
    let damaged: Vec<String> = whole.iter().map(|packet| packet.replace("-Avg=", "-Avg=1")).collect();
    let topic = "citywarden/330624/dust-none-hj212-monitor/hj212";
    for payloads in [&whole, &damaged] {
        Client::Rumqttc5.publish(broker.address, topic, payloads).await;
    }
    let service = Service { process, mqtt: broker.address, http };
    let reason = [("reason", "undecodable")];
    service.wait_for_count("citywarden_dead_letters_total", &reason, |count| count >= damaged.len()).await;
    let letters = citywarden_ok_in(dir, &["deadletter", "list", "--json", "--config", "citywarden.toml"]);
    let letters = json_lines(&letters);
    assert_eq!(letters.len(), damaged.len(), "each damaged one and no whole one");
    assert!(letters.iter().all(|letter| letter.to_string().contains("byte 0: ")), "{}", letters[0]);
    service.wait_for_count("citywarden_readings_total", &[("quantity", "pm10")], |count| count > 0).await;
    service.stop();
}

/// Payloads by topic, in order.
fn by_topic(dir: &Path, file: &str) -> BTreeMap<String, Vec<String>> {
    let text = fs::read_to_string(dir.join(file)).expect("it was recorded");
    let mut topics: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in json_lines(&text) {
        let payload = line["payload"].as_str().map(str::to_owned);
        let payload = payload.unwrap_or_else(|| format!("base64 {}", line["payload_base64"]));
        topics.entry(line["topic"].as_str().expect("a topic").to_owned()).or_default().push(payload);
    }
    topics
}

/// Records so many messages of the broker to a file while something is done.
fn recorded(broker: &Mosquitto, dir: &Path, file: &str, count: usize, meanwhile: impl FnOnce()) {
    let (url, count) = (broker.url(), count.to_string());
    let args = ["record", "--mqtt", &url, "--topic", "citywarden/+/+/+", "-o", file, "--count", &count];
    let mut recorder = Running::start(dir, &args);
    recorder.err.wait_for_words("recording", SUBSCRIBED);
    meanwhile();
    let status = recorder.wait_for_end(COMMAND);
    assert!(status.success(), "{status}: {:?}", recorder.err.lines());
}

#[test]
fn what_is_recorded_and_played_back_keeps_every_message() {
    let (broker, dir) = (Mosquitto::start(), folder());
    let dir = dir.path();
    // JSON and HJ 212 from a scenario, and bytes that are no text
    let made = ["simulate", "site-dust", "-o", "made.jsonl", "--start", "2026-11-24T10:00:00+08:00"];
    citywarden_ok_in(dir, &made);
    let mut text = fs::read_to_string(dir.join("made.jsonl")).expect("it was written");
    text += "{\"received_at\":\"2026-11-24T03:10:00Z\",\"topic\":\"citywarden/330624/a/jt808\",\"payload_base64\":\"fv8Afg==\"}\n";
    fs::write(dir.join("made.jsonl"), &text).expect("there is room");
    let count = text.lines().count();
    assert!(count > 500, "{count}");

    let url = broker.url();
    let replay = |file: &str, more: &[&str]| {
        let said = citywarden_ok_in(dir, &[&["replay", file, "--mqtt", &url, "--speed", "0"], more].concat());
        assert!(said.starts_with(&format!("{count} messages published, {count} acknowledged")), "{said}");
    };
    recorded(&broker, dir, "first.jsonl", count, || replay("made.jsonl", &["--keep-time"]));
    assert_eq!(by_topic(dir, "first.jsonl"), by_topic(dir, "made.jsonl"));

    let begun = now();
    recorded(&broker, dir, "second.jsonl", count, || replay("made.jsonl", &[]));
    let (made, moved) = (by_topic(dir, "made.jsonl"), by_topic(dir, "second.jsonl"));
    for (topic, payloads) in &made {
        assert_eq!(payloads.len(), moved[topic].len(), "{topic}");
        check_moved(topic, payloads, &moved[topic], begun);
    }
}

/// Each time is moved by the same span, so that the recording ends now; the rest is as it was.
fn check_moved(topic: &str, payloads: &[String], moved: &[String], begun: Timestamp) {
    for (before, after) in payloads.iter().zip(moved) {
        if topic.ends_with("/jt808") {
            assert_eq!(before, after, "what nobody reads stays as it is");
            continue;
        }
        assert_ne!(before, after, "{topic}");
        if topic.ends_with("/json") {
            let read = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
            let (before, after) = (read(before), read(after));
            assert_eq!(before["readings"], after["readings"], "{topic}");
            let at = Timestamp::parse(after["ts"].as_str().expect("a text")).expect("a time");
            assert!(at > ago(begun, 75 * 60) && at < ago(begun, -60), "{topic}: {at} and it is {begun}");
        }
    }
}

#[test]
fn a_recording_that_cannot_be_read_is_said_by_line_and_nothing_is_published() {
    let dir = folder();
    for (text, expected) in [
        ("", "feed.jsonl holds no message"),
        (
            "{\"received_at\":\"2026-11-24T03:10:00Z\",\"topic\":\"a\",\"payload\":\"\"}\nx\n",
            "feed.jsonl: line 2: no line",
        ),
    ] {
        fs::write(dir.path().join("feed.jsonl"), text).expect("there is room");
        let output = citywarden_in(dir.path(), &["replay", "feed.jsonl", "--mqtt", "mqtt://127.0.0.1:1"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.contains(expected), "{said}");
    }
    let output = citywarden(&["simulate", "no-such-scenario"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("sprinkler-chime-loudness"), "{said}");
}

#[test]
fn a_recorder_says_what_is_no_topic_filter_and_fails_where_no_broker_is() {
    let dir = folder();
    for filter in ["", "a/#/b", "a+/b"] {
        let output = citywarden_in(dir.path(), &["record", "-o", "feed.jsonl", "--topic", filter]);
        assert_eq!(output.status.code(), Some(2), "{filter}: {}", String::from_utf8_lossy(&output.stderr));
    }
    let args = ["record", "-o", "feed.jsonl", "--mqtt", "mqtt://127.0.0.1:1", "--for", "1s"];
    let output = citywarden_in(dir.path(), &args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("nothing was recorded"), "{said}");
}

#[test]
fn a_load_says_what_was_acknowledged_and_how_fast() {
    let (broker, dir) = (Mosquitto::start(), folder());
    let url = broker.url();
    let args = ["simulate", "load", "--devices", "20", "--rate", "400", "--for", "2s", "--mqtt", &url];
    let said = citywarden_ok_in(dir.path(), &[&args[..], &["--json", "--registry", "registry"]].concat());
    let said: Value = serde_json::from_str(&said).expect("one object");
    assert_eq!((said["sent"].as_u64(), said["acknowledged"].as_u64()), (Some(800), Some(800)), "{said}");
    let number = |name: &str| said[name].as_f64().expect("a number");
    assert!(number("seconds") >= 1.9, "a rate takes its time: {said}");
    assert!(number("p50_ms") > 0.0 && number("p99_ms") >= number("p50_ms"), "{said}");
    let devices = fs::read_to_string(dir.path().join("registry/devices.csv")).expect("it is written");
    assert_eq!(devices.lines().count(), 21);
}
