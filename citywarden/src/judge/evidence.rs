//! The messages an alert rests on, read again from where the records came from.

use std::path::PathBuf;
use std::sync::Arc;

use citywarden_alerting::EvidenceMessage;
use citywarden_journal::{Body, Disk, Reader};
use citywarden_model::{Change, Digest, Hasher, Offset, Transition};

/// Finds the messages of some offsets.
pub(crate) trait EvidenceSource {
    /// The messages at these offsets (ascending), in that order; one that is no longer kept is left out.
    fn messages(&mut self, offsets: &[Offset]) -> std::io::Result<Vec<EvidenceMessage>>;
}

/// Fills in the evidence of a transition that raises an alert; gives the messages it rests on.
pub(crate) fn collect_evidence(
    transition: &mut Transition,
    source: &mut (impl EvidenceSource + ?Sized),
) -> std::io::Result<Vec<EvidenceMessage>> {
    let Change::Raised { alert, evidence, .. } = &mut transition.change else { return Ok(Vec::new()) };
    let messages = source.messages(evidence)?;
    alert.evidence.digest = digest_of(&messages);
    Ok(messages)
}

/// SHA-256 over the SHA-256 of each payload, in order.
fn digest_of(messages: &[EvidenceMessage]) -> Digest {
    let mut hasher = Hasher::new();
    for message in messages {
        hasher.update(Digest::of(&message.payload).as_bytes());
    }
    hasher.finish()
}

/// Evidence from the journal.
pub(crate) struct JournalEvidence {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
}

impl JournalEvidence {
    /// Evidence from the journal of this directory.
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: PathBuf) -> Self {
        Self { disk, dir }
    }
}

/// How many records one read takes in; evidence is a stretch of minutes, among everybody else's records.
const RECORDS_A_READ: usize = 4096;

impl EvidenceSource for JournalEvidence {
    fn messages(&mut self, offsets: &[Offset]) -> std::io::Result<Vec<EvidenceMessage>> {
        let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else { return Ok(Vec::new()) };
        let mut reader = Reader::open(&self.disk, &self.dir, *first).map_err(std::io::Error::other)?;
        let mut found = Vec::with_capacity(offsets.len());
        loop {
            let batch =
                reader.next_batch(Some(last.next()), RECORDS_A_READ).map_err(std::io::Error::other)?;
            if batch.is_empty() {
                return Ok(found);
            }
            for record in batch.iter() {
                let record = record.map_err(std::io::Error::other)?;
                let Body::Message(message) = record.body else { continue };
                if offsets.binary_search(&record.offset).is_ok() {
                    found.push(EvidenceMessage {
                        offset: record.offset,
                        received_at: record.received_at,
                        topic: message.topic.to_owned(),
                        payload: message.payload.to_vec(),
                    });
                }
            }
        }
    }
}
