//! What can go wrong with a log, cut by what the caller does about it.

use std::io;
use std::path::{Path, PathBuf};

use citywarden_model::Offset;

/// A log that cannot be opened, written or read.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// Retry: there is no room. Nothing acknowledged is lost, and what was handed over is still waiting.
    #[error("disk full: no room to {what} {path}")]
    DiskFull {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// As the system says it.
        source: io::Error,
    },
    /// Halt: the disk failed. After a failed write or sync the log takes nothing any more; only a restart finds out
    /// what is really on disk.
    #[error("cannot {what} {path}")]
    Disk {
        /// What was tried.
        what: &'static str,
        /// The file.
        path: PathBuf,
        /// As the system says it.
        source: io::Error,
    },
    /// Halt: an earlier write or sync failed, and it is never tried again.
    #[error("the log stopped after an earlier failure of the disk; restart to find out what is on it")]
    Halted,
    /// Halt: what was once durable is damaged.
    #[error("{path} is damaged at byte {position}, journal offset {offset}: {what}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// The byte where what is damaged begins.
        position: u64,
        /// The record that stood there, or the next one.
        offset: Offset,
        /// What was found.
        what: &'static str,
    },
    /// Halt: another process writes here.
    #[error("{dir} is in use by another process")]
    Locked {
        /// The directory.
        dir: PathBuf,
    },
    /// Halt: written by another version of this program.
    #[error("{path} has format version {found}, expected {}", super::format::VERSION)]
    Version {
        /// The file.
        path: PathBuf,
        /// What its header says.
        found: u32,
    },
    /// Reject: the record is larger than the log takes.
    #[error("a record of {len} bytes, expected at most {max}")]
    RecordTooLarge {
        /// Its length.
        len: usize,
        /// The limit.
        max: usize,
    },
    /// Reject: options that contradict one another.
    #[error(
        "segments of {segment_bytes} bytes cannot hold records of {record_bytes_max}; expected at least {expected}"
    )]
    Options {
        /// As configured.
        segment_bytes: u32,
        /// As configured.
        record_bytes_max: usize,
        /// The smallest segment for such records.
        expected: usize,
    },
    /// Reject: the records asked for are not kept any more.
    #[error("offset {asked} is not kept any more; the oldest is {oldest}")]
    Gone {
        /// What was asked for.
        asked: Offset,
        /// The oldest there is.
        oldest: Offset,
    },
    /// Retry: there is no log in this directory yet.
    #[error("there is no log in {dir}")]
    Missing {
        /// The directory.
        dir: PathBuf,
    },
}

impl LogError {
    /// Whether a file was not there (any more).
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self, Self::Disk { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    pub(crate) fn disk(what: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        if crate::disk::is_full(&source) {
            Self::DiskFull { what, path, source }
        } else {
            Self::Disk { what, path, source }
        }
    }
    pub(crate) fn corrupt(path: &Path, position: u64, offset: Offset, what: &'static str) -> Self {
        Self::Corrupt { path: path.to_owned(), position, offset, what }
    }
    /// Whether it passes by itself once there is room.
    pub const fn is_disk_full(&self) -> bool {
        matches!(self, Self::DiskFull { .. })
    }
}
