//! The judge of the running service: a thread that follows the journal, hands what it finds to alerting, and takes a
//! snapshot now and then. It is never waited for by whoever acknowledges.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use citywarden_journal::{Inbox, Reader};
use citywarden_model::{Clock, Offset, Span, Timestamp, Transition};
use tokio::sync::oneshot;

use super::{EvidenceSource, Judge, Snapshot, SnapshotStore, Stored, collect_evidence};

/// How long the thread waits for records before it looks whether it is asked something.
const IDLE: Duration = Duration::from_millis(50);
/// How many records are taken between two looks at questions.
const RECORDS_A_TURN: usize = 4096;

/// How far the judge is; read by metrics, health and retention.
#[derive(Debug, Default)]
pub(crate) struct Progress {
    judged: AtomicU64,
    judged_at_ns: AtomicU64,
    stopped: AtomicBool,
}

impl Progress {
    /// The first record that is not judged yet.
    pub(crate) fn next(&self) -> Offset {
        Offset(self.judged.load(Ordering::Acquire))
    }
    /// When the last judged record was received.
    pub(crate) fn judged_at(&self) -> Timestamp {
        Timestamp::from_nanos(i64::try_from(self.judged_at_ns.load(Ordering::Relaxed)).unwrap_or(i64::MAX))
    }
    /// Whether the judge has given up.
    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }
    /// Where the judge begins.
    pub(crate) fn begin(&self, next: Offset) {
        self.judged.store(next.0, Ordering::Release);
    }
    fn reach(&self, next: Offset, at: Timestamp) {
        self.judged_at_ns.store(u64::try_from(at.nanos()).unwrap_or(0), Ordering::Relaxed);
        self.judged.store(next.0, Ordering::Release);
    }
}

/// A question that only the judge's own thread can answer.
pub(crate) type Question = Box<dyn FnOnce(&Judge<Stored>) + Send>;

/// Where questions are put.
#[derive(Clone)]
pub(crate) struct Questions(Sender<Question>);

impl Questions {
    /// Asks; `None` where the judge has stopped. Not to be called from async code.
    pub(crate) fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Judge<Stored>) -> T + Send + 'static,
    ) -> Option<T> {
        let (reply, answer) = channel();
        let ask: Question = Box::new(move |judge| drop(reply.send(question(judge))));
        self.0.send(ask).ok()?;
        answer.recv().ok()
    }
}

/// What the judge's thread is made of.
pub(crate) struct LiveJudge<E> {
    /// The judge, as it was at `reader`'s position.
    pub(crate) judge: Judge<Stored>,
    /// Reads the journal from there.
    pub(crate) reader: Reader,
    /// Says what is committed.
    pub(crate) inbox: Inbox,
    /// Finds the messages an alert rests on.
    pub(crate) evidence: E,
    /// Takes the transitions.
    pub(crate) alerting: citywarden_alerting::Handle,
    /// Keeps the snapshots.
    pub(crate) snapshots: SnapshotStore,
    /// How often one is taken, by the clock.
    pub(crate) snapshot_every: Span,
    /// The journal's clock.
    pub(crate) clock: Arc<dyn Clock>,
    /// How far it is.
    pub(crate) progress: Arc<Progress>,
    /// Set when the service stops.
    pub(crate) stop: Arc<AtomicBool>,
}

/// Says that the judge has ended, however it did: a panic too.
struct Ended(Arc<Progress>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::Release);
    }
}

/// A snapshot that waits until everything before it is durable.
struct Pending {
    snapshot: Snapshot,
    confirmed: oneshot::Receiver<()>,
}

/// Why the judge stops for good.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JudgeStop {
    #[error("the journal cannot be read: {0}")]
    Journal(String),
    #[error("a version cannot be read: {0}")]
    Version(#[from] super::VersionError),
    #[error("alerting takes no more transitions")]
    Alerting(#[from] citywarden_alerting::service::Stopped),
}

impl<E: EvidenceSource> LiveJudge<E> {
    /// A place to put questions, and where the thread finds them.
    pub(crate) fn questions() -> (Questions, Receiver<Question>) {
        let (sender, receiver) = channel();
        (Questions(sender), receiver)
    }

    /// Follows the journal until it is told to stop; then judges what is committed and takes a last snapshot.
    pub(crate) fn run(mut self, questions: &Receiver<Question>) {
        let _ended = Ended(Arc::clone(&self.progress));
        if let Err(stop) = self.follow(questions) {
            tracing::error!("the judge has stopped: {stop}");
        }
    }

    fn follow(&mut self, questions: &Receiver<Question>) -> Result<(), JudgeStop> {
        let mut next_snapshot = self.clock.now() + self.snapshot_every;
        let mut pending: Option<Pending> = None;
        loop {
            let ending = self.stop.load(Ordering::Acquire);
            let went_on = self.turn(if ending { Duration::ZERO } else { IDLE })?;
            for question in questions.try_iter() {
                question(&self.judge);
            }
            pending = pending.and_then(|pending| self.settle(pending));
            if !went_on && (ending || self.inbox.is_stopped()) {
                return self.finish();
            }
            if pending.is_none() && self.clock.now() >= next_snapshot {
                pending = self.begin_snapshot()?;
                next_snapshot = self.clock.now() + self.snapshot_every;
            }
        }
    }

    /// Judges what is committed, at most one turn of it; whether there was any.
    fn turn(&mut self, wait: Duration) -> Result<bool, JudgeStop> {
        let next = self.progress.next();
        // stopped or not, what was committed is judged
        let committed = self.inbox.wait_past(next, wait).unwrap_or_else(|_| self.inbox.committed());
        let unreadable = |error: &dyn std::fmt::Display| JudgeStop::Journal(error.to_string());
        let batch =
            self.reader.next_batch(Some(committed), RECORDS_A_TURN).map_err(|error| unreadable(&error))?;
        let mut transitions = Vec::new();
        let mut reached = None;
        for record in batch.iter() {
            let record = record.map_err(|error| unreadable(&error))?;
            self.judge.take(&record, &mut transitions)?;
            reached = Some((record.offset.next(), record.received_at));
            for transition in transitions.drain(..) {
                hand_over(transition, &mut self.evidence, &self.alerting)?;
            }
        }
        let Some((next, at)) = reached else { return Ok(false) };
        self.progress.reach(next, at);
        Ok(true)
    }

    fn begin_snapshot(&mut self) -> Result<Option<Pending>, JudgeStop> {
        let next = self.progress.next();
        let Some(last) = next.0.checked_sub(1) else { return Ok(None) };
        let Some(snapshot) = self.judge.snapshot(next) else { return Ok(None) };
        let confirmed = self.alerting.begin_barrier(Offset(last))?;
        Ok(Some(Pending { snapshot, confirmed }))
    }

    /// Writes the snapshot once everything before it is durable; gives it back where it is not yet.
    fn settle(&self, mut pending: Pending) -> Option<Pending> {
        match pending.confirmed.try_recv() {
            Ok(()) => {
                self.write(&pending.snapshot);
                None
            }
            Err(oneshot::error::TryRecvError::Empty) => Some(pending),
            Err(oneshot::error::TryRecvError::Closed) => None,
        }
    }

    fn write(&self, snapshot: &Snapshot) {
        if let Err(error) = self.snapshots.write(snapshot) {
            // not the end: a restart reads on from an older one
            tracing::warn!("the snapshot at {} was not written: {error}", snapshot.next);
        }
    }

    fn finish(&mut self) -> Result<(), JudgeStop> {
        if let Some(pending) = self.begin_snapshot()? {
            pending.confirmed.blocking_recv().map_err(|_| citywarden_alerting::service::Stopped)?;
            self.write(&pending.snapshot);
        }
        Ok(())
    }
}

fn hand_over(
    mut transition: Transition,
    evidence: &mut impl EvidenceSource,
    alerting: &citywarden_alerting::Handle,
) -> Result<(), JudgeStop> {
    let messages = collect_evidence(&mut transition, evidence)
        .map_err(|error| JudgeStop::Journal(format!("evidence: {error}")))?;
    Ok(alerting.transition(transition, messages)?)
}
