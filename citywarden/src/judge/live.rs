//! The judge of the running service: it follows the journal, hands what it finds to alerting, and takes a snapshot now
//! and then. It is never waited for by whoever acknowledges, and has a thread and a small runtime to itself, and workers for large batches.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use citywarden_journal::{Inbox, Reader};
use citywarden_model::{Clock, Offset, Span, Timestamp, Transition};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::{BatchError, EvidenceSource, Judge, Judged, Snapshot, SnapshotStore, Stored, collect_evidence};

/// How long it waits for records before it looks at its clock.
const IDLE: Duration = Duration::from_millis(50);
/// How many records are taken between two looks at questions.
const RECORDS_A_TURN: usize = 8192;

/// How far the judge is; read by metrics, health and retention.
#[derive(Debug, Default)]
pub struct Progress {
    judged: AtomicU64,
    judged_at_ns: AtomicU64,
    stopped: AtomicBool,
}

impl Progress {
    /// The first record that is not judged yet.
    pub fn next(&self) -> Offset {
        Offset(self.judged.load(Ordering::Acquire))
    }
    /// When the last judged record was received.
    pub(crate) fn judged_at(&self) -> Timestamp {
        Timestamp::from_nanos(i64::try_from(self.judged_at_ns.load(Ordering::Relaxed)).unwrap_or(i64::MAX))
    }
    /// Whether the judge has given up.
    pub fn is_stopped(&self) -> bool {
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

/// How long whoever asks waits for an answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

/// A question that only the judge's own thread can answer.
pub type Question = Box<dyn FnOnce(&Judge<Stored>) + Send>;

/// Where questions are put.
#[derive(Clone)]
pub struct Questions(UnboundedSender<Question>);

/// The judge gave no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Unanswered {
    /// Retry: it has too much to do, or waits for alerting.
    #[error("the judge is busy: no answer within {ANSWER_WITHIN:?}")]
    Busy,
    /// Halt: it has stopped.
    #[error("the judge has stopped")]
    Stopped,
}

impl Questions {
    /// Asks, and waits [`ANSWER_WITHIN`].
    pub(crate) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Judge<Stored>) -> T + Send + 'static,
    ) -> Result<T, Unanswered> {
        let (reply, answer) = oneshot::channel();
        let ask: Question = Box::new(move |judge| {
            // nobody answers who has given up
            if !reply.is_closed() {
                drop(reply.send(question(judge)));
            }
        });
        self.0.send(ask).map_err(|_| Unanswered::Stopped)?;
        match tokio::time::timeout(ANSWER_WITHIN, answer).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) => Err(Unanswered::Stopped),
            Err(_) => Err(Unanswered::Busy),
        }
    }
}

/// The judge with everything it works with, before it runs.
pub struct LiveJudge<E> {
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
    /// What it is asked.
    pub(crate) asked: UnboundedReceiver<Question>,
}

/// Says that the judge has ended, however it did: a panic too.
struct Ended(Arc<Progress>);

impl Drop for Ended {
    fn drop(&mut self) {
        self.0.stopped.store(true, Ordering::Release);
    }
}

/// A snapshot on its way.
enum Taken {
    /// It waits until everything before it is durable.
    Pending(Pending),
    /// It is written beside the judge.
    Writing(JoinHandle<()>),
}

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

impl Questions {
    /// A place to put questions, and where the judge finds them.
    pub(crate) fn place() -> (Self, UnboundedReceiver<Question>) {
        let (sender, receiver) = unbounded_channel();
        (Self(sender), receiver)
    }
}

impl<E: EvidenceSource + Send> LiveJudge<E> {
    /// Follows the journal until it is told to stop; then judges what is committed and takes a last snapshot.
    pub async fn run(mut self) {
        let _ended = Ended(Arc::clone(&self.progress));
        if let Err(stop) = self.follow().await {
            tracing::error!("the judge has stopped: {stop}");
        }
    }

    async fn follow(&mut self) -> Result<(), JudgeStop> {
        let mut next_snapshot = self.clock.now() + self.snapshot_every;
        let mut taken: Option<Taken> = None;
        loop {
            let ending = self.stop.load(Ordering::Acquire);
            if !ending {
                self.wait().await;
            }
            let went_on = self.turn().await?;
            while let Ok(question) = self.asked.try_recv() {
                question(&self.judge);
            }
            taken = taken.and_then(|taken| self.settle(taken));
            if !went_on && (ending || self.inbox.is_stopped()) {
                return self.finish(taken).await;
            }
            if taken.is_none() && self.clock.now() >= next_snapshot {
                taken = self.begin_snapshot().await?.map(Taken::Pending);
                next_snapshot = self.clock.now() + self.snapshot_every;
            }
        }
    }

    /// Waits for records or questions, and not for long.
    async fn wait(&mut self) {
        let next = self.progress.next();
        if self.inbox.committed() > next {
            return;
        }
        tokio::select! {
            // in this order, so that a simulation repeats itself; a stopped journal is found out by whoever called
            biased;
            _ = self.inbox.durable(next), if !self.inbox.is_stopped() => {}
            Some(question) = self.asked.recv() => question(&self.judge),
            () = tokio::time::sleep(IDLE) => {}
        }
    }

    /// Judges what is committed, at most one turn of it; whether there was any.
    async fn turn(&mut self) -> Result<bool, JudgeStop> {
        // stopped or not, what was committed is judged
        let committed = self.inbox.committed();
        let batch = self.reader.next_batch(Some(committed), RECORDS_A_TURN).map_err(unreadable)?;
        let mut judged = Judged::default();
        let result = self.judge.take_batch(batch, &mut judged);
        // also where something is unreadable: what was judged before it counts
        for transition in judged.transitions {
            hand_over(transition, &mut self.evidence, &self.alerting).await?;
        }
        result?;
        let Some((next, at)) = judged.reached else { return Ok(false) };
        self.progress.reach(next, at);
        Ok(true)
    }

    async fn begin_snapshot(&mut self) -> Result<Option<Pending>, JudgeStop> {
        let next = self.progress.next();
        let Some(last) = next.0.checked_sub(1) else { return Ok(None) };
        let Some(snapshot) = self.judge.snapshot(next) else { return Ok(None) };
        let confirmed = self.alerting.begin_barrier(Offset(last)).await?;
        Ok(Some(Pending { snapshot, confirmed }))
    }

    /// Has the snapshot written once everything before it is durable; nothing is left of one that is.
    fn settle(&self, taken: Taken) -> Option<Taken> {
        match taken {
            Taken::Writing(writing) => (!writing.is_finished()).then_some(Taken::Writing(writing)),
            Taken::Pending(mut pending) => match pending.confirmed.try_recv() {
                Ok(()) => self.begin_write(pending.snapshot).map(Taken::Writing),
                Err(oneshot::error::TryRecvError::Empty) => Some(Taken::Pending(pending)),
                Err(oneshot::error::TryRecvError::Closed) => None,
            },
        }
    }

    /// Writes the snapshot, on a thread for that where the disk may keep it.
    fn begin_write(&self, snapshot: Snapshot) -> Option<JoinHandle<()>> {
        let snapshots = self.snapshots.clone();
        if snapshots.may_block() {
            return Some(tokio::task::spawn_blocking(move || write(&snapshots, &snapshot)));
        }
        write(&snapshots, &snapshot);
        None
    }

    async fn finish(&mut self, taken: Option<Taken>) -> Result<(), JudgeStop> {
        // one after the other: each removes what is older
        if let Some(Taken::Writing(writing)) = taken {
            drop(writing.await);
        }
        if let Some(pending) = self.begin_snapshot().await? {
            pending.confirmed.await.map_err(|_| citywarden_alerting::service::Stopped)?;
            write(&self.snapshots, &pending.snapshot);
        }
        Ok(())
    }
}

impl From<BatchError> for JudgeStop {
    fn from(error: BatchError) -> Self {
        match error {
            BatchError::Record(error) => unreadable(error),
            BatchError::Version(error) => Self::Version(error),
        }
    }
}

fn unreadable(error: impl std::fmt::Display) -> JudgeStop {
    JudgeStop::Journal(error.to_string())
}

fn write(snapshots: &SnapshotStore, snapshot: &Snapshot) {
    if let Err(error) = snapshots.write(snapshot) {
        // not the end: a restart reads on from an older one
        tracing::warn!("the snapshot at {} was not written: {error}", snapshot.next);
    }
}

async fn hand_over(
    mut transition: Transition,
    evidence: &mut (impl EvidenceSource + Send),
    alerting: &citywarden_alerting::Handle,
) -> Result<(), JudgeStop> {
    let messages = collect_evidence(&mut transition, evidence)
        .map_err(|error| JudgeStop::Journal(format!("evidence: {error}")))?;
    Ok(alerting.transition(transition, messages).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn whoever_asks_a_judge_that_is_busy_is_told_so_in_time_and_answered_nothing_later() {
        let (questions, mut asked) = Questions::place();
        assert_eq!(questions.ask(|judge| judge.evaluator().moment()).await, Err(Unanswered::Busy));
        assert!(asked.try_recv().is_ok(), "it was asked");
        drop(asked);
        assert_eq!(questions.ask(|judge| judge.evaluator().moment()).await, Err(Unanswered::Stopped));
    }
}
