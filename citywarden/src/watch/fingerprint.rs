//! What a folder holds, as far as one can tell without reading its files.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// Deeper folders are no part of a pack.
const MAX_DEPTH: usize = 4;
/// More files than this are not looked at.
const MAX_FILES: usize = 10_000;

/// Names, sizes, times and identities of the files of a folder.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Fingerprint(BTreeMap<PathBuf, (u64, Option<SystemTime>, u64)>);

impl Fingerprint {
    /// Of this folder or file; empty where there is none.
    pub(super) fn of(path: &Path) -> Self {
        let mut found = Self::default();
        found.add(path, 0);
        found
    }
    fn add(&mut self, path: &Path, depth: usize) {
        let Ok(metadata) = fs::metadata(path) else { return };
        if !metadata.is_dir() {
            let state = (metadata.len(), metadata.modified().ok(), inode(&metadata));
            self.0.insert(path.to_owned(), state);
            return;
        }
        let Ok(entries) = fs::read_dir(path) else { return };
        for entry in entries.flatten().filter(|entry| is_visible(&entry.path())) {
            if depth < MAX_DEPTH && self.0.len() < MAX_FILES {
                self.add(&entry.path(), depth + 1);
            }
        }
    }
}

/// What tells this folder from another one of the same name.
pub(super) fn identity(path: &Path) -> Option<u64> {
    Some(inode(&fs::metadata(path).ok()?))
}

/// Editors keep their own files beside the one they edit.
fn is_visible(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    !name.starts_with('.') && !name.ends_with('~')
}

#[cfg(unix)]
fn inode(metadata: &Metadata) -> u64 {
    use std::os::unix::fs::MetadataExt as _;
    metadata.ino()
}
#[cfg(not(unix))]
fn inode(_: &Metadata) -> u64 {
    0
}
