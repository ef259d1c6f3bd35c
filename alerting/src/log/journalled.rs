//! The alert log on disk: the journal's chained log, in a directory of its own, with small segments.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use citywarden_journal::{Disk, Log, LogError, LogOptions, LogReader, Recovery};
use citywarden_model::{Digest, Offset};

use super::{Chain, ChainError, ChainReader, Visit};
use crate::view::AlertView;

/// Small: a county raises some hundred alerts a day.
const SEGMENT_BYTES: u32 = 4 << 20;
/// An alert, 192 KiB of evidence, and room.
const ENTRY_BYTES_MAX: usize = 512 << 10;
const COMMIT_BYTES_MAX: usize = 4 << 20;
const BATCH_MAX: usize = 1024;

/// The alert log on disk.
pub struct JournalledLog {
    log: Log,
    disk: Arc<dyn Disk>,
    dir: PathBuf,
}

impl JournalledLog {
    /// The sizes of a county's alert log.
    pub const SIZES: LogOptions = LogOptions {
        segment_bytes: SEGMENT_BYTES,
        record_bytes_max: ENTRY_BYTES_MAX,
        commit_bytes_max: COMMIT_BYTES_MAX,
    };

    /// Opens the log of this directory, or begins one.
    pub fn open(disk: &Arc<dyn Disk>, dir: &Path) -> Result<(Self, Recovery), LogError> {
        Self::open_sized(disk, dir, Self::SIZES)
    }
    /// As [`Self::open`], with other sizes.
    pub fn open_sized(
        disk: &Arc<dyn Disk>,
        dir: &Path,
        sizes: LogOptions,
    ) -> Result<(Self, Recovery), LogError> {
        let (log, recovery) = Log::open(disk, dir, sizes)?;
        Ok((Self { log, disk: Arc::clone(disk), dir: dir.to_owned() }, recovery))
    }
}

impl Chain for JournalledLog {
    fn next(&self) -> Offset {
        self.log.next()
    }
    fn append(&mut self, entries: &[Vec<u8>]) -> Result<(), ChainError> {
        self.log.append(entries.iter().map(Vec::as_slice)).map(drop).map_err(|error| failed(&error))
    }
    fn retry(&mut self) -> Result<(), ChainError> {
        self.log.retry().map_err(|error| failed(&error))
    }
    fn head(&self) -> Digest {
        self.log.head()
    }
    fn reader(&self) -> Box<dyn ChainReader> {
        Box::new(JournalledReader { disk: Arc::clone(&self.disk), dir: self.dir.clone() })
    }
}

/// The alerts that the log of this directory tells of, read beside its writer; none where there is no log yet.
pub fn read_view(disk: &Arc<dyn Disk>, dir: &Path) -> Result<AlertView, super::LogError> {
    let mut view = AlertView::default();
    if disk.list(dir).is_err_and(|error| error.kind() == std::io::ErrorKind::NotFound) {
        return Ok(view);
    }
    let reader = JournalledReader { disk: Arc::clone(disk), dir: dir.to_owned() };
    super::read_all(&reader, |place, record| drop(view.apply(place, &record)))?;
    Ok(view)
}

struct JournalledReader {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
}

impl ChainReader for JournalledReader {
    fn read(&self, from: Offset, visit: &mut Visit<'_>) -> Result<(), ChainError> {
        let mut reader = LogReader::open(&self.disk, &self.dir, from).map_err(|error| failed(&error))?;
        loop {
            let batch = reader.next_batch(None, BATCH_MAX).map_err(|error| failed(&error))?;
            if batch.is_empty() {
                return Ok(());
            }
            for (offset, bytes) in batch.iter() {
                if let ControlFlow::Break(()) = visit(offset, bytes) {
                    return Ok(());
                }
            }
        }
    }
}

fn failed(error: &LogError) -> ChainError {
    if error.is_disk_full() { ChainError::Full } else { ChainError::Broken(explain(error)) }
}

/// The error with what it came from.
fn explain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        text = format!("{text}: {inner}");
        source = inner.source();
    }
    text
}
