//! Records that outlive their segment: retention takes files, and a few records in them are still needed.
//!
//! These are the messages that an alert may yet rest on although they came long ago (a device that reports on change said
//! it weeks ago, and it still holds), and the last `rules` and `registry` before the oldest record kept, without which
//! nobody could judge what follows. [`crate::retain`] writes them down before it removes anything.
//!
//! Under a flood on a small disk they are a million. So no one holds their bytes in memory: they are written as they are
//! read, and one is found by its block.
//!
//! # The file `remnant`, version 2, little-endian
//!
//! | bytes | |
//! |---|---|
//! | 8 | `CWRMNT\r\n` |
//! | 4 | format version, 2 |
//! | | blocks, back to back: for each record, in order: offset (8), length (4), its bytes as they were in the journal |
//! | 16 each | the index, for each block: offset of its first record (8), length (4), CRC32C of its bytes (4) |
//! | 8 each | the offsets of the records that put rules or a registry into force |
//! | 8 | how many records there are |
//! | 4 | how many blocks |
//! | 4 | how many records that put something into force |
//! | 4 | CRC32C of the index and of everything behind it up to here |
//!
//! A block is full once it has 8 KiB. In version 1 a SHA-256 of what follows stood at byte 12, and then all records as in
//! one block; such a file is read, and replaced when something new is kept.
//!
//! There are never more of them than readings and events in the memory of whoever asks for them.

mod index;
mod write;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use citywarden_model::Offset;

use crate::control::Control;
use crate::disk::{Disk, DiskFile, open_if_there};
use crate::fields::Fields;
use crate::log::LogError;
use crate::record::{Body, Record, RecordError};
use index::Index;
pub(crate) use write::{RemnantWriter, replace_remnant};

pub(crate) const FILE: &str = "remnant";
const MAGIC: &[u8; 8] = b"CWRMNT\r\n";
const VERSION: u32 = 2;
/// What stands before the first block.
const HEADER_LEN: usize = 12;
/// What a record takes beside its bytes.
const ENTRY_HEAD_LEN: usize = 12;

/// The records kept of segments that are gone, as they were when it was opened.
pub struct Remnant {
    path: PathBuf,
    /// Nothing where nothing was ever removed.
    file: Option<Box<dyn DiskFile>>,
    index: Index,
    /// The block read last: who looks for records looks for them in order.
    read: Option<(usize, Vec<u8>)>,
}

/// Whoever takes records one by one: the offset and the bytes.
pub(crate) type TakeRecord<'t> = dyn FnMut(Offset, &[u8]) -> Result<(), LogError> + 't;

/// A record that was kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Its place in the journal.
    pub offset: Offset,
    bytes: Vec<u8>,
}

impl Kept {
    /// What it says.
    pub fn record(&self) -> Result<Record<'_>, RecordError> {
        Record::decode(self.offset, &self.bytes)
    }
}

impl Remnant {
    /// Opens what is kept in this directory.
    pub fn open(disk: &dyn Disk, dir: &Path) -> Result<Self, LogError> {
        let path = dir.join(FILE);
        let opened = open_if_there(disk, &path).map_err(|source| LogError::disk("open", &path, source))?;
        let index = opened.as_ref().map(|file| Index::read(&**file, &path)).transpose()?;
        Ok(Self { path, file: opened, index: index.unwrap_or_default(), read: None })
    }

    /// The record of this offset, where it is kept.
    pub fn record(&mut self, offset: Offset) -> Result<Option<Kept>, LogError> {
        let behind = self.index.blocks.partition_point(|block| block.first <= offset);
        let Some(place) = behind.checked_sub(1) else { return Ok(None) };
        if self.read.as_ref().is_none_or(|(read, _)| *read != place) {
            self.read = Some((place, self.block(place)?));
        }
        let bytes = self.read.as_ref().map(|(_, bytes)| bytes.as_slice()).unwrap_or_default();
        let found = entries(bytes).find(|(found, _)| *found == offset);
        Ok(found.map(|(offset, bytes)| Kept { offset, bytes: bytes.to_vec() }))
    }

    /// What was in force when the record at `at` came, in order: the last `rules` and the last `registry` before it.
    pub fn in_force(&mut self, at: Offset) -> Result<Vec<Kept>, LogError> {
        let before: Vec<Offset> = self.index.in_force.iter().copied().filter(|offset| *offset < at).collect();
        let mut last = BTreeMap::new();
        for offset in before {
            let Some(kept) = self.record(offset)? else { continue };
            if let Some(kind) = kept.record().ok().and_then(|record| kind_in_force(&record)) {
                last.insert(kind, kept);
            }
        }
        let mut kept: Vec<Kept> = last.into_values().collect();
        kept.sort_unstable_by_key(|kept| kept.offset);
        Ok(kept)
    }

    /// How many records there are.
    pub fn records(&self) -> u64 {
        self.index.records
    }

    /// Reads all of it; an error where something is damaged.
    pub fn check(&self) -> Result<(), LogError> {
        self.each(&mut |_, _| Ok(()))
    }

    /// Hands over every record, in order.
    pub(crate) fn each(&self, take: &mut TakeRecord<'_>) -> Result<(), LogError> {
        for place in 0..self.index.blocks.len() {
            for (offset, bytes) in entries(&self.block(place)?) {
                take(offset, bytes)?;
            }
        }
        Ok(())
    }

    /// The bytes of a block; an error where they are not what was written.
    fn block(&self, place: usize) -> Result<Vec<u8>, LogError> {
        let (Some(file), Some(block)) = (&self.file, self.index.blocks.get(place)) else {
            return Ok(Vec::new());
        };
        let bytes = read_exactly(&**file, &self.path, block.at, block.len as usize)?;
        if crc32c::crc32c(&bytes) != block.crc {
            let what = "its records are not what their checksum says";
            return Err(LogError::corrupt(&self.path, block.at, block.first, what));
        }
        Ok(bytes)
    }
}

/// The records in the bytes of a block.
fn entries(bytes: &[u8]) -> impl Iterator<Item = (Offset, &[u8])> {
    let mut fields = Fields(bytes);
    std::iter::from_fn(move || {
        let (offset, len) = (fields.u64()?, fields.u32()?);
        Some((Offset(offset), fields.bytes(usize::try_from(len).ok()?)?))
    })
}

/// So many bytes at a position; an error where the file is shorter.
fn read_exactly(file: &dyn DiskFile, path: &Path, at: u64, len: usize) -> Result<Vec<u8>, LogError> {
    let mut bytes = vec![0; len];
    let read = file.read_at(&mut bytes, at).map_err(|source| LogError::disk("read", path, source))?;
    if read < len {
        return Err(LogError::corrupt(path, at, Offset(0), "it is cut short"));
    }
    Ok(bytes)
}

/// Which of the things in force a record is about, if it is about one.
pub(crate) fn kind_in_force(record: &Record<'_>) -> Option<&'static str> {
    match &record.body {
        Body::Control(control @ (Control::Rules { .. } | Control::Registry { .. })) => Some(control.word()),
        Body::Control(_) | Body::Message(_) => None,
    }
}

/// Whether these bytes put something into force; what cannot be read says nothing about it.
pub(crate) fn puts_into_force(offset: Offset, bytes: &[u8]) -> bool {
    Record::decode(offset, bytes).is_ok_and(|record| kind_in_force(&record).is_some())
}
