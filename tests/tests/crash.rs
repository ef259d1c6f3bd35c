//! `kill -9` under load, again and again: nothing acknowledged is lost, and each violation has one alert.
//!
//! `CITYWARDEN_CRASHES` is how often; 20 where it is not set.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use citywarden_tests::county::{CENTRE, County, topic_of};
use citywarden_tests::moment::{ago, now};
use citywarden_tests::receiver::{Delivery, WebhookServer};
use citywarden_tests::recording::{backtest_journal, dump, json_lines, payloads, sorted_as_raised, verify};
use citywarden_tests::scenario::sentinel;
use citywarden_tests::service::{Running, Service, free_address};
use citywarden_tests::stubborn::{Acknowledged, Stubborn};
use serde_json::json;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;

/// Devices that load the system with clean readings.
const LOADERS: usize = 8;
/// Messages of each of them between two crashes.
const MESSAGES_EACH: usize = 150;
/// Trucks that begin a violation between two crashes.
const VIOLATIONS: usize = 3;
/// Messages of one violation: half a minute of a truck that drives uncovered, where 15 s are allowed.
const MESSAGES_OF_VIOLATION: usize = 7;
/// Messages in flight on one connection.
const WINDOW: usize = 10;
/// Each n-th delivery to enforcement fails and comes again.
const FAILS_EACH: usize = 7;
/// A rule and the asset that broke it.
type Staged = (&'static str, String);
const PATIENCE: Duration = Duration::from_mins(1);

fn crashes() -> usize {
    let count = std::env::var("CITYWARDEN_CRASHES").ok();
    count.map_or(20, |count| count.parse().expect("CITYWARDEN_CRASHES is a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn after_kill_9_under_load_nothing_acknowledged_is_missing_and_each_violation_has_one_alert() {
    let crashes = crashes();
    let server = WebhookServer::start_failing(FAILS_EACH).await;
    let (county, at) = county(&server, crashes);
    let dir = county.write();
    let mut load = Load::start(at);
    for round in 0..crashes {
        let service = Service::start(dir);
        let before = load.acknowledged.count();
        load.offer(round);
        crash((dir, service), round, before, &load, &server).await;
    }
    let service = Service::start(dir);
    let (acknowledged, staged) = load.finish().await;
    for (rule, asset) in &staged {
        server.wait_for_alert(rule, asset, PATIENCE).await;
    }
    service.stop();

    verify(dir);
    check_nothing_is_missing(&dump(dir), &acknowledged);
    check_one_alert_each(&server, &staged);
    let derived = json_lines(&backtest_journal(dir));
    let raised = server.opened();
    assert_eq!(sorted_as_raised(&derived), sorted_as_raised(raised.iter().map(Delivery::alert)));
}

/// Kills the service in the middle of something: of the load, of a delivery, or of taking up its work again.
async fn crash(
    (dir, service): (&Path, Service),
    round: usize,
    before: usize,
    load: &Load,
    server: &WebhookServer,
) {
    match round % 5 {
        4 => {
            service.kill();
            let recovering = Running::start(dir, &["run", "--config", "citywarden.toml"]);
            recovering.err.wait_for_words("in force", PATIENCE);
            recovering.kill();
        }
        3 => {
            let delivered = server.attempts().len();
            let more = |server: &WebhookServer| server.attempts().len() > delivered;
            server.wait_until("one more delivery", PATIENCE, more).await;
            service.kill();
        }
        _ => {
            // somewhere in the second half of what was offered, elsewhere each time
            let offered = LOADERS * MESSAGES_EACH;
            let part = offered / 2 + (round * 389) % (offered / 2);
            load.acknowledged.wait_for(before + part, PATIENCE).await;
            service.kill();
        }
    }
}

/// A county with the trucks of all rounds, and an endpoint whose address stays the same.
fn county(server: &WebhookServer, crashes: usize) -> (County, SocketAddr) {
    let mut county = County::new();
    county.webhook = Some(server.url());
    let at = free_address();
    county.mqtt = at.to_string();
    for truck in (0..LOADERS).map(loader).chain((0..crashes).flat_map(trucks_of)) {
        county.asset(&truck, "muck_truck", &[]);
        county.device(&truck, "vehicle_terminal", Some(5), &[]);
    }
    for works in (0..crashes).map(works_of) {
        county.asset(&works, "linear_works", &[("limit.linear-works-spraying.off_max_s", "2")]);
        county.device(&works, "spray_controller", None, &[]);
    }
    (county, at)
}

fn loader(number: usize) -> String {
    format!("loader-{number}")
}

/// The trucks that begin a violation in this round.
fn trucks_of(round: usize) -> impl Iterator<Item = String> {
    (0..VIOLATIONS).map(move |number| format!("uncovered-{round}-{number}"))
}

/// The works that fall dry in this round: an alert when two seconds have passed, whoever runs then.
fn works_of(round: usize) -> String {
    format!("dry-{round}")
}

/// The devices, and what they have been handed.
struct Load {
    at: SocketAddr,
    acknowledged: Arc<Acknowledged>,
    loaders: Vec<UnboundedSender<String>>,
    devices: Vec<JoinHandle<()>>,
    staged: Vec<Staged>,
    offered: usize,
}

impl Load {
    fn start(at: SocketAddr) -> Self {
        let acknowledged = Arc::<Acknowledged>::default();
        let (mut loaders, mut devices) = (Vec::new(), Vec::new());
        for number in 0..LOADERS {
            let topic = topic_of(&loader(number));
            let (work, device) = Stubborn::start(at, topic, WINDOW, Arc::clone(&acknowledged));
            loaders.push(work);
            devices.push(device);
        }
        Self { at, acknowledged, loaders, devices, staged: Vec::new(), offered: 0 }
    }

    /// Hands the devices a round of messages, each unlike any other.
    fn offer(&mut self, round: usize) {
        let now = now();
        for number in 0..MESSAGES_EACH {
            for (loader, work) in self.loaders.iter().enumerate() {
                let age = citywarden_model::Span::from_millis(
                    i64::try_from(MESSAGES_EACH - number).expect("small"),
                );
                let payload = message(now - age, true, &format!("{loader}/{round}/{number}"));
                work.send(payload).expect("the device runs");
            }
        }
        self.offered += MESSAGES_EACH * LOADERS;
        for truck in trucks_of(round) {
            let uncovered = (0..MESSAGES_OF_VIOLATION).map(|number| {
                let age = 5 * i64::try_from(MESSAGES_OF_VIOLATION - number).expect("small");
                message(ago(now, age), false, &format!("{truck}/{number}"))
            });
            self.stage("muck-truck-uncovered", &truck, uncovered);
        }
        let works = works_of(round);
        let dry = json!({"ts": now, "number": works, "readings": {"spraying": false}}).to_string();
        self.stage("linear-works-spraying", &works, [dry]);
    }

    /// A device of its own publishes a violation.
    fn stage(&mut self, rule: &'static str, asset: &str, payloads: impl IntoIterator<Item = String>) {
        let acknowledged = Arc::clone(&self.acknowledged);
        let (work, device) = Stubborn::start(self.at, topic_of(asset), WINDOW, acknowledged);
        for payload in payloads {
            work.send(payload).expect("the device runs");
            self.offered += 1;
        }
        self.devices.push(device);
        self.staged.push((rule, asset.to_owned()));
    }

    /// Waits until everything offered is acknowledged; gives all payloads, and the violations staged.
    async fn finish(self) -> (Vec<String>, Vec<Staged>) {
        drop(self.loaders);
        self.acknowledged.wait_for(self.offered, PATIENCE).await;
        for device in self.devices {
            device.await.expect("no device panics");
        }
        assert!(self.acknowledged.resent() > 0, "no crash met a message in flight: the load is too light");
        (self.acknowledged.payloads(), self.staged)
    }
}

fn message(at: citywarden_model::Timestamp, covered: bool, number: &str) -> String {
    json!({
        "ts": at, "number": number, "readings": {"loaded": true, "cover_closed": covered},
        "position": {"lat": CENTRE.lat, "lon": CENTRE.lon, "speed": 30.0},
    })
    .to_string()
}

fn check_nothing_is_missing(dump: &str, acknowledged: &[String]) {
    let kept: BTreeSet<_> = payloads(dump).collect();
    let missing: Vec<_> = acknowledged.iter().filter(|payload| !kept.contains(*payload)).collect();
    assert!(
        missing.is_empty(),
        "{} of {} acknowledged are missing: {missing:?}",
        missing.len(),
        acknowledged.len()
    );
    let distinct: BTreeSet<_> = acknowledged.iter().collect();
    assert_eq!(distinct.len(), acknowledged.len(), "each message is unlike any other");
}

fn check_one_alert_each(server: &WebhookServer, staged: &[Staged]) {
    let subject = |(rule, asset): &Staged| ((*rule).to_owned(), asset.clone(), "violation".to_owned());
    let wanted: BTreeMap<_, usize> = staged.iter().map(|one| (subject(one), 1)).collect();
    assert_eq!(server.opened_subjects(), wanted);
    assert!(server.attempts().len() > server.events().len(), "a failed delivery comes again");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_that_nobody_took_yet_survives_kill_9_and_is_delivered_once_somebody_listens() {
    let mut county = County::new();
    let address = free_address();
    county.webhook = Some(format!("http://{address}"));
    let scenario = sentinel();
    scenario.prepare(&mut county);
    let dir = county.write();
    let service = Service::start(dir);
    scenario.play(service.mqtt, now(), |_| true).await;
    service.wait_for_count("citywarden_alert_events_total", &[("event", "opened")], |count| count > 0).await;
    service.kill();

    let service = Service::start(dir);
    let server = WebhookServer::start_at(address).await;
    for case in &scenario.cases {
        server.wait_for_alert(scenario.rule, case.asset, PATIENCE).await;
    }
    service.stop();
    assert_eq!(server.opened().len(), 1, "{:?}", server.opened_subjects());
}
