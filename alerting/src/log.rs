//! The alert log: every event there ever was, as JSON in a chained, durable log of its own. It is the truth; the book,
//! the outbox and what can be read are folds of it.

mod journalled;

use std::ops::ControlFlow;

use citywarden_model::{AlertId, Digest, Offset};

pub use self::journalled::{JournalledLog, read_view};

use crate::event::Record;
use crate::evidence::EvidenceMessage;

/// Bytes of JSON above which a decision is split: more than an alert with its evidence takes, and less than an entry may.
const SPLIT_BYTES: usize = 384 << 10;

/// A durable log of opaque entries, chained by digests: each commit names what came before it.
pub trait Chain: Send {
    /// The place of the next entry.
    fn next(&self) -> Offset;
    /// Appends these entries, each all or nothing, and returns when they are on disk.
    fn append(&mut self, entries: &[Vec<u8>]) -> Result<(), ChainError>;
    /// Tries again what was to be appended when there was no room.
    fn retry(&mut self) -> Result<(), ChainError>;
    /// The digest of the last commit: whoever signs it has signed the whole log.
    fn head(&self) -> Digest;
    /// Somebody who reads the same log beside its writer.
    fn reader(&self) -> Box<dyn ChainReader>;
}

/// Reads a chained log beside its writer.
pub trait ChainReader: Send + Sync {
    /// Hands each entry from this place on to `visit`, in order, until it breaks or there are no more.
    fn read(&self, from: Offset, visit: &mut Visit<'_>) -> Result<(), ChainError>;
}

/// Is handed an entry's place and bytes.
pub type Visit<'a> = dyn FnMut(Offset, &[u8]) -> ControlFlow<()> + 'a;

/// Why a log did not take, or give, records.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// Retry: there is no room now; what was handed over waits.
    #[error("the alert log's disk is full")]
    Full,
    /// Halt: nobody knows what is on disk.
    #[error("the alert log failed: {0}")]
    Broken(String),
}

/// Why the alert log cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The log itself.
    #[error(transparent)]
    Chain(#[from] ChainError),
    /// An entry that this version does not understand.
    #[error("entry {offset} of the alert log cannot be read, was it written by a newer version?")]
    Entry {
        /// Its place.
        offset: Offset,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

/// A decision as the log holds it: a JSON array of its records.
pub(crate) fn encode(step: &[&Record]) -> Vec<u8> {
    serde_json::to_vec(step).expect("a record has only text keys and finite numbers")
}

/// A decision as the entries it takes: one, unless it is larger than any that raises an alert. Then all but the last say
/// that more follows, so that after a crash in between it is derived again and the rest of it is done.
pub(crate) fn split(step: Vec<Record>) -> Vec<Vec<Record>> {
    let mut entries = vec![Vec::new()];
    let mut bytes = 0;
    for record in step {
        let len = encode(&[&record]).len();
        if bytes + len > SPLIT_BYTES && bytes > 0 {
            entries.push(Vec::new());
            bytes = 0;
        }
        bytes += len;
        entries.last_mut().expect("it began with one").push(record);
    }
    if let Some((_, unfinished)) = entries.split_last_mut() {
        unfinished.iter_mut().flatten().for_each(say_that_more_follows);
    }
    entries
}

fn say_that_more_follows(record: &mut Record) {
    if let Record::Event(event) = record
        && let Some(cause) = &mut event.cause
    {
        cause.more = true;
    }
}

/// Hands every record of the log to `visit`, in order, with the place of its entry.
pub(crate) fn read_all(
    reader: &dyn ChainReader,
    mut visit: impl FnMut(Offset, Record),
) -> Result<(), LogError> {
    read_entries(reader, Offset(0), &mut |offset, step| {
        for record in step {
            visit(offset, record);
        }
        ControlFlow::Continue(())
    })
}

/// Hands the records of each entry from this place on to `visit`, in order, until it breaks.
pub(crate) fn read_entries(
    reader: &dyn ChainReader,
    from: Offset,
    visit: &mut dyn FnMut(Offset, Vec<Record>) -> ControlFlow<()>,
) -> Result<(), LogError> {
    let mut failure = None;
    reader.read(from, &mut |offset, bytes| match decode(offset, bytes) {
        Ok(step) => visit(offset, step),
        Err(error) => {
            failure = Some(error);
            ControlFlow::Break(())
        }
    })?;
    failure.map_or(Ok(()), Err)
}

/// The messages copied for this alert in the entry at this place.
pub(crate) fn evidence_at(
    reader: &dyn ChainReader,
    place: Offset,
    alert: &AlertId,
) -> Result<Vec<EvidenceMessage>, LogError> {
    let mut decoded = Ok(Vec::new());
    reader.read(place, &mut |offset, bytes| {
        decoded = decode(offset, bytes);
        ControlFlow::Break(())
    })?;
    let raises = decoded?.into_iter().filter_map(|record| match record {
        Record::Event(event) if event.alert == *alert => event.what.into_raise(),
        Record::Event(_) | Record::Applied(_) => None,
    });
    Ok(raises.flat_map(|raise| raise.evidence.messages).collect())
}

fn decode(offset: Offset, bytes: &[u8]) -> Result<Vec<Record>, LogError> {
    serde_json::from_slice(bytes).map_err(|source| LogError::Entry { offset, source })
}
