//! What the service does where it cannot go on as it was.

use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::Duration;

use citywarden_model::{Digest, Span};
use citywarden_tests::client::Client;
use citywarden_tests::county::{County, topic_of};
use citywarden_tests::moment::now;
use citywarden_tests::scenario::eight_rules;
use citywarden_tests::service::Service;
use citywarden_tests::wire::{Level, Wire};
use serde_json::json;

const PATIENCE: Duration = Duration::from_secs(15);

fn in_dir(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(dir).expect("it is a directory");
    let paths = entries.map(|entry| entry.expect("it is readable").path());
    let mut found: Vec<_> =
        paths.filter(|path| path.extension().is_some_and(|found| found == ending)).collect();
    found.sort();
    found
}

/// A truck that drives loaded and open, this many seconds ago.
fn uncovered(seconds_ago: i64) -> Vec<String> {
    let ts = now() - Span::from_secs(seconds_ago);
    let readings = json!({"loaded": true, "cover_closed": false, "speed": 40});
    let position = json!({"lat": 29.49, "lon": 120.9});
    vec![json!({"ts": ts, "readings": readings, "position": position}).to_string()]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_whose_judge_cannot_read_what_it_needs_ends_with_1_so_that_it_is_started_again() {
    let mut county = County::new();
    county.asset("truck", "muck_truck", &[]);
    county.device("truck", "positioning_unit", Some(10), &[]);
    let mut service = Service::start(county.write());
    for seconds_ago in [55, 50, 45, 40] {
        Client::Rumqttc5.publish(service.mqtt, &topic_of("truck"), &uncovered(seconds_ago)).await;
    }
    service.wait_for_count("citywarden_stage_lag_records", &[("stage", "rules")], |lag| lag == 0).await;

    // these are what the alert will rest on
    for segment in in_dir(&county.file("data/journal"), "seg") {
        OpenOptions::new().write(true).open(segment).and_then(|file| file.set_len(0)).expect("it can be cut");
    }
    let mut device = Wire::connect(service.mqtt, Level::V311, "truck").await.expect("it connects");
    for (id, seconds_ago) in [(1, 30), (2, 20)] {
        let payload = uncovered(seconds_ago).concat();
        // it may be gone already, as it should
        device.publish(&topic_of("truck"), id, payload.as_bytes()).await.ok();
    }
    let status = service.process.wait_for_end(PATIENCE);
    assert_eq!(status.code(), Some(1));
    service.process.err.wait_for_words("the judge could not go on", PATIENCE);
}

/// A snapshot as an earlier version wrote it: whole, and of a form that this one does not know.
fn foreign_snapshot(next: u8) -> Vec<u8> {
    let state = [0xff; 40];
    let body = [&[next, 40], state.as_slice()].concat();
    [Digest::of(&body).as_bytes().as_slice(), &body].concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn snapshots_that_cannot_be_gone_on_from_are_removed_and_the_journal_is_judged_again() {
    let mut county = County::new();
    let scenario = eight_rules().into_iter().next().expect("there are eight");
    scenario.prepare(&mut county);
    let opened = [("event", "opened")];
    let service = Service::start(county.write());
    scenario.play(service.mqtt, now(), |_| true).await;
    service.wait_for_count("citywarden_alert_events_total", &opened, |count| count == 1).await;
    service.kill();

    let snapshots = county.file("data/snapshots");
    for path in in_dir(&snapshots, "snapshot") {
        fs::remove_file(path).expect("it is there");
    }
    let foreign = snapshots.join(format!("{:020}.snapshot", 5));
    fs::write(&foreign, foreign_snapshot(5)).expect("there is room");
    let service = Service::start(county.dir());
    service.process.err.wait_for_words("the judge begins with the oldest record", PATIENCE);
    service.wait_for_count("citywarden_stage_lag_records", &[("stage", "rules")], |lag| lag == 0).await;
    assert!(!foreign.exists(), "it would let retention remove what the judge has yet to read");
    assert_eq!(service.count("citywarden_alert_events_total", &opened).await, 0, "it was raised before");
    service.stop();
}
