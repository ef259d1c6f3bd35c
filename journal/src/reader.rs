//! Reads the journal from an offset on.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use citywarden_model::Offset;

use crate::disk::Disk;
use crate::log::{LogBatch, LogError, LogReader, Places};
use crate::record::{Record, RecordError};

/// Reads the records of a journal in order, in this process or beside a running service.
pub struct Reader(LogReader);

/// Some records, decoded as they are asked for and borrowed from the reader's buffer.
#[derive(Clone, Copy)]
pub struct Batch<'a>(LogBatch<'a>);

impl Reader {
    /// A reader that begins with the record at `from`, which may be yet to come.
    pub fn open(disk: &Arc<dyn Disk>, dir: &Path, from: Offset) -> Result<Self, LogError> {
        LogReader::open(disk, dir, from).map(Self)
    }

    /// The same reader, which uses what others have found of this journal, and adds what it passes.
    pub fn sharing(self, places: &Places) -> Result<Self, LogError> {
        self.0.sharing(places).map(Self)
    }

    /// A reader that begins with the oldest record kept.
    pub fn open_oldest(disk: &Arc<dyn Disk>, dir: &Path) -> Result<Self, LogError> {
        Self::open(disk, dir, LogReader::oldest(&**disk, dir)?)
    }

    /// Goes on with the record at `to`, further on or further back. What is known to lie on the way is not read; of segments
    /// that were begun since the reader was opened all of it is.
    pub fn seek(&mut self, to: Offset) -> Result<(), LogError> {
        self.0.seek(to)
    }

    /// The next records: at most `records_max`, all before `up_to`; none where there are no more yet.
    ///
    /// In the service `up_to` is what [`crate::Inbox::committed`] gave; in another process it is [`None`]: reading ends
    /// at the last whole commit on disk.
    pub fn next_batch(&mut self, up_to: Option<Offset>, records_max: usize) -> Result<Batch<'_>, LogError> {
        self.0.next_batch(up_to, records_max).map(Batch)
    }

    /// The offset of the record the next batch begins with.
    pub fn position(&self) -> Offset {
        self.0.position()
    }
}

impl<'a> Batch<'a> {
    /// The records, in order.
    pub fn iter(&self) -> impl Iterator<Item = Result<Record<'a>, RecordError>> + use<'a> {
        self.0.iter().map(|(offset, bytes)| Record::decode(offset, bytes))
    }
    /// The records as the bytes that are hashed and proved, in order.
    pub fn raw(&self) -> impl Iterator<Item = (Offset, &'a [u8])> + use<'a> {
        self.0.iter()
    }
    /// Those at these places, counted from the first; fewer where there are fewer.
    #[must_use]
    pub fn part(&self, places: Range<usize>) -> Self {
        Self(self.0.part(places))
    }
    /// How many there are.
    pub const fn len(&self) -> usize {
        self.0.len()
    }
    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
