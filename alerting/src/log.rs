//! The alert log: every event there ever was, as JSON in a chained, durable log of its own. It is the truth; the book,
//! the outbox and what can be read are folds of it.

use citywarden_model::{AlertId, Digest};

use crate::event::Record;
use crate::evidence::EvidenceMessage;

/// A durable log of opaque entries, chained by digests: each commit names what came before it.
pub trait Chain: Send {
    /// Appends these entries, each all or nothing, and returns when they are on disk.
    fn append(&mut self, entries: &[Vec<u8>]) -> Result<(), ChainError>;
    /// Tries again what was to be appended when there was no room.
    fn retry(&mut self) -> Result<(), ChainError>;
    /// The digest of the last commit: whoever signs it has signed the whole log.
    fn head(&self) -> Digest;
    /// Somebody who reads the same log beside its writer.
    fn reader(&self) -> Box<dyn ChainReader>;
}

/// Reads a chained log from its beginning to what is durable.
pub trait ChainReader: Send + Sync {
    /// Hands each entry to `visit`, in order.
    fn read(&self, visit: &mut dyn FnMut(&[u8])) -> Result<(), ChainError>;
}

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
    #[error("entry {number} of the alert log cannot be read, was it written by a newer version?")]
    Entry {
        /// Its place, from 0.
        number: u64,
        /// What is wrong with it.
        #[source]
        source: serde_json::Error,
    },
}

/// A decision as the log holds it: a JSON array of its records.
pub(crate) fn encode(step: &[&Record]) -> Vec<u8> {
    serde_json::to_vec(step).expect("a record has only text keys and finite numbers")
}

/// Hands every record of the log to `visit`, in order.
pub(crate) fn read_all(reader: &dyn ChainReader, mut visit: impl FnMut(Record)) -> Result<(), LogError> {
    let mut number = 0;
    let mut failure = None;
    reader.read(&mut |bytes| {
        if failure.is_none() {
            match serde_json::from_slice::<Vec<Record>>(bytes) {
                Ok(step) => step.into_iter().for_each(&mut visit),
                Err(source) => failure = Some(LogError::Entry { number, source }),
            }
            number += 1;
        }
    })?;
    failure.map_or(Ok(()), Err)
}

/// The messages copied for this alert, as it was raised and raised again, in that order.
pub(crate) fn evidence(reader: &dyn ChainReader, alert: &AlertId) -> Result<Vec<EvidenceMessage>, LogError> {
    let mut messages = Vec::new();
    let needle = alert.as_str().as_bytes();
    reader.read(&mut |bytes| {
        // most entries are about others: their JSON is not worth reading
        if !needle.is_empty() && bytes.windows(needle.len()).any(|window| window == needle) {
            let step: Vec<Record> = serde_json::from_slice(bytes).unwrap_or_default();
            for record in step {
                if let Record::Event(event) = record
                    && event.alert == *alert
                    && let Some(raise) = event.what.raise()
                {
                    messages.extend(raise.evidence.messages.iter().cloned());
                }
            }
        }
    })?;
    Ok(messages)
}
