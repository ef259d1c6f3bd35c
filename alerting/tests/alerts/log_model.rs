//! The alert log, with alerting above it, on a disk that fails, fills up and crashes at any operation, against a plain
//! list: what was confirmed is in it after any of that, what is handed in again is taken once, and each event is
//! delivered. All of it in one thread and virtual time.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::{Arc, Mutex};

use citywarden_alerting::cloud_event::Notification;
use citywarden_alerting::event::{Cause, Record};
use citywarden_alerting::log::{JournalledLog, LogError, read_view};
use citywarden_alerting::outbox::{Backoff, ChannelLimits, OutboxLimits};
use citywarden_alerting::receiver::{Attempt, Outcome, Receiver};
use citywarden_alerting::route::{Pace, Route, Router};
use citywarden_alerting::{EvidenceLimits, Handle, Observer, Setup, open};
use citywarden_journal::{Disk, LogOptions, SimulatedDisk};
use citywarden_model::{AlertKind, Change, Clock, Offset, Span, Timestamp, Transition};
use proptest::prelude::*;
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant, sleep, timeout};

use crate::county::{REOPEN_WINDOW, alert, at, raised, transition};

const DIR: &str = "/alerts";
/// Small, so that some are filled.
const SIZES: LogOptions =
    LogOptions { segment_bytes: 32 << 10, record_bytes_max: 12 << 10, commit_bytes_max: 16 << 10 };
const LONGEST_PAUSE: Span = Span::from_secs(30);
/// Long enough for everything that waits to be delivered.
const SETTLE: Duration = Duration::from_mins(10);

#[derive(Debug, Clone, Copy)]
enum Act {
    /// A transition of this asset; whether it raises.
    HandIn(usize, bool),
    Confirm,
    Read,
    Wait(u64),
    Restart,
    Crash(u64),
    /// At the n-th operation from now.
    PowerFails(u64),
    OperationFails(u64),
    /// For so many seconds.
    Full(u64),
    /// The receiver takes what comes.
    Receives(bool),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let act = prop_oneof![
        8 => (0..3_usize, any::<bool>()).prop_map(|(asset, raises)| Act::HandIn(asset, raises)),
        3 => Just(Act::Confirm),
        1 => Just(Act::Read),
        3 => (0..90_u64).prop_map(Act::Wait),
        1 => Just(Act::Restart),
        1 => any::<u64>().prop_map(Act::Crash),
        1 => (1..12_u64).prop_map(Act::PowerFails),
        1 => (1..12_u64).prop_map(Act::OperationFails),
        1 => (1..20_u64).prop_map(Act::Full),
        1 => any::<bool>().prop_map(Act::Receives),
    ];
    prop::collection::vec(act, 1..60)
}

#[derive(Clone)]
struct VirtualClock(Instant);
impl Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        let passed = Instant::now().duration_since(self.0);
        at("08:00") + Span::from_nanos(i64::try_from(passed.as_nanos()).unwrap())
    }
}

/// Whoever is told.
#[derive(Clone, Default)]
struct Desk(Arc<Mutex<Told>>);

#[derive(Default)]
struct Told {
    /// Whether it takes what comes.
    takes: bool,
    /// The key and the body of what came.
    came: Vec<(String, Vec<u8>)>,
}

impl Receiver for Desk {
    fn deliver<'a>(&'a self, notification: &'a Notification, _: Timestamp) -> Attempt<'a> {
        Box::pin(async {
            let mut state = self.0.lock().unwrap();
            state.came.push((notification.id.clone(), notification.body.clone()));
            let refused = Outcome::Retry { why: "not now".to_owned(), after: None };
            if state.takes { Outcome::Delivered } else { refused }
        })
    }
}

struct Nobody;
impl Observer for Nobody {}

struct World {
    disk: SimulatedDisk,
    clock: VirtualClock,
    desk: Desk,
    running: Option<(Handle, JoinHandle<()>)>,
    /// The plain list: what follows from the journal.
    list: Vec<Transition>,
    /// So many of them are in the log for good.
    confirmed: usize,
}

impl World {
    fn begin() -> Self {
        let (clock, desk) = (VirtualClock(Instant::now()), Desk::default());
        desk.0.lock().unwrap().takes = true;
        Self { disk: SimulatedDisk::new(), clock, desk, running: None, list: Vec::new(), confirmed: 0 }
    }

    fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(self.disk.clone())
    }

    fn try_open(&self) -> Option<(Handle, JoinHandle<()>)> {
        let (chain, _) = JournalledLog::open_sized(&self.disk(), Path::new(DIR), SIZES).ok()?;
        let receiver: Arc<dyn Receiver> = Arc::new(self.desk.clone());
        let receivers = BTreeMap::from([("duty".into(), (receiver, ChannelLimits::default()))]);
        let names: BTreeSet<_> = receivers.keys().cloned().collect();
        let pace = Pace { group_wait: Span::ZERO, ..Pace::default() };
        let backoff = Backoff { longest: LONGEST_PAUSE, ..Backoff::default() };
        let (handle, service) = open(Setup {
            chain: Box::new(chain),
            router: Router::new(
                Some(Route::to("duty")),
                names.into_iter().collect(),
                Box::new(|_, _| Vec::new()),
                pace,
            ),
            receivers,
            outbox: OutboxLimits { backoff, ..OutboxLimits::default() },
            evidence: EvidenceLimits::default(),
            clock: Arc::new(self.clock.clone()),
            observer: Box::new(Nobody),
        })
        .ok()?;
        Some((handle, tokio::spawn(service.run())))
    }

    /// Opens what is on the disk, as often as it takes, and hands in again what may be missing, as the judge does.
    async fn hold(&mut self) -> Handle {
        loop {
            if let Some((handle, _)) = &self.running {
                return handle.clone();
            }
            if self.disk.is_powerless() {
                self.disk.crash(7);
            }
            self.running = self.try_open();
            if let Some((handle, _)) = &self.running {
                let taken = handle.applied_at_start().map_or(0, |position| position.offset.next().0);
                assert!(
                    taken >= self.confirmed as u64,
                    "{taken} of {} confirmed are in the log",
                    self.confirmed
                );
                let handle = handle.clone();
                for transition in self.list.iter().skip(self.confirmed) {
                    if handle.transition(transition.clone(), Vec::new()).await.is_err() {
                        self.end().await;
                        break;
                    }
                }
            } else {
                sleep(Duration::from_secs(1)).await;
            }
        }
    }

    /// Whatever it did, it is gone.
    async fn end(&mut self) {
        if let Some((_, service)) = self.running.take() {
            service.abort();
            drop(service.await);
        }
    }

    async fn act(&mut self, act: Act) {
        match act {
            Act::HandIn(asset, raises) => self.hand_in(asset, raises).await,
            Act::Confirm => self.confirm().await,
            Act::Read => self.read(),
            Act::Wait(seconds) => sleep(Duration::from_secs(seconds)).await,
            Act::Restart => self.end().await,
            Act::Crash(seed) => {
                self.end().await;
                self.disk.crash(seed);
            }
            Act::PowerFails(n) => self.disk.cut_power(Some(n)),
            Act::OperationFails(n) => self.disk.fail_operation(n, ErrorKind::Other),
            Act::Full(seconds) => {
                self.disk.set_capacity(Some(self.disk.used()));
                sleep(Duration::from_secs(seconds)).await;
                self.disk.set_capacity(None);
            }
            Act::Receives(takes) => self.desk.0.lock().unwrap().takes = takes,
        }
    }

    async fn hand_in(&mut self, asset: usize, raises: bool) {
        let handle = self.hold().await;
        let now = self.clock.now();
        let subject = alert(["site-1", "site-2", "site-3"][asset], AlertKind::Violation, now);
        let offset = self.list.len() as u64;
        let made = if raises {
            raised(offset, subject, REOPEN_WINDOW)
        } else {
            transition(offset, now, &subject, Change::Cleared("below".to_owned()))
        };
        self.list.push(made.clone());
        if handle.transition(made, Vec::new()).await.is_err() {
            self.end().await;
        }
    }

    /// Waits until everything handed in is durable; where alerting stops, it is opened again when it is needed.
    async fn confirm(&mut self) {
        let handle = self.hold().await;
        let Some(last) = self.list.len().checked_sub(1) else { return };
        let answered = timeout(SETTLE, handle.barrier(Offset(last as u64))).await;
        match answered.expect("alerting confirms or stops") {
            Ok(()) => self.confirmed = self.list.len(),
            Err(_) => self.end().await,
        }
    }

    /// What the log beside its writer tells is the beginning of what follows from the list.
    fn read(&self) {
        let Some((handle, _)) = &self.running else { return };
        // an operation may be about to fail, once
        let read = read_in_order(handle).or_else(|_| read_in_order(handle));
        assert!(read.is_ok() || self.disk.is_powerless(), "{read:?}");
    }

    /// Nothing goes wrong any more: everything is taken, and delivered.
    async fn settle(&mut self) {
        self.disk.cut_power(None);
        self.disk.heal();
        self.desk.0.lock().unwrap().takes = true;
        self.end().await;
        self.confirm().await;
        sleep(SETTLE).await;
        self.end().await;
    }
}

fn read_in_order(handle: &Handle) -> Result<(), LogError> {
    let mut last = None;
    handle.read_records(Offset(0), &mut |_, records| {
        let caused = records.into_iter().filter_map(|record| match record {
            Record::Event(event) => event.cause.map(Cause::position),
            Record::Applied(_) => None,
        });
        for position in caused {
            assert!(last.is_none_or(|last| last <= position), "{position:?} after {last:?}");
            last = Some(position);
        }
        ControlFlow::Continue(())
    })
}

/// What the rules did to each alert, by the log: the number of the event, its word, and the record it came from.
fn outcome(world: &World) -> BTreeMap<String, Vec<(u32, &'static str, u64)>> {
    let view = read_view(&world.disk(), Path::new(DIR)).unwrap();
    let alerts = view.list(&citywarden_alerting::AlertFilter::default(), None, usize::MAX).alerts;
    let mut outcome = BTreeMap::new();
    for alert in alerts {
        let events = view.get(&alert.id).map(|(_, events)| events).unwrap_or_default();
        let caused = events
            .iter()
            .filter_map(|event| Some((event.sequence, event.what.word(), event.cause?.position().offset.0)));
        outcome.insert(alert.id.to_string(), caused.collect());
    }
    outcome
}

/// Each event that is to be told was, those of an alert in order, and each time with the same bytes.
fn check_delivered(world: &World) {
    let view = read_view(&world.disk(), Path::new(DIR)).unwrap();
    let told = world.desk.0.lock().unwrap().came.clone();
    let (mut bodies, mut latest) = (BTreeMap::new(), BTreeMap::new());
    for (id, body) in &told {
        assert_eq!(bodies.entry(id.as_str()).or_insert(body), &body, "other bytes of {id}");
        let (alert, sequence) = id.rsplit_once('.').unwrap();
        let (sequence, latest): (u32, _) = (sequence.parse().unwrap(), latest.entry(alert).or_insert(0));
        assert!(sequence >= *latest, "{id} came after {latest}");
        *latest = sequence;
    }
    for alert in view.list(&citywarden_alerting::AlertFilter::default(), None, usize::MAX).alerts {
        for event in view.get(&alert.id).unwrap().1.iter().filter(|event| !event.tell.is_empty()) {
            assert!(bodies.contains_key(event.key().to_string().as_str()), "{} was not told", event.key());
        }
    }
}

async fn play(acts: &[Act]) {
    let mut world = World::begin();
    for act in acts {
        world.act(*act).await;
    }
    world.settle().await;
    check_delivered(&world);

    // the same list, on a disk on which nothing goes wrong
    let mut plain = World::begin();
    plain.list = world.list.clone();
    plain.settle().await;
    assert_eq!(outcome(&world), outcome(&plain));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]
    #[test]
    fn whatever_the_disk_does_the_log_holds_what_a_plain_list_does_and_all_of_it_is_told(acts in acts()) {
        let runtime =
            tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(play(&acts));
    }
}
