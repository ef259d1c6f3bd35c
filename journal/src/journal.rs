//! Opens a journal: recovery, then the two ends of it.

use std::path::Path;
use std::sync::Arc;

use citywarden_model::{Clock, Timestamp};

use crate::control::Control;
use crate::disk::{Disk, Reserve, ReservingDisk, clear_replacements};
use crate::inbox::{Inbox, InboxOptions};
use crate::log::{CheckpointKey, Log, LogError, LogOptions, Recovery};
use crate::record::{Record, RecordError};
use crate::remnant;
use crate::writer::{Writer, WriterOptions};

/// Sizes and times of a journal.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct JournalOptions {
    /// Of the segments.
    pub log: LogOptions,
    /// Of what waits for the disk.
    pub inbox: InboxOptions,
    /// Of the writer.
    pub writer: WriterOptions,
    /// Room that it leaves to the others on the disk. Default none.
    pub reserve: Reserve,
}

/// An open journal.
pub struct Journal {
    /// Where messages come in.
    pub inbox: Inbox,
    /// Who writes them: step it, or give it its thread.
    pub writer: Writer,
    /// What was found at the start; a torn tail is to be reported.
    pub recovery: Recovery,
}

/// A journal that cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The log itself.
    #[error(transparent)]
    Log(#[from] LogError),
    /// Its last record.
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl Journal {
    /// Opens the journal of this directory, or begins one. The first records of this run (`started`, and `key` where
    /// the key is not the one of the last checkpoint) are in the inbox and become durable with the first commit.
    pub fn open(
        disk: &Arc<dyn Disk>,
        clock: Arc<dyn Clock>,
        dir: &Path,
        options: JournalOptions,
        key: CheckpointKey,
    ) -> Result<Self, OpenError> {
        let file_bytes = options.log.segment_bytes.into();
        let (disk, reserve) = (Arc::clone(disk), options.reserve);
        let disk: Arc<dyn Disk> =
            Arc::new(ReservingDisk { disk, reserve, file_bytes, replaced: remnant::FILE });
        let (log, recovery) = Log::open(&disk, dir, options.log)?;
        clear_replacements(&*disk, dir).map_err(|source| LogError::disk("clear", dir, source))?;
        let last_received_at = last_received_at(&recovery)?;
        let inbox =
            Inbox::new(clock, options.inbox, options.log.record_bytes_max, recovery.next, last_received_at);
        let signer = key.public();
        let known = recovery.last_checkpoint.as_ref().is_some_and(|checkpoint| checkpoint.key == signer);
        let started = Control::Started { last_received_at };
        let new_key = Control::Key { fingerprint: signer.fingerprint() };
        // A new inbox is open, and takes control records whatever waits in it.
        for control in [Some(started), Some(new_key).filter(|_| !known)].into_iter().flatten() {
            inbox.append_control(&control).map_err(|_| LogError::Halted)?;
        }
        let writer = Writer::new(log, inbox.shared(), options.writer, key);
        Ok(Self { inbox, writer, recovery })
    }
}

fn last_received_at(recovery: &Recovery) -> Result<Timestamp, RecordError> {
    let Some(bytes) = &recovery.last_record else { return Ok(Timestamp::EPOCH) };
    let offset = citywarden_model::Offset(recovery.next.0.saturating_sub(1));
    Record::decode(offset, bytes).map(|record| record.received_at)
}
