//! The whole pipeline, once: last stage first, so that each is handed what the one before it needs.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::Context as _;
use citywarden_alerting::Handle;
use citywarden_alerting::log::JournalledLog;
use citywarden_alerting::receiver::Receiver;
use citywarden_alerting::route::Router;
use citywarden_journal::{CheckpointKey, CommitError, Disk, HostDisk, Inbox, JournalOptions, Writer};
use citywarden_model::Clock;
use tokio::sync::watch;

use crate::archivist::{Archiving, Archivist};
use crate::config::Config;
use crate::deadline::Deadline;
use crate::judge::{Progress, Questions};
use crate::metrics::{AlertMetrics, Metrics};
use crate::reload::{Reloader, UnitDirectory};
use crate::sources::Sources;
use crate::spine::{Grounds, Layout, Outward, Spine, SpineOptions};

/// How long one stage may take to stop, so that those behind it have some time left.
const STOP_TIMEOUT: Duration = Duration::from_secs(4);

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
    ended: watch::Receiver<Option<&'static str>>,
    threads: Threads,
}

/// Tells which stage has ended when its thread is left, by a panic too.
struct End {
    stage: &'static str,
    tell: watch::Sender<Option<&'static str>>,
}

impl Drop for End {
    fn drop(&mut self) {
        self.tell.send_replace(Some(self.stage));
    }
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
    std::fs::create_dir_all(&config.data_dir)
        .with_context(|| format!("cannot make the data directory {}", config.data_dir.display()))?;
    let disk: Arc<dyn Disk> = Arc::new(HostDisk);
    let layout = Layout::new(&config.data_dir);
    let grounds = Grounds { disk: Arc::clone(&disk), clock: Arc::clone(&clock), layout: layout.clone() };
    let metrics = Arc::new(Metrics::new()?);
    metrics.begin(config.receivers.iter().map(|receiver| receiver.name.as_str()));
    let people = UnitDirectory::default();

    let outward = outward(&config, &metrics, &people)?;
    let spine = Spine::open(&grounds, options(&config, &layout)?, outward)?;
    let Spine { inbox, writer, judge, questions, progress, stop_judge, alerting, handle, texts, stored } =
        spine;

    let (tell, ended) = watch::channel(None);
    let end = |stage| End { stage, tell: tell.clone() };
    let writer = start_writer(writer, Arc::clone(&metrics), end("journal"))?;
    let reloader = Arc::new(Reloader::new(
        Arc::clone(&config),
        texts,
        stored.clone(),
        inbox.clone(),
        Arc::clone(&metrics),
        people,
    ));
    reloader.start()?;
    // whom the units listen to is known now: what is due at once finds its way
    let alerting = on_thread(end("alerting"), alerting.run())?;
    let judge = on_thread(end("judge"), judge.run())?;
    let archivist = Archivist {
        archive: config.archive.clone(),
        region: config.region.clone(),
        projection: projection(&config),
        versions: stored,
        disk: Arc::clone(&disk),
        journal: layout.journal(),
        inbox: inbox.clone(),
        alerting: handle.clone(),
        refused: metrics.archive_refused.clone(),
        started_at: clock.now(),
    };
    let archiving = archivist.start()?;

    let sources = Sources::start(&config, &inbox, &disk, &clock, shutdown).await?;
    Ok(Pipeline {
        config,
        clock,
        metrics,
        inbox,
        progress,
        questions,
        alerting: handle,
        reloader,
        sources,
        archiving,
        stop: stop_judge,
        ended,
        threads: Threads { judge, writer, alerting },
    })
}

/// Runs a stage on a thread and a small runtime of its own.
fn on_thread(end: End, stage: impl Future<Output = ()> + Send + 'static) -> std::io::Result<JoinHandle<()>> {
    // what may block in it runs on threads of the same name
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().thread_name(end.stage).build()?;
    std::thread::Builder::new().name(end.stage.to_owned()).spawn(move || {
        let _end = end;
        runtime.block_on(stage);
    })
}

fn options(config: &Config, layout: &Layout) -> anyhow::Result<SpineOptions> {
    let journal = JournalOptions {
        log: config.journal.log,
        writer: config.journal.writer,
        reserve: config.journal.reserve,
        ..Default::default()
    };
    Ok(SpineOptions {
        journal,
        alerts: JournalledLog::SIZES,
        key: CheckpointKey::load_or_create(&layout.key())?,
        evaluation: config.evaluation.clone(),
        local: config.local,
        snapshot_every: config.journal.snapshot_every,
    })
}

/// The archive takes a time for true, and a message for new, as the judge does.
fn projection(config: &Config) -> citywarden_archive::Projection {
    citywarden_archive::Projection {
        future_skew: config.evaluation.future_skew,
        duplicate_within: config.evaluation.duplicate_within,
    }
}

fn outward(config: &Config, metrics: &Arc<Metrics>, people: &UnitDirectory) -> anyhow::Result<Outward> {
    let mut receivers: BTreeMap<_, (Arc<dyn Receiver>, _)> = BTreeMap::new();
    for receiver in &config.receivers {
        receivers.insert(receiver.name.clone(), (receiver.open()?, receiver.limits));
    }
    let known = receivers.keys().cloned().collect();
    let people = people.clone();
    let units = Box::new(move |unit: &str, grid: Option<&_>| people.receivers(unit, grid));
    let router = Router::new(config.route.clone(), known, units, config.pace);
    let observer = Box::new(AlertMetrics::new(metrics));
    Ok(Outward { router, receivers, outbox: config.delivery, observer })
}

type WriterThread = JoinHandle<Result<(), CommitError>>;

fn start_writer(writer: Writer, metrics: Arc<Metrics>, end: End) -> std::io::Result<WriterThread> {
    let mut was_full = false;
    writer.spawn(move |step| {
        // lives as long as the thread
        let _end = &end;
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
    })
}

impl Pipeline {
    /// Waits until a stage ends that was not told to: without it the service is not what it is for.
    pub(crate) async fn broken(&self) -> &'static str {
        let mut ended = self.ended.clone();
        let stage = ended.wait_for(Option::is_some).await.ok().and_then(|stage| *stage);
        match stage {
            Some(stage) => stage,
            None => std::future::pending().await,
        }
    }

    /// Stops stage by stage, in the data's order: what was acknowledged is judged, what was judged is in the alert log.
    /// What is left behind goes on after the next start.
    pub(crate) async fn stop(self, deadline: Deadline) {
        self.sources.stop(deadline).await;
        let Threads { judge, writer, alerting } = self.threads;
        self.inbox.close();
        deadline.wait_blocking("journal", STOP_TIMEOUT, move || drop(writer.join())).await;
        self.stop.store(true, Ordering::Release);
        deadline.wait_blocking("judge", STOP_TIMEOUT, move || drop(judge.join())).await;
        self.alerting.stop();
        deadline.wait_blocking("alerting", STOP_TIMEOUT, move || drop(alerting.join())).await;
        self.archiving.stop(deadline).await;
    }
}
