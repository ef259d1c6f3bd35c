//! Snapshots of the judge: so that a restart reads on instead of starting anew.
//!
//! A snapshot is only written once every transition before it is durable in the alert log; otherwise a crash between
//! the two would lose an alert.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use citywarden_model::{Digest, Offset};
use serde::{Deserialize, Serialize};

/// How many snapshots are kept: the newest, and one before it for the case that the newest cannot be read.
const KEPT: usize = 2;
const ENDING: &str = "snapshot";

/// Everything a judge needs to go on from an offset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// The first record that is not in it.
    pub(crate) next: Offset,
    /// The evaluator's state; it names the rules and the registry that were in force.
    pub(crate) evaluator: Vec<u8>,
}

/// The directory with the snapshots.
#[derive(Debug, Clone)]
pub(crate) struct SnapshotStore {
    dir: PathBuf,
}

impl SnapshotStore {
    /// Opens the directory, making it where it is not there.
    pub(crate) fn open(dir: PathBuf) -> io::Result<Self> {
        fs::create_dir_all(&dir)?;
        Ok(Self { dir })
    }

    /// Writes a snapshot whole or not at all, and removes the oldest.
    pub(crate) fn write(&self, snapshot: &Snapshot) -> io::Result<()> {
        let body = postcard::to_stdvec(snapshot).map_err(io::Error::other)?;
        let name = format!("{:020}.{ENDING}", snapshot.next.0);
        let unfinished = self.dir.join(format!("{name}.tmp"));
        let mut file = fs::File::create(&unfinished)?;
        file.write_all(Digest::of(&body).as_bytes())?;
        file.write_all(&body)?;
        file.sync_all()?;
        fs::rename(&unfinished, self.dir.join(name))?;
        fs::File::open(&self.dir)?.sync_all()?;
        for old in self.names()?.iter().rev().skip(KEPT) {
            fs::remove_file(old)?;
        }
        Ok(())
    }

    /// The newest snapshots that can be read, newest first; what is damaged is passed over and said so.
    pub(crate) fn newest_first(&self) -> io::Result<Vec<Snapshot>> {
        let mut found = Vec::new();
        for path in self.names()?.iter().rev() {
            match read(path) {
                Ok(snapshot) => found.push(snapshot),
                Err(why) => tracing::warn!("snapshot {} cannot be used: {why}", path.display()),
            }
        }
        Ok(found)
    }

    fn names(&self) -> io::Result<Vec<PathBuf>> {
        let entries: Result<Vec<_>, _> = fs::read_dir(&self.dir)?.map(|entry| Ok(entry?.path())).collect();
        let mut names: Vec<_> =
            entries.map_err(|error: io::Error| error)?.into_iter().filter(|path| ends(path)).collect();
        names.sort();
        Ok(names)
    }
}

fn ends(path: &Path) -> bool {
    path.extension().is_some_and(|ending| ending == ENDING)
}

fn read(path: &Path) -> io::Result<Snapshot> {
    let bytes = fs::read(path)?;
    let (digest, body) =
        bytes.split_first_chunk::<32>().ok_or_else(|| io::Error::other("it is cut short"))?;
    if Digest::of(body).as_bytes() != digest {
        return Err(io::Error::other("its digest is wrong"));
    }
    postcard::from_bytes(body).map_err(io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_whole_snapshot_is_used_and_a_damaged_one_is_passed_over() {
        let dir = tempfile::tempdir().unwrap();
        let store = SnapshotStore::open(dir.path().join("snapshots")).unwrap();
        let snapshot = |next| Snapshot { next: Offset(next), evaluator: vec![7; 100] };
        for next in [5, 50, 500] {
            store.write(&snapshot(next)).unwrap();
        }
        assert_eq!(store.newest_first().unwrap(), [snapshot(500), snapshot(50)]);
        let newest = store.names().unwrap().pop().unwrap();
        let mut bytes = fs::read(&newest).unwrap();
        *bytes.last_mut().unwrap() ^= 1;
        fs::write(&newest, bytes).unwrap();
        assert_eq!(store.newest_first().unwrap(), [snapshot(50)]);
    }
}
