//! What is old enough to go, and who may hold it back.
//!
//! Whole closed segments go, oldest first; the one being written never does. A segment is due when its newest record is
//! older than [`Retention::age`], or while all of them together take more than [`Retention::bytes_max`].
//!
//! A [`Hold`] keeps every record at or after its offset. One that *yields* (a projection that can be built again, such as
//! the archive) does so only up to [`Retention::bytes_floor`]: beyond that it loses, and the outcome says what. One that
//! does not (the evaluator's snapshot, alerting, an open alert's evidence) is never passed: then the disk fills up, and the
//! service stops acknowledging instead of losing what it still needs.
//!
//! Single records that are needed longer than their neighbours are copied before their segment goes, see
//! [`crate::Remnant`]: a value may hold for a year, and must not hold back a year of everybody's messages.

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use citywarden_model::{Offset, Span, Timestamp};

use crate::disk::Disk;
use crate::log::{LogError, segment};
use crate::reader::Reader;
use crate::remnant::{Remnant, RemnantWriter, TakeRecord, puts_into_force, replace_remnant};

/// Records that are looked through at a time.
const RECORDS_A_READ: usize = 4096;

/// How long and how much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Older records may go. Default 30 days.
    pub age: Span,
    /// Above so many bytes the oldest records may go, whatever their age.
    pub bytes_max: u64,
    /// Above so many bytes they go even where a hold that yields would keep them. At least `bytes_max`.
    pub bytes_floor: u64,
}

/// Somebody still needs what begins here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    /// Who: a cursor's name.
    pub name: String,
    /// The first record needed.
    pub offset: Offset,
    /// Whether it loses what it holds rather than fill the disk.
    pub yields: bool,
}

/// What was removed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Removed {
    /// Segments removed.
    pub segments: u64,
    /// Bytes freed.
    pub bytes: u64,
    /// The oldest record that is left; [`None`] where nothing was removed.
    pub oldest: Option<Offset>,
    /// Holds that lost records, to be said loudly: the name, and the records from `offset` up to `oldest` are gone.
    pub lost: Vec<Hold>,
    /// Why the rest of what was due is still there, where anything but a full disk kept it.
    pub failed: Option<String>,
}

/// Up to where [`retain`] would remove now; [`None`] where it would remove nothing.
pub fn due(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    retention: &Retention,
    holds: &[Hold],
    now: Timestamp,
) -> Result<Option<Offset>, LogError> {
    Ok(plan(disk, dir, retention, holds, now)?.last().map(|segment| segment.end))
}

/// Removes what is due and not held. Before that it copies, of what goes, the records at the offsets `needed` (ascending)
/// and what was put into force; copies of earlier times that nobody needs any more are dropped.
pub fn retain(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    retention: &Retention,
    holds: &[Hold],
    needed: &[Offset],
    now: Timestamp,
) -> Result<Removed, LogError> {
    let due = plan(disk, dir, retention, holds, now)?;
    let mut removed = Removed::default();
    match remove(disk, dir, &due, needed, &mut removed) {
        Err(error) if removed.segments == 0 => return Err(error),
        // the rest goes at the next pass
        Ok(()) | Err(LogError::DiskFull { .. }) => {}
        // what is gone is gone, and who lost it has to hear of it
        Err(error) => removed.failed = Some(error.to_string()),
    }
    let is_lost = |hold: &&Hold| removed.oldest.is_some_and(|oldest| hold.offset < oldest);
    removed.lost = holds.iter().filter(is_lost).cloned().collect();
    Ok(removed)
}

/// Removes these segments, and notes them. Where there is no room for all that has to outlive them, half of them go
/// before the others: they free more than is copied of them.
fn remove(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    due: &[Due],
    needed: &[Offset],
    removed: &mut Removed,
) -> Result<(), LogError> {
    let (Some(first), Some(last)) = (due.first(), due.last()) else { return Ok(()) };
    match keep_needed(disk, dir, &(first.base..last.end), needed) {
        Err(LogError::DiskFull { .. }) if due.len() > 1 => {
            let (older, younger) = due.split_at(due.len() / 2);
            remove(disk, dir, older, needed, removed)?;
            return remove(disk, dir, younger, needed, removed);
        }
        kept => kept?,
    }
    for segment in due {
        let path = segment::path(dir, segment.base);
        disk.remove(&path).map_err(|source| LogError::disk("remove", &path, source))?;
        removed.segments += 1;
        removed.bytes += segment.size;
        removed.oldest = Some(segment.end);
    }
    disk.sync_dir(dir).map_err(|source| LogError::disk("sync", dir, source))
}

/// A segment that may go.
struct Due {
    base: Offset,
    /// Its records are those before.
    end: Offset,
    size: u64,
}

/// What is due and not held, oldest first.
fn plan(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    retention: &Retention,
    holds: &[Hold],
    now: Timestamp,
) -> Result<Vec<Due>, LogError> {
    let bases = segment::bases(&**disk, dir).map_err(|source| LogError::disk("list", dir, source))?;
    let mut sizes = Vec::new();
    for base in &bases {
        sizes.push(u64::from(segment::open(&**disk, dir, *base, false)?.1.size));
    }
    let mut total: u64 = sizes.iter().sum();
    let mut due = Vec::new();
    for (pair, size) in bases.windows(2).zip(sizes) {
        let &[base, end] = pair else { break };
        if !is_due(disk, dir, retention, end, total, now)? || is_held(retention, holds, end, total) {
            break;
        }
        total -= size;
        due.push(Due { base, end, size });
    }
    Ok(due)
}

/// Copies what has to outlive these records, durably.
fn keep_needed(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    going: &Range<Offset>,
    needed: &[Offset],
) -> Result<(), LogError> {
    let mut before = Remnant::open(&**disk, dir)?;
    // removing may be cut short: somebody then begins with the first of these
    let in_force: Vec<Offset> = before.in_force(going.start)?.iter().map(|kept| kept.offset).collect();
    let still_needed = needed.partition_point(|offset| *offset < going.start) + in_force.len();
    let has_news = has_news(disk, dir, going, needed)?;
    if !has_news && before.records() <= still_needed as u64 {
        return Ok(());
    }
    let kept = replace_remnant(&**disk, dir, |remnant| {
        before.each(&mut |offset, bytes| {
            let is_needed = needed.binary_search(&offset).is_ok() || in_force.contains(&offset);
            if offset < going.start && is_needed { remnant.take(offset, bytes) } else { Ok(()) }
        })?;
        take_needed(disk, dir, going, needed, remnant)
    });
    match kept {
        // a full disk has no room to drop what is no longer needed, and is freed all the same
        Err(LogError::DiskFull { .. }) if !has_news => Ok(()),
        kept => kept,
    }
}

/// Whether some of these records have to be copied.
fn has_news(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    going: &Range<Offset>,
    needed: &[Offset],
) -> Result<bool, LogError> {
    if needed
        .get(needed.partition_point(|offset| *offset < going.start))
        .is_some_and(|next| *next < going.end)
    {
        return Ok(true);
    }
    let mut is_any = false;
    each_record(disk, dir, going, &mut |offset, bytes| {
        is_any |= puts_into_force(offset, bytes);
        Ok(())
    })?;
    Ok(is_any)
}

fn take_needed(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    going: &Range<Offset>,
    needed: &[Offset],
    remnant: &mut RemnantWriter<'_>,
) -> Result<(), LogError> {
    each_record(disk, dir, going, &mut |offset, bytes| {
        let is_needed = needed.binary_search(&offset).is_ok() || puts_into_force(offset, bytes);
        if is_needed { remnant.take(offset, bytes) } else { Ok(()) }
    })
}

fn each_record(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    going: &Range<Offset>,
    take: &mut TakeRecord<'_>,
) -> Result<(), LogError> {
    let mut reader = Reader::open(disk, dir, going.start)?;
    loop {
        let batch = reader.next_batch(Some(going.end), RECORDS_A_READ)?;
        if batch.is_empty() {
            return Ok(());
        }
        for (offset, bytes) in batch.raw() {
            take(offset, bytes)?;
        }
    }
}

fn is_due(
    disk: &Arc<dyn Disk>,
    dir: &Path,
    retention: &Retention,
    end: Offset,
    total: u64,
    now: Timestamp,
) -> Result<bool, LogError> {
    if total > retention.bytes_max {
        return Ok(true);
    }
    // Time never goes back in the journal: nothing in a segment is later than the first record of the next.
    let mut reader = Reader::open(disk, dir, end)?;
    let next = reader.next_batch(None, 1)?.iter().next().and_then(Result::ok);
    Ok(next.is_some_and(|record| record.received_at < now - retention.age))
}

// The records of a segment are those before `end`.
fn is_held(retention: &Retention, holds: &[Hold], end: Offset, total: u64) -> bool {
    holds.iter().any(|hold| hold.offset < end && !(hold.yields && total > retention.bytes_floor))
}
