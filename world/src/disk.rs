//! The disk that the service is handed: the simulated one, with somebody beside it who notes what is asked of it, and
//! keeps to a quota, and keeps what it removes for the checkers.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use citywarden_journal::{Disk, DiskFile, DiskLock, SimulatedDisk, Space};

/// The simulated disk; clones are the same one.
#[derive(Clone)]
pub(crate) struct WatchedDisk {
    disk: SimulatedDisk,
    notes: Arc<Mutex<Notes>>,
}

#[derive(Default)]
struct Notes {
    /// The kind of each operation, where that is noted.
    operations: Option<Vec<String>>,
    /// The directory that nothing may be written in: its quota is used up.
    full: Option<PathBuf>,
    /// What segments held that were removed.
    removed: BTreeMap<PathBuf, Vec<u8>>,
}

struct WatchedFile {
    file: Box<dyn DiskFile>,
    disk: WatchedDisk,
    dir: PathBuf,
    what: String,
}

impl WatchedDisk {
    pub(crate) fn new(disk: SimulatedDisk) -> Self {
        Self { disk, notes: Arc::default() }
    }
    /// Notes the kind of every operation from now on.
    pub(crate) fn note_operations(&self) {
        self.notes().operations = Some(Vec::new());
    }
    /// The kinds of the operations noted, in their order.
    pub(crate) fn operations(&self) -> Vec<String> {
        self.notes().operations.clone().unwrap_or_default()
    }

    /// Takes nothing more in this directory, or in all of them again.
    pub(crate) fn set_full(&self, dir: Option<PathBuf>) {
        self.notes().full = dir;
    }

    /// How many segments were removed.
    pub(crate) fn removed(&self) -> u64 {
        self.notes().removed.len() as u64
    }
    /// A disk with every segment there ever was in this directory.
    pub(crate) fn whole(&self, dir: &Path) -> io::Result<SimulatedDisk> {
        let mut segments = self.notes().removed.clone();
        let left =
            self.disk.list(dir)?.into_iter().map(|name| dir.join(name)).filter(|path| is_segment(path));
        segments.extend(left.filter_map(|path| Some((path.clone(), self.disk.contents(&path)?))));
        let whole = SimulatedDisk::new();
        for (path, bytes) in segments.iter().filter(|(path, _)| path.parent() == Some(dir)) {
            let file = whole.create(path)?;
            file.write_at(bytes, 0)?;
        }
        Ok(whole)
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn note(&self, operation: &str, what: &str) {
        if let Some(operations) = &mut self.notes().operations {
            operations.push(format!("{operation} {what}"));
        }
    }
    fn note_path(&self, operation: &str, path: &Path) {
        if self.is_noting() {
            self.note(operation, &kind_of(path));
        }
    }
    fn is_noting(&self) -> bool {
        self.notes().operations.is_some()
    }
    fn admit(&self, dir: &Path) -> io::Result<()> {
        let is_full = self.notes().full.as_deref() == Some(dir);
        if is_full { Err(io::ErrorKind::QuotaExceeded.into()) } else { Ok(()) }
    }
    fn watch(&self, path: &Path, file: Box<dyn DiskFile>) -> Box<dyn DiskFile> {
        let what = if self.is_noting() { kind_of(path) } else { String::new() };
        let dir = path.parent().unwrap_or(path).to_owned();
        Box::new(WatchedFile { file, disk: self.clone(), dir, what })
    }
}

fn is_segment(path: &Path) -> bool {
    path.extension().is_some_and(|end| end == "seg")
}

/// Stands for a directory where the kinds of files do.
const ITSELF: &str = "itself";

/// Files of one kind are named alike but for numbers and digests: the directory, and how the name ends.
fn kind_of(path: &Path) -> String {
    let part =
        |part: Option<&std::ffi::OsStr>| part.and_then(|part| part.to_str()).unwrap_or_default().to_owned();
    // /data, the directory, and the name below it
    let dir = part(path.components().nth(2).map(std::path::Component::as_os_str));
    let end = path.extension().map_or_else(String::new, |_| format!("*.{}", part(path.extension())));
    let is_itself = path.file_name().is_some_and(|name| name == ITSELF);
    if is_itself { dir } else { format!("{dir}/{end}") }
}

impl Disk for WatchedDisk {
    fn create_dir(&self, dir: &Path) -> io::Result<()> {
        self.note_path("make", &dir.join(ITSELF));
        self.disk.create_dir(dir)
    }
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.note_path("create", path);
        self.admit(path.parent().unwrap_or(path))?;
        Ok(self.watch(path, self.disk.create(path)?))
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.note_path("open", path);
        Ok(self.watch(path, self.disk.open(path)?))
    }
    fn open_to_read(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.note_path("open to read", path);
        Ok(self.watch(path, self.disk.open_to_read(path)?))
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        self.note_path("list", &dir.join(ITSELF));
        self.disk.list(dir)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        self.note_path("remove", path);
        let held = self.disk.contents(path).filter(|_| is_segment(path));
        self.disk.remove(path)?;
        self.notes().removed.extend(held.map(|held| (path.to_owned(), held)));
        Ok(())
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        self.note_path("rename to", to);
        self.disk.rename(from, to)
    }
    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        self.note_path("sync", &dir.join(ITSELF));
        self.disk.sync_dir(dir)
    }
    fn lock(&self, path: &Path) -> io::Result<DiskLock> {
        self.note_path("lock", path);
        self.disk.lock(path)
    }
    fn space(&self, dir: &Path) -> io::Result<Space> {
        self.disk.space(dir)
    }
    fn may_block(&self) -> bool {
        self.disk.may_block()
    }
}

impl DiskFile for WatchedFile {
    fn read_at(&self, buffer: &mut [u8], at: u64) -> io::Result<usize> {
        self.disk.note("read", &self.what);
        self.file.read_at(buffer, at)
    }
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        self.disk.note("write", &self.what);
        self.disk.admit(&self.dir)?;
        self.file.write_at(bytes, at)
    }
    fn sync_data(&self) -> io::Result<()> {
        self.disk.note("sync", &self.what);
        self.file.sync_data()
    }
    fn size(&self) -> io::Result<u64> {
        self.disk.note("size of", &self.what);
        self.file.size()
    }
    fn set_size(&self, size: u64) -> io::Result<()> {
        self.disk.note("cut", &self.what);
        self.file.set_size(size)
    }
}
