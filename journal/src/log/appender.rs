//! The one writer of a log.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use citywarden_model::{Digest, Offset, Timestamp};

use super::checkpoint::CheckpointKey;
use super::format::{
    CHECKPOINT_FRAME_LEN, COMMIT_HEAD_LEN, ENTRY_HEAD_LEN, HEADER_LEN, Header, Place, checkpoint_frame,
    commit_digest, commit_head,
};
use super::records::Records;
use super::segment::{self, Preparer};
use super::{LogError, LogOptions, Recovery, recovery};
use crate::disk::{Disk, DiskFile, DiskLock};

/// The one writer of a log.
pub struct Log {
    dir: PathBuf,
    options: LogOptions,
    preparer: Arc<Preparer>,
    file: Box<dyn DiskFile>,
    header: Header,
    seed: u32,
    /// Where the next frame goes.
    position: usize,
    /// Everything before is durable.
    synced: usize,
    next: Offset,
    head: Digest,
    /// Everything before is signed.
    signed: Option<Offset>,
    halted: bool,
    records: Records,
    leaves: Vec<Digest>,
    _lock: DiskLock,
}

/// What a checkpoint is signed with.
#[derive(Clone, Copy)]
pub(crate) struct Seal<'a> {
    pub(crate) key: &'a CheckpointKey,
    pub(crate) signed_at: Timestamp,
    pub(crate) foreign_head: Option<Digest>,
}

impl Log {
    /// Opens the log of this directory, or begins one; cuts a torn tail back to the last whole commit.
    pub fn open(disk: &Arc<dyn Disk>, dir: &Path, options: LogOptions) -> Result<(Self, Recovery), LogError> {
        options.check()?;
        let lock = recovery::lock(&**disk, dir)?;
        let preparer = Arc::new(Preparer::new(Arc::clone(disk), dir, options.segment_bytes));
        preparer.clear().map_err(|source| LogError::disk("clear", dir, source))?;
        let (tail, recovery) = match recovery::recover(&**disk, dir)? {
            Some(found) => found,
            None => recovery::begin(&preparer, dir, options.segment_bytes)?,
        };
        let log = Self {
            dir: dir.to_owned(),
            options,
            preparer,
            file: tail.file,
            header: tail.header,
            seed: tail.header.seed(),
            position: tail.position,
            synced: tail.position,
            next: recovery.next,
            head: tail.head,
            signed: recovery.last_checkpoint.as_ref().map(|checkpoint| checkpoint.next),
            halted: false,
            records: Records::default(),
            leaves: Vec::new(),
            _lock: lock,
        };
        Ok((log, recovery))
    }

    /// Appends records and syncs them; gives the offset of the first. They are in one commit where they fit into one.
    ///
    /// After [`LogError::DiskFull`] call [`Log::retry`]: the records were taken and wait.
    pub fn append<'a>(&mut self, records: impl IntoIterator<Item = &'a [u8]>) -> Result<Offset, LogError> {
        let first = Offset(self.next.0 + self.records.left() as u64);
        let max = self.options.record_bytes_max;
        let records: Vec<&[u8]> = records.into_iter().collect();
        if let Some(record) = records.iter().find(|record| record.len() > max) {
            return Err(LogError::RecordTooLarge { len: record.len(), max });
        }
        for record in records {
            self.records.push(|bytes| bytes.extend_from_slice(record));
        }
        self.retry()?;
        Ok(first)
    }

    /// Writes and syncs what waits since the disk was full.
    pub fn retry(&mut self) -> Result<(), LogError> {
        let mut records = std::mem::take(&mut self.records);
        let written = self.write(&mut records, None).and_then(|()| self.sync());
        if records.left() == 0 {
            records.clear();
        }
        self.records = records;
        written
    }

    /// The offset the next record will have.
    pub const fn next(&self) -> Offset {
        self.next
    }
    /// The digest of the last commit; zeros in a new log.
    pub const fn head(&self) -> Digest {
        self.head
    }
    pub(crate) fn preparer(&self) -> Arc<Preparer> {
        Arc::clone(&self.preparer)
    }

    /// Makes the next segment's file ready, so that no commit waits for it.
    pub fn prepare_segment(&self) -> Result<(), LogError> {
        self.preparer.prepare().map_err(|source| LogError::disk("prepare a segment in", &self.dir, source))
    }

    /// Writes records as commits, without syncing. What was written is taken from `records`, also where an error ends
    /// it.
    pub(crate) fn write(&mut self, records: &mut Records, seal: Option<Seal<'_>>) -> Result<(), LogError> {
        if self.halted {
            return Err(LogError::Halted);
        }
        while records.left() > 0 {
            let room = (self.header.size as usize)
                .saturating_sub(self.position + COMMIT_HEAD_LEN + CHECKPOINT_FRAME_LEN);
            let commit_max =
                self.options.commit_bytes_max.max(self.options.record_bytes_max + ENTRY_HEAD_LEN);
            match records.fitting(room.min(commit_max)) {
                0 => self.roll(seal)?,
                count => self.write_commit(records, count)?,
            }
        }
        Ok(())
    }

    /// Signs what is written so far. The room for it is always kept.
    pub(crate) fn write_checkpoint(&mut self, seal: Seal<'_>) -> Result<(), LogError> {
        if self.halted {
            return Err(LogError::Halted);
        }
        if !self.has_room_for_checkpoint() {
            return self.roll(None).and_then(|()| self.write_checkpoint(seal));
        }
        let checkpoint = seal.key.sign(self.next, self.head, seal.signed_at, seal.foreign_head);
        let frame = checkpoint_frame(self.place(), &checkpoint);
        self.write_at(&frame, self.position)?;
        self.position += frame.len();
        self.signed = Some(self.next);
        Ok(())
    }

    const fn has_room_for_checkpoint(&self) -> bool {
        self.position + CHECKPOINT_FRAME_LEN <= self.header.size as usize
    }

    /// Makes everything written durable. Where it fails, the log stops for good: the system may have forgotten what it
    /// could not write, and a second sync would report success without it.
    pub(crate) fn sync(&mut self) -> Result<(), LogError> {
        if self.halted {
            return Err(LogError::Halted);
        }
        if self.synced < self.position {
            self.file.sync_data().map_err(|source| self.halt("sync", source))?;
            self.synced = self.position;
        }
        Ok(())
    }

    fn write_commit(&mut self, records: &mut Records, count: usize) -> Result<(), LogError> {
        let place = self.place();
        let count_u32 = u32::try_from(count).unwrap_or(u32::MAX);
        let (entries, root) = records.seal(count, &mut self.leaves);
        let digest = commit_digest(&self.head, &root, count_u32);
        let head = commit_head(place, self.next, count_u32, &digest, entries);
        let len = head.len() + entries.len();
        // The head last: a reader beside us never sees one without its entries.
        self.write_at(entries, self.position + head.len())?;
        self.write_at(&head, self.position)?;
        records.take(count);
        self.position += len;
        self.next = Offset(self.next.0 + count as u64);
        self.head = digest;
        Ok(())
    }

    // The old segment is durable and ends with a checkpoint before the new one exists: so a segment that has a
    // successor is never torn.
    fn roll(&mut self, seal: Option<Seal<'_>>) -> Result<(), LogError> {
        let unsigned = self.signed != Some(self.next) && self.next > self.header.base;
        if let Some(seal) = seal.filter(|_| unsigned && self.has_room_for_checkpoint()) {
            self.write_checkpoint(seal)?;
        }
        self.sync()?;
        let header = Header { base: self.next, size: self.options.segment_bytes, previous: self.head };
        let path = segment::path(&self.dir, header.base);
        match self.preparer.begin(&header) {
            Ok(file) => self.file = file,
            Err(source) if crate::disk::is_full(&source) => {
                return Err(LogError::DiskFull { what: "begin segment", path, source });
            }
            Err(source) => {
                self.halted = true;
                return Err(LogError::Disk { what: "begin segment", path, source });
            }
        }
        self.header = header;
        self.seed = header.seed();
        self.position = HEADER_LEN;
        self.synced = HEADER_LEN;
        Ok(())
    }

    fn place(&self) -> Place {
        Place { seed: self.seed, synced: u32::try_from(self.synced).unwrap_or(u32::MAX) }
    }

    fn write_at(&mut self, bytes: &[u8], at: usize) -> Result<(), LogError> {
        match self.file.write_at(bytes, at as u64) {
            Ok(()) => Ok(()),
            // Nothing of it counts yet, and it will be written again in the same place.
            Err(source) if crate::disk::is_full(&source) => {
                Err(LogError::DiskFull { what: "write to", path: self.path(), source })
            }
            Err(source) => Err(self.halt("write to", source)),
        }
    }

    fn halt(&mut self, what: &'static str, source: std::io::Error) -> LogError {
        self.halted = true;
        LogError::Disk { what, path: self.path(), source }
    }

    fn path(&self) -> PathBuf {
        segment::path(&self.dir, self.header.base)
    }
}
