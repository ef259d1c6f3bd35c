//! The player delivers every message at its time, whatever happens to its connections.

mod server;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use citywarden_model::{Clock, Span, Timestamp};
use citywarden_simulators::play::{
    ClockPace, Pace, PlayCounts, PlayError, PlayLimits, PlayReport, Target, play,
};
use citywarden_simulators::{County, TimedMessage};
use server::{Manner, Publish, start, taken};

fn begin() -> Timestamp {
    Timestamp::parse("2026-11-24T08:00:00+08:00").expect("it is a time")
}

/// A clock that jumps to whatever is waited for.
#[derive(Default)]
struct Jumping(AtomicI64);

impl Pace for Jumping {
    async fn reach(&self, at: Timestamp) {
        self.0.fetch_max(at.nanos(), Ordering::Relaxed);
    }
}

async fn played(address: &str, minutes: i64, limits: PlayLimits) -> Result<PlayReport, PlayError> {
    let target: Target = format!("mqtt://{address}").parse().expect("it is an address");
    let until = begin() + Span::from_mins(minutes);
    let counts = Arc::new(PlayCounts::default());
    play(County::new(7, begin()), &target, &Jumping::default(), until, limits, &counts).await
}

fn quick() -> PlayLimits {
    PlayLimits { first_pause: Duration::from_millis(1), ..PlayLimits::default() }
}

/// What each device publishes before that minute, in order.
fn expected(minutes: i64) -> BTreeMap<String, Vec<Vec<u8>>> {
    let until = begin() + Span::from_mins(minutes);
    let mut by_device: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for TimedMessage { device, payload, .. } in County::new(7, begin()).take_while(|m| m.at < until) {
        by_device.entry(device.to_string()).or_default().push(payload);
    }
    by_device
}

fn by_client(arrived: Vec<Publish>) -> BTreeMap<String, Vec<Vec<u8>>> {
    let mut by_client: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
    for (client, topic, payload) in arrived {
        assert_eq!(topic, format!("citywarden/330624/{client}/json"), "each device on its own connection");
        by_client.entry(client).or_default().push(payload);
    }
    by_client
}

#[tokio::test]
async fn each_device_publishes_its_messages_in_order_on_its_own_connection() {
    let (address, arrived) = start(Manner::Well).await;
    let report = played(&address, 20, quick()).await.unwrap();
    assert_eq!(by_client(taken(&arrived)), expected(20));
    assert_eq!((report.acknowledged, report.reconnects), (report.published, 0));
}

#[tokio::test]
async fn a_lost_connection_loses_no_message() {
    let (address, arrived) = start(Manner::ClosesAt(5)).await;
    let report = played(&address, 20, quick()).await.unwrap();
    assert_eq!(
        by_client(taken(&arrived)),
        expected(20),
        "what was not acknowledged is sent again, and nothing else"
    );
    assert_eq!(report.acknowledged, report.published);
    assert!(report.reconnects > 100, "{report:?}");
}

#[tokio::test]
async fn what_nobody_acknowledges_is_reported_as_such() {
    let (address, _) = start(Manner::Refuses).await;
    let limits = PlayLimits { drain: Duration::from_millis(50), ..quick() };
    let report = played(&address, 1, limits).await.unwrap();
    assert_eq!(report.acknowledged, 0, "{report:?}");
    assert!(report.published > 0 && report.reconnects > 0, "{report:?}");
}

#[tokio::test]
async fn connections_are_bounded() {
    let (address, _) = start(Manner::Well).await;
    let error = played(&address, 20, PlayLimits { devices: 3, ..quick() }).await.unwrap_err();
    assert!(error.to_string().contains("one more than the 3"), "{error}");
}

/// A clock at which time passes only while somebody sleeps on it.
struct Sleeping {
    start: Timestamp,
    since: tokio::time::Instant,
    speed: i64,
}

impl Clock for Sleeping {
    fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.since.elapsed().as_nanos()).expect("not that long");
        self.start + Span::from_nanos(passed * self.speed)
    }
}

#[tokio::test(start_paused = true)]
async fn a_county_at_twenty_times_real_time_takes_a_twentieth_of_it() {
    let since = tokio::time::Instant::now();
    let pace = ClockPace::new(Arc::new(Sleeping { start: begin(), since, speed: 20 }), 20.0);
    pace.reach(begin() + Span::from_mins(20)).await;
    let took = since.elapsed();
    assert!(took >= Duration::from_mins(1) && took < Duration::from_millis(60_100), "{took:?}");
    pace.reach(begin()).await;
    assert_eq!(since.elapsed(), took, "what is past is not waited for");
}
