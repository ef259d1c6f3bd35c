//! Walks everything a log keeps and says what is not as it was written.

use std::path::{Path, PathBuf};

use citywarden_model::{Digest, Offset, Timestamp};

use super::checkpoint::Checkpoint;
use super::format::{COMMIT_HEAD_LEN, Commit, Content, Header, PRELUDE_LEN, commit_digest, entries};
use super::frames::{Frames, Step, written_behind};
use super::{LogError, Torn, merkle, segment};
use crate::disk::Disk;
use crate::fields::Fields;

/// What a walk over a log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// The oldest record kept: verification starts here.
    pub first: Offset,
    /// The digest the chain starts from; zeros where nothing was ever removed.
    pub previous: Digest,
    /// The offset behind the last record.
    pub next: Offset,
    /// The digest of the last commit.
    pub head: Digest,
    /// Commits walked.
    pub commits: u64,
    /// Checkpoints walked.
    pub checkpoints: u64,
    /// Everything before this offset is signed by the checkpoint before it; what follows is intact and not signed yet.
    pub signed_to: Option<Offset>,
    /// When that was signed.
    pub signed_at: Option<Timestamp>,
    /// Fingerprints of the keys that signed, in order of appearance.
    pub signers: Vec<Digest>,
    /// What a crash, or a writer at work just now, left behind the last whole commit: no damage.
    pub unfinished: Option<Torn>,
    /// What is damaged: the first place of each segment.
    pub faults: Vec<Fault>,
}

/// Damage, at its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// The file.
    pub path: PathBuf,
    /// The byte at which the damaged part begins.
    pub position: u64,
    /// The damaged record, or the first of those it may be.
    pub offset: Offset,
    /// What was found.
    pub what: &'static str,
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { path, position, offset, what } = self;
        write!(f, "{} is damaged at byte {position}, offset {offset}: {what}", path.display())
    }
}

impl Verification {
    /// Whether everything kept is as it was written. A tail without a signature is.
    pub fn is_intact(&self) -> bool {
        self.faults.is_empty()
    }
}

/// Walks everything kept: checksums, chain, checkpoints with their signatures. With `signer` a checkpoint of any other
/// key is a fault.
pub fn verify(disk: &dyn Disk, dir: &Path, signer: Option<Digest>) -> Result<Verification, LogError> {
    let bases = segment::bases(disk, dir).map_err(|source| LogError::disk("list", dir, source))?;
    let Some((&first, _)) = bases.split_first() else {
        return Err(LogError::Missing { dir: dir.to_owned() });
    };
    let mut walk = Walk { signer, expected: None, found: empty(first), leaves: Vec::new() };
    for (at, base) in bases.iter().enumerate() {
        let path = segment::path(dir, *base);
        match segment::open(disk, dir, *base, false) {
            Ok((file, header)) => {
                let is_last = at + 1 == bases.len();
                walk.segment(Frames::new(file, header), &path, is_last)
                    .map_err(|source| LogError::disk("read", &path, source))?;
            }
            // Retention took the oldest away in the meantime: begin with the next.
            Err(LogError::Disk { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                walk.expected = None;
                walk.found = empty(bases.get(at + 1).copied().unwrap_or(*base));
            }
            Err(LogError::Corrupt { path, position, offset, what }) => {
                walk.found.faults.push(Fault { path, position, offset, what });
                walk.expected = None;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(walk.found)
}

fn empty(first: Offset) -> Verification {
    Verification {
        first,
        previous: Digest::default(),
        next: first,
        head: Digest::default(),
        commits: 0,
        checkpoints: 0,
        signed_to: None,
        signed_at: None,
        signers: Vec::new(),
        unfinished: None,
        faults: Vec::new(),
    }
}

struct Walk {
    signer: Option<Digest>,
    /// What the next segment must continue; unknown at the oldest and behind damage.
    expected: Option<(Offset, Digest)>,
    found: Verification,
    leaves: Vec<Digest>,
}

impl Walk {
    fn segment(&mut self, mut frames: Frames, path: &Path, is_last: bool) -> std::io::Result<()> {
        let header = *frames.header();
        self.begin(&header, path);
        self.found.next = header.base;
        self.found.head = header.previous;
        loop {
            let fault = match frames.settle()? {
                (Step::Frame { frame, position, base }, _) => {
                    let bytes = frames.buffer().get(base..).unwrap_or_default();
                    match self.content(&frame.content, bytes) {
                        Ok(()) => continue,
                        Err((offset, what)) => Some((position, offset, what)),
                    }
                }
                (_, false) if is_last => {
                    self.unfinished(&frames, path)?;
                    None
                }
                (Step::Zeros | Step::Drained, _) if is_last => Some((
                    frames.position(),
                    damaged(&frames, self.found.next)?,
                    "nothing where a commit was",
                )),
                (Step::Zeros | Step::Drained, _) => rest_is_zero(&frames)?
                    .map(|position| (position, self.found.next, "bytes behind the end of a closed segment")),
                (Step::Bad(what), _) => Some((frames.position(), damaged(&frames, self.found.next)?, what)),
            };
            self.expected = Some((self.found.next, self.found.head));
            if let Some((position, offset, what)) = fault {
                self.fault(path, position, offset, what);
                self.expected = None;
            }
            return Ok(());
        }
    }

    fn begin(&mut self, header: &Header, path: &Path) {
        match self.expected {
            Some((next, _)) if next != header.base => {
                self.fault(path, 16, next, "records are missing between this segment and the one before");
            }
            Some((_, head)) if head != header.previous => {
                self.fault(
                    path,
                    32,
                    header.base,
                    "the segment does not continue the chain of the one before",
                );
            }
            None if self.found.commits == 0 => self.found.previous = header.previous,
            Some(_) | None => {}
        }
    }

    fn content(&mut self, content: &Content, bytes: &[u8]) -> Result<(), (Offset, &'static str)> {
        match content {
            Content::Commit(commit) => self.commit(commit, bytes),
            Content::Checkpoint(checkpoint) => {
                self.checkpoint(checkpoint).map_err(|what| (self.found.next, what))
            }
        }
    }

    fn commit(&mut self, commit: &Commit, bytes: &[u8]) -> Result<(), (Offset, &'static str)> {
        if commit.first != self.found.next {
            return Err((self.found.next, "a commit of another offset"));
        }
        self.leaves.clear();
        for (offset, (crc, record)) in
            (commit.first.0..).zip(entries(bytes.get(commit.entries.clone()).unwrap_or_default()))
        {
            if crc32c::crc32c(record) != crc {
                return Err((Offset(offset), "a record's checksum does not match"));
            }
            self.leaves.push(merkle::leaf(record));
        }
        let digest = commit_digest(&self.found.head, &merkle::root(&mut self.leaves), commit.count);
        if digest != commit.digest {
            return Err((commit.first, "the commit's digest does not follow from its records and the chain"));
        }
        self.found.head = digest;
        self.found.next = commit.next();
        self.found.commits += 1;
        Ok(())
    }

    fn checkpoint(&mut self, checkpoint: &Checkpoint) -> Result<(), &'static str> {
        if (checkpoint.next, checkpoint.head) != (self.found.next, self.found.head) {
            return Err("a checkpoint that signs another state");
        }
        if !checkpoint.is_signed() {
            return Err("a checkpoint whose signature does not match");
        }
        let fingerprint = checkpoint.key.fingerprint();
        if self.signer.is_some_and(|signer| signer != fingerprint) {
            return Err("a checkpoint signed by another key");
        }
        if !self.found.signers.contains(&fingerprint) {
            self.found.signers.push(fingerprint);
        }
        self.found.checkpoints += 1;
        self.found.signed_to = Some(checkpoint.next);
        self.found.signed_at = Some(checkpoint.signed_at);
        Ok(())
    }

    fn unfinished(&mut self, frames: &Frames, path: &Path) -> std::io::Result<()> {
        let bytes = written_behind(frames.file(), frames.header(), frames.position())?.len() as u64;
        if bytes > 0 {
            let (position, offset) = (frames.position() as u64, self.found.next);
            self.found.unfinished = Some(Torn { path: path.to_owned(), position, bytes, offset });
        }
        Ok(())
    }

    fn fault(&mut self, path: &Path, position: usize, offset: Offset, what: &'static str) {
        self.found.faults.push(Fault { path: path.to_owned(), position: position as u64, offset, what });
    }
}

fn rest_is_zero(frames: &Frames) -> std::io::Result<Option<usize>> {
    let rest = written_behind(frames.file(), frames.header(), frames.position())?;
    Ok(rest.iter().position(|byte| *byte != 0).map(|at| frames.position() + at))
}

// Which record of a bad commit it is, from the checksum each has of its own; the first where that cannot be told.
fn damaged(frames: &Frames, next: Offset) -> std::io::Result<Offset> {
    let bytes = written_behind(frames.file(), frames.header(), frames.position())?;
    let body_len = Fields(bytes.get(4..).unwrap_or_default()).u32().unwrap_or(0) as usize;
    let Some(written) = bytes.get(COMMIT_HEAD_LEN..(PRELUDE_LEN + body_len).min(bytes.len())) else {
        return Ok(next);
    };
    let mut fields = Fields(written);
    for offset in next.0.. {
        let (Some(len), Some(crc)) = (fields.u32(), fields.u32()) else { return Ok(next) };
        if fields.bytes(len as usize).is_none_or(|record| crc32c::crc32c(record) != crc) {
            return Ok(Offset(offset));
        }
    }
    Ok(next)
}
