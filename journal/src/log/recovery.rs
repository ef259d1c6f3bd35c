//! Opening a log after whatever happened to it.

use std::io;
use std::path::{Path, PathBuf};

use citywarden_model::{Digest, Offset};

use super::checkpoint::Checkpoint;
use super::format::{Commit, Content, HEADER_LEN, Header};
use super::frames::{Frames, Step, written_behind};
use super::segment::{self, Preparer};
use super::{LogError, format};
use crate::disk::{Disk, DiskFile, DiskLock};

/// What opening a log found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// The offset the next record will have; everything before is durable.
    pub next: Offset,
    /// A tail that was cut off: no acknowledged record was in it.
    pub torn: Option<Torn>,
    /// The last record's bytes.
    pub last_record: Option<Vec<u8>>,
    /// The last checkpoint of the last two segments.
    pub last_checkpoint: Option<Checkpoint>,
}

/// A commit that a crash left half written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// The file.
    pub path: PathBuf,
    /// Where it was cut.
    pub position: u64,
    /// How many bytes had reached the disk behind that.
    pub bytes: u64,
    /// The offset at which the log goes on.
    pub offset: Offset,
}

impl std::fmt::Display for Torn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { path, position, bytes, offset } = self;
        let path = path.display();
        write!(
            f,
            "{path}: cut {bytes} bytes of an unfinished commit at byte {position}, going on at offset {offset}"
        )
    }
}

pub(super) struct Tail {
    pub(super) file: Box<dyn DiskFile>,
    pub(super) header: Header,
    pub(super) position: usize,
    pub(super) head: Digest,
}

pub(super) fn lock(disk: &dyn Disk, dir: &Path) -> Result<DiskLock, LogError> {
    disk.create_dir(dir).map_err(|source| LogError::disk("make", dir, source))?;
    disk.lock(&dir.join("lock")).map_err(|source| {
        if source.kind() == io::ErrorKind::WouldBlock {
            LogError::Locked { dir: dir.to_owned() }
        } else {
            LogError::disk("lock", dir, source)
        }
    })
}

/// The first segment of a new log.
pub(super) fn begin(preparer: &Preparer, dir: &Path, size: u32) -> Result<(Tail, Recovery), LogError> {
    let header = Header { base: Offset(0), size, previous: Digest::default() };
    let file = preparer.begin(&header).map_err(|source| LogError::disk("begin a log in", dir, source))?;
    let recovery = Recovery { next: Offset(0), torn: None, last_record: None, last_checkpoint: None };
    Ok((Tail { file, header, position: HEADER_LEN, head: header.previous }, recovery))
}

/// The last checkpoint of the last two segments.
pub(crate) fn last_checkpoint(disk: &dyn Disk, dir: &Path) -> Result<Option<Checkpoint>, LogError> {
    let bases = segment::bases(disk, dir).map_err(|source| LogError::disk("list", dir, source))?;
    for base in bases.into_iter().rev().take(2) {
        let (file, header) = segment::open(disk, dir, base, false)?;
        let found = scan(Frames::new(file, header), &segment::path(dir, base))?;
        if found.last_checkpoint.is_some() {
            return Ok(found.last_checkpoint);
        }
    }
    Ok(None)
}

/// Scans the last segment; `None` where there is none. The one before is read only where the last holds no record yet.
pub(super) fn recover(disk: &dyn Disk, dir: &Path) -> Result<Option<(Tail, Recovery)>, LogError> {
    let bases = segment::bases(disk, dir).map_err(|source| LogError::disk("list", dir, source))?;
    let Some((&last, earlier)) = bases.split_last() else { return Ok(None) };
    let (file, header) = segment::open(disk, dir, last, false)?;
    let mut scan = scan(Frames::new(file, header), &segment::path(dir, last))?;
    let (file, _) = segment::open(disk, dir, last, true)?;
    let torn = cut(&*file, &scan, &segment::path(dir, last))?;
    make_durable(&*file, &scan)
        .map_err(|source| LogError::disk("sync", &segment::path(dir, last), source))?;
    disk.sync_dir(dir).map_err(|source| LogError::disk("sync", dir, source))?;
    if let Some(&base) =
        earlier.last().filter(|_| scan.last_record.is_none() || scan.last_checkpoint.is_none())
    {
        let (file, header) = segment::open(disk, dir, base, false)?;
        let before = self::scan(Frames::new(file, header), &segment::path(dir, base))?;
        if before.next != last || before.head != scan.header.previous {
            let path = segment::path(dir, last);
            return Err(LogError::corrupt(&path, 0, last, "the segment does not continue the one before"));
        }
        scan.last_record = scan.last_record.or(before.last_record);
        scan.last_checkpoint = scan.last_checkpoint.or(before.last_checkpoint);
    }
    let Scan { header, position, next, head, last_record, last_checkpoint, .. } = scan;
    Ok(Some((Tail { file, header, position, head }, Recovery { next, torn, last_record, last_checkpoint })))
}

struct Scan {
    header: Header,
    /// Behind the last whole frame.
    position: usize,
    /// Everything before was durable when the last frame was written.
    synced: usize,
    next: Offset,
    head: Digest,
    last_record: Option<Vec<u8>>,
    last_checkpoint: Option<Checkpoint>,
}

fn scan(mut frames: Frames, path: &Path) -> Result<Scan, LogError> {
    let header = *frames.header();
    let mut scan = Scan {
        header,
        position: HEADER_LEN,
        synced: HEADER_LEN,
        next: header.base,
        head: header.previous,
        last_record: None,
        last_checkpoint: None,
    };
    loop {
        let failed = |source| LogError::disk("read", path, source);
        let what = match frames.settle().map_err(failed)? {
            (Step::Frame { frame, base, position }, _) => {
                let bytes = frames.buffer().get(base..).unwrap_or_default();
                let taken = scan.take(frame.content, bytes);
                taken.map_err(|what| LogError::corrupt(path, position as u64, scan.next, what))?;
                scan.position = frames.position();
                scan.synced = frame.synced as usize;
                continue;
            }
            (_, false) => return Ok(scan),
            // Zeros are the end, or a page that never arrived in front of one that did.
            (Step::Zeros | Step::Drained, true) => "nothing where a commit was",
            (Step::Bad(what), true) => what,
        };
        return Err(LogError::corrupt(path, scan.position as u64, scan.next, what));
    }
}

impl Scan {
    fn take(&mut self, content: Content, bytes: &[u8]) -> Result<(), &'static str> {
        match content {
            Content::Commit(commit) if commit.first != self.next => Err("a commit of another offset"),
            Content::Commit(commit) => {
                self.last_record = last_record(&commit, bytes);
                self.next = commit.next();
                self.head = commit.digest;
                Ok(())
            }
            Content::Checkpoint(checkpoint)
                if (checkpoint.next, checkpoint.head) != (self.next, self.head) =>
            {
                Err("a checkpoint of another state")
            }
            Content::Checkpoint(checkpoint) => {
                self.last_checkpoint = Some(*checkpoint);
                Ok(())
            }
        }
    }
}

fn last_record(commit: &Commit, bytes: &[u8]) -> Option<Vec<u8>> {
    let entries = bytes.get(commit.entries.clone())?;
    format::entries(entries).last().map(|(_, record)| record.to_vec())
}

// What was read may be in the system's memory alone: the process before this one was killed before its sync, or its
// sync failed, and then the system believes those pages to be on disk. So the last frames are written again.
fn make_durable(file: &dyn DiskFile, scan: &Scan) -> io::Result<()> {
    let mut bytes = vec![0; scan.position.saturating_sub(scan.synced)];
    file.read_at(&mut bytes, scan.synced as u64)?;
    file.write_at(&bytes, scan.synced as u64)?;
    file.sync_data()
}

// What is left of an unfinished commit must be gone before anything is written in its place: bytes of it behind the
// next commit would look like damage, and a crash in between must find the same state again.
fn cut(file: &dyn DiskFile, scan: &Scan, path: &Path) -> Result<Option<Torn>, LogError> {
    let failed = |source| LogError::disk("cut the tail of", path, source);
    let bytes = written_behind(file, &scan.header, scan.position).map_err(failed)?.len();
    if bytes == 0 {
        return Ok(None);
    }
    file.write_at(&vec![0; bytes], scan.position as u64).map_err(failed)?;
    file.sync_data().map_err(failed)?;
    let (position, bytes) = (scan.position as u64, bytes as u64);
    Ok(Some(Torn { path: path.to_owned(), position, bytes, offset: scan.next }))
}
