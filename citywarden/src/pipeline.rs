//! The whole pipeline, once: last stage first, so that each is handed what the one before it needs.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use citywarden_alerting::evidence::EvidenceLimits;
use citywarden_alerting::log::JournalledLog;
use citywarden_alerting::receiver::Receiver;
use citywarden_alerting::route::Router;
use citywarden_alerting::{Handle, Setup};
use citywarden_journal::{
    CheckpointKey, CommitError, Disk, HostDisk, Inbox, Journal, JournalOptions, Reader,
};
use citywarden_model::{Clock, Offset, Span};
use tokio::sync::watch;

use crate::archivist::{Archiving, Archivist};
use crate::config::Config;
use crate::judge::{JournalEvidence, Judge, LiveJudge, Progress, Questions, Snapshot, SnapshotStore, Stored};
use crate::metrics::{AlertMetrics, Metrics};
use crate::reload::{Reloader, UnitDirectory};
use crate::sources::Sources;
use crate::texts::TextStore;

/// How often the judge takes a snapshot, by the journal's clock: what a restart reads again at most.
const SNAPSHOT_EVERY: Span = Span::from_secs(30);
/// How long the stages may take to stop, each.
const STOP_TIMEOUT: Duration = Duration::from_secs(8);

/// Where things are in the data directory.
pub(crate) struct Layout(PathBuf);

impl Layout {
    pub(crate) fn of(config: &Config) -> Self {
        Self(config.data_dir.clone())
    }
    pub(crate) fn journal(&self) -> PathBuf {
        self.0.join("journal")
    }
    pub(crate) fn alerts(&self) -> PathBuf {
        self.0.join("alerts")
    }
    pub(crate) fn snapshots(&self) -> PathBuf {
        self.0.join("snapshots")
    }
    pub(crate) fn texts(&self) -> PathBuf {
        self.0.join("texts")
    }
    pub(crate) fn key(&self) -> PathBuf {
        self.0.join("checkpoint.key")
    }
}

/// The running pipeline: what the rest of the service holds of it.
pub(crate) struct Pipeline {
    pub(crate) config: Arc<Config>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) inbox: Inbox,
    pub(crate) progress: Arc<Progress>,
    pub(crate) questions: Questions,
    pub(crate) alerting: Handle,
    pub(crate) reloader: Arc<Reloader>,
    pub(crate) sources: Sources,
    pub(crate) archiving: Archiving,
    stop: Arc<AtomicBool>,
    threads: Threads,
}

struct Threads {
    judge: JoinHandle<()>,
    writer: WriterThread,
    alerting: JoinHandle<()>,
}

/// Starts every stage. Devices are let in last.
pub(crate) async fn start(
    config: Arc<Config>,
    clock: Arc<dyn Clock>,
    shutdown: &watch::Receiver<bool>,
) -> anyhow::Result<Pipeline> {
    let layout = Layout::of(&config);
    let disk: Arc<dyn Disk> = Arc::new(HostDisk);
    std::fs::create_dir_all(&config.data_dir)
        .with_context(|| format!("cannot make the data directory {}", config.data_dir.display()))?;
    let metrics = Arc::new(Metrics::new()?);
    let people = UnitDirectory::default();

    let (alerting, alerting_thread) = start_alerting(&config, &layout, &disk, &clock, &metrics, &people)?;

    let (inbox, writer) = start_journal(&config, &layout, &disk, &clock, &metrics)?;
    let texts = TextStore::open(Arc::clone(&disk), &layout.texts())?;
    let stored = Stored::new(texts.clone(), config.local);
    let reloader = Arc::new(Reloader::new(
        Arc::clone(&config),
        texts,
        stored.clone(),
        inbox.clone(),
        Arc::clone(&metrics),
        people,
    ));
    reloader.start()?;

    let progress = Arc::new(Progress::default());
    let stop = Arc::new(AtomicBool::new(false));
    let archivist = Archivist {
        archive: config.archive.clone(),
        region: config.region.clone(),
        projection: projection(&config),
        versions: stored.clone(),
        disk: Arc::clone(&disk),
        journal: layout.journal(),
        inbox: inbox.clone(),
        alerting: alerting.clone(),
    };
    let judge = JudgeParts {
        stored,
        inbox: inbox.clone(),
        alerting: alerting.clone(),
        progress: Arc::clone(&progress),
        stop: Arc::clone(&stop),
    };
    let (questions, judge) = start_judge(&config, &layout, &disk, &clock, judge)?;
    let archiving = archivist.start()?;

    let sources = Sources::start(&config, &inbox, &disk, &clock, shutdown).await?;
    let threads = Threads { judge, writer, alerting: alerting_thread };
    Ok(Pipeline {
        config,
        clock,
        metrics,
        inbox,
        progress,
        questions,
        alerting,
        reloader,
        sources,
        archiving,
        stop,
        threads,
    })
}

/// The archive takes a time for true, and a message for new, as the judge does.
fn projection(config: &Config) -> citywarden_archive::Projection {
    citywarden_archive::Projection {
        future_skew: config.evaluation.future_skew,
        duplicate_within: config.evaluation.duplicate_within,
    }
}

fn start_alerting(
    config: &Config,
    layout: &Layout,
    disk: &Arc<dyn Disk>,
    clock: &Arc<dyn Clock>,
    metrics: &Arc<Metrics>,
    people: &UnitDirectory,
) -> anyhow::Result<(Handle, JoinHandle<()>)> {
    let (chain, recovery) = JournalledLog::open(disk, &layout.alerts()).context("the alert log")?;
    if let Some(torn) = &recovery.torn {
        tracing::warn!(
            "the alert log ended in the middle of a commit: {torn}; cut back to the last whole one"
        );
    }
    let mut receivers: BTreeMap<_, (Arc<dyn Receiver>, _)> = BTreeMap::new();
    for receiver in &config.receivers {
        receivers.insert(receiver.name.clone(), (receiver.open()?, receiver.limits));
    }
    let known = receivers.keys().cloned().collect();
    let people = people.clone();
    let units = Box::new(move |unit: &str, grid: Option<&_>| people.receivers(unit, grid));
    let router = Router::new(config.route.clone(), known, units, config.pace);
    Ok(citywarden_alerting::start(Setup {
        chain: Box::new(chain),
        router,
        receivers,
        outbox: config.delivery,
        evidence: EvidenceLimits::default(),
        clock: Arc::clone(clock),
        observer: Box::new(AlertMetrics::new(metrics)),
    })?)
}

type WriterThread = JoinHandle<Result<(), CommitError>>;

fn start_journal(
    config: &Config,
    layout: &Layout,
    disk: &Arc<dyn Disk>,
    clock: &Arc<dyn Clock>,
    metrics: &Arc<Metrics>,
) -> anyhow::Result<(Inbox, WriterThread)> {
    let key = CheckpointKey::load_or_create(&layout.key())?;
    let options =
        JournalOptions { log: config.journal.log, writer: config.journal.writer, ..Default::default() };
    let journal =
        Journal::open(disk, Arc::clone(clock), &layout.journal(), options, key).context("the journal")?;
    if let Some(torn) = &journal.recovery.torn {
        tracing::warn!("the journal ended in the middle of a commit: {torn}; cut back to the last whole one");
    }
    let metrics = Arc::clone(metrics);
    let mut was_full = false;
    let writer = journal.writer.spawn(move |step| {
        let is_full = matches!(step, Err(CommitError::DiskFull(_)));
        match step {
            Ok(commit) => metrics.committed(commit.took.duration()),
            Err(error) if !is_full || !was_full => tracing::error!("{error}"),
            Err(_) => {}
        }
        if was_full && !is_full {
            tracing::info!("the journal has room again");
        }
        was_full = is_full;
    })?;
    Ok((journal.inbox, writer))
}

/// What the judge is handed of the other stages.
struct JudgeParts {
    stored: Stored,
    inbox: Inbox,
    alerting: Handle,
    progress: Arc<Progress>,
    stop: Arc<AtomicBool>,
}

fn start_judge(
    config: &Config,
    layout: &Layout,
    disk: &Arc<dyn Disk>,
    clock: &Arc<dyn Clock>,
    parts: JudgeParts,
) -> anyhow::Result<(Questions, JoinHandle<()>)> {
    let (questions, asked) = LiveJudge::<JournalEvidence>::questions();
    let snapshots = SnapshotStore::open(layout.snapshots())?;
    check_history(&snapshots, &parts.inbox, &parts.alerting)?;
    let (judge, from) = resume(config, &parts.stored, &snapshots, disk, layout)?;
    parts.progress.begin(from);
    let live = LiveJudge {
        judge,
        reader: Reader::open(disk, &layout.journal(), from)?,
        inbox: parts.inbox,
        evidence: JournalEvidence::new(Arc::clone(disk), layout.journal()),
        alerting: parts.alerting,
        snapshots,
        snapshot_every: SNAPSHOT_EVERY,
        clock: Arc::clone(clock),
        progress: parts.progress,
        stop: parts.stop,
    };
    let thread = std::thread::Builder::new().name("judge".to_owned()).spawn(move || live.run(&asked))?;
    Ok((questions, thread))
}

/// What was derived from the journal must not be ahead of it: else it is another journal, or an older copy of it, and
/// what comes now would be taken for what was judged already.
fn check_history(snapshots: &SnapshotStore, inbox: &Inbox, alerting: &Handle) -> anyhow::Result<()> {
    let next = inbox.committed();
    let snapshot = snapshots.newest_first()?.first().map(|snapshot| snapshot.next);
    let applied = alerting.applied_at_start().map(|position| position.offset.next());
    for (what, reached) in [("the judge's snapshot", snapshot), ("the alert log", applied)] {
        if let Some(reached) = reached.filter(|reached| *reached > next) {
            anyhow::bail!(
                "{what} has reached record {reached}, and the journal ends before {next}: the journal was removed or is an \
                 older copy; restore the data directory as a whole, or begin with an empty one"
            );
        }
    }
    Ok(())
}

/// The judge as it was at the newest usable snapshot, and where it reads on.
fn resume(
    config: &Config,
    stored: &Stored,
    snapshots: &SnapshotStore,
    disk: &Arc<dyn Disk>,
    layout: &Layout,
) -> anyhow::Result<(Judge<Stored>, Offset)> {
    let oldest = Reader::open_oldest(disk, &layout.journal())?.position();
    for Snapshot { next, .. } in snapshots.newest_first()?.iter().filter(|snapshot| snapshot.next < oldest) {
        tracing::warn!("the snapshot at {next} is older than the journal that is kept");
    }
    for snapshot in snapshots.newest_first()?.iter().filter(|snapshot| snapshot.next >= oldest) {
        match Judge::restore(config.evaluation.clone(), stored.clone(), snapshot) {
            Ok(judge) => return Ok((judge, snapshot.next)),
            Err(error) => tracing::warn!("{error}; an older one is tried"),
        }
    }
    tracing::info!("the judge begins with the oldest record, {oldest}");
    Ok((Judge::new(config.evaluation.clone(), stored.clone()), oldest))
}

impl Pipeline {
    /// Stops stage by stage, in the data's order: what was acknowledged is judged, what was judged is in the alert log.
    pub(crate) async fn stop(self) {
        self.sources.stop().await;
        let Threads { judge, writer, alerting } = self.threads;
        self.inbox.close();
        join("journal", move || drop(writer.join())).await;
        self.stop.store(true, Ordering::Release);
        join("judge", move || drop(judge.join())).await;
        self.alerting.stop();
        join("alerting", move || drop(alerting.join())).await;
        self.archiving.stop().await;
    }
}

async fn join(what: &str, wait: impl FnOnce() + Send + 'static) {
    if tokio::time::timeout(STOP_TIMEOUT, tokio::task::spawn_blocking(wait)).await.is_err() {
        tracing::warn!("{what} did not stop in time");
    }
}
