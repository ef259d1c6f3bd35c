//! What is in a journal.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use citywarden_model::{Offset, Timestamp};

use crate::disk::Disk;
use crate::log::{Checkpoint, LogError, last_checkpoint, segment};
use crate::reader::Reader;
use crate::record::{Body, RecordError};

/// Records read at a time.
const BATCH_RECORDS: usize = 4096;

/// What is in a journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stat {
    /// Segment files.
    pub segments: u64,
    /// Bytes they take.
    pub bytes: u64,
    /// The oldest record kept.
    pub first: Offset,
    /// The offset behind the last record.
    pub next: Offset,
    /// `received_at` of the oldest record.
    pub first_received_at: Option<Timestamp>,
    /// `received_at` of the last record.
    pub last_received_at: Option<Timestamp>,
    /// Records by what they say: `message`, and the words of control records.
    pub counts: BTreeMap<&'static str, u64>,
    /// Messages refused at the door, by the reason's word.
    pub refused: BTreeMap<&'static str, u64>,
    /// Bytes of payloads kept.
    pub payload_bytes: u64,
    /// The last checkpoint.
    pub last_checkpoint: Option<Checkpoint>,
}

/// A journal whose content cannot be told.
#[derive(Debug, thiserror::Error)]
pub enum StatError {
    /// The log itself.
    #[error(transparent)]
    Log(#[from] LogError),
    /// One of its records.
    #[error(transparent)]
    Record(#[from] RecordError),
}

/// Reads through a journal, also beside a running service.
pub fn stat(disk: &Arc<dyn Disk>, dir: &Path) -> Result<Stat, StatError> {
    let bases = segment::bases(&**disk, dir).map_err(|source| LogError::disk("list", dir, source))?;
    let mut reader = Reader::open_oldest(disk, dir)?;
    let mut stat = Stat {
        segments: bases.len() as u64,
        bytes: 0,
        first: reader.position(),
        next: reader.position(),
        first_received_at: None,
        last_received_at: None,
        counts: BTreeMap::new(),
        refused: BTreeMap::new(),
        payload_bytes: 0,
        last_checkpoint: last_checkpoint(&**disk, dir)?,
    };
    for base in bases {
        stat.bytes += u64::from(segment::open(&**disk, dir, base, false)?.1.size);
    }
    loop {
        let batch = reader.next_batch(None, BATCH_RECORDS)?;
        if batch.is_empty() {
            return Ok(stat);
        }
        for record in batch.iter() {
            let record = record?;
            stat.count(&record.body);
            stat.next = record.offset.next();
            stat.first_received_at.get_or_insert(record.received_at);
            stat.last_received_at = Some(record.received_at);
        }
    }
}

impl Stat {
    fn count(&mut self, body: &Body<'_>) {
        let word = match body {
            Body::Control(control) => control.word(),
            Body::Message(message) => {
                self.payload_bytes += message.payload.len() as u64;
                if let Some(reason) = message.refused {
                    *self.refused.entry(reason.as_str()).or_default() += 1;
                }
                "message"
            }
        };
        *self.counts.entry(word).or_default() += 1;
    }
}
