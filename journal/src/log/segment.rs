//! Segment files: their names, their headers, and the empty one kept ready.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use citywarden_model::Offset;

use super::LogError;
use super::format::{HEADER_LEN, Header, HeaderFault};
use crate::disk::{Disk, DiskFile, is_full, remove_if_there};

const SUFFIX: &str = ".seg";
const PREPARED: &str = "next.prepared";
/// Zeros are written and synced in pieces of this size, so that the commits running beside it do not wait for a whole
/// segment to reach the disk.
const ZEROS_LEN: usize = 1 << 20;

pub(crate) fn path(dir: &Path, base: Offset) -> PathBuf {
    dir.join(format!("{:020}{SUFFIX}", base.0))
}

/// The offsets at which the directory's segments begin, ascending.
pub(crate) fn bases(disk: &dyn Disk, dir: &Path) -> io::Result<Vec<Offset>> {
    let names = disk.list(dir)?;
    Ok(names.iter().filter_map(|name| name.strip_suffix(SUFFIX)?.parse().ok().map(Offset)).collect())
}

/// Opens a segment and reads its header.
pub(crate) fn open(
    disk: &dyn Disk,
    dir: &Path,
    base: Offset,
    write: bool,
) -> Result<(Box<dyn DiskFile>, Header), LogError> {
    let path = path(dir, base);
    let failed = |source| LogError::disk("open segment", &path, source);
    let file = if write { disk.open(&path) } else { disk.open_to_read(&path) }.map_err(failed)?;
    let mut bytes = [0; HEADER_LEN];
    file.read_at(&mut bytes, 0).map_err(failed)?;
    let header = Header::decode(&bytes).map_err(|fault| match fault {
        HeaderFault::Version(found) => LogError::Version { path: path.clone(), found },
        HeaderFault::Damaged => LogError::corrupt(&path, 0, base, "the segment's header is damaged"),
    })?;
    let size = file.size().map_err(failed)?;
    if header.base != base {
        return Err(LogError::corrupt(&path, 16, base, "the header names another offset than the file"));
    }
    if size != u64::from(header.size) {
        return Err(LogError::corrupt(&path, 12, base, "the file is not as long as its header says"));
    }
    Ok((file, header))
}

/// Keeps one zeroed file ready to become the next segment.
pub(crate) struct Preparer {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    size: u32,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    ready: Option<Box<dyn DiskFile>>,
    closed: bool,
}

impl Preparer {
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: &Path, size: u32) -> Self {
        Self { disk, dir: dir.to_owned(), size, state: Mutex::default(), changed: Condvar::new() }
    }

    /// Removes what a crash left half made.
    pub(crate) fn clear(&self) -> io::Result<()> {
        remove_if_there(&*self.disk, &self.dir.join(PREPARED))
    }

    /// Makes the next file now, unless it is ready.
    pub(crate) fn prepare(&self) -> io::Result<()> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.ready.is_none() {
            state.ready = Some(self.make()?);
        }
        Ok(())
    }

    /// Turns the file kept ready (made now, if it is not) into the segment with this header.
    pub(crate) fn begin(&self, header: &Header) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let file = match state.ready.take() {
            Some(file) => file,
            None => self.make()?,
        };
        self.changed.notify_all();
        file.write_at(&header.encode(), 0)?;
        file.sync_data()?;
        self.disk.rename(&self.dir.join(PREPARED), &path(&self.dir, header.base))?;
        self.disk.sync_dir(&self.dir)?;
        Ok(file)
    }

    /// Keeps a file ready until [`Preparer::close`]. A failure is left for the writer to meet, who can report it.
    pub(crate) fn run(&self, retry: Duration) {
        let mut failed = false;
        loop {
            let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
            let patience = if failed { retry } else { Duration::MAX };
            let waiting = |state: &mut State| !state.closed && (failed || state.ready.is_some());
            let closed = self
                .changed
                .wait_timeout_while(state, patience, waiting)
                .map_or(true, |(state, _)| state.closed);
            if closed {
                return;
            }
            failed = self.prepare().is_err();
        }
    }

    pub(crate) fn close(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).closed = true;
        self.changed.notify_all();
    }

    fn make(&self) -> io::Result<Box<dyn DiskFile>> {
        self.clear()?;
        let made = self.disk.create(&self.dir.join(PREPARED)).and_then(|file| self.fill(file));
        // What is half made takes room that may be the last there is.
        if made.as_ref().is_err_and(is_full) {
            self.clear()?;
        }
        made
    }

    fn fill(&self, file: Box<dyn DiskFile>) -> io::Result<Box<dyn DiskFile>> {
        let zeros = vec![0; ZEROS_LEN.min(self.size as usize)];
        let mut at = 0;
        while let Some(left) = (self.size as usize).checked_sub(at).filter(|left| *left > 0) {
            let piece = zeros.get(..left).unwrap_or(&zeros);
            file.write_at(piece, at as u64)?;
            file.sync_data()?;
            at += piece.len();
        }
        Ok(file)
    }
}
