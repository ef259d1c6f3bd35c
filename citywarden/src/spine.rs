//! The stages that the promises rest on (journal, judge, alerting), opened over the disk and the clock that are handed
//! in and joined to each other. Nothing runs yet: the service gives each stage a thread (`pipeline.rs`), and the
//! simulated world steps the very same ones in its own time.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::Context as _;
use citywarden_alerting::evidence::EvidenceLimits;
use citywarden_alerting::log::JournalledLog;
use citywarden_alerting::outbox::{ChannelLimits, OutboxLimits};
use citywarden_alerting::receiver::Receiver;
use citywarden_alerting::route::Router;
use citywarden_alerting::{Handle, Observer, ReceiverName, Service, Setup};
use citywarden_journal::{
    CheckpointKey, Disk, Inbox, Journal, JournalOptions, LogOptions, Places, Reader, Recovery, Remnant,
    Writer,
};
use citywarden_model::{Clock, LocalClock, Offset, Span};
use citywarden_rules::EvaluatorOptions;

use crate::judge::{JournalEvidence, Judge, LiveJudge, Progress, Questions, SnapshotStore, Stored};
use crate::texts::TextStore;

/// Where things are in the data directory.
#[derive(Debug, Clone)]
pub struct Layout(PathBuf);

impl Layout {
    /// In this directory.
    pub fn new(data_dir: &Path) -> Self {
        Self(data_dir.to_owned())
    }
    /// The journal's directory.
    pub fn journal(&self) -> PathBuf {
        self.0.join("journal")
    }
    /// The alert log's directory.
    pub fn alerts(&self) -> PathBuf {
        self.0.join("alerts")
    }
    /// The directory of the judge's snapshots.
    pub fn snapshots(&self) -> PathBuf {
        self.0.join("snapshots")
    }
    /// The directory of the texts that the journal names.
    pub fn texts(&self) -> PathBuf {
        self.0.join("texts")
    }
    /// The key that signs checkpoints.
    pub(crate) fn key(&self) -> PathBuf {
        self.0.join("checkpoint.key")
    }
}

/// What the stages stand on.
#[derive(Clone)]
pub struct Grounds {
    /// The disk of everything durable.
    pub disk: Arc<dyn Disk>,
    /// The journal's clock.
    pub clock: Arc<dyn Clock>,
    /// Where everything is on the disk.
    pub layout: Layout,
}

/// Sizes, times and settings of the stages.
pub struct SpineOptions {
    /// Of the journal.
    pub journal: JournalOptions,
    /// Of the alert log.
    pub alerts: LogOptions,
    /// Signs checkpoints.
    pub key: CheckpointKey,
    /// Of the evaluator.
    pub evaluation: EvaluatorOptions,
    /// The county's local time.
    pub local: LocalClock,
    /// How often the judge takes a snapshot, by the journal's clock: what a restart reads again at most.
    pub snapshot_every: Span,
}

/// The way out.
pub struct Outward {
    /// Whom to tell.
    pub router: Router,
    /// The receivers by name, and what each can take.
    pub receivers: BTreeMap<ReceiverName, (Arc<dyn Receiver>, ChannelLimits)>,
    /// How deliveries are tried.
    pub outbox: OutboxLimits,
    /// Who counts.
    pub observer: Box<dyn Observer>,
}

/// The stages, joined and not running.
pub struct Spine {
    /// Where messages come in.
    pub inbox: Inbox,
    /// Writes the journal.
    pub writer: Writer,
    /// Judges what was written.
    pub judge: LiveJudge<JournalEvidence>,
    /// Where the judge is asked.
    pub questions: Questions,
    /// How far the judge is.
    pub progress: Arc<Progress>,
    /// Ends the judge when it is set, once it has judged everything committed.
    pub stop_judge: Arc<AtomicBool>,
    /// Keeps alerts and tells of them.
    pub alerting: Service,
    /// The hold on it.
    pub handle: Handle,
    /// The texts that the journal names.
    pub texts: TextStore,
    /// The rules and registries that they are.
    pub stored: Stored,
}

impl Spine {
    /// Opens everything, last stage first, and finds out where each goes on.
    pub fn open(grounds: &Grounds, options: SpineOptions, outward: Outward) -> anyhow::Result<Self> {
        let Grounds { disk, clock, layout } = grounds;
        let (handle, alerting) = open_alerting(grounds, options.alerts, outward)?;
        let journal = Journal::open(disk, Arc::clone(clock), &layout.journal(), options.journal, options.key)
            .context("the journal")?;
        warn_torn("the journal", &journal.recovery);
        let texts = TextStore::open(Arc::clone(disk), &layout.texts())?;
        let stored = Stored::new(texts.clone(), options.local);
        let snapshots = SnapshotStore::open(disk, layout.snapshots())?;
        snapshots.clear_leftovers()?;
        check_history(&snapshots, &journal.inbox, &handle)?;
        let (judge, from) = resume(grounds, &options.evaluation, &stored, &snapshots)?;
        let progress = Arc::new(Progress::default());
        progress.begin(from);
        let stop_judge = Arc::new(AtomicBool::new(false));
        let (questions, asked) = Questions::place();
        let places = Places::default();
        let judge = LiveJudge {
            judge,
            reader: Reader::open(disk, &layout.journal(), from)?.sharing(&places)?,
            inbox: journal.inbox.clone(),
            evidence: JournalEvidence::new(Arc::clone(disk), layout.journal(), places),
            alerting: handle.clone(),
            snapshots,
            snapshot_every: options.snapshot_every,
            clock: Arc::clone(clock),
            progress: Arc::clone(&progress),
            stop: Arc::clone(&stop_judge),
            asked,
        };
        let (inbox, writer) = (journal.inbox, journal.writer);
        Ok(Self { inbox, writer, judge, questions, progress, stop_judge, alerting, handle, texts, stored })
    }
}

fn open_alerting(
    grounds: &Grounds,
    sizes: LogOptions,
    outward: Outward,
) -> anyhow::Result<(Handle, Service)> {
    let Outward { router, receivers, outbox, observer } = outward;
    let (chain, recovery) =
        JournalledLog::open_sized(&grounds.disk, &grounds.layout.alerts(), sizes).context("the alert log")?;
    warn_torn("the alert log", &recovery);
    Ok(citywarden_alerting::open(Setup {
        chain: Box::new(chain),
        router,
        receivers,
        outbox,
        evidence: EvidenceLimits::default(),
        clock: Arc::clone(&grounds.clock),
        observer,
    })?)
}

fn warn_torn(what: &str, recovery: &Recovery) {
    if let Some(torn) = &recovery.torn {
        tracing::warn!("{what} ended in the middle of a commit: {torn}; cut back to the last whole one");
    }
}

/// What was derived from the journal must not be ahead of it: else it is another journal, or an older copy of it, and
/// what comes now would be taken for what was judged already.
fn check_history(snapshots: &SnapshotStore, inbox: &Inbox, alerting: &Handle) -> anyhow::Result<()> {
    let next = inbox.committed();
    let snapshot = snapshots.places()?.first().copied();
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
    grounds: &Grounds,
    evaluation: &EvaluatorOptions,
    stored: &Stored,
    snapshots: &SnapshotStore,
) -> anyhow::Result<(Judge<Stored>, Offset)> {
    let oldest = Reader::open_oldest(&grounds.disk, &grounds.layout.journal())?.position();
    for next in snapshots.places()? {
        let judge = if next < oldest {
            Err(anyhow::anyhow!("it is older than the journal that is kept"))
        } else {
            restore(snapshots, next, evaluation, stored)
        };
        match judge {
            Ok(judge) => return Ok((judge, next)),
            // it must neither let records go nor stand before the snapshots that come
            Err(why) => {
                tracing::warn!("the snapshot at {next} is removed: {why:#}");
                snapshots.remove(next).context("a snapshot that cannot be used")?;
            }
        }
    }
    tracing::info!("the judge begins with the oldest record, {oldest}");
    let mut judge = Judge::new(evaluation.clone(), stored.clone());
    // what this brings about was brought about then
    let mut remnant = Remnant::open(&*grounds.disk, &grounds.layout.journal())?;
    judge.begin(&remnant.in_force(oldest)?, &mut Vec::new())?;
    Ok((judge, oldest))
}

fn restore(
    snapshots: &SnapshotStore,
    next: Offset,
    evaluation: &EvaluatorOptions,
    stored: &Stored,
) -> anyhow::Result<Judge<Stored>> {
    Ok(Judge::restore(evaluation.clone(), stored.clone(), &snapshots.read(next)?)?)
}
