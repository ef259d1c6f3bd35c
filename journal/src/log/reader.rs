//! Reads a log from an offset on, beside its writer.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use citywarden_model::Offset;

use super::LogError;
use super::format::{Commit, Content, entries};
use super::frames::{Frames, Step, find_proof};
use super::places::Places;
use super::segment;
use crate::disk::Disk;

/// Reads the records of a log in order.
pub struct LogReader {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    /// The segments there were when it was opened, ascending.
    bases: Vec<Offset>,
    frames: Frames,
    /// Used and added to, where there are any.
    places: Option<Places>,
    /// Of the next commit.
    next: Offset,
    /// Records before it are skipped.
    from: Offset,
    found: Vec<Found>,
    given: usize,
}

#[derive(Clone)]
struct Found {
    offset: Offset,
    place: Range<usize>,
}

/// Some records, borrowed from the reader's buffer.
#[derive(Clone, Copy)]
pub struct LogBatch<'a> {
    buffer: &'a [u8],
    found: &'a [Found],
}

impl<'a> LogBatch<'a> {
    /// The records, in order.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (Offset, &'a [u8])> + use<'a> {
        let buffer = self.buffer;
        self.found
            .iter()
            .map(move |found| (found.offset, buffer.get(found.place.clone()).unwrap_or_default()))
    }
    /// Those at these places, counted from the first; fewer where there are fewer.
    #[must_use]
    pub fn part(&self, places: Range<usize>) -> Self {
        let end = places.end.min(self.found.len());
        Self { found: self.found.get(places.start.min(end)..end).unwrap_or_default(), ..*self }
    }
    /// How many there are.
    pub const fn len(&self) -> usize {
        self.found.len()
    }
    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}

impl LogReader {
    /// A reader that begins with the record at `from`, which may be yet to come.
    pub fn open(disk: &Arc<dyn Disk>, dir: &Path, from: Offset) -> Result<Self, LogError> {
        let bases = segment::bases(&**disk, dir).map_err(|source| LogError::disk("list", dir, source))?;
        let Some(&oldest) = bases.first() else { return Err(LogError::Missing { dir: dir.to_owned() }) };
        let Some(&base) = bases.iter().rfind(|base| **base <= from) else {
            return Err(LogError::Gone { asked: from, oldest });
        };
        let frames = Self::open_segment(&**disk, dir, base, from)?;
        let (disk, dir) = (Arc::clone(disk), dir.to_owned());
        Ok(Self { disk, dir, bases, frames, places: None, next: base, from, found: Vec::new(), given: 0 })
    }

    /// The same reader, which uses what others have found of this log, and adds what it passes.
    pub fn sharing(mut self, places: &Places) -> Result<Self, LogError> {
        places.forget_before(self.bases.first().copied().unwrap_or_default());
        self.places = Some(places.clone());
        self.approach()?;
        Ok(self)
    }

    /// Goes on with the record at `to`, further on or further back. What is known to lie on the way is not read; of segments
    /// that were begun since the reader was opened all of it is.
    pub fn seek(&mut self, to: Offset) -> Result<(), LogError> {
        if self.found.first().is_some_and(|first| first.offset <= to) && to < self.next {
            self.given = self.found.partition_point(|found| found.offset < to);
            return Ok(());
        }
        let known = self.bases.get(..self.bases.partition_point(|base| *base <= to));
        let Some(&base) = known.unwrap_or_default().last() else {
            return Err(LogError::Gone { asked: to, oldest: Self::oldest(&*self.disk, &self.dir)? });
        };
        if base > self.frames.header().base || to < self.next {
            self.frames = Self::open_segment(&*self.disk, &self.dir, base, to)?;
            self.next = base;
        }
        self.from = to;
        self.found.clear();
        self.given = 0;
        self.approach()
    }

    fn open_segment(disk: &dyn Disk, dir: &Path, base: Offset, asked: Offset) -> Result<Frames, LogError> {
        match segment::open(disk, dir, base, false) {
            Ok((file, header)) => Ok(Frames::new(file, header)),
            // removed between the look at the directory and this
            Err(error) if error.is_not_found() => {
                Err(LogError::Gone { asked, oldest: Self::oldest(disk, dir)? })
            }
            Err(error) => Err(error),
        }
    }

    // Leaves out what lies before the last known place on the way to `from`.
    fn approach(&mut self) -> Result<(), LogError> {
        let Some(places) = &self.places else { return Ok(()) };
        let base = self.frames.header().base;
        while let Some((first, position)) =
            places.find(base, self.from).filter(|(first, _)| *first > self.next)
        {
            if self.frames.jump(position, first).map_err(|source| self.failed(source))? {
                self.next = first;
            } else {
                places.forget(first);
            }
        }
        Ok(())
    }

    /// The offset of the oldest record a log of this directory keeps.
    pub fn oldest(disk: &dyn Disk, dir: &Path) -> Result<Offset, LogError> {
        let bases = segment::bases(disk, dir).map_err(|source| LogError::disk("list", dir, source))?;
        bases.first().copied().ok_or_else(|| LogError::Missing { dir: dir.to_owned() })
    }

    /// The next records: at most `records_max`, all before `up_to`; none where there are no more yet.
    ///
    /// Beside the writer in the same process `up_to` is the committed offset, and anything unreadable before it is
    /// damage. From elsewhere it is [`None`]: reading ends at the last whole commit on disk.
    pub fn next_batch(
        &mut self,
        up_to: Option<Offset>,
        records_max: usize,
    ) -> Result<LogBatch<'_>, LogError> {
        while self.given == self.found.len() && up_to.is_none_or(|up_to| self.next < up_to) {
            if !self.read_commits(up_to)? {
                break;
            }
        }
        let waiting = self.found.get(self.given..).unwrap_or_default();
        let allowed = waiting.partition_point(|found| up_to.is_none_or(|up_to| found.offset < up_to));
        let found = waiting.get(..allowed.min(records_max)).unwrap_or_default();
        self.given += found.len();
        Ok(LogBatch { buffer: self.frames.buffer(), found })
    }

    /// The offset of the record the next batch begins with, or would begin with.
    pub fn position(&self) -> Offset {
        let waiting = self.found.get(self.given).map(|found| found.offset);
        waiting.unwrap_or_else(|| self.next.max(self.from))
    }

    // Reads what the buffer holds of whole commits, at least one; false where there is none yet.
    fn read_commits(&mut self, up_to: Option<Offset>) -> Result<bool, LogError> {
        self.found.clear();
        self.given = 0;
        let mut refill = true;
        let mut suspected = false;
        loop {
            let step = self.frames.step(refill).map_err(|source| self.failed(source))?;
            match step {
                Step::Frame { frame, position, base } => {
                    if let Content::Commit(commit) = frame.content {
                        self.take(&commit, position, base)?;
                        refill = false;
                    }
                }
                Step::Drained => return Ok(true),
                Step::Zeros | Step::Bad(_) if !refill => return Ok(true),
                // A new segment, and a new suspicion: this one may be empty yet.
                Step::Zeros if self.follow()? => suspected = false,
                Step::Zeros | Step::Bad(_) if up_to.is_none() && !suspected => {
                    if !self.must_go_on()? {
                        return Ok(false);
                    }
                    // The writer may have gone on between the two looks at the file: what is read again now is final.
                    suspected = true;
                }
                Step::Zeros => {
                    return Err(self.corrupt(self.frames.position(), "nothing where a commit is expected"));
                }
                Step::Bad(what) => return Err(self.corrupt(self.frames.position(), what)),
            }
            if up_to.is_some_and(|up_to| self.next >= up_to) {
                return Ok(true);
            }
        }
    }

    fn take(&mut self, commit: &Commit, position: usize, base: usize) -> Result<(), LogError> {
        if commit.first != self.next {
            return Err(self.corrupt(position, "a commit of another offset"));
        }
        let mut at = base + commit.entries.start;
        let mut offset = commit.first;
        let bytes = self.frames.buffer().get(at..base + commit.entries.end).unwrap_or_default();
        for (_, record) in entries(bytes) {
            let start = at + super::format::ENTRY_HEAD_LEN;
            at = start + record.len();
            if offset >= self.from {
                self.found.push(Found { offset, place: start..at });
            }
            offset = offset.next();
        }
        self.next = commit.next();
        if let Some(places) = &self.places {
            places.add(self.frames.header(), commit.first, position);
        }
        Ok(())
    }

    // Goes on in the segment that begins where this one ended, if there is one.
    fn follow(&mut self) -> Result<bool, LogError> {
        if self.next == self.frames.header().base {
            return Ok(false);
        }
        let (file, header) = match segment::open(&*self.disk, &self.dir, self.next, false) {
            Ok(opened) => opened,
            Err(error) if error.is_not_found() => {
                let oldest = Self::oldest(&*self.disk, &self.dir)?;
                if oldest > self.next {
                    return Err(LogError::Gone { asked: self.next, oldest });
                }
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        self.frames = Frames::new(file, header);
        Ok(true)
    }

    // Whether there are records behind what could not be read: in a later segment, or further on in this one.
    fn must_go_on(&self) -> Result<bool, LogError> {
        let failed = |source| self.failed(source);
        let bases = segment::bases(&*self.disk, &self.dir).map_err(failed)?;
        let header = self.frames.header();
        if bases.last().is_some_and(|last| *last > header.base) {
            return Ok(true);
        }
        Ok(find_proof(self.frames.file(), header, self.frames.position()).map_err(failed)?.is_some())
    }

    fn corrupt(&self, position: usize, what: &'static str) -> LogError {
        LogError::corrupt(&self.path(), position as u64, self.next, what)
    }
    fn failed(&self, source: std::io::Error) -> LogError {
        LogError::disk("read", &self.path(), source)
    }
    fn path(&self) -> PathBuf {
        segment::path(&self.dir, self.frames.header().base)
    }
}
