//! One world, from its seed to what the checkers say of it.

use std::sync::{Arc, Mutex, PoisonError};

use citywarden_model::{Clock as _, Digest, Span, Timestamp};
use tokio::task::JoinHandle;
use tokio::time::{Duration, Instant, sleep_until};

use crate::checks::{self, Evidence};
use crate::county::{INTERVAL, Rulebook, Script, registry};
use crate::device::{Deeds, Device};
use crate::machine::{Death, Machine};
use crate::network::Network;
use crate::plan::{Plan, What};
use crate::random::Dice;
use crate::receiver::Duty;
use crate::situation::Situation;
use crate::time::Time;

/// How often it is looked whether the service still works, and whether the power is still there.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// The same while the power is about to fail.
const WATCH_EVERY: Duration = Duration::from_millis(2);
/// The last violation of each device begins so long after the last trouble.
const FRESH_AFTER: Duration = Duration::from_secs(15);
/// Everything is acknowledged so long after the last trouble.
const ACKNOWLEDGED_AFTER: Duration = Duration::from_mins(6);
/// Everything is told so long after everything was acknowledged.
const TOLD_AFTER: Duration = Duration::from_mins(2);

/// Records about the service itself that may wait for the disk besides messages.
const CONTROLS_MAX: usize = 8;

/// So long after the last message its alerts are on their way.
const SETTLE: Duration = Duration::from_secs(20);

/// What became of a world.
#[derive(Debug)]
pub struct Outcome {
    /// Its seed: the same seed is the same world.
    pub seed: u64,
    /// What a checker found; nothing, where every promise was kept.
    pub faults: Vec<String>,
    /// What went wrong in it, in the order of time, as it was drawn.
    pub troubles: Vec<String>,
    /// What the rules did to alerts, in the order of the alert log.
    pub events: Vec<String>,
    /// Over the journal, the alert log and everything that arrived: two runs of a seed have the same.
    pub trace: Digest,
    /// What there was of everything.
    pub figures: Figures,
}

/// What there was of everything.
#[derive(Debug, Clone, Copy, Default)]
pub struct Figures {
    /// Times the service was started.
    pub starts: u64,
    /// Times it could not be started.
    pub failed_starts: u64,
    /// Connections of devices.
    pub connections: u64,
    /// Messages acknowledged.
    pub acknowledged: u64,
    /// Messages sent again.
    pub resent: u64,
    /// Records in the journal.
    pub records: u64,
    /// Alerts raised, or raised again.
    pub raised: u64,
    /// Notifications that arrived.
    pub told: u64,
    /// Records that waited for the disk at a time, at most.
    pub waiting_max: u64,
    /// Segments of the journal that were old enough to go.
    pub removed: u64,
    /// Times other rules were put into force.
    pub reloads: u64,
    /// Operations of the disk until nothing went wrong any more.
    pub disk_operations: u64,
    /// Connections made, and pieces sent over them, until then.
    pub network_operations: u64,
}

impl std::ops::AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.starts += other.starts;
        self.failed_starts += other.failed_starts;
        self.connections += other.connections;
        self.acknowledged += other.acknowledged;
        self.resent += other.resent;
        self.records += other.records;
        self.raised += other.raised;
        self.told += other.told;
        self.waiting_max = self.waiting_max.max(other.waiting_max);
        self.removed += other.removed;
        self.reloads += other.reloads;
        self.disk_operations += other.disk_operations;
        self.network_operations += other.network_operations;
    }
}

/// Runs the world of this kind and seed.
pub fn run(situation: Situation, seed: u64, rules: &Rulebook) -> Outcome {
    run_plan(situation.plan(seed), seed, rules)
}

/// Runs the world of this plan.
pub(crate) fn run_plan(plan: Plan, seed: u64, rules: &Rulebook) -> Outcome {
    in_virtual_time(async { World::begin(seed, plan, rules).run().await })
}

/// The same, and gives the kinds of the disk's operations along, in their order.
pub(crate) fn run_noted(plan: Plan, seed: u64, rules: &Rulebook) -> (Outcome, Vec<String>) {
    in_virtual_time(async {
        let world = World::begin(seed, plan, rules);
        let disk = world.machine.watched.clone();
        disk.note_operations();
        (world.run().await, disk.operations())
    })
}

// all of it inside: outside of the runtime time is the real one
fn in_virtual_time<T>(world: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime without sockets needs nothing of the system").block_on(world)
}

struct World {
    seed: u64,
    plan: Plan,
    time: Time,
    machine: Machine,
    network: Network,
    duty: Duty,
    scripts: Vec<Arc<Script>>,
    deeds: Vec<Arc<Mutex<Deeds>>>,
    devices: Vec<JoinHandle<()>>,
    dice: Dice,
    /// When the service is started again.
    restart_at: Option<Instant>,
    is_power_about_to_fail: bool,
    /// What was seen while it ran.
    seen: Figures,
    faults: Vec<String>,
    /// By the service's clock: what was to be told until then was waited for.
    settled_at: Timestamp,
}

impl World {
    fn begin(seed: u64, plan: Plan, rules: &Rulebook) -> Self {
        let time = Time::begin();
        let network = Network::new(Dice::of(seed, "network"));
        let duty = Duty::new(time.clone(), Dice::of(seed, "duty"));
        let (rules, registry) = (rules.clone(), registry(plan.devices));
        let mut machine = Machine::new(seed, time.clone(), network.clone(), duty.clone(), rules, registry);
        (machine.inbox_records, machine.keeps) = (plan.inbox_records, plan.keeps);
        let fresh_from = (plan.ends + FRESH_AFTER).as_nanos() / INTERVAL.duration().as_nanos();
        let fresh_from = usize::try_from(fresh_from).unwrap_or(0);
        let script = |site| {
            let mut dice = Dice::of(seed, &format!("script {site}"));
            Arc::new(Script::draw(site, fresh_from, plan.chatter, &mut dice))
        };
        Self {
            seed,
            scripts: (0..plan.devices).map(script).collect(),
            deeds: (0..plan.devices).map(|_| Arc::default()).collect(),
            plan,
            time,
            machine,
            network,
            duty,
            devices: Vec::new(),
            dice: Dice::of(seed, "world"),
            restart_at: Some(Instant::now()),
            is_power_about_to_fail: false,
            seen: Figures::default(),
            faults: Vec::new(),
            settled_at: Timestamp::EPOCH,
        }
    }

    async fn run(mut self) -> Outcome {
        for (site, (script, deeds)) in self.scripts.iter().zip(&self.deeds).enumerate() {
            let device = Device {
                script: Arc::clone(script),
                network: self.network.clone(),
                time: self.time.clone(),
                dice: Dice::of(self.seed, &format!("device {site}")),
                deeds: Arc::clone(deeds),
            };
            self.devices.push(tokio::spawn(device.live()));
        }
        let began = Instant::now();
        for trouble in self.plan.troubles.clone() {
            if trouble.at > Duration::ZERO {
                self.until(began + trouble.at).await;
            }
            self.strike(&trouble.what).await;
        }
        self.until(began + self.plan.ends).await;
        self.heal();
        let late = self.settle().await;
        self.machine.stop().await;
        let mut found = checks::check(&self.evidence(), &mut Dice::of(self.seed, "checks"));
        found.figures += self.seen;
        let mut faults = self.faults;
        faults.extend(late.into_iter().chain(found.faults));
        let troubles =
            self.plan.troubles.iter().map(|trouble| format!("{:?} {:?}", trouble.at, trouble.what));
        let (troubles, events) = (troubles.collect(), found.events);
        Outcome { seed: self.seed, faults, troubles, events, trace: found.trace, figures: found.figures }
    }

    fn evidence(&self) -> Evidence<'_> {
        let deeds: Vec<_> =
            self.deeds.iter().map(|deeds| deeds.lock().unwrap_or_else(PoisonError::into_inner)).collect();
        let settled_at = self.settled_at;
        let whole = self.machine.watched.whole(&Machine::layout().journal());
        Evidence {
            whole: whole.expect("a disk on which nothing goes wrong any more"),
            machine: &self.machine,
            scripts: &self.scripts,
            deeds,
            told: self.duty.told(),
            settled_at,
        }
    }

    /// Lets time pass, and keeps the service running meanwhile as a supervisor would.
    async fn until(&mut self, then: Instant) {
        loop {
            self.look().await;
            let now = Instant::now();
            if now >= then {
                return;
            }
            let every = if self.is_power_about_to_fail { WATCH_EVERY } else { LOOK_EVERY };
            let next = self.restart_at.map_or(now + every, |at| at.min(now + every));
            sleep_until(next.min(then)).await;
        }
    }

    async fn look(&mut self) {
        if self.is_power_about_to_fail && self.machine.disk.is_powerless() {
            self.is_power_about_to_fail = false;
            self.die(Death::Powerless).await;
        }
        if self.machine.is_running() && !self.machine.is_well() {
            if !self.plan.may_end_the_service() {
                self.faults.push(format!("nothing ends by itself: the service did at {}", self.time.truth()));
            }
            self.die(Death::Killed).await;
        }
        self.look_into_the_inbox();
        self.machine.reload();
        if self.restart_at.is_some_and(|at| Instant::now() >= at) {
            let has_started = self.machine.start();
            self.restart_at = if has_started { None } else { Some(self.soon()) };
        }
    }

    /// What waits for the disk is bounded, whoever sends how much.
    fn look_into_the_inbox(&mut self) {
        let Some(waiting) = self.machine.waiting() else { return };
        let records = waiting.records as u64;
        if waiting.records > self.plan.inbox_records + CONTROLS_MAX && records > self.seen.waiting_max {
            self.faults.push(format!("what waits for the disk is bounded: {waiting:?} did"));
        }
        self.seen.waiting_max = self.seen.waiting_max.max(records);
    }

    async fn die(&mut self, how: Death) {
        self.machine.die(how).await;
        self.restart_at = Some(self.soon());
    }
    fn soon(&mut self) -> Instant {
        Instant::now() + self.dice.millis(10, 6_000).duration()
    }

    async fn strike(&mut self, what: &What) {
        let disk = &self.machine.disk;
        match what {
            What::Kill => self.die(Death::Killed).await,
            What::Stop => {
                self.machine.stop().await;
                self.restart_at = Some(self.soon());
            }
            What::PowerFails => self.die(Death::Powerless).await,
            What::PowerFailsAt(n) => {
                disk.cut_power(Some(*n));
                self.is_power_about_to_fail = true;
            }
            What::OperationFails(n) => disk.fail_operation(*n, std::io::ErrorKind::Other),
            What::SyncsFail(fail) => disk.fail_syncs(*fail),
            What::Full(room) => disk.set_capacity(room.map(|room| disk.used() + room)),
            What::AlertLogFull(is_full) => {
                self.machine.watched.set_full(is_full.then(|| Machine::layout().alerts()));
            }
            What::Reload(version) => self.machine.wanted = *version,
            What::SyncTakes(least, most) => self.machine.tempo.set(*least, *most),
            What::NetworkTakes(least, most) => self.network.set_latency(*least, *most),
            What::Reset(device) => self.network.reset(*device),
            What::HalfOpen(device) => self.network.swallow(*device),
            What::NetworkFailsAt(n, is_heard) => self.network.fail_at(*n, *is_heard),
            What::Part(device, how_long) => self.network.part(*device, *how_long),
            What::ClockIsOff(millis) => self.time.set_error(Span::from_millis(*millis)),
            What::ReceiverAway(is_away) => self.duty.set_away(*is_away),
            What::ReceiverTrouble(percent) => self.duty.set_trouble(*percent),
        }
    }

    /// Nothing goes wrong any more.
    fn heal(&mut self) {
        let disk = &self.machine.disk;
        self.seen.disk_operations = disk.operations();
        self.seen.network_operations = self.network.operations();
        disk.cut_power(None);
        disk.heal();
        self.machine.watched.set_full(None);
        self.is_power_about_to_fail = false;
        self.machine.tempo.set(0, 3);
        self.network.heal();
        self.duty.set_away(false);
        self.duty.set_trouble(0);
    }

    /// Waits until everything is acknowledged and everything is told; says what was not in time.
    async fn settle(&mut self) -> Vec<String> {
        let latest = Instant::now() + ACKNOWLEDGED_AFTER;
        while !self.devices.iter().all(JoinHandle::is_finished) {
            if Instant::now() > latest {
                return self.unacknowledged();
            }
            self.until(Instant::now() + Duration::from_secs(1)).await;
        }
        self.settled_at = self.time.now();
        let cut_off = self.cut_off_though_it_is_only_slow();
        if !cut_off.is_empty() {
            return cut_off;
        }
        let latest = Instant::now() + TOLD_AFTER;
        loop {
            self.until(Instant::now() + SETTLE).await;
            if self.machine.has_told_everything() {
                return Vec::new();
            }
            if Instant::now() > latest {
                return vec![format!("every event is told: not {TOLD_AFTER:?} after the last message")];
            }
        }
    }

    /// A slow disk slows every device, and each of them the same: none waits so long that it gives a connection up.
    fn cut_off_though_it_is_only_slow(&self) -> Vec<String> {
        if !self.plan.troubles.iter().all(|trouble| matches!(trouble.what, What::SyncTakes(..))) {
            return Vec::new();
        }
        let connections =
            |deeds: &Arc<Mutex<Deeds>>| deeds.lock().unwrap_or_else(PoisonError::into_inner).connections;
        let count = self.deeds.iter().map(connections).enumerate().filter(|(_, count)| *count != 1);
        count
            .map(|(site, count)| {
                format!(
                    "every device gets on while the disk is slow: device {site} needed {count} connections"
                )
            })
            .collect()
    }

    fn unacknowledged(&self) -> Vec<String> {
        let late = |(script, deeds): (&Arc<Script>, &Arc<Mutex<Deeds>>)| {
            let acknowledged = deeds.lock().unwrap_or_else(PoisonError::into_inner).acknowledged.len();
            (acknowledged < script.len()).then(|| {
                format!(
                    "fresh messages get through: of device {} only {acknowledged} of {} messages are acknowledged {:?} \
                     after the last trouble",
                    script.site,
                    script.len(),
                    Span::from_nanos(i64::try_from(ACKNOWLEDGED_AFTER.as_nanos()).unwrap_or(0)),
                )
            })
        };
        self.scripts.iter().zip(&self.deeds).filter_map(late).collect()
    }
}
