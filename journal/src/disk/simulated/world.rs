//! What the simulated disk holds: what is seen, and what would survive.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

/// A torn write is torn at multiples of this.
const SECTOR_LEN: usize = 512;

#[derive(Default)]
pub(super) struct World {
    files: BTreeMap<u64, Content>,
    names: Names,
    durable_names: Names,
    name_changes: Vec<NameChange>,
    locks: BTreeMap<PathBuf, Weak<()>>,
    last_id: u64,
    random: u64,
    pub(super) generation: u64,
    pub(super) operations: u64,
    pub(super) fail_at: Option<(u64, io::ErrorKind)>,
    pub(super) powerless_from: Option<u64>,
    pub(super) fail_syncs: bool,
    pub(super) capacity: Option<u64>,
}

type Names = BTreeMap<PathBuf, u64>;

#[derive(Default)]
pub(super) struct Content {
    pub(super) visible: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

#[derive(Clone)]
pub(super) enum Change {
    Write { at: usize, bytes: Vec<u8> },
    Size(usize),
}

enum NameChange {
    Set(PathBuf, u64),
    Remove(PathBuf),
    Rename(PathBuf, PathBuf),
}

impl World {
    /// Counts an operation and lets it fail where it is its turn.
    pub(super) fn operate(&mut self) -> io::Result<()> {
        self.operations += 1;
        if self.powerless_from.is_some_and(|from| self.operations >= from) {
            return Err(io::Error::other("simulated cut of the power"));
        }
        match self.fail_at {
            Some((at, kind)) if at == self.operations => Err(io::Error::new(kind, "simulated failure")),
            _ => Ok(()),
        }
    }

    pub(super) fn operate_on(&mut self, generation: u64) -> io::Result<()> {
        if generation != self.generation {
            return Err(io::Error::other("opened before the crash"));
        }
        self.operate()
    }

    pub(super) fn id(&self, path: &Path) -> io::Result<u64> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }
    pub(super) fn file(&self, id: u64) -> io::Result<&Content> {
        self.files.get(&id).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
    pub(super) fn used(&self) -> u64 {
        let named: BTreeSet<u64> = self.names.values().copied().collect();
        named.iter().filter_map(|id| self.files.get(id)).map(|content| content.visible.len() as u64).sum()
    }

    /// Fails where a file may not grow to this size.
    pub(super) fn reserve(&self, id: u64, size: usize) -> io::Result<()> {
        let more = size.saturating_sub(self.file(id)?.visible.len()) as u64;
        match self.capacity {
            Some(capacity) if more > 0 && self.used() + more > capacity => {
                Err(io::ErrorKind::StorageFull.into())
            }
            _ => Ok(()),
        }
    }

    pub(super) fn create(&mut self, path: &Path) -> io::Result<u64> {
        if self.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.last_id += 1;
        let id = self.last_id;
        self.files.insert(id, Content::default());
        self.change_name(NameChange::Set(path.to_owned(), id));
        Ok(id)
    }
    pub(super) fn remove(&mut self, path: &Path) -> io::Result<()> {
        self.id(path)?;
        self.change_name(NameChange::Remove(path.to_owned()));
        Ok(())
    }
    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        self.id(from)?;
        self.change_name(NameChange::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }
    pub(super) fn list(&self, dir: &Path) -> Vec<String> {
        let inside = self.names.keys().filter(|path| path.parent() == Some(dir));
        inside.filter_map(|path| Some(path.file_name()?.to_str()?.to_owned())).collect()
    }

    /// Makes the names in this directory durable, and in no other.
    pub(super) fn sync_dir(&mut self, dir: &Path) -> io::Result<()> {
        if self.fail_syncs {
            return Err(io::Error::other("simulated failure of a sync"));
        }
        for change in self.name_changes.extract_if(.., |change| change.is_in(dir)) {
            change.apply(&mut self.durable_names);
        }
        Ok(())
    }

    pub(super) fn lock(&mut self, path: &Path) -> Option<Arc<()>> {
        if self.locks.get(path).is_some_and(|held| held.strong_count() > 0) {
            return None;
        }
        let held = Arc::new(());
        self.locks.insert(path.to_owned(), Arc::downgrade(&held));
        Some(held)
    }

    pub(super) fn apply(&mut self, id: u64, change: Change) -> io::Result<()> {
        let content = self.files.get_mut(&id).ok_or(io::ErrorKind::NotFound)?;
        change.apply(&mut content.visible);
        content.unsynced.push(change);
        Ok(())
    }

    /// Makes what was written durable, or, where the sync fails, some of it, and forgets the rest.
    pub(super) fn flush(&mut self, id: u64, all: bool) -> io::Result<()> {
        let content = self.files.get_mut(&id).ok_or(io::ErrorKind::NotFound)?;
        let random = &mut self.random;
        for change in std::mem::take(&mut content.unsynced) {
            if all {
                change.apply(&mut content.durable);
            } else {
                change.apply_by_chance(&mut content.durable, random);
            }
        }
        Ok(())
    }

    pub(super) fn change(&mut self, path: &Path, change: impl Fn(&mut Vec<u8>) -> bool) -> bool {
        let Some(content) = self.names.get(path).and_then(|id| self.files.get_mut(id)) else { return false };
        change(&mut content.durable) && change(&mut content.visible)
    }

    pub(super) fn crash(&mut self, seed: u64) {
        self.random = seed;
        for content in self.files.values_mut() {
            for change in std::mem::take(&mut content.unsynced) {
                change.apply_by_chance(&mut content.durable, &mut self.random);
            }
            content.visible.clone_from(&content.durable);
        }
        let changes = std::mem::take(&mut self.name_changes);
        let kept = next_random(&mut self.random) % (changes.len() as u64 + 1);
        for change in changes.into_iter().zip(0..kept).map(|(change, _)| change) {
            change.apply(&mut self.durable_names);
        }
        self.names.clone_from(&self.durable_names);
        self.locks.clear();
        self.generation += 1;
        self.fail_at = None;
        self.powerless_from = None;
        self.fail_syncs = false;
    }

    fn change_name(&mut self, change: NameChange) {
        change.apply(&mut self.names);
        self.name_changes.push(change);
    }
}

impl NameChange {
    fn is_in(&self, dir: &Path) -> bool {
        let (Self::Set(path, _) | Self::Remove(path) | Self::Rename(_, path)) = self;
        path.parent() == Some(dir)
    }
    fn apply(&self, names: &mut Names) {
        match self {
            Self::Set(path, id) => {
                names.insert(path.clone(), *id);
            }
            Self::Remove(path) => {
                names.remove(path);
            }
            Self::Rename(from, to) => {
                if let Some(id) = names.remove(from) {
                    names.insert(to.clone(), id);
                }
            }
        }
    }
}

impl Change {
    fn apply(&self, bytes: &mut Vec<u8>) {
        match self {
            Self::Size(size) => bytes.resize(*size, 0),
            Self::Write { at, bytes: written } => {
                let end = at + written.len();
                if bytes.len() < end {
                    bytes.resize(end, 0);
                }
                if let Some(place) = bytes.get_mut(*at..end) {
                    place.copy_from_slice(written);
                }
            }
        }
    }

    fn apply_by_chance(&self, bytes: &mut Vec<u8>, random: &mut u64) {
        match next_random(random) % 3 {
            0 => {}
            1 => self.apply(bytes),
            _ => self.tear(bytes, random),
        }
    }

    // Each sector arrives or not, whatever became of its neighbours.
    fn tear(&self, bytes: &mut Vec<u8>, random: &mut u64) {
        let Self::Write { at, bytes: written } = self else { return self.apply(bytes) };
        let (mut from, mut rest) = (*at, written.as_slice());
        while !rest.is_empty() {
            let len = (SECTOR_LEN - from % SECTOR_LEN).min(rest.len());
            let (piece, behind) = rest.split_at(len);
            if next_random(random).is_multiple_of(2) {
                Self::Write { at: from, bytes: piece.to_vec() }.apply(bytes);
            }
            (from, rest) = (from + len, behind);
        }
    }
}

/// `SplitMix64`.
fn next_random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
