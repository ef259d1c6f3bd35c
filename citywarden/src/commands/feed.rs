//! Where a backtest's records come from: a recording, or the journal.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use citywarden_alerting::EvidenceMessage;
use citywarden_journal::recording::{RecordedLine, parse_line};
use citywarden_journal::{Body, Disk, Places, Reader, Record, Remnant};
use citywarden_model::{Offset, Timestamp};

use crate::judge::{EvidenceSource, JournalEvidence};

/// Records in order, as many at a time as asked for.
pub(crate) trait Feed {
    /// Hands the next records to `take`, at most so many; false where there are no more.
    fn next_batch(
        &mut self,
        records_max: usize,
        take: &mut dyn FnMut(&Record<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<bool>;
    /// Whoever finds messages of it again.
    fn evidence(&mut self) -> &mut dyn EvidenceSource;
}

/// The journal of a data directory.
pub(crate) struct JournalFeed {
    /// What was in force before the oldest record; taken first.
    remnant: Option<Remnant>,
    reader: Reader,
    evidence: JournalEvidence,
}

impl JournalFeed {
    pub(crate) fn open(disk: &Arc<dyn Disk>, dir: PathBuf) -> anyhow::Result<Self> {
        let places = Places::default();
        let reader = Reader::open_oldest(disk, &dir)?.sharing(&places)?;
        let remnant = Some(Remnant::open(&**disk, &dir)?);
        Ok(Self { remnant, reader, evidence: JournalEvidence::new(Arc::clone(disk), dir, places) })
    }
}

impl Feed for JournalFeed {
    fn next_batch(
        &mut self,
        records_max: usize,
        take: &mut dyn FnMut(&Record<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<bool> {
        if let Some(mut remnant) = self.remnant.take() {
            remnant.in_force(self.reader.position())?.iter().try_for_each(|kept| take(&kept.record()?))?;
        }
        let batch = self.reader.next_batch(None, records_max)?;
        for record in batch.iter() {
            take(&record?)?;
        }
        Ok(!batch.is_empty())
    }
    fn evidence(&mut self) -> &mut dyn EvidenceSource {
        &mut self.evidence
    }
}

/// A recording: JSON lines in order of arrival. A line without an offset has the one after the line before; time that
/// goes back stands still, as in the journal.
pub(crate) struct Recording {
    name: String,
    lines: BufReader<File>,
    position: u64,
    line: usize,
    next: Offset,
    latest: Timestamp,
    places: Lines,
}

/// Where the line of each offset begins.
struct Lines {
    file: BufReader<File>,
    by_offset: Vec<(Offset, u64)>,
}

impl Recording {
    pub(crate) fn open(path: &Path) -> anyhow::Result<Self> {
        let name = path.display().to_string();
        let open = || File::open(path).map_err(|error| anyhow::anyhow!("{name}: cannot be read: {error}"));
        let places = Lines { file: BufReader::new(open()?), by_offset: Vec::new() };
        let lines = BufReader::new(open()?);
        Ok(Self {
            name,
            lines,
            position: 0,
            line: 0,
            next: Offset(0),
            latest: Timestamp::from_nanos(i64::MIN),
            places,
        })
    }

    fn next_line(&mut self) -> anyhow::Result<Option<RecordedLine>> {
        let mut text = String::new();
        loop {
            text.clear();
            let place = self.position;
            let read =
                self.lines.read_line(&mut text).map_err(|error| anyhow::anyhow!("{}: {error}", self.name))?;
            if read == 0 {
                return Ok(None);
            }
            self.position += u64::try_from(read)?;
            self.line += 1;
            if text.trim().is_empty() {
                continue;
            }
            let line = parse_line(text.trim())
                .map_err(|error| anyhow::anyhow!("{}:{}:1: {error}", self.name, self.line))?;
            let offset = line.offset.unwrap_or(self.next);
            if offset < self.next {
                anyhow::bail!(
                    "{}:{}:1: offset {offset} comes after {}",
                    self.name,
                    self.line,
                    self.next.0 - 1
                );
            }
            self.next = offset.next();
            self.places.by_offset.push((offset, place));
            return Ok(Some(line));
        }
    }
}

impl Feed for Recording {
    fn next_batch(
        &mut self,
        records_max: usize,
        take: &mut dyn FnMut(&Record<'_>) -> anyhow::Result<()>,
    ) -> anyhow::Result<bool> {
        for _ in 0..records_max {
            let Some(line) = self.next_line()? else { return Ok(false) };
            let mut record = line.record(Offset(self.next.0 - 1));
            self.latest = self.latest.max(record.received_at);
            record.received_at = self.latest;
            take(&record)?;
        }
        Ok(true)
    }
    fn evidence(&mut self) -> &mut dyn EvidenceSource {
        &mut self.places
    }
}

impl EvidenceSource for Lines {
    fn messages(&mut self, offsets: &[Offset]) -> io::Result<Vec<EvidenceMessage>> {
        let mut found = Vec::with_capacity(offsets.len());
        for offset in offsets {
            let Ok(place) = self.by_offset.binary_search_by_key(offset, |(offset, _)| *offset) else {
                continue;
            };
            let Some((_, place)) = self.by_offset.get(place) else { continue };
            self.file.seek(SeekFrom::Start(*place))?;
            let mut text = String::new();
            self.file.read_line(&mut text)?;
            let line = parse_line(text.trim()).map_err(io::Error::other)?;
            let record = line.record(*offset);
            if let Body::Message(message) = record.body {
                found.push(EvidenceMessage {
                    offset: *offset,
                    received_at: record.received_at,
                    topic: message.topic.to_owned(),
                    payload: message.payload.to_vec(),
                });
            }
        }
        Ok(found)
    }
}
