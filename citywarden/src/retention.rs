//! Removes old records of the journal, and nothing that anybody still needs: neither the judge's snapshots, nor the archive
//! up to its floor, nor what an alert may yet rest on.
//!
//! A value may hold for weeks, and an alert raised then has to show the message that said so. Its record is copied before
//! its segment goes. Which these are only the judge knows, by what it remembers now; after a crash it goes on from a
//! snapshot, and remembers what it remembered then. So what is due is removed one pass after the judge was asked, and only
//! once every snapshot is younger than its answer: what a younger snapshot names of that time, the answer named too.

use std::collections::BTreeSet;
use std::sync::Arc;

use citywarden_journal::{Disk, Hold, Removed, Retention, due, retain};
use citywarden_model::{Offset, Timestamp};

use crate::archivist::ArchiveProgress;
use crate::config::Config;
use crate::judge::{Progress, Questions, SnapshotStore};
use crate::spine::Layout;

/// Looks what may go; one pass after the other.
pub(crate) struct Keeper {
    pub(crate) config: Arc<Config>,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) archive: Arc<ArchiveProgress>,
    pub(crate) progress: Arc<Progress>,
    pub(crate) questions: Questions,
    pub(crate) asked: Option<Asked>,
}

/// What the judge needed of the records that were due.
pub(crate) struct Asked {
    /// It had not judged more than this.
    judged: Offset,
    /// The records before this were due.
    end: Offset,
    needed: BTreeSet<Offset>,
}

impl Keeper {
    /// Removes what was due at the pass before, and asks what is needed of what is due now.
    pub(crate) fn pass(&mut self, now: Timestamp) -> anyhow::Result<()> {
        let snapshots = SnapshotStore::open(&self.disk, self.layout().snapshots())?.places()?;
        // without a snapshot the judge begins with the oldest record: all of them are needed
        let restart = snapshots.last().copied().unwrap_or_default();
        let retention = self.retention()?;
        if let Some(asked) = self.asked.take_if(|asked| asked.judged <= restart) {
            let removed = self.remove(&asked, restart, retention, now)?;
            report(&removed);
        }
        if self.asked.is_none() {
            self.asked = self.ask(restart, retention, now)?;
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
        let dir = self.layout().journal();
        Ok(retain(&self.disk, &dir, &retention, &holds, &asked.needed, now)?)
    }

    /// Nothing where nothing is due.
    fn ask(&self, restart: Offset, retention: Retention, now: Timestamp) -> anyhow::Result<Option<Asked>> {
        let dir = self.layout().journal();
        let Some(end) = due(&self.disk, &dir, &retention, &self.holds(restart), now)? else {
            return Ok(None);
        };
        let needed = self.questions.ask(move |judge| judge.evaluator().evidence_before(end))?;
        let judged = self.progress.next();
        Ok(Some(Asked { judged, end, needed }))
    }

    fn layout(&self) -> Layout {
        Layout::new(&self.config.data_dir)
    }

    // the archive holds back what is old, not what is too much
    fn holds(&self, restart: Offset) -> Vec<Hold> {
        vec![hold("judge", restart, false), hold("archive", self.archive.needed(), true)]
    }

    fn retention(&self) -> anyhow::Result<Retention> {
        let bytes_max = share_of_disk(&self.config)?;
        Ok(Retention { age: self.config.journal.retention, bytes_max, bytes_floor: bytes_max })
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

/// The journal's share of the disk it is on, in bytes.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share"
)]
fn share_of_disk(config: &Config) -> anyhow::Result<u64> {
    let total = fs4::total_space(&config.data_dir)?;
    Ok((total as f64 * config.journal.retention_share) as u64)
}
