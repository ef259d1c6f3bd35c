//! Writes a remnant as its records come.

use std::path::Path;

use citywarden_model::Offset;

use super::index::{Block, Index};
use super::{FILE, HEADER_LEN, MAGIC, VERSION, puts_into_force};
use crate::disk::{Disk, DiskFile, replace_with};
use crate::log::LogError;

/// A block is written once it has so many bytes.
const BLOCK_BYTES: usize = 8 << 10;

/// A remnant that is being written.
pub(crate) struct RemnantWriter<'f> {
    file: &'f dyn DiskFile,
    path: &'f Path,
    index: Index,
    /// The records not yet written, and the offset of the first of them.
    block: Vec<u8>,
    first: Offset,
}

/// Replaces what is kept in this directory by what `fill` takes, in the order of the offsets, so that after a crash it
/// is all of the old or all of the new. Where it fails the old one stays.
pub(crate) fn replace_remnant(
    disk: &dyn Disk,
    dir: &Path,
    fill: impl FnOnce(&mut RemnantWriter<'_>) -> Result<(), LogError>,
) -> Result<(), LogError> {
    let path = dir.join(FILE);
    let write = |file: &dyn DiskFile| {
        let mut writer =
            RemnantWriter { file, path: &path, index: Index::default(), block: Vec::new(), first: Offset(0) };
        fill(&mut writer)?;
        writer.finish()
    };
    replace_with(disk, dir, FILE, write, |source| LogError::disk("write", &path, source))
}

impl RemnantWriter<'_> {
    /// Adds a record; its offset is greater than that before.
    pub(crate) fn take(&mut self, offset: Offset, bytes: &[u8]) -> Result<(), LogError> {
        if self.block.is_empty() {
            self.first = offset;
        }
        self.block.extend_from_slice(&offset.0.to_le_bytes());
        self.block.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes());
        self.block.extend_from_slice(bytes);
        self.index.records += 1;
        if puts_into_force(offset, bytes) {
            self.index.in_force.push(offset);
        }
        if self.block.len() >= BLOCK_BYTES {
            self.write_block()?;
        }
        Ok(())
    }

    fn write_block(&mut self) -> Result<(), LogError> {
        let at = self.index.end();
        self.write(&self.block, at)?;
        let len = u32::try_from(self.block.len()).unwrap_or(u32::MAX);
        self.index.blocks.push(Block { first: self.first, at, len, crc: crc32c::crc32c(&self.block) });
        self.block.clear();
        Ok(())
    }

    fn finish(mut self) -> Result<(), LogError> {
        if !self.block.is_empty() {
            self.write_block()?;
        }
        self.write(&self.index.encode(), self.index.end())?;
        let mut header = Vec::with_capacity(HEADER_LEN);
        header.extend_from_slice(MAGIC);
        header.extend_from_slice(&VERSION.to_le_bytes());
        self.write(&header, 0)
    }

    fn write(&self, bytes: &[u8], at: u64) -> Result<(), LogError> {
        self.file.write_at(bytes, at).map_err(|source| LogError::disk("write", self.path, source))
    }
}
