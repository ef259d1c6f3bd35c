//! The bytes of a segment file. Format version 1, little-endian.
//!
//! A log is a directory of segment files, each named after the offset of its first record in 20 digits
//! (`00000000000000001203.seg`). A file has its full size from the start, filled with zeros, and is written from the
//! front: a header, then frames back to back, then the zeros that are left.
//!
//! # Header, 68 bytes
//!
//! | at | bytes | |
//! |---|---|---|
//! | 0 | 8 | `CWJRNL\r\n` |
//! | 8 | 4 | format version, 1 |
//! | 12 | 4 | size of the file |
//! | 16 | 8 | offset of the segment's first record |
//! | 24 | 8 | zero |
//! | 32 | 32 | digest of the commit before the first one here; zeros at the beginning of the log |
//! | 64 | 4 | CRC32C of the bytes before: also the *seed* of every frame's checksum in this file |
//!
//! # Frame, 16 bytes and a body
//!
//! | at | bytes | |
//! |---|---|---|
//! | 0 | 4 | `C7 43 57` and the kind: 1 commit, 2 checkpoint |
//! | 4 | 4 | length of the body |
//! | 8 | 4 | *synced*: everything in this file before this position was durable when the frame was written |
//! | 12 | 4 | CRC32C, begun with the seed, of the 12 bytes before and of the body |
//!
//! Zeros in a frame's place are the end. The seed follows from the chain, so bytes that a sender puts into a payload,
//! or that an older file left behind, cannot pass for a frame. *synced* tells damage from a torn write: frames written
//! after one another between two syncs may reach the disk in any order, so a bad frame is damage only where a whole
//! one behind it says that the bad one had been durable.
//!
//! # Body of a commit
//!
//! | at | bytes | |
//! |---|---|---|
//! | 0 | 8 | offset of its first record |
//! | 8 | 4 | count of its records, at least 1 |
//! | 12 | 32 | commit digest: SHA-256(digest of the commit before ‖ Merkle root ‖ count as 8 bytes, most significant first) |
//! | 44 | | for each record: length (4), CRC32C of its bytes (4), its bytes |
//!
//! The Merkle root is that of RFC 6962 section 2.1 with the records themselves as entries. The CRC of each record is
//! there so that a flipped bit can be named by its record.
//!
//! # Body of a checkpoint, 177 bytes
//!
//! | at | bytes | |
//! |---|---|---|
//! | 0 | 8 | offset of the next record: everything before it is signed |
//! | 8 | 32 | digest of the last commit |
//! | 40 | 8 | when it was signed, nanoseconds since 1970-01-01T00:00:00Z, signed |
//! | 48 | 1 | 1 where the head of another log is signed along |
//! | 49 | 32 | that head, or zeros |
//! | 81 | 32 | ed25519 public key; its SHA-256 is the fingerprint |
//! | 113 | 64 | ed25519 signature over `citywarden checkpoint v1\n` and the 81 bytes before |

use std::ops::Range;

use citywarden_model::{Digest, Hasher, Offset};

use super::checkpoint::Checkpoint;
use crate::fields::Fields;

pub(crate) const VERSION: u32 = 1;
const HEADER_MAGIC: &[u8; 8] = b"CWJRNL\r\n";
pub(crate) const HEADER_LEN: usize = 68;
const HEADER_CRC_AT: usize = 64;

pub(crate) const FRAME_MAGIC: [u8; 3] = [0xC7, 0x43, 0x57];
pub(crate) const PRELUDE_LEN: usize = 16;
const KIND_COMMIT: u8 = 1;
const KIND_CHECKPOINT: u8 = 2;

const COMMIT_FIXED_LEN: usize = 44;
/// What a commit takes beside its entries.
pub(crate) const COMMIT_HEAD_LEN: usize = PRELUDE_LEN + COMMIT_FIXED_LEN;
/// What a record takes beside its bytes.
pub(crate) const ENTRY_HEAD_LEN: usize = 8;
pub(crate) const CHECKPOINT_FRAME_LEN: usize = PRELUDE_LEN + super::checkpoint::BODY_LEN;

/// What stands at the beginning of a segment file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) base: Offset,
    pub(crate) size: u32,
    pub(crate) previous: Digest,
}

impl Header {
    pub(crate) fn encode(&self) -> [u8; HEADER_LEN] {
        let mut bytes = [0; HEADER_LEN];
        bytes[..8].copy_from_slice(HEADER_MAGIC);
        bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.size.to_le_bytes());
        bytes[16..24].copy_from_slice(&self.base.0.to_le_bytes());
        bytes[32..64].copy_from_slice(self.previous.as_bytes());
        let crc = crc32c::crc32c(&bytes[..HEADER_CRC_AT]);
        bytes[HEADER_CRC_AT..].copy_from_slice(&crc.to_le_bytes());
        bytes
    }

    pub(crate) fn seed(&self) -> u32 {
        crc32c::crc32c(&self.encode()[..HEADER_CRC_AT])
    }

    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, HeaderFault> {
        let mut fields = Fields(bytes);
        let damaged = HeaderFault::Damaged;
        if fields.bytes(8).ok_or(damaged)? != HEADER_MAGIC {
            return Err(damaged);
        }
        let version = fields.u32().ok_or(damaged)?;
        let crc = bytes.get(..HEADER_CRC_AT).map(crc32c::crc32c).ok_or(damaged)?;
        let size = fields.u32().ok_or(damaged)?;
        let base = Offset(fields.u64().ok_or(damaged)?);
        let zero = fields.u64().ok_or(damaged)?;
        let previous = fields.digest().ok_or(damaged)?;
        if fields.u32().ok_or(damaged)? != crc {
            return Err(damaged);
        }
        if version != VERSION || zero != 0 {
            return Err(HeaderFault::Version(version));
        }
        Ok(Self { base, size, previous })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderFault {
    Damaged,
    Version(u32),
}

/// A commit's fixed fields, and where its entries stand in the bytes it was parsed from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Commit {
    pub(crate) first: Offset,
    pub(crate) count: u32,
    pub(crate) digest: Digest,
    pub(crate) entries: Range<usize>,
}

impl Commit {
    pub(crate) fn next(&self) -> Offset {
        Offset(self.first.0.saturating_add(u64::from(self.count)))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    Commit(Commit),
    Checkpoint(Box<Checkpoint>),
}

impl Content {
    /// Whether it is the commit whose first record is this one.
    pub(crate) fn begins_with(&self, first: Offset) -> bool {
        matches!(self, Self::Commit(commit) if commit.first == first)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) len: usize,
    pub(crate) synced: u32,
    pub(crate) content: Content,
}

/// What stands at the beginning of some bytes of a segment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Parsed {
    Frame(Frame),
    /// Not enough bytes at hand: this many are needed.
    Short(usize),
    /// Zeros: nothing was written here.
    Zeros,
    Bad(&'static str),
}

pub(crate) fn parse(bytes: &[u8], seed: u32, len_max: usize) -> Parsed {
    let Some((prelude, body)) = bytes.split_at_checked(PRELUDE_LEN) else {
        return Parsed::Short(PRELUDE_LEN);
    };
    if prelude.iter().all(|byte| *byte == 0) {
        return Parsed::Zeros;
    }
    let mut fields = Fields(prelude);
    let (Some(magic), Some(kind), Some(body_len), Some(synced), Some(crc)) =
        (fields.bytes(3), fields.u8(), fields.u32(), fields.u32(), fields.u32())
    else {
        return Parsed::Bad("no frame");
    };
    if magic != FRAME_MAGIC {
        return Parsed::Bad("no frame begins here");
    }
    let body_len = body_len as usize;
    if body_len > len_max.saturating_sub(PRELUDE_LEN) {
        return Parsed::Bad("a frame longer than what is left of the file");
    }
    let Some(body) = body.get(..body_len) else {
        return Parsed::Short(PRELUDE_LEN + body_len);
    };
    if checksum(seed, prelude, &[body]) != crc {
        return Parsed::Bad("a checksum that does not match");
    }
    let content = match kind {
        KIND_COMMIT => parse_commit(body),
        KIND_CHECKPOINT => {
            Checkpoint::decode(body).map(|checkpoint| Content::Checkpoint(Box::new(checkpoint)))
        }
        _ => None,
    };
    match content {
        Some(content) => Parsed::Frame(Frame { len: PRELUDE_LEN + body_len, synced, content }),
        None => Parsed::Bad("a frame whose checksum matches and whose fields do not"),
    }
}

fn parse_commit(body: &[u8]) -> Option<Content> {
    let mut fields = Fields(body);
    let first = Offset(fields.u64()?);
    let count = fields.u32()?;
    let digest = fields.digest()?;
    let entries = COMMIT_HEAD_LEN..PRELUDE_LEN + body.len();
    let mut walk = Fields(fields.0);
    for _ in 0..count {
        let len = walk.u32()?;
        walk.u32()?;
        walk.bytes(len as usize)?;
    }
    (count > 0 && walk.0.is_empty()).then_some(Content::Commit(Commit { first, count, digest, entries }))
}

fn checksum(seed: u32, prelude: &[u8], parts: &[&[u8]]) -> u32 {
    let start = crc32c::crc32c_append(seed, prelude.get(..12).unwrap_or_default());
    parts.iter().fold(start, |crc, part| crc32c::crc32c_append(crc, part))
}

/// Where a frame is written to: what its bytes depend on beside its content.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) seed: u32,
    pub(crate) synced: u32,
}

fn prelude(kind: u8, place: Place, parts: &[&[u8]]) -> [u8; PRELUDE_LEN] {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    let mut bytes = [0; PRELUDE_LEN];
    bytes[..3].copy_from_slice(&FRAME_MAGIC);
    bytes[3] = kind;
    bytes[4..8].copy_from_slice(&u32::try_from(len).unwrap_or(u32::MAX).to_le_bytes());
    bytes[8..12].copy_from_slice(&place.synced.to_le_bytes());
    let crc = checksum(place.seed, &bytes, parts);
    bytes[12..].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// What goes before a commit's entries.
pub(crate) fn commit_head(
    place: Place,
    first: Offset,
    count: u32,
    digest: &Digest,
    entries: &[u8],
) -> [u8; COMMIT_HEAD_LEN] {
    let mut fixed = [0; COMMIT_FIXED_LEN];
    fixed[..8].copy_from_slice(&first.0.to_le_bytes());
    fixed[8..12].copy_from_slice(&count.to_le_bytes());
    fixed[12..].copy_from_slice(digest.as_bytes());
    let mut head = [0; COMMIT_HEAD_LEN];
    head[..PRELUDE_LEN].copy_from_slice(&prelude(KIND_COMMIT, place, &[&fixed, entries]));
    head[PRELUDE_LEN..].copy_from_slice(&fixed);
    head
}

pub(crate) fn checkpoint_frame(place: Place, checkpoint: &Checkpoint) -> Vec<u8> {
    let body = checkpoint.encode();
    let mut frame = prelude(KIND_CHECKPOINT, place, &[&body]).to_vec();
    frame.extend_from_slice(&body);
    frame
}

/// The digest that chains a commit to the one before.
pub(crate) fn commit_digest(previous: &Digest, root: &Digest, count: u32) -> Digest {
    let mut hasher = Hasher::new();
    hasher.update(previous.as_bytes());
    hasher.update(root.as_bytes());
    hasher.update(&u64::from(count).to_be_bytes());
    hasher.finish()
}

/// The records of a commit's entries: checksum and bytes.
pub(crate) fn entries(bytes: &[u8]) -> impl Iterator<Item = (u32, &[u8])> {
    let mut fields = Fields(bytes);
    std::iter::from_fn(move || {
        let len = fields.u32()?;
        let crc = fields.u32()?;
        Some((crc, fields.bytes(len as usize)?))
    })
}
