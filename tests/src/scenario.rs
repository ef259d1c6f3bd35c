//! One scenario a rule: what is broken, what looks like it and is not, and what the alert has to say.
//!
//! Observed times lie in the last minutes, so that a service judges them as live, and everything is published at once.
//! Where a rule's own durations are longer than that, the scenario names the shorter ones it plays in.

mod site;
mod vehicle;

use std::net::SocketAddr;

use citywarden_model::{Span, Timestamp};
use serde_json::{Value, json};

use crate::alert::Expected;
use crate::client::Client;
use crate::county::{County, topic_of};
use crate::moment::ago;

/// The scenarios of one rule.
#[derive(Debug)]
pub struct Scenario {
    /// The rule.
    pub rule: &'static str,
    /// The client that its devices use.
    pub client: Client,
    /// The rule's duration, and the one it is played with.
    pub shorter: Option<(&'static str, &'static str)>,
    /// Its cases: clean twins first.
    pub cases: Vec<Case>,
}

/// What happens at one asset.
pub struct Case {
    /// The asset.
    pub asset: &'static str,
    /// The alert it raises; `None`: it is clean.
    pub raises: Option<Expected>,
    registry: Box<dyn Fn(&mut County) + Send + Sync>,
    feed: Box<dyn Fn(Timestamp) -> Vec<Batch> + Send + Sync>,
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}", self.asset, self.raises)
    }
}

/// Messages of one device, in order.
#[derive(Debug, Clone)]
pub struct Batch {
    /// The asset whose device sends them.
    pub asset: &'static str,
    /// The messages.
    pub payloads: Vec<String>,
}

/// The eight rules of the first pack.
pub fn eight_rules() -> Vec<Scenario> {
    vec![
        vehicle::sprinkler_chime_loudness(),
        site::nozzle_spacing(),
        vehicle::muck_truck_uncovered(),
        vehicle::truck_leaves_unwashed(),
        site::fume_concentration(),
        site::construction_noise(),
        site::linear_works_spraying(),
        site::site_dust(),
    ]
}

/// A violation that needs nothing else: published last, its alert says that everything before it was judged.
pub fn sentinel() -> Scenario {
    vehicle::sentinel()
}

impl Scenario {
    /// Puts the assets and devices into the registry, and shortens the rule where it has to be.
    pub fn prepare(&self, county: &mut County) {
        if let Some((from, to)) = self.shorter {
            county.pack.shorten(self.rule, from, to);
        }
        for case in &self.cases {
            (case.registry)(county);
        }
    }

    /// Publishes the messages of these cases as the devices would have until now; returns once all are acknowledged.
    pub async fn play(&self, at: SocketAddr, now: Timestamp, wanted: impl Fn(&Case) -> bool) {
        for case in self.cases.iter().filter(|case| wanted(case)) {
            for batch in (case.feed)(now) {
                self.client.publish(at, &topic_of(batch.asset), &batch.payloads).await;
            }
        }
    }

    /// The messages of these cases as lines of a recording, received as soon as they were observed.
    pub fn record(&self, now: Timestamp) -> Vec<(Timestamp, Value)> {
        let batches = self.cases.iter().flat_map(|case| (case.feed)(now));
        let messages =
            batches.flat_map(|batch| batch.payloads.into_iter().map(move |payload| (batch.asset, payload)));
        messages
            .map(|(asset, payload)| {
                let message: Value = serde_json::from_str(&payload).expect("our own JSON");
                let observed = Timestamp::parse(message["ts"].as_str().expect("a text")).expect("a time");
                let received = observed + Span::from_millis(300);
                (received, json!({"received_at": received, "topic": topic_of(asset), "payload": payload}))
            })
            .collect()
    }
}

impl Case {
    fn new(
        asset: &'static str,
        registry: impl Fn(&mut County) + Send + Sync + 'static,
        feed: impl Fn(Timestamp) -> Vec<Batch> + Send + Sync + 'static,
    ) -> Self {
        Self { asset, raises: None, registry: Box::new(registry), feed: Box::new(feed) }
    }

    /// A device that sends the same readings at each interval for a while until now.
    fn steady(asset: &'static str, kind: &'static str, every: Every, readings: Value) -> Self {
        let interval = u32::try_from(every.seconds).expect("a short interval");
        Self::new(
            asset,
            move |county| {
                county.asset(asset, kind, &[]);
                county.device(asset, "monitor", Some(interval), &[]);
            },
            move |now| vec![Batch { asset, payloads: every.until(now, |_| json!({"readings": readings})) }],
        )
    }

    /// The same asset with attributes.
    fn with_attributes(
        mut self,
        kind: &'static str,
        interval: u32,
        attributes: &'static [(&str, &str)],
    ) -> Self {
        let asset = self.asset;
        self.registry = Box::new(move |county| {
            county.asset(asset, kind, attributes);
            county.device(asset, "monitor", Some(interval), &[]);
        });
        self
    }

    fn raising(mut self, expected: Expected) -> Self {
        self.raises = Some(expected);
        self
    }
}

/// Messages at a fixed interval over some time.
#[derive(Debug, Clone, Copy)]
struct Every {
    /// The interval.
    seconds: i64,
    /// How long before now the first one is.
    since: i64,
}

impl Every {
    fn until(self, now: Timestamp, message: impl Fn(i64) -> Value) -> Vec<String> {
        let steps = self.since / self.seconds;
        (0..=steps)
            .map(|step| {
                let age = self.since - step * self.seconds;
                stamped(ago(now, age), message(age))
            })
            .collect()
    }
}

/// The message with its observed time.
fn stamped(at: Timestamp, mut message: Value) -> String {
    message["ts"] = json!(at);
    message.to_string()
}
