//! Where in the file the records of a remnant are: what is held of it in memory.

use std::path::Path;

use citywarden_model::{Hasher, Offset};

use super::{ENTRY_HEAD_LEN, HEADER_LEN, MAGIC, VERSION, puts_into_force, read_exactly};
use crate::disk::DiskFile;
use crate::fields::Fields;
use crate::log::LogError;

const EARLIER_VERSION: u32 = 1;
/// Where the records of an earlier version begin, behind their SHA-256.
const EARLIER_HEADER_LEN: usize = HEADER_LEN + 32;
/// [`ENTRY_HEAD_LEN`], where lengths are counted as they are in the file.
const ENTRY_HEAD_BYTES: u32 = 12;
const ENTRY_LEN: usize = 16;
const IN_FORCE_LEN: usize = 8;
const COUNTS_LEN: usize = 16;
const TAIL_LEN: usize = COUNTS_LEN + 4;

/// Some records that lie together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Block {
    /// The offset of the first of them.
    pub(super) first: Offset,
    /// Where they begin.
    pub(super) at: u64,
    pub(super) len: u32,
    pub(super) crc: u32,
}

/// All blocks, in order, and what is looked for without knowing its offset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Index {
    pub(super) blocks: Vec<Block>,
    /// The records that put something into force.
    pub(super) in_force: Vec<Offset>,
    pub(super) records: u64,
}

impl Index {
    pub(super) fn encode(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.len());
        for block in &self.blocks {
            bytes.extend_from_slice(&block.first.0.to_le_bytes());
            bytes.extend_from_slice(&block.len.to_le_bytes());
            bytes.extend_from_slice(&block.crc.to_le_bytes());
        }
        for offset in &self.in_force {
            bytes.extend_from_slice(&offset.0.to_le_bytes());
        }
        bytes.extend_from_slice(&self.records.to_le_bytes());
        for count in [self.blocks.len(), self.in_force.len()] {
            bytes.extend_from_slice(&u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
        }
        bytes.extend_from_slice(&crc32c::crc32c(&bytes).to_le_bytes());
        bytes
    }

    fn len(&self) -> usize {
        self.blocks.len() * ENTRY_LEN + self.in_force.len() * IN_FORCE_LEN + TAIL_LEN
    }

    /// Of a file of this or of the earlier version.
    pub(super) fn read(file: &dyn DiskFile, path: &Path) -> Result<Self, LogError> {
        let damaged = |what| LogError::corrupt(path, 0, Offset(0), what);
        let header = read_exactly(file, path, 0, HEADER_LEN)?;
        let mut fields = Fields(&header);
        if fields.bytes(MAGIC.len()) != Some(MAGIC) {
            return Err(damaged("it does not begin as it should"));
        }
        let size = file.size().map_err(|source| LogError::disk("read", path, source))?;
        match fields.u32() {
            Some(VERSION) => Self::read_end(file, path, size)?
                .ok_or_else(|| damaged("its index is not what its checksum says")),
            Some(EARLIER_VERSION) => Self::find(file, path, size),
            found => Err(LogError::Version { path: path.to_owned(), found: found.unwrap_or_default() }),
        }
    }

    /// What the end of the file says; `None` where that is damaged.
    fn read_end(file: &dyn DiskFile, path: &Path, size: u64) -> Result<Option<Self>, LogError> {
        let Some(tail_at) = size.checked_sub(TAIL_LEN as u64) else { return Ok(None) };
        let tail = read_exactly(file, path, tail_at, TAIL_LEN)?;
        let Some((records, blocks, in_force)) = counts(&tail) else { return Ok(None) };
        let listed = u64::from(blocks) * ENTRY_LEN as u64 + u64::from(in_force) * IN_FORCE_LEN as u64;
        let Some(at) = tail_at.checked_sub(listed).filter(|at| *at >= HEADER_LEN as u64) else {
            return Ok(None);
        };
        let Ok(len) = usize::try_from(listed + TAIL_LEN as u64) else { return Ok(None) };
        let bytes = read_exactly(file, path, at, len)?;
        Ok(Self::decode(&bytes, records, blocks, in_force).filter(|index| index.end() == at))
    }

    fn decode(bytes: &[u8], records: u64, blocks: u32, in_force: u32) -> Option<Self> {
        let (listed, crc) = bytes.split_last_chunk()?;
        if crc32c::crc32c(listed) != u32::from_le_bytes(*crc) {
            return None;
        }
        let mut fields = Fields(listed);
        let mut index = Self { records, ..Self::default() };
        for _ in 0..blocks {
            let (first, at) = (Offset(fields.u64()?), index.end());
            index.blocks.push(Block { first, at, len: fields.u32()?, crc: fields.u32()? });
        }
        for _ in 0..in_force {
            index.in_force.push(Offset(fields.u64()?));
        }
        Some(index)
    }

    /// Where the last block ends.
    pub(super) fn end(&self) -> u64 {
        self.blocks.last().map_or(HEADER_LEN as u64, |block| block.at + u64::from(block.len))
    }

    /// The index of a file of the earlier version, which has none: each record is a block.
    fn find(file: &dyn DiskFile, path: &Path, size: u64) -> Result<Self, LogError> {
        let digest = read_exactly(file, path, HEADER_LEN as u64, EARLIER_HEADER_LEN - HEADER_LEN)?;
        let (mut index, mut hasher) = (Self::default(), Hasher::new());
        let mut at = EARLIER_HEADER_LEN as u64;
        while at < size {
            let head = read_exactly(file, path, at, ENTRY_HEAD_LEN)?;
            let mut fields = Fields(&head);
            let (Some(offset), Some(len)) = (fields.u64().map(Offset), fields.u32()) else { break };
            let Some(len) = ENTRY_HEAD_BYTES.checked_add(len).filter(|len| u64::from(*len) <= size - at)
            else {
                return Err(LogError::corrupt(path, at, offset, "a record is cut short"));
            };
            let bytes = read_exactly(file, path, at, len as usize)?;
            hasher.update(&bytes);
            index.blocks.push(Block { first: offset, at, len, crc: crc32c::crc32c(&bytes) });
            if bytes.get(ENTRY_HEAD_LEN..).is_some_and(|record| puts_into_force(offset, record)) {
                index.in_force.push(offset);
            }
            index.records += 1;
            at += bytes.len() as u64;
        }
        if digest.as_slice() != hasher.finish().as_bytes() {
            return Err(LogError::corrupt(path, 0, Offset(0), "its content is not what its digest says"));
        }
        Ok(index)
    }
}

fn counts(tail: &[u8]) -> Option<(u64, u32, u32)> {
    let mut fields = Fields(tail);
    Some((fields.u64()?, fields.u32()?, fields.u32()?))
}
