//! How far each reader has come, by name, durable: where it goes on after a restart, and what retention may not take
//! from it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use citywarden_model::Offset;

use crate::disk::{Disk, read_whole, replace};

const SUFFIX: &str = ".cursor";

/// The cursors of a directory: one small text file each, `NAME.cursor`, with the offset in digits.
#[derive(Clone)]
pub struct Cursors {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
}

/// A cursor that cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum CursorError {
    /// The disk.
    #[error("cannot use the cursor {path}")]
    Disk {
        /// The file.
        path: PathBuf,
        /// As the system says it.
        source: io::Error,
    },
    /// The file holds something else.
    #[error("the cursor {path} is damaged: expected an offset in digits")]
    Damaged {
        /// The file.
        path: PathBuf,
    },
}

impl Cursors {
    /// The cursors of this directory, which is made where it is missing.
    pub fn open(disk: &Arc<dyn Disk>, dir: &Path) -> Result<Self, CursorError> {
        let (disk, dir) = (Arc::clone(disk), dir.to_owned());
        disk.create_dir(&dir).map_err(|source| CursorError::Disk { path: dir.clone(), source })?;
        Ok(Self { disk, dir })
    }

    /// Writes down that this reader is done with everything before `offset`.
    pub fn save(&self, name: &str, offset: Offset) -> Result<(), CursorError> {
        let file = format!("{name}{SUFFIX}");
        let text = format!("{offset}\n");
        replace(&*self.disk, &self.dir, &file, text.as_bytes())
            .map_err(|source| CursorError::Disk { path: self.dir.join(file), source })
    }

    /// Where this reader goes on; [`None`] where it never wrote anything down.
    pub fn load(&self, name: &str) -> Result<Option<Offset>, CursorError> {
        let path = self.dir.join(format!("{name}{SUFFIX}"));
        let bytes = match read_whole(&*self.disk, &path) {
            Ok(None) => return Ok(None),
            Ok(Some(bytes)) => bytes,
            Err(source) => return Err(CursorError::Disk { path, source }),
        };
        let offset = std::str::from_utf8(&bytes).ok().and_then(|text| text.strip_suffix('\n')?.parse().ok());
        offset.map(|offset| Some(Offset(offset))).ok_or(CursorError::Damaged { path })
    }

    /// All of them, by name.
    pub fn all(&self) -> Result<BTreeMap<String, Offset>, CursorError> {
        let names = self.disk.list(&self.dir);
        let names = names.map_err(|source| CursorError::Disk { path: self.dir.clone(), source })?;
        let mut cursors = BTreeMap::new();
        for name in names.iter().filter_map(|name| name.strip_suffix(SUFFIX)) {
            cursors.extend(self.load(name)?.map(|offset| (name.to_owned(), offset)));
        }
        Ok(cursors)
    }
}
