//! Snapshots of the judge: so that a restart reads on instead of starting anew.
//!
//! A snapshot is only written once every transition before it is durable in the alert log; otherwise a crash between
//! the two would lose an alert.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use citywarden_journal::{Disk, clear_replacements, read_whole, replace_parts};
use citywarden_model::{Digest, Hasher, Offset};

/// How many snapshots are kept: the newest, and one before it for the case that the newest cannot be read.
const KEPT: usize = 2;
const ENDING: &str = "snapshot";
const DIGEST_LEN: usize = 32;
/// What a snapshot begins with, after its digest: the place and the evaluator's state follow. Another beginning is that
/// of another format.
const FORMAT: &[u8] = b"citywarden snapshot 2\n";

/// Everything a judge needs to go on from an offset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// The first record that is not in it.
    pub next: Offset,
    /// The evaluator's state; it names the rules and the registry that were in force.
    pub evaluator: Vec<u8>,
}

/// The directory with the snapshots.
#[derive(Clone)]
pub struct SnapshotStore {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
}

impl SnapshotStore {
    /// Opens the directory, making it where it is not there.
    pub fn open(disk: &Arc<dyn Disk>, dir: PathBuf) -> io::Result<Self> {
        disk.create_dir(&dir)?;
        Ok(Self { disk: Arc::clone(disk), dir })
    }

    /// Removes what a crash left of snapshots that were being written. Nobody may be writing one.
    pub(crate) fn clear_leftovers(&self) -> io::Result<()> {
        clear_replacements(&*self.disk, &self.dir)
    }

    /// Writes a snapshot whole or not at all, and removes the oldest. Where nothing came since the last one, as on a full
    /// disk, it is the second of its place, and the one before would only hold back what retention could free.
    pub(crate) fn write(&self, snapshot: &Snapshot) -> io::Result<()> {
        let is_second = self.places()?.first() == Some(&snapshot.next);
        let place = snapshot.next.0.to_le_bytes();
        let mut hasher = Hasher::new();
        for part in [FORMAT, &place, &snapshot.evaluator] {
            hasher.update(part);
        }
        let head = [hasher.finish().as_bytes().as_slice(), FORMAT, &place].concat();
        replace_parts(&*self.disk, &self.dir, &name_of(snapshot.next), &[&head, &snapshot.evaluator])?;
        for old in self.paths()?.iter().rev().skip(if is_second { 1 } else { KEPT }) {
            self.disk.remove(old)?;
        }
        Ok(())
    }

    /// Whether writing one may take long.
    pub(crate) fn may_block(&self) -> bool {
        self.disk.may_block()
    }

    /// Removes the snapshot of this place.
    pub(crate) fn remove(&self, next: Offset) -> io::Result<()> {
        self.disk.remove(&self.dir.join(name_of(next)))
    }

    /// The places of which there are snapshots, newest first. They may be large: they are read one by one.
    pub fn places(&self) -> io::Result<Vec<Offset>> {
        let stems = self.paths()?.into_iter().rev();
        let place = |path: PathBuf| path.file_stem()?.to_str()?.parse().ok().map(Offset);
        Ok(stems.filter_map(place).collect())
    }

    /// The files, oldest first.
    fn paths(&self) -> io::Result<Vec<PathBuf>> {
        let names = self.disk.list(&self.dir)?;
        Ok(names.iter().map(|name| self.dir.join(name)).filter(|path| ends(path)).collect())
    }

    /// The snapshot of this place; an error where it is damaged.
    pub fn read(&self, next: Offset) -> io::Result<Snapshot> {
        let mut bytes =
            read_whole(&*self.disk, &self.dir.join(name_of(next)))?.ok_or(io::ErrorKind::NotFound)?;
        let (digest, body) =
            bytes.split_first_chunk::<DIGEST_LEN>().ok_or_else(|| io::Error::other("it is cut short"))?;
        if Digest::of(body).as_bytes() != digest {
            return Err(io::Error::other("its digest is wrong"));
        }
        let rest = body.strip_prefix(FORMAT).ok_or_else(|| io::Error::other("it has another format"))?;
        let (found, evaluator) =
            rest.split_first_chunk().ok_or_else(|| io::Error::other("it is cut short"))?;
        if u64::from_le_bytes(*found) != next.0 {
            return Err(io::Error::other("it is of another place"));
        }
        let head = bytes.len() - evaluator.len();
        bytes.drain(..head);
        Ok(Snapshot { next, evaluator: bytes })
    }
}

fn name_of(next: Offset) -> String {
    format!("{:020}.{ENDING}", next.0)
}

fn ends(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == ENDING)
}

#[cfg(test)]
mod tests {
    use citywarden_journal::HostDisk;

    use super::*;

    #[test]
    fn two_snapshots_are_kept_and_a_damaged_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(HostDisk);
        let store = SnapshotStore::open(&disk, dir.path().join("snapshots")).unwrap();
        let snapshot = |next| Snapshot { next: Offset(next), evaluator: vec![7; 100] };
        for next in [5, 50, 500] {
            store.write(&snapshot(next)).unwrap();
        }
        assert_eq!(store.places().unwrap(), [Offset(500), Offset(50)]);
        let newest = store.paths().unwrap().pop().unwrap();
        let mut bytes = std::fs::read(&newest).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        std::fs::write(&newest, bytes).unwrap();
        assert!(store.read(Offset(500)).unwrap_err().to_string().contains("digest"));
        assert_eq!(store.read(Offset(50)).unwrap(), snapshot(50));
        store.remove(Offset(500)).unwrap();
        assert_eq!(store.places().unwrap(), [Offset(50)]);
    }

    #[test]
    fn a_snapshot_of_another_format_or_place_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(HostDisk);
        let store = SnapshotStore::open(&disk, dir.path().join("snapshots")).unwrap();
        store.write(&Snapshot { next: Offset(5), evaluator: vec![7; 100] }).unwrap();
        let written = store.paths().unwrap().pop().unwrap();
        std::fs::copy(&written, written.with_file_name(name_of(Offset(6)))).unwrap();
        assert!(store.read(Offset(6)).unwrap_err().to_string().contains("another place"));
        // as the version before wrote it: the place, the length and the state, as postcard has them
        let body = [[7, 100].as_slice(), &[7; 100]].concat();
        let older = [Digest::of(&body).as_bytes().as_slice(), &body].concat();
        std::fs::write(written.with_file_name(name_of(Offset(7))), older).unwrap();
        assert!(store.read(Offset(7)).unwrap_err().to_string().contains("another format"));
        assert!(store.read(Offset(5)).is_ok());
    }

    #[test]
    fn a_second_snapshot_of_the_same_place_leaves_nothing_older() {
        let dir = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(HostDisk);
        let store = SnapshotStore::open(&disk, dir.path().join("snapshots")).unwrap();
        for (next, places) in [(5, vec![5]), (50, vec![50, 5]), (50, vec![50]), (60, vec![60, 50])] {
            store.write(&Snapshot { next: Offset(next), evaluator: Vec::new() }).unwrap();
            assert_eq!(store.places().unwrap(), places.into_iter().map(Offset).collect::<Vec<_>>());
        }
    }

    #[test]
    fn what_a_crash_left_of_snapshots_goes_at_the_next_start() {
        let dir = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(HostDisk);
        let store = SnapshotStore::open(&disk, dir.path().to_owned()).unwrap();
        store.write(&Snapshot { next: Offset(5), evaluator: vec![7; 100] }).unwrap();
        for next in [50, 500] {
            std::fs::write(dir.path().join(format!("{}.tmp", name_of(Offset(next)))), [7; 60]).unwrap();
        }
        store.clear_leftovers().unwrap();
        assert_eq!(disk.list(dir.path()).unwrap(), [name_of(Offset(5))]);
    }
}
