//! The messages an alert rests on, read again from where the records came from.

use std::path::PathBuf;
use std::sync::Arc;

use citywarden_alerting::EvidenceMessage;
use citywarden_journal::{Body, Disk, LogError, Places, Reader, Record, RecordError, Remnant};
use citywarden_model::{Change, Digest, Hasher, Offset, Transition};

/// Finds the messages of some offsets.
pub trait EvidenceSource {
    /// The messages at these offsets (ascending), in that order; one that is no longer kept is left out.
    fn messages(&mut self, offsets: &[Offset]) -> std::io::Result<Vec<EvidenceMessage>>;
}

/// Fills in the evidence of a transition that raises an alert; gives the messages it rests on.
pub fn collect_evidence(
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
pub struct JournalEvidence {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    places: Places,
}

impl JournalEvidence {
    /// Evidence from the journal of this directory. Its places are best shared with whoever reads all of it: then a message
    /// is found without reading what lies before it in its segment.
    pub fn new(disk: Arc<dyn Disk>, dir: PathBuf, places: Places) -> Self {
        Self { disk, dir, places }
    }
}

impl EvidenceSource for JournalEvidence {
    fn messages(&mut self, offsets: &[Offset]) -> std::io::Result<Vec<EvidenceMessage>> {
        self.read_beside_retention(offsets).map_err(std::io::Error::other)
    }
}

/// Why the messages cannot be read.
#[derive(Debug, thiserror::Error)]
enum ReadError {
    #[error(transparent)]
    Log(#[from] LogError),
    #[error(transparent)]
    Record(#[from] RecordError),
}

impl JournalEvidence {
    /// Retention may remove what is being read: then it is read anew. The oldest record only moves on, so this ends.
    fn read_beside_retention(&self, offsets: &[Offset]) -> Result<Vec<EvidenceMessage>, ReadError> {
        loop {
            match self.read(offsets) {
                Err(ReadError::Log(LogError::Gone { .. })) => {}
                read => return read,
            }
        }
    }

    /// Of what retention has removed there is what it kept.
    fn read(&self, offsets: &[Offset]) -> Result<Vec<EvidenceMessage>, ReadError> {
        let mut found = Vec::with_capacity(offsets.len());
        let Some(first) = offsets.first() else { return Ok(found) };
        let opened = match self.open(*first) {
            Err(LogError::Gone { oldest, .. }) => {
                self.read_remnant(offsets.iter().filter(|offset| **offset < oldest), &mut found)?;
                self.open(oldest)
            }
            opened => opened,
        };
        let mut reader = opened?;
        let gone = offsets.partition_point(|offset| *offset < reader.position());
        for offset in offsets.get(gone..).unwrap_or_default() {
            reader.seek(*offset)?;
            for record in reader.next_batch(Some(offset.next()), 1)?.iter() {
                found.extend(copy(&record?));
            }
        }
        Ok(found)
    }

    fn open(&self, from: Offset) -> Result<Reader, LogError> {
        Reader::open(&self.disk, &self.dir, from)?.sharing(&self.places)
    }

    fn read_remnant<'o>(
        &self,
        offsets: impl Iterator<Item = &'o Offset>,
        found: &mut Vec<EvidenceMessage>,
    ) -> Result<(), ReadError> {
        let mut remnant = Remnant::open(&*self.disk, &self.dir)?;
        for offset in offsets {
            if let Some(kept) = remnant.record(*offset)? {
                found.extend(copy(&kept.record()?));
            }
        }
        Ok(())
    }
}

fn copy(record: &Record<'_>) -> Option<EvidenceMessage> {
    let Body::Message(message) = record.body else { return None };
    Some(EvidenceMessage {
        offset: record.offset,
        received_at: record.received_at,
        topic: message.topic.to_owned(),
        payload: message.payload.to_vec(),
    })
}

#[cfg(test)]
mod tests {
    use citywarden_journal::{
        CheckpointKey, HostDisk, Journal, JournalOptions, LogOptions, Message, Retention, retain,
    };
    use citywarden_model::{Clock, Span, Timestamp};

    use super::*;

    struct Still;
    impl Clock for Still {
        fn now(&self) -> Timestamp {
            Timestamp::EPOCH + Span::from_secs(1)
        }
    }

    #[test]
    fn evidence_that_retention_has_removed_is_found_where_it_was_kept_and_else_left_out() {
        let home = tempfile::tempdir().unwrap();
        let dir = home.path().join("journal");
        let disk: Arc<dyn Disk> = Arc::new(HostDisk);
        let log =
            LogOptions { segment_bytes: 64 << 10, record_bytes_max: 4 << 10, commit_bytes_max: 16 << 10 };
        let options = JournalOptions { log, ..JournalOptions::default() };
        let key = CheckpointKey::from_seed(&[7; 32]);
        let mut journal = Journal::open(&disk, Arc::new(Still), &dir, options, key).unwrap();
        let payload = [b'x'; 2000];
        let message = Message {
            source: "s",
            topic: "t",
            identity: "",
            qos: 1,
            retained: false,
            duplicate: false,
            refused: None,
            payload: &payload,
            full: None,
        };
        let mut last = Offset(0);
        for _ in 0..200 {
            last = journal.inbox.append(&message).unwrap();
            journal.writer.commit().unwrap();
        }
        let small = Retention { age: Span::from_mins(1), bytes_max: 200 << 10, bytes_floor: 200 << 10 };
        let oldest = retain(&disk, &dir, &small, &[], &[Offset(5)], Still.now()).unwrap().oldest.unwrap();
        assert!(oldest > Offset(10), "{oldest}");
        let mut evidence = JournalEvidence::new(disk, dir, Places::default());
        for (asked, found) in [
            (vec![Offset(5), last], vec![Offset(5), last]),
            (vec![Offset(5), oldest, last], vec![Offset(5), oldest, last]),
            (vec![Offset(6), last], vec![last]),
            (vec![Offset(5), Offset(6)], vec![Offset(5)]),
            (vec![Offset(6), Offset(7)], vec![]),
            (vec![oldest, last], vec![oldest, last]),
        ] {
            let messages = evidence.messages(&asked).unwrap();
            let offsets: Vec<_> = messages.iter().map(|message| message.offset).collect();
            assert_eq!(offsets, found, "{asked:?}");
        }
    }
}
