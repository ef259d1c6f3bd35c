//! Follows the journal: each message as the registry in force at its offset has it.

use std::sync::Arc;
use std::time::Duration;

use citywarden_archive::{Archive, Arrival, Batch, Projected, Projection};
use citywarden_journal::{Body, Control, Inbox, LogError, Message, Reader, Record, Remnant};
use citywarden_model::{Digest, Offset, RegionId, Registry, Timestamp};

use super::{Archivist, SessionError, is_full};
use crate::judge::{Stored, Versions, decode};

/// Records that are read at a time.
const RECORDS_A_TURN: usize = 1_024;

/// Reads the journal from the archive's place on.
pub(super) struct JournalFollower {
    reader: Reader,
    inbox: Inbox,
    desk: Desk,
}

/// Makes rows of records.
struct Desk {
    region: RegionId,
    projection: Projection,
    versions: Stored,
    registry: Option<Arc<Registry>>,
}

impl JournalFollower {
    /// Opens the journal where the batch begins. Records that are gone are lost, and said so.
    pub(super) fn open(archivist: &Archivist, batch: &mut Batch) -> Result<Self, SessionError> {
        let place = batch.before().place;
        let committed = archivist.inbox.committed();
        if place.journal > committed {
            return Err(SessionError::Foreign { archived: place.journal, journal: committed });
        }
        let mut versions = archivist.versions.clone();
        let mut registry = place.registry.map(|digest| versions.registry(&digest)).transpose()?;
        let open = |from| Reader::open(&archivist.disk, &archivist.journal, from);
        let reader = match open(place.journal) {
            Err(LogError::Gone { asked, oldest }) => {
                let lost = oldest.0 - asked.0;
                // before its first record an archive has missed nothing: it is new
                if place.journal.0 > 0 || place.registry.is_some() {
                    tracing::error!(
                        "records {asked} to {oldest} went before they were archived: {lost} lost"
                    );
                    batch.lose(lost);
                }
                batch.reach_journal(oldest);
                if let Some(digest) = registry_before(archivist, oldest)? {
                    registry = Some(versions.registry(&digest)?);
                    batch.registry(digest);
                }
                open(oldest)?
            }
            other => other?,
        };
        Ok(Self {
            reader,
            inbox: archivist.inbox.clone(),
            desk: Desk {
                region: archivist.region.clone(),
                projection: archivist.projection,
                versions,
                registry,
            },
        })
    }

    /// Reads what is committed, up to a full batch; when the last of it was received. Waits a little where there is none.
    pub(super) fn fill(
        &mut self,
        batch: &mut Batch,
        archive: &mut dyn Archive,
        wait: Duration,
    ) -> Result<Option<Timestamp>, SessionError> {
        let mut read = None;
        while !is_full(batch) {
            let next = self.reader.position();
            let wait = if read.is_some() { Duration::ZERO } else { wait };
            // stopped or not, what was committed is archived
            let committed = self.inbox.wait_past(next, wait).unwrap_or_else(|_| self.inbox.committed());
            let records = self.reader.next_batch(Some(committed), RECORDS_A_TURN)?;
            if records.is_empty() {
                break;
            }
            for record in records.iter() {
                let record = record?;
                self.desk.take(&record, batch, archive)?;
                batch.reach_journal(record.offset.next());
                read = Some(record.received_at);
            }
        }
        Ok(read)
    }
}

/// The registry that was in force when the oldest record kept came.
fn registry_before(archivist: &Archivist, oldest: Offset) -> Result<Option<Digest>, LogError> {
    let mut remnant = Remnant::open(&*archivist.disk, &archivist.journal)?;
    let in_force = remnant.in_force(oldest)?;
    Ok(in_force.iter().filter_map(|kept| kept.record().ok()).find_map(|record| match record.body {
        Body::Control(Control::Registry { digest }) => Some(digest),
        Body::Control(_) | Body::Message(_) => None,
    }))
}

impl Desk {
    fn take(
        &mut self,
        record: &Record<'_>,
        batch: &mut Batch,
        archive: &mut dyn Archive,
    ) -> Result<(), SessionError> {
        match &record.body {
            Body::Control(Control::Registry { digest }) => {
                self.registry = Some(self.versions.registry(digest)?);
                batch.registry(*digest);
                Ok(())
            }
            Body::Control(_) => Ok(()),
            Body::Message(message) => {
                self.project(record, message).map_or(Ok(()), |rows| keep(batch, archive, rows))
            }
        }
    }

    /// The rows of a message; none where it is a dead letter.
    fn project(&self, record: &Record<'_>, message: &Message<'_>) -> Option<Projected> {
        let registry = self.registry.as_ref()?;
        let (id, observations) = decode(&self.region, registry, message).ok()?;
        let device = registry.devices.get(id)?;
        let asset = registry.assets.get(&device.asset)?;
        let arrival = Arrival {
            offset: record.offset,
            received_at: record.received_at,
            duplicate: message.duplicate,
            retained: message.retained,
            payload: message.payload,
        };
        Some(self.projection.project(&arrival, device, &asset.kind, &observations))
    }
}

/// Takes the rows, unless they are those of a second delivery.
fn keep(batch: &mut Batch, archive: &mut dyn Archive, rows: Projected) -> Result<(), SessionError> {
    if let Some(repeat) = &rows.repeat
        && (batch.has(repeat) || archive.has(repeat)?)
    {
        return Ok(());
    }
    batch.message(rows);
    Ok(())
}
