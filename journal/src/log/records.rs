//! Records on their way to the disk, already in the form a commit has there.

use std::ops::Range;

use citywarden_model::Digest;

use super::format::ENTRY_HEAD_LEN;
use super::merkle;

/// Encoded records, back to back; those before `taken` are written.
#[derive(Debug, Default)]
pub(crate) struct Records {
    bytes: Vec<u8>,
    ends: Vec<usize>,
    taken: usize,
}

impl Records {
    /// Adds the record that `encode` appends.
    pub(crate) fn push(&mut self, encode: impl FnOnce(&mut Vec<u8>)) {
        let head = self.bytes.len();
        self.bytes.extend_from_slice(&[0; ENTRY_HEAD_LEN]);
        encode(&mut self.bytes);
        let len = u32::try_from(self.bytes.len() - head - ENTRY_HEAD_LEN).unwrap_or(u32::MAX);
        if let Some(place) = self.bytes.get_mut(head..head + 4) {
            place.copy_from_slice(&len.to_le_bytes());
        }
        self.ends.push(self.bytes.len());
    }

    /// Bytes, whether written already or not: what a queue of them is bounded by.
    pub(crate) fn bytes_len(&self) -> usize {
        self.bytes.len()
    }
    /// Records that are not written yet.
    pub(crate) fn left(&self) -> usize {
        self.ends.len() - self.taken
    }
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
        self.ends.clear();
        self.taken = 0;
    }

    /// How many of the records that are left fit into so many bytes.
    pub(crate) fn fitting(&self, bytes: usize) -> usize {
        let limit = self.start() + bytes;
        self.ends.get(self.taken..).unwrap_or_default().partition_point(|end| *end <= limit)
    }

    /// Fills in the checksums of the next `count` records; gives back their bytes and Merkle root.
    pub(crate) fn seal(&mut self, count: usize, leaves: &mut Vec<Digest>) -> (&[u8], Digest) {
        let whole = self.start()..self.end(count);
        let mut start = whole.start;
        leaves.clear();
        for end in self.ends.iter().skip(self.taken).take(count) {
            leaves.extend(self.bytes.get_mut(start..*end).and_then(seal_entry));
            start = *end;
        }
        (self.bytes.get(whole).unwrap_or_default(), merkle::root(leaves))
    }

    pub(crate) fn take(&mut self, count: usize) {
        self.taken = (self.taken + count).min(self.ends.len());
    }

    fn start(&self) -> usize {
        self.taken.checked_sub(1).and_then(|last| self.ends.get(last)).copied().unwrap_or(0)
    }
    fn end(&self, count: usize) -> usize {
        let range: Range<usize> = self.taken..self.taken + count;
        self.ends.get(range).and_then(<[usize]>::last).copied().unwrap_or_else(|| self.start())
    }
}

fn seal_entry(entry: &mut [u8]) -> Option<Digest> {
    let (head, record) = entry.split_first_chunk_mut::<ENTRY_HEAD_LEN>()?;
    head[4..].copy_from_slice(&crc32c::crc32c(record).to_le_bytes());
    Some(merkle::leaf(record))
}
