//! Removes old records of the journal, and nothing that anybody still needs: neither the judge's snapshots, nor the archive
//! up to its floor, nor what an alert may yet rest on.
//!
//! A value may hold for weeks, and an alert raised then has to show the message that said so. Its record is copied before
//! its segment goes. Which these are only the judge knows, by what it remembers now; after a crash it goes on from a
//! snapshot, and remembers what it remembered then. So what is due is removed one pass after the judge was asked, and only
//! once every snapshot is younger than its answer: what a younger snapshot names of that time, the answer named too.

use std::sync::Arc;

use citywarden_journal::{Disk, Hold, Removed, Retention, due, retain};
use citywarden_model::{Offset, Span, Timestamp};

use crate::judge::{Progress, Questions, SnapshotStore};
use crate::spine::{Grounds, Layout};

/// How long and how much of the journal is kept.
#[derive(Debug, Clone, Copy)]
pub struct Keeping {
    /// Older records may go.
    pub age: Span,
    /// Of the disk's size: above it the oldest records may go, whatever their age.
    pub share: f64,
}

/// Who else holds records back.
pub type Holds = Box<dyn Fn() -> Vec<Hold> + Send + Sync>;

/// Looks what may go; one pass after the other.
pub struct Keeper {
    pub(crate) keeping: Keeping,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) layout: Layout,
    pub(crate) progress: Arc<Progress>,
    pub(crate) questions: Questions,
    pub(crate) holds: Holds,
    pub(crate) asked: Option<Asked>,
}

/// What the judge needed of the records that were due.
pub(crate) struct Asked {
    /// It had not judged more than this.
    judged: Offset,
    /// The records before this were due.
    end: Offset,
    /// Ascending.
    needed: Vec<Offset>,
}

impl Keeper {
    /// Over these stages. `holds` says who else needs what: the archive.
    pub fn new(
        grounds: &Grounds,
        keeping: Keeping,
        progress: Arc<Progress>,
        questions: Questions,
        holds: Holds,
    ) -> Self {
        let (disk, layout) = (Arc::clone(&grounds.disk), grounds.layout.clone());
        Self { keeping, disk, layout, progress, questions, holds, asked: None }
    }

    /// Removes what was due at the pass before, and asks what is needed of what is due now. The disk may keep it for long.
    pub async fn pass(&mut self, now: Timestamp) -> anyhow::Result<()> {
        let snapshots = SnapshotStore::open(&self.disk, self.layout.snapshots())?.places()?;
        // without a snapshot the judge begins with the oldest record: all of them are needed
        let restart = snapshots.last().copied().unwrap_or_default();
        let retention = self.retention()?;
        if let Some(asked) = self.asked.take_if(|asked| asked.judged <= restart) {
            let removed = self.remove(&asked, restart, retention, now)?;
            report(&removed);
            if let Some(why) = removed.failed {
                anyhow::bail!("some of what was due is still there: {why}");
            }
        }
        if self.asked.is_none() {
            self.asked = self.ask(restart, retention, now).await?;
        }
        Ok(())
    }

    fn remove(
        &self,
        asked: &Asked,
        restart: Offset,
        retention: Retention,
        now: Timestamp,
    ) -> anyhow::Result<Removed> {
        let mut holds = self.holds(restart);
        holds.push(hold("evidence", asked.end, false));
        let dir = self.layout.journal();
        Ok(retain(&self.disk, &dir, &retention, &holds, &asked.needed, now)?)
    }

    /// Nothing where nothing is due.
    async fn ask(
        &self,
        restart: Offset,
        retention: Retention,
        now: Timestamp,
    ) -> anyhow::Result<Option<Asked>> {
        let dir = self.layout.journal();
        let Some(end) = due(&self.disk, &dir, &retention, &self.holds(restart), now)? else {
            return Ok(None);
        };
        let mut needed = self.questions.ask(move |judge| judge.evaluator().evidence_before(end)).await?;
        needed.sort_unstable();
        needed.dedup();
        let judged = self.progress.next();
        Ok(Some(Asked { judged, end, needed }))
    }

    fn holds(&self, restart: Offset) -> Vec<Hold> {
        let mut holds = (self.holds)();
        holds.push(hold("judge", restart, false));
        holds
    }

    fn retention(&self) -> anyhow::Result<Retention> {
        let bytes_max = self.disk.space(&self.layout.journal())?.share(self.keeping.share);
        Ok(Retention { age: self.keeping.age, bytes_max, bytes_floor: bytes_max })
    }
}

fn hold(name: &str, offset: Offset, yields: bool) -> Hold {
    Hold { name: name.to_owned(), offset, yields }
}

fn report(removed: &Removed) {
    for lost in &removed.lost {
        let oldest = removed.oldest.unwrap_or_default();
        tracing::error!("the disk's share is full: {} loses records {} to {oldest}", lost.name, lost.offset);
    }
    if removed.segments > 0 {
        tracing::info!("{} old segments removed, {} bytes", removed.segments, removed.bytes);
    }
}
