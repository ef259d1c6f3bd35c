//! The load sends what it says, and believes no acknowledgement that it cannot account for.

mod server;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use citywarden_model::{Clock, Span, Timestamp};
use citywarden_simulators::load::{Load, LoadError, LoadReport, device_id, run};
use server::{Manner, start, taken};

/// A millisecond later at each look.
struct Ticking(AtomicI64);

impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        let millis = 1_795_478_400_000 + self.0.fetch_add(1, Ordering::Relaxed);
        Timestamp::from_millis(millis).expect("it is in reach")
    }
}

fn load(address: String) -> Load {
    Load {
        address,
        credentials: None,
        connections: 3,
        window: 7,
        devices_each: 5,
        messages: 1_000,
        rate: None,
        for_at_most: None,
        region: "330624".to_owned(),
    }
}

async fn ran(load: &Load) -> Result<LoadReport, LoadError> {
    let clock: Arc<dyn Clock> = Arc::new(Ticking(AtomicI64::new(0)));
    run(load, &clock).await
}

#[tokio::test]
async fn every_message_is_sent_once_and_acknowledged_once() {
    let (address, arrived) = start(Manner::Well).await;
    let report = ran(&load(address)).await.unwrap();
    assert_eq!((report.sent, report.acknowledged, report.latencies.count()), (1_000, 1_000, 1_000));
    assert!(report.latencies.at(990) >= report.latencies.at(500));
    let arrived = taken(&arrived);
    assert_eq!(arrived.len(), 1_000);
    let topics: BTreeSet<String> = arrived.iter().map(|(_, topic, _)| topic.clone()).collect();
    let expected: BTreeSet<String> =
        (0..15).map(|n| format!("citywarden/330624/{}/json", device_id(n))).collect();
    assert_eq!(topics, expected, "every connection speaks for its own devices in turn");
    for (client, topic, payload) in &arrived {
        assert!(client.starts_with("load-connection-"), "{client} to {topic}");
        let mut observations = Vec::new();
        citywarden_formats::json::decode(payload, &mut observations).unwrap();
        assert_eq!((payload.len(), observations.len()), (177, 1));
    }
}

#[tokio::test]
async fn a_load_of_fewer_messages_than_connections_ends() {
    let (address, arrived) = start(Manner::Well).await;
    let report = ran(&Load { messages: 2, ..load(address) }).await.unwrap();
    assert_eq!((report.acknowledged, taken(&arrived).len()), (2, 2));
}

/// Time as it passes.
struct Passing(tokio::time::Instant);

impl Clock for Passing {
    fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.0.elapsed().as_nanos()).expect("not that long");
        Timestamp::from_nanos(1_795_478_400_000_000_000 + passed)
    }
}

#[tokio::test]
async fn a_load_with_a_rate_takes_its_time_and_still_sends_everything() {
    let (address, arrived) = start(Manner::Well).await;
    let begun = tokio::time::Instant::now();
    let clock: Arc<dyn Clock> = Arc::new(Passing(begun));
    let load = Load { messages: 150, rate: Some(300), ..load(address) };
    let report = run(&load, &clock).await.unwrap();
    assert_eq!((report.acknowledged, taken(&arrived).len()), (150, 150));
    // each of three connections sends fifty, the first at once: the last after 490 ms, whatever the machine does
    assert!(begun.elapsed().as_millis() >= 489, "{:?}", begun.elapsed());
}

#[tokio::test]
async fn a_load_that_is_slowed_down_stops_at_its_time_and_waits_for_what_it_sent() {
    let (address, arrived) = start(Manner::Well).await;
    // a clock that moves 1 ms each time it is looked at: there is time for a few messages
    let for_at_most = Some(Span::from_millis(40));
    let report = ran(&Load { messages: 1_000_000, for_at_most, ..load(address) }).await.unwrap();
    assert!((1..10_000).contains(&report.sent), "{} sent", report.sent);
    assert_eq!((report.sent, report.sent), (report.acknowledged, taken(&arrived).len() as u64));
}

#[track_caller]
fn check(result: Result<LoadReport, LoadError>, expected: &str) {
    let error = result.expect_err(expected).to_string();
    assert!(error.contains(expected), "`{error}` does not say `{expected}`");
}

#[tokio::test]
async fn whatever_the_other_side_does_wrong_is_an_error() {
    for (manner, expected) in [
        (Manner::AcknowledgesOthers, "expected the PUBACK of a message in flight"),
        (Manner::Refuses, "expected [20, 02, 00, 00]"),
        (Manner::ClosesAt(40), "connection "),
    ] {
        let (address, _) = start(manner).await;
        check(ran(&load(address)).await, expected);
    }
    for (wrong, expected) in [
        (Load { connections: 0, ..load(String::new()) }, "at least 1"),
        (Load { rate: Some(0), ..load(String::new()) }, "at least 1 message a second"),
        (Load { window: 0, ..load(String::new()) }, "at least 1"),
        (Load { devices_each: 40_000, ..load(String::new()) }, "100000 devices"),
        (load("127.0.0.1:1".to_owned()), "connection "),
    ] {
        check(ran(&wrong).await, expected);
    }
}
