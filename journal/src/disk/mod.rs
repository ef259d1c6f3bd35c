//! The seam to the disk: everything the journal asks of a file system, so that a test can hand in one that tears,
//! fills up and fails.

mod host;
mod reserve;
#[cfg(feature = "simulated-disk")]
mod simulated;

use std::any::Any;
use std::io;
use std::path::Path;

pub use host::HostDisk;
pub use reserve::Reserve;
pub(crate) use reserve::ReservingDisk;
#[cfg(feature = "simulated-disk")]
pub use simulated::SimulatedDisk;

/// Held while its owner is the only writer of a directory; dropping it lets go.
pub type DiskLock = Box<dyn Any + Send + Sync>;

/// A file system.
pub trait Disk: Send + Sync {
    /// Makes a directory and those above it, durably; fine where it exists.
    fn create_dir(&self, dir: &Path) -> io::Result<()>;
    /// Makes a new, empty file, readable and writable; fails where one of that name exists.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Opens a file to read and write.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Opens a file that somebody else may be writing, to read it.
    fn open_to_read(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// The names in a directory, sorted.
    fn list(&self, dir: &Path) -> io::Result<Vec<String>>;
    /// Removes a file; durable after [`Disk::sync_dir`].
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Renames a file over another, atomically; durable after [`Disk::sync_dir`].
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Makes the names in a directory durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;
    /// Takes the lock of this name; [`io::ErrorKind::WouldBlock`] where another process or part has it.
    fn lock(&self, path: &Path) -> io::Result<DiskLock>;
    /// How large the disk of this directory is, and how much of it is free.
    fn space(&self, dir: &Path) -> io::Result<Space>;
    /// Whether a call may take long, so that async code has to make it on a thread for that.
    fn may_block(&self) -> bool {
        true
    }
}

/// The size of a disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Space {
    /// Bytes in all.
    pub total: u64,
    /// Bytes that may still be written.
    pub free: u64,
}

impl Space {
    /// This share of the whole disk, in bytes.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share, and `as` saturates"
    )]
    pub fn share(&self, share: f64) -> u64 {
        (self.total as f64 * share) as u64
    }
}

/// An open file.
pub trait DiskFile: Send + Sync {
    /// Reads at a position; fewer bytes than asked for only at the end of the file.
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize>;
    /// Writes all of the bytes at a position; durable after [`DiskFile::sync_data`].
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()>;
    /// Makes everything written durable.
    fn sync_data(&self) -> io::Result<()>;
    /// The length in bytes.
    fn size(&self) -> io::Result<u64>;
    /// Cuts or extends (with zeros) the file.
    fn set_size(&self, size: u64) -> io::Result<()>;
}

/// Whether the disk, or the share of it we may use, is full: the one failure that passes by itself.
pub(crate) fn is_full(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}

/// What the name of a file ends with while it is written, before it takes the place of another.
const TEMPORARY: &str = ".tmp";

/// Replaces a small file so that after a crash it holds either all of the old or all of the new.
pub fn replace(disk: &dyn Disk, dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    replace_parts(disk, dir, name, &[bytes])
}

/// As [`replace`], by pieces that are written one behind the other: nobody has to put large ones together in memory.
pub fn replace_parts(disk: &dyn Disk, dir: &Path, name: &str, parts: &[&[u8]]) -> io::Result<()> {
    let write = |file: &dyn DiskFile| {
        let mut at = 0;
        for part in parts {
            file.write_at(part, at)?;
            at += part.len() as u64;
        }
        Ok(())
    };
    replace_with(disk, dir, name, write, std::convert::identity)
}

/// Replaces a file by what `write` writes, so that after a crash it holds either all of the old or all of the new. What
/// was written when it fails is removed: on a full disk it would take the room that somebody else frees.
pub(crate) fn replace_with<E>(
    disk: &dyn Disk,
    dir: &Path,
    name: &str,
    write: impl FnOnce(&dyn DiskFile) -> Result<(), E>,
    failed: impl Fn(io::Error) -> E,
) -> Result<(), E> {
    let temporary = dir.join(format!("{name}{TEMPORARY}"));
    remove_if_there(disk, &temporary).map_err(&failed)?;
    let file = disk.create(&temporary).map_err(&failed)?;
    let written = write(&*file).and_then(|()| file.sync_data().map_err(&failed));
    drop(file);
    if written.is_err() {
        drop(disk.remove(&temporary)); // else the next attempt removes it
        return written;
    }
    disk.rename(&temporary, &dir.join(name)).and_then(|()| disk.sync_dir(dir)).map_err(failed)
}

/// Removes what a crash left of files of this directory that were being replaced. Nobody may be replacing one.
pub fn clear_replacements(disk: &dyn Disk, dir: &Path) -> io::Result<()> {
    let names = disk.list(dir)?;
    names.iter().filter(|name| name.ends_with(TEMPORARY)).try_for_each(|name| disk.remove(&dir.join(name)))
}

/// Removes a file, where there is one.
pub(crate) fn remove_if_there(disk: &dyn Disk, path: &Path) -> io::Result<()> {
    match disk.remove(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Opens a file to read it; `None` where there is none.
pub(crate) fn open_if_there(disk: &dyn Disk, path: &Path) -> io::Result<Option<Box<dyn DiskFile>>> {
    match disk.open_to_read(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    }
}

/// The whole of a small file; `None` where there is none.
pub fn read_whole(disk: &dyn Disk, path: &Path) -> io::Result<Option<Vec<u8>>> {
    let Some(file) = open_if_there(disk, path)? else { return Ok(None) };
    let size = usize::try_from(file.size()?).map_err(io::Error::other)?;
    let mut bytes = vec![0; size];
    let read = file.read_at(&mut bytes, 0)?;
    bytes.truncate(read);
    Ok(Some(bytes))
}
