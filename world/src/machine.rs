//! The machine that the service runs on: a disk, a clock, a network, and the service itself while it runs.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::Context as _;
use citywarden::judge::{Progress, Stored};
use citywarden::spine::{Grounds, Layout, Outward, Spine, SpineOptions};
use citywarden::texts::TextStore;
use citywarden::{Keeper, Keeping};
use citywarden_alerting::outbox::{Backoff, ChannelLimits, OutboxLimits};
use citywarden_alerting::receiver::Receiver;
use citywarden_alerting::route::{Pace as GroupPace, Route, Router};
use citywarden_alerting::{Handle, Health, Observer};
use citywarden_ingest::endpoint::{Counters, Endpoint, EndpointConfig, SessionStore};
use citywarden_journal::{
    CheckpointKey, Closed, Control, Disk, Inbox, InboxOptions, JournalOptions, LogOptions, Pace, Reserve,
    SimulatedDisk, Waiting, WriterOptions,
};
use citywarden_model::{Clock, LocalClock, RegionId, Registry, Span};
use citywarden_rules::EvaluatorOptions;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Duration, sleep, timeout};

use crate::county::{REGION, Rulebook};
use crate::disk::WatchedDisk;
use crate::network::Network;
use crate::plan::INBOX_RECORDS;
use crate::random::Dice;
use crate::receiver::{Duty, Way};
use crate::time::Time;

/// The one receiver.
pub(crate) const RECEIVER: &str = "duty";
/// How long a stage may take to stop when the service is told to.
const STOP_TIMEOUT: Duration = Duration::from_secs(10);
/// Between two attempts at most.
const BACKOFF_LONGEST: Span = Span::from_secs(30);
/// Of the disk's size, where it has one: above it the oldest segments of the journal go.
const SHARE: f64 = 0.5;
/// How often it is looked what may go.
const KEEP_EVERY_S: u64 = 10;
/// Small, so that a short run fills some of them.
const SEGMENT_BYTES: u32 = 16 << 10;
const RECORD_BYTES_MAX: usize = 4 << 10;

/// What the machine is made of, and outlives any run of the service.
pub(crate) struct Machine {
    pub(crate) disk: SimulatedDisk,
    /// The same disk, as the service is handed it.
    pub(crate) watched: WatchedDisk,
    pub(crate) time: Time,
    pub(crate) network: Network,
    pub(crate) duty: Duty,
    pub(crate) rules: Rulebook,
    /// Which of them are to be in force.
    pub(crate) wanted: usize,
    pub(crate) registry: Arc<Registry>,
    pub(crate) tempo: Tempo,
    /// How many records may wait for the disk.
    pub(crate) inbox_records: usize,
    /// Older records may go.
    pub(crate) keeps: Span,
    /// Of how the machine dies.
    pub(crate) dice: Dice,
    running: Option<Running>,
    /// How often other rules were put into force while it ran.
    pub(crate) reloads: u64,
    /// How often the service was started.
    pub(crate) starts: u32,
    /// Attempts to start it that failed.
    pub(crate) failed_starts: u32,
}

/// How slow the disk is; shared with whoever changes it.
#[derive(Clone)]
pub(crate) struct Tempo(Arc<std::sync::Mutex<(Dice, u64, u64)>>);

impl Tempo {
    pub(crate) fn new(dice: Dice) -> Self {
        Self(Arc::new(std::sync::Mutex::new((dice, 0, 3))))
    }
    /// Between so many milliseconds pass from a write to its sync.
    pub(crate) fn set(&self, least_ms: u64, most_ms: u64) {
        let mut tempo = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        (tempo.1, tempo.2) = (least_ms, most_ms);
    }
    fn draw(&self) -> Duration {
        let mut tempo = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (least, most) = (tempo.1, tempo.2);
        tempo.0.millis(least, most).duration()
    }
}

/// The writer's waits, in the world's time.
impl Pace for Tempo {
    async fn written(&mut self) {
        sleep(self.draw()).await;
    }
    async fn room(&mut self, closed: Closed, patience: Duration) {
        tokio::select! {
            biased;
            () = closed => {}
            () = sleep(patience) => {}
        }
    }
}

/// A run of the service.
struct Running {
    inbox: Inbox,
    progress: Arc<Progress>,
    handle: Handle,
    stop_judge: Arc<AtomicBool>,
    is_alive: Arc<AtomicBool>,
    untold: Arc<AtomicUsize>,
    stop_endpoint: oneshot::Sender<()>,
    texts: TextStore,
    stored: Stored,
    in_force: usize,
    endpoint: JoinHandle<()>,
    writer: JoinHandle<()>,
    judge: JoinHandle<()>,
    alerting: JoinHandle<()>,
    chores: Vec<JoinHandle<()>>,
}

/// How many events the receiver has still to take.
struct Untold(Arc<AtomicUsize>);

impl Observer for Untold {
    fn backlog(&self, _: &str, events: usize) {
        self.0.store(events, Ordering::SeqCst);
    }
}

/// How a run of the service ends before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Death {
    /// It is killed; what it wrote is still in the system's memory, and its peers hear that it is gone.
    Killed,
    /// The power fails: what was not synced is lost, torn or kept, and nobody hears of it.
    Powerless,
}

impl Machine {
    pub(crate) fn new(
        seed: u64,
        time: Time,
        network: Network,
        duty: Duty,
        rules: Rulebook,
        registry: Arc<Registry>,
    ) -> Self {
        let (tempo, dice) = (Tempo::new(Dice::of(seed, "tempo")), Dice::of(seed, "machine"));
        let disk = SimulatedDisk::new();
        Self {
            watched: WatchedDisk::new(disk.clone()),
            disk,
            time,
            network,
            duty,
            rules,
            registry,
            tempo,
            inbox_records: INBOX_RECORDS,
            keeps: Span::from_mins(60),
            wanted: 0,
            dice,
            running: None,
            reloads: 0,
            starts: 0,
            failed_starts: 0,
        }
    }

    /// Small, like the journal's: a start reads the last segment to its end.
    pub(crate) const ALERT_LOG: LogOptions =
        LogOptions { segment_bytes: 64 << 10, record_bytes_max: 32 << 10, commit_bytes_max: 32 << 10 };

    pub(crate) fn layout() -> Layout {
        Layout::new(Path::new("/data"))
    }
    pub(crate) fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(self.watched.clone())
    }
    pub(crate) fn key() -> CheckpointKey {
        CheckpointKey::from_seed(&[7; 32])
    }
    pub(crate) fn evaluation() -> EvaluatorOptions {
        EvaluatorOptions::of(RegionId::from(REGION))
    }
    /// The rules and registries that the journal names.
    pub(crate) fn stored(&self) -> anyhow::Result<Stored> {
        let stored =
            Stored::new(TextStore::open(self.disk(), &Self::layout().texts())?, LocalClock::default());
        self.rules.versions().for_each(|rules| stored.keep_rules(rules));
        stored.keep_registry(&self.registry);
        Ok(stored)
    }

    /// Starts the service; false where it could not be, and has to be tried again.
    pub(crate) fn start(&mut self) -> bool {
        self.running = self.try_start().ok();
        if self.is_running() {
            self.starts += 1;
        } else {
            self.failed_starts += 1;
        }
        self.is_running()
    }

    fn try_start(&mut self) -> anyhow::Result<Running> {
        let clock: Arc<dyn Clock> = Arc::new(self.time.clone());
        let grounds = Grounds { disk: self.disk(), clock: Arc::clone(&clock), layout: Self::layout() };
        let is_alive = Arc::new(AtomicBool::new(true));
        let untold = Arc::new(AtomicUsize::new(0));
        let spine = Spine::open(&grounds, options(self.inbox_records), self.outward(&is_alive, &untold))?;
        self.put_rules_into_force(&spine.texts, &spine.stored, &spine.inbox)?;
        self.put_registry_into_force(&spine)?;
        let store = SessionStore {
            disk: self.disk(),
            dir: Path::new("/data/sessions").to_owned(),
            name: "endpoint".to_owned(),
            clock,
        };
        let config = EndpointConfig::new("endpoint".into(), ([127, 0, 0, 1], 0).into());
        let endpoint = Endpoint::behind(
            self.network.listen(),
            config,
            spine.inbox.clone(),
            Arc::new(Counters::default()),
            store,
            [7; 32],
        )?;
        let keeping = Keeping { age: self.keeps, share: SHARE };
        let (progress, questions) = (Arc::clone(&spine.progress), spine.questions.clone());
        let keeper = Keeper::new(&grounds, keeping, progress, questions, Box::new(Vec::new));
        let keeping = keep(keeper, spine.inbox.clone(), self.time.clone());
        let mut running = self.run(spine, endpoint, is_alive, untold);
        running.chores.push(tokio::spawn(keeping));
        Ok(running)
    }

    /// Puts the rules into force that are wanted, where others are; what fails is tried again at the next look.
    pub(crate) fn reload(&mut self) {
        let Some(running) = &self.running else { return };
        if running.in_force != self.wanted
            && self.put_rules_into_force(&running.texts, &running.stored, &running.inbox).is_ok()
            && let Some(running) = &mut self.running
        {
            running.in_force = self.wanted;
            self.reloads += 1;
        }
    }

    // as the service does: the texts are durable before the journal names them
    fn put_rules_into_force(&self, texts: &TextStore, stored: &Stored, inbox: &Inbox) -> anyhow::Result<()> {
        let rules = self.rules.version(self.wanted).context("there is no such version")?;
        stored.keep_rules(rules);
        let digest = texts.put_rules(rules)?;
        inbox.append_control(&Control::Rules { digest })?;
        Ok(())
    }
    fn put_registry_into_force(&self, spine: &Spine) -> anyhow::Result<()> {
        spine.stored.keep_registry(&self.registry);
        let digest = spine.texts.put_registry(&self.registry)?;
        spine.inbox.append_control(&Control::Registry { digest })?;
        Ok(())
    }

    fn outward(&self, is_alive: &Arc<AtomicBool>, untold: &Arc<AtomicUsize>) -> Outward {
        let way = Way { to: self.duty.clone(), is_alive: Arc::clone(is_alive) };
        let receiver: Arc<dyn Receiver> = Arc::new(way);
        let receivers = BTreeMap::from([(RECEIVER.into(), (receiver, ChannelLimits::default()))]);
        let router = Router::new(
            Some(Route::to(RECEIVER)),
            receivers.keys().cloned().collect(),
            Box::new(|_, _| Vec::new()),
            GroupPace::default(),
        );
        let backoff = Backoff { longest: BACKOFF_LONGEST, ..Backoff::default() };
        let outbox = OutboxLimits { backoff, ..OutboxLimits::default() };
        Outward { router, receivers, outbox, observer: Box::new(Untold(Arc::clone(untold))) }
    }

    fn run(
        &self,
        spine: Spine,
        endpoint: Endpoint<crate::network::Listening>,
        is_alive: Arc<AtomicBool>,
        untold: Arc<AtomicUsize>,
    ) -> Running {
        let Spine { inbox, writer, judge, progress, stop_judge, alerting, handle, texts, stored, .. } = spine;
        let (stop_endpoint, told) = oneshot::channel();
        let tempo = self.tempo.clone();
        Running {
            endpoint: tokio::spawn(async move {
                endpoint.run(async { drop(told.await) }).await.unwrap_or_default();
            }),
            writer: tokio::spawn(async move { drop(writer.run(tempo, |_| {}).await) }),
            judge: tokio::spawn(judge.run()),
            alerting: tokio::spawn(alerting.run()),
            chores: vec![
                tokio::spawn(citywarden::ticks(inbox.clone(), Duration::from_secs(1))),
                tokio::spawn(citywarden::checkpoints(inbox.clone(), handle.clone())),
            ],
            inbox,
            progress,
            handle,
            stop_judge,
            is_alive,
            untold,
            stop_endpoint,
            texts,
            stored,
            in_force: self.wanted,
        }
    }

    /// Whether the service runs and every stage of it works.
    pub(crate) fn is_well(&self) -> bool {
        self.running.as_ref().is_some_and(|running| {
            !running.inbox.is_stopped()
                && !running.progress.is_stopped()
                && !matches!(running.handle.standing().health, Health::Stopped(_))
                && !running.endpoint.is_finished()
        })
    }
    /// Whether everything committed is judged, and the receiver has taken everything that followed.
    pub(crate) fn has_told_everything(&self) -> bool {
        self.is_well()
            && self.running.as_ref().is_some_and(|running| {
                running.progress.next() >= running.inbox.committed()
                    && running.untold.load(Ordering::SeqCst) == 0
            })
    }
    /// What waits for the disk, while the service runs.
    pub(crate) fn waiting(&self) -> Option<Waiting> {
        self.running.as_ref().map(|running| running.inbox.waiting())
    }
    pub(crate) const fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// Ends the service at once.
    pub(crate) async fn die(&mut self, how: Death) {
        self.network.close_door();
        match how {
            Death::Killed => self.network.reset(None),
            Death::Powerless => self.network.swallow(None),
        }
        if let Some(running) = self.running.take() {
            running.is_alive.store(false, Ordering::SeqCst);
            running.end().await;
        }
        if how == Death::Powerless {
            self.disk.crash(self.dice.draw());
        }
    }

    /// Stops the service as a person does: stage by stage, in the data's order.
    pub(crate) async fn stop(&mut self) {
        let Some(mut running) = self.running.take() else { return };
        let (idle, _) = oneshot::channel();
        drop(std::mem::replace(&mut running.stop_endpoint, idle));
        wait(&mut running.endpoint).await;
        running.inbox.close();
        wait(&mut running.writer).await;
        running.stop_judge.store(true, Ordering::Release);
        wait(&mut running.judge).await;
        running.handle.stop();
        wait(&mut running.alerting).await;
        self.network.close_door();
        self.network.reset(None);
        running.is_alive.store(false, Ordering::SeqCst);
        running.end().await;
    }
}

/// Removes what is old, as the service does: now and then, and at once where the disk is full.
async fn keep(mut keeper: Keeper, inbox: Inbox, time: Time) {
    for second in 1_u64.. {
        sleep(Duration::from_secs(1)).await;
        if second.is_multiple_of(KEEP_EVERY_S) || inbox.is_disk_full() {
            // what fails is tried again
            keeper.pass(time.now()).await.ok();
        }
    }
}

async fn wait(stage: &mut JoinHandle<()>) {
    drop(timeout(STOP_TIMEOUT, stage).await);
}

impl Running {
    /// Every task is gone, and what it held with it.
    async fn end(self) {
        let Self { endpoint, writer, judge, alerting, chores, .. } = self;
        for task in [endpoint, writer, judge, alerting].into_iter().chain(chores) {
            task.abort();
            if !task.is_finished() {
                drop(task.await);
            }
        }
        // what those tasks had begun themselves goes when it is next its turn
        for _ in 0..8 {
            tokio::task::yield_now().await;
        }
    }
}

fn options(inbox_records: usize) -> SpineOptions {
    SpineOptions {
        journal: JournalOptions {
            log: LogOptions {
                segment_bytes: SEGMENT_BYTES,
                record_bytes_max: RECORD_BYTES_MAX,
                commit_bytes_max: SEGMENT_BYTES as usize / 2,
            },
            inbox: InboxOptions {
                bytes_max: 16 << 10,
                records_max: inbox_records,
                ..InboxOptions::default()
            },
            reserve: Reserve::default(),
            writer: WriterOptions::default(),
        },
        alerts: Machine::ALERT_LOG,
        key: Machine::key(),
        evaluation: Machine::evaluation(),
        local: LocalClock::default(),
        snapshot_every: Span::from_secs(10),
    }
}
