//! The archivist: a thread that follows the journal and the alert log at places of its own, and writes what they say into
//! the archive. Nobody waits for it: while the database is away it tries again for ever, and catches up.
//!
//! Where it stands is in the archive, in the same transaction as the rows: every session begins by asking for it, so
//! that it makes no difference whether the last one ended in good order.

mod alerts;
mod journal;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, TryRecvError, channel};
use std::time::Duration;

use citywarden_alerting::Handle;
use citywarden_archive::{Archive, ArchiveError, Batch, append_all_but_refused};
use citywarden_journal::{Disk, Inbox, LogError};
use citywarden_model::{Offset, RegionId, Timestamp};
use prometheus::IntCounter;
use tokio::sync::oneshot;

use crate::config::ArchiveConfig;
use crate::deadline::Deadline;
use crate::judge::{Stored, VersionError};

use alerts::AlertFollower;
use journal::JournalFollower;

/// How long it waits for records before it looks at the alert log.
const IDLE: Duration = Duration::from_millis(50);
/// Rows of one transaction, at most.
const BATCH_ROWS_MAX: usize = 5_000;
/// Bytes of one transaction, about.
const BATCH_BYTES_MAX: usize = 8 << 20;
/// Records without a row, ticks mostly, after which the place alone is written.
const SILENT_RECORDS_MAX: u64 = 4_096;
/// The pause after the first failure; doubles …
const FIRST_PAUSE: Duration = Duration::from_millis(200);
/// … up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// How long it may take to stop; what is not archived then is archived after the next start.
const STOP_TIMEOUT: Duration = Duration::from_secs(2);

/// How far the archive is; read by metrics and retention.
#[derive(Debug, Default)]
pub(crate) struct ArchiveProgress {
    archived: AtomicU64,
    reached: AtomicU64,
    reached_at_ns: AtomicU64,
    up: AtomicBool,
}

impl ArchiveProgress {
    /// The first record that the archive still needs.
    pub(crate) fn needed(&self) -> Offset {
        Offset(self.archived.load(Ordering::Acquire))
    }
    /// The first record of which nothing is in the archive yet, though it may have nothing to give.
    pub(crate) fn next(&self) -> Offset {
        Offset(self.reached.load(Ordering::Acquire))
    }
    /// When the last record before that was received.
    pub(crate) fn reached_at(&self) -> Timestamp {
        Timestamp::from_nanos(i64::try_from(self.reached_at_ns.load(Ordering::Relaxed)).unwrap_or(i64::MAX))
    }
    /// Whether the archive takes rows.
    pub(crate) fn is_up(&self) -> bool {
        self.up.load(Ordering::Acquire)
    }
    fn reach(&self, next: Offset, at: Timestamp) {
        self.reached_at_ns.store(u64::try_from(at.nanos()).unwrap_or(0), Ordering::Relaxed);
        self.reached.store(next.0, Ordering::Release);
    }
    fn archive(&self, next: Offset) {
        self.archived.store(next.0, Ordering::Release);
    }
}

/// Says at the end of the thread that the archive takes no more rows.
struct Down(Arc<ArchiveProgress>);

impl Drop for Down {
    fn drop(&mut self) {
        self.0.up.store(false, Ordering::Release);
    }
}

/// What the archivist is made of.
pub(crate) struct Archivist {
    /// Where the archive is.
    pub(crate) archive: ArchiveConfig,
    /// The region whose messages are read.
    pub(crate) region: RegionId,
    /// How messages become rows.
    pub(crate) projection: citywarden_archive::Projection,
    /// Finds the registry in force.
    pub(crate) versions: Stored,
    /// The disk, and where the journal is on it.
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) journal: PathBuf,
    /// Says what is committed.
    pub(crate) inbox: Inbox,
    /// Has the alert log.
    pub(crate) alerting: Handle,
    /// Counts rows that the database refuses for good.
    pub(crate) refused: IntCounter,
    /// From when on it is behind, where it cannot ask the archive.
    pub(crate) started_at: Timestamp,
}

/// The archivist, while it runs.
pub(crate) struct Archiving {
    /// How far it is.
    pub(crate) progress: Arc<ArchiveProgress>,
    stop: Sender<()>,
    ended: oneshot::Receiver<()>,
}

impl Archiving {
    /// Lets it archive what there is, and waits for that; not longer than it may take.
    pub(crate) async fn stop(self, deadline: Deadline) {
        let Self { stop, ended, .. } = self;
        drop(stop);
        deadline.wait("archive", STOP_TIMEOUT, ended).await;
    }
}

/// Why a session ended before it was to.
#[derive(Debug, thiserror::Error)]
enum SessionError {
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    #[error("the journal cannot be read: {0}")]
    Journal(#[from] LogError),
    #[error(transparent)]
    Record(#[from] citywarden_journal::RecordError),
    #[error("the alert log cannot be read: {0}")]
    Alerts(#[from] citywarden_alerting::log::LogError),
    #[error(transparent)]
    Version(#[from] VersionError),
    #[error("it is at record {archived}, and the journal ends at {journal}: it is of another journal")]
    Foreign { archived: Offset, journal: Offset },
}

impl Archivist {
    /// Starts the thread.
    pub(crate) fn start(self) -> std::io::Result<Archiving> {
        let (stop, stopping) = channel();
        let (end, ended) = oneshot::channel();
        let progress = Arc::new(ArchiveProgress::default());
        // until the archive says where it is, all that is known is that it is no further
        progress.reach(Offset(0), self.started_at);
        let shared = Arc::clone(&progress);
        std::thread::Builder::new().name("archive".to_owned()).spawn(move || {
            // however it ends, by a panic too, nothing is archived any more
            let _down = Down(Arc::clone(&shared));
            self.run(&shared, &stopping);
            // nobody may be waiting any more
            end.send(()).ok();
        })?;
        Ok(Archiving { progress, stop, ended })
    }

    fn run(&self, progress: &ArchiveProgress, stopping: &Receiver<()>) {
        let mut pause = FIRST_PAUSE;
        let mut said = String::new();
        loop {
            let Err(error) = self.session(progress, stopping) else { return };
            if progress.up.swap(false, Ordering::AcqRel) {
                pause = FIRST_PAUSE;
                said.clear();
            }
            let why = error.to_string();
            if why != said {
                tracing::warn!("nothing is archived for now, and alerts go out all the same: {why}");
                said = why;
            }
            // wakes early where it is to stop
            if stopping.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Opens the archive and follows both logs, until it is told to stop and has all there is.
    fn session(&self, progress: &ArchiveProgress, stopping: &Receiver<()>) -> Result<(), SessionError> {
        let mut archive = self.archive.open()?;
        let applied = archive.applied()?;
        let place = applied.place;
        progress.archive(place.journal);
        let mut batch = Batch::new(&applied);
        let mut journal = JournalFollower::open(self, &mut batch)?;
        let mut alerts = AlertFollower::open(&self.alerting, place.alerts)?;
        let (health, from) = (archive.health()?, batch.after().place.journal);
        loop {
            let is_ending = !matches!(stopping.try_recv(), Err(TryRecvError::Empty));
            let wait = if is_ending { Duration::ZERO } else { IDLE };
            let read = journal.fill(&mut batch, &mut *archive, wait)?;
            let followed = alerts.fill(&self.alerting, &mut batch)?;
            let is_idle = read.is_none() && !followed;
            if is_worth_writing(&batch) || (is_idle && is_ending) {
                batch = self.write(&mut *archive, batch)?;
                progress.archive(batch.after().place.journal);
            }
            // what waits in the batch is not archived: whoever sees no lag finds every row
            if let Some(at) = read.filter(|_| batch.is_empty()) {
                progress.reach(batch.after().place.journal, at);
            }
            // only now it is known that it takes rows
            if !progress.up.swap(true, Ordering::AcqRel) {
                tracing::info!("archiving into {health} from record {from} on");
            }
            if is_idle && is_ending {
                return Ok(());
            }
            if is_idle && self.inbox.is_stopped() {
                // nothing comes any more; until it is told to stop the alert log may grow
                stopping.recv_timeout(IDLE).ok();
            }
        }
    }

    /// Writes the batch; gives the next one.
    fn write(&self, archive: &mut dyn Archive, batch: Batch) -> Result<Batch, ArchiveError> {
        if batch.before() == batch.after() {
            return Ok(batch);
        }
        append_all_but_refused(archive, &batch, &mut |what, why| {
            self.refused.inc();
            tracing::error!("{what}, is not in the archive, and stays where it is from: {why}");
        })?;
        Ok(Batch::new(batch.after()))
    }
}

fn is_worth_writing(batch: &Batch) -> bool {
    let [from, to] = [batch.before(), batch.after()].map(|applied| applied.place.journal.0);
    !batch.is_empty() || to - from >= SILENT_RECORDS_MAX || batch.before().lost != batch.after().lost
}

fn is_full(batch: &Batch) -> bool {
    batch.len() >= BATCH_ROWS_MAX || batch.weight() >= BATCH_BYTES_MAX
}
