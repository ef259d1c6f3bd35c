//! What every archive can do, whatever database it is in.

use std::path::Path;

use citywarden_model::{Digest, Offset};

use crate::batch::Batch;
use crate::projection::Repeat;
use crate::query::{ReadingsPage, ReadingsQuery};

/// A place in both logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Place {
    /// The first record of the journal that is not archived.
    pub journal: Offset,
    /// The registry in force there; `None` before the first.
    pub registry: Option<Digest>,
    /// The first entry of the alert log that is not archived.
    pub alerts: Offset,
}

/// How far an archive is, and what it has taken in. Kept in the archive, written with the rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Applied {
    /// Where it reads on.
    pub place: Place,
    /// Messages that became rows, or a second value in one.
    pub messages: u64,
    /// Their parts.
    pub parts: u64,
    /// Records that went from the journal before they could be archived.
    pub lost: u64,
}

/// Why an archive did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum ArchiveError {
    /// Retry with a new connection: it is away, full, or lets nobody in.
    #[error("the archive is away: {0}")]
    Away(String),
    /// Leave it out: the database is there, and will not have what is in the batch, whenever it is asked.
    #[error("the archive refuses a row: {0}")]
    Refused(String),
    /// Begin again at its place: the batch does not go on where the archive is.
    #[error("the archive is at {found:?}, the rows begin at {expected:?}")]
    Moved {
        /// Where the batch begins.
        expected: Place,
        /// Where the archive is.
        found: Place,
    },
    /// Ask for less: the answer took too long.
    #[error("the archive took too long to answer: {0}; expected a shorter time or longer steps")]
    Slow(String),
    /// Halt: it was made by a newer version, or is something else.
    #[error("the archive cannot be used: {0}")]
    Unusable(String),
}

/// What an archive can be asked, beside its writer and without being in its way. Calls wait for the database; not to be
/// called from async code.
pub trait Queries: Send {
    /// The readings of one device and quantity, at most [`crate::READINGS_MAX`].
    fn readings(&mut self, query: &ReadingsQuery) -> Result<ReadingsPage, ArchiveError>;
}

/// An archive: takes batches, answers queries. Calls wait for the database; not to be called from async code.
pub trait Archive: Queries {
    /// How far it is.
    fn applied(&mut self) -> Result<Applied, ArchiveError>;
    /// Writes a batch, all or nothing. After an error nobody knows which, until [`Self::applied`] says it.
    fn append(&mut self, batch: &Batch) -> Result<(), ArchiveError>;
    /// Whether it has a message like this.
    fn has(&mut self, repeat: &Repeat) -> Result<bool, ArchiveError>;
    /// Whether it answers; what it is, in words.
    fn health(&mut self) -> Result<String, ArchiveError>;
}

/// Opens the archive in this SQLite file, making it where it is not there.
pub fn open(path: &Path) -> Result<Box<dyn Archive>, ArchiveError> {
    Ok(Box::new(crate::sqlite::SqliteArchive::open(path)?))
}

/// Opens the archive in this SQLite file for questions alone; it has to be there.
pub fn open_reader(path: &Path) -> Result<Box<dyn Queries>, ArchiveError> {
    Ok(Box::new(crate::sqlite::SqliteReader::open(path)?))
}

/// Whether the layout that was found is the one that is read here.
pub(crate) fn check_layout(found: i64, newest: usize) -> Result<(), ArchiveError> {
    match usize::try_from(found) {
        Ok(found) if found == newest => Ok(()),
        Ok(found) if found < newest => {
            Err(ArchiveError::Away(format!("its layout is version {found} still; it is brought to {newest}")))
        }
        Ok(_) | Err(_) => {
            Err(ArchiveError::Unusable(format!("its layout is version {found}; this version knows {newest}")))
        }
    }
}

/// Whether the batch goes on where the archive is.
pub(crate) fn check_place(batch: &Batch, found: &Applied) -> Result<(), ArchiveError> {
    if batch.before() == found {
        return Ok(());
    }
    Err(ArchiveError::Moved { expected: batch.before().place, found: found.place })
}

/// An offset as databases hold it.
pub(crate) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// An offset as it was held.
pub(crate) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
