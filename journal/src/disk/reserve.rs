//! A disk that leaves room: the journal does not fill it to the last byte.
//!
//! What frees room again needs some itself: a snapshot of the judge, without which no segment may go, what has to outlive a
//! segment, and the alert log. So no new segment is begun where less than the reserve would be left, and room to write anew
//! what outlives segments already: while it is replaced it is there twice.

use std::io;
use std::path::Path;
use std::sync::Arc;

use super::{Disk, DiskFile, DiskLock, Space, open_if_there};

/// Space that is left to others.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Reserve {
    /// Of the whole disk, between 0 and 1.
    pub share: f64,
    /// Never more than this.
    pub bytes_max: u64,
}

impl Reserve {
    fn of(self, space: &Space) -> u64 {
        space.share(self.share).min(self.bytes_max)
    }
}

/// Makes no file where less than the reserve would be left once it has its size.
pub(crate) struct ReservingDisk {
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) reserve: Reserve,
    /// What a file takes.
    pub(crate) file_bytes: u64,
    /// A file beside them that grows and is replaced as a whole, by its name.
    pub(crate) replaced: &'static str,
}

impl ReservingDisk {
    /// For the file that is replaced, where it is there: as much again, and what another file may add to it.
    fn for_replacement(&self, dir: &Path) -> io::Result<u64> {
        let replaced = open_if_there(&*self.disk, &dir.join(self.replaced))?;
        let there = replaced.map_or(Ok(0), |file| file.size())?;
        Ok(if there == 0 { 0 } else { there.saturating_add(self.file_bytes) })
    }
}

impl Disk for ReservingDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let dir = path.parent().unwrap_or(path);
        let space = self.disk.space(dir)?;
        let reserve = self.reserve.of(&space).saturating_add(self.for_replacement(dir)?);
        if space.free < reserve.saturating_add(self.file_bytes) {
            let Space { free, .. } = space;
            let why =
                format!("{free} bytes are free, of which {reserve} are left to the rest of the service");
            return Err(io::Error::new(io::ErrorKind::StorageFull, why));
        }
        self.disk.create(path)
    }
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.create_dir(dir)
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.disk.open(path)
    }
    fn open_to_read(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.disk.open_to_read(path)
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.disk.list(dir)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.disk.remove(path)
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.disk.rename(from, to)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.disk.sync_dir(dir)
    }
    fn lock(&self, path: &Path) -> io::Result<DiskLock> {
        self.disk.lock(path)
    }
    fn space(&self, dir: &Path) -> io::Result<Space> {
        self.disk.space(dir)
    }
    fn may_block(&self) -> bool {
        self.disk.may_block()
    }
}
