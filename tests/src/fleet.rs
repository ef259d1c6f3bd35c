//! Trucks under way: a steady load of clean readings, violations that begin while it lasts, and what has to be true of all
//! of it afterwards, whatever happened meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use citywarden_model::Timestamp;
use serde_json::json;
use tokio::sync::mpsc::UnboundedSender;
use tokio::task::JoinHandle;

use crate::county::{CENTRE, County, topic_of};
use crate::moment::{ago, now};
use crate::receiver::{Delivery, WebhookServer};
use crate::recording::{backtest_journal, dump, json_lines, payloads, sorted_as_raised, verify};
use crate::stubborn::{Acknowledged, Stubborn};

/// The rule that is broken: a loaded truck drives half a minute uncovered, where 15 s are allowed.
pub const RULE: &str = "muck-truck-uncovered";
/// Messages of one violation.
const MESSAGES_OF_VIOLATION: usize = 7;
/// So many of them are no violation yet.
const MESSAGES_BEFORE_IT_COUNTS: usize = 3;
/// Messages in flight on one connection.
const WINDOW: usize = 10;

/// The trucks, and what they were handed.
#[derive(Debug)]
pub struct Fleet {
    at: SocketAddr,
    /// What was acknowledged to them.
    pub acknowledged: Arc<Acknowledged>,
    loaders: Vec<UnboundedSender<String>>,
    devices: Vec<JoinHandle<()>>,
    violating: Vec<String>,
    offered: usize,
    padding: String,
    /// Of a violation that began: how its truck goes on.
    rest: Option<(UnboundedSender<String>, Vec<String>)>,
}

/// What a fleet sent, all of it acknowledged.
#[derive(Debug)]
pub struct Sent {
    /// Each message, unlike any other.
    pub payloads: Vec<String>,
    /// The trucks that drove uncovered, each once.
    pub violating: Vec<String>,
}

impl Fleet {
    /// Puts so many loading trucks, and so many that can be told to violate, into the registry.
    pub fn register(county: &mut County, loaders: usize, violations: usize) {
        for truck in (0..loaders).map(loader).chain((0..violations).map(violator)) {
            county.asset(&truck, "muck_truck", &[]);
            county.device(&truck, "vehicle_terminal", Some(5), &[]);
        }
    }

    /// Connects the loading trucks.
    pub fn start(at: SocketAddr, loaders: usize) -> Self {
        Self::start_padded(at, loaders, 0)
    }

    /// As [`Self::start`], with so many bytes more in each clean message.
    pub fn start_padded(at: SocketAddr, loaders: usize, padding: usize) -> Self {
        let acknowledged = Arc::<Acknowledged>::default();
        let device =
            |number| Stubborn::start(at, topic_of(&loader(number)), WINDOW, Arc::clone(&acknowledged));
        let (loaders, devices) = (0..loaders).map(device).unzip();
        Self {
            at,
            acknowledged,
            loaders,
            devices,
            violating: Vec::new(),
            offered: 0,
            padding: "x".repeat(padding),
            rest: None,
        }
    }

    /// Hands each loading truck one clean message.
    pub fn load(&mut self) {
        for loader in &self.loaders {
            let payload = message(now(), true, &format!("{}{}", self.offered, self.padding));
            loader.send(payload).expect("the device runs");
            self.offered += 1;
        }
    }

    /// The next truck has driven uncovered until now, and says so.
    pub fn violate(&mut self) {
        self.begin_violation();
        self.go_on_violating();
    }

    /// As [`Self::violate`], and the truck has not said enough yet.
    pub fn begin_violation(&mut self) {
        let truck = violator(self.violating.len());
        let acknowledged = Arc::clone(&self.acknowledged);
        let (work, device) = Stubborn::start(self.at, topic_of(&truck), WINDOW, acknowledged);
        let now = now();
        let mut messages = (0..MESSAGES_OF_VIOLATION).map(|number| {
            let age = 5 * i64::try_from(MESSAGES_OF_VIOLATION - number).expect("small");
            message(ago(now, age), false, &format!("{truck}/{number}"))
        });
        for payload in messages.by_ref().take(MESSAGES_BEFORE_IT_COUNTS) {
            work.send(payload).expect("the device runs");
        }
        self.rest = Some((work, messages.collect()));
        self.offered += MESSAGES_BEFORE_IT_COUNTS;
        self.devices.push(device);
        self.violating.push(truck);
    }

    /// The truck that began says the rest.
    pub fn go_on_violating(&mut self) {
        let (work, rest) = self.rest.take().expect("one began");
        for payload in rest {
            work.send(payload).expect("the device runs");
            self.offered += 1;
        }
    }

    /// How many messages were handed to the trucks.
    pub fn offered(&self) -> usize {
        self.offered
    }

    /// Waits until everything is acknowledged.
    pub async fn finish(self, patience: Duration) -> Sent {
        drop(self.loaders);
        self.acknowledged.wait_for(self.offered, patience).await;
        for device in self.devices {
            device.await.expect("no device panics");
        }
        Sent { payloads: self.acknowledged.payloads(), violating: self.violating }
    }
}

impl Sent {
    /// Waits for the alert of each violation.
    pub async fn wait_for_alerts(&self, server: &WebhookServer, patience: Duration) {
        let all = |server: &WebhookServer| server.opened().len() >= self.violating.len();
        server.wait_until(&format!("{} alerts", self.violating.len()), patience, all).await;
    }

    /// Holds what is in a county's directory, and what enforcement was told, against what was sent: the journal is whole,
    /// nothing acknowledged is missing, each violation was told once and nothing besides, and the journal judged again says
    /// the same.
    pub fn check(&self, dir: &Path, server: &WebhookServer) {
        self.check_kept(dir);
        self.check_told_once(server);
        let derived = json_lines(&backtest_journal(dir));
        let raised = server.opened();
        assert_eq!(sorted_as_raised(&derived), sorted_as_raised(raised.iter().map(Delivery::alert)));
    }

    /// The first half of [`Self::check`]: what is kept.
    pub fn check_kept(&self, dir: &Path) {
        verify(dir);
        let kept: BTreeSet<_> = payloads(&dump(dir)).collect();
        let missing = self.payloads.iter().filter(|payload| !kept.contains(*payload)).count();
        assert_eq!(missing, 0, "of {} acknowledged messages are missing", self.payloads.len());
        let distinct: BTreeSet<_> = self.payloads.iter().collect();
        assert_eq!(distinct.len(), self.payloads.len(), "each message is unlike any other");
    }

    /// The second half of [`Self::check`]: what was told.
    pub fn check_told_once(&self, server: &WebhookServer) {
        let subject = |truck: &String| (RULE.to_owned(), truck.clone(), "violation".to_owned());
        let wanted: BTreeMap<_, usize> = self.violating.iter().map(|truck| (subject(truck), 1)).collect();
        assert_eq!(server.opened_subjects(), wanted, "each violation once");
    }
}

fn loader(number: usize) -> String {
    format!("loader-{number}")
}

fn violator(number: usize) -> String {
    format!("uncovered-{number}")
}

fn message(at: Timestamp, covered: bool, number: &str) -> String {
    json!({
        "ts": at, "number": number, "readings": {"loaded": true, "cover_closed": covered},
        "position": {"lat": CENTRE.lat, "lon": CENTRE.lon, "speed": 30.0},
    })
    .to_string()
}
