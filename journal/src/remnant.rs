//! Records that outlive their segment: retention takes files, and a few records in them are still needed.
//!
//! These are the messages that an alert may yet rest on although they came long ago (a device that reports on change said
//! it weeks ago, and it still holds), and the last `rules` and `registry` before the oldest record kept, without which
//! nobody could judge what follows. [`crate::retain`] writes them down before it removes anything.
//!
//! # The file `remnant`, little-endian
//!
//! | at | bytes | |
//! |---|---|---|
//! | 0 | 8 | `CWRMNT\r\n` |
//! | 8 | 4 | format version, 1 |
//! | 12 | 32 | SHA-256 of what follows |
//! | 44 | | for each record, in order: offset (8), length (4), its bytes as they were in the journal |
//!
//! There are never more of them than readings in the memory of whoever asks for them.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use citywarden_model::{Digest, Offset};

use crate::control::Control;
use crate::disk::{Disk, read_whole, replace};
use crate::fields::Fields;
use crate::log::LogError;
use crate::record::{Body, Record, RecordError};

const FILE: &str = "remnant";
const MAGIC: &[u8; 8] = b"CWRMNT\r\n";
const VERSION: u32 = 1;

/// The records kept of segments that are gone.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Remnant(BTreeMap<Offset, Vec<u8>>);

impl Remnant {
    /// What is kept in this directory; nothing where nothing was ever removed.
    pub fn read(disk: &dyn Disk, dir: &Path) -> Result<Self, LogError> {
        let path = path(dir);
        let bytes = read_whole(disk, &path).map_err(|source| LogError::disk("read", &path, source))?;
        bytes.map_or(Ok(Self::default()), |bytes| Self::decode(&path, &bytes))
    }

    /// The record of this offset, where it is kept.
    pub fn record(&self, offset: Offset) -> Option<Result<Record<'_>, RecordError>> {
        self.0.get(&offset).map(|bytes| Record::decode(offset, bytes))
    }

    /// What was in force when the record at `at` came, in order: the last `rules` and the last `registry` before it.
    pub fn in_force(&self, at: Offset) -> Vec<Record<'_>> {
        let offsets: BTreeSet<Offset> = self.last_in_force(at).into_values().collect();
        offsets.into_iter().filter_map(|offset| self.record(offset)?.ok()).collect()
    }

    fn last_in_force(&self, at: Offset) -> BTreeMap<&'static str, Offset> {
        let records = self.0.range(..at).filter_map(|(offset, bytes)| Record::decode(*offset, bytes).ok());
        records.filter_map(|record| Some((kind_in_force(&record)?, record.offset))).collect()
    }

    pub(crate) fn take(&mut self, offset: Offset, bytes: &[u8]) {
        self.0.insert(offset, bytes.to_vec());
    }

    /// Drops what nobody needs once these are gone, nor while one of them is still there: removing them may be cut short.
    pub(crate) fn settle(&mut self, needed: &BTreeSet<Offset>, going: &Range<Offset>) {
        let in_force = [going.start, going.end].map(|at| self.last_in_force(at).into_values());
        let in_force: BTreeSet<Offset> = in_force.into_iter().flatten().collect();
        self.0.retain(|offset, _| needed.contains(offset) || in_force.contains(offset));
    }

    pub(crate) fn write(&self, disk: &dyn Disk, dir: &Path) -> Result<(), LogError> {
        let mut body = Vec::new();
        for (offset, bytes) in &self.0 {
            body.extend_from_slice(&offset.0.to_le_bytes());
            body.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
            body.extend_from_slice(bytes);
        }
        let digest = Digest::of(&body);
        let parts: [&[u8]; 4] = [MAGIC, &VERSION.to_le_bytes(), digest.as_bytes(), &body];
        replace(disk, dir, FILE, &parts.concat())
            .map_err(|source| LogError::disk("write", &path(dir), source))
    }

    fn decode(path: &Path, bytes: &[u8]) -> Result<Self, LogError> {
        let damaged = |what| LogError::corrupt(path, 0, Offset(0), what);
        let mut fields = Fields(bytes);
        if fields.bytes(MAGIC.len()) != Some(MAGIC) {
            return Err(damaged("it does not begin as it should"));
        }
        match fields.u32() {
            Some(VERSION) => {}
            Some(found) => return Err(LogError::Version { path: path.to_owned(), found }),
            None => return Err(damaged("it is cut short")),
        }
        if fields.digest() != Some(Digest::of(fields.0)) {
            return Err(damaged("its content is not what its digest says"));
        }
        let mut records = BTreeMap::new();
        while !fields.0.is_empty() {
            let record = entry(&mut fields).ok_or_else(|| damaged("a record is cut short"))?;
            records.insert(record.0, record.1);
        }
        Ok(Self(records))
    }
}

fn entry(fields: &mut Fields<'_>) -> Option<(Offset, Vec<u8>)> {
    let offset = Offset(fields.u64()?);
    let len = usize::try_from(fields.u32()?).ok()?;
    Some((offset, fields.bytes(len)?.to_vec()))
}

/// Which of the things in force a record is about, if it is about one.
pub(crate) fn kind_in_force(record: &Record<'_>) -> Option<&'static str> {
    match &record.body {
        Body::Control(control @ (Control::Rules { .. } | Control::Registry { .. })) => Some(control.word()),
        Body::Control(_) | Body::Message(_) => None,
    }
}

fn path(dir: &Path) -> PathBuf {
    dir.join(FILE)
}
