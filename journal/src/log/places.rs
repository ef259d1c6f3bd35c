//! Where some of a log's commits stand, so that a reader need not walk to them from the beginning of their segment.
//!
//! A place is a hint. Whoever goes to one finds a whole frame there, of that segment and of that commit, or walks as if there
//! were no place: a place that is wrong, or older than what was written over it, costs time and nothing else.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use citywarden_model::Offset;

use super::format::Header;

/// Places of one segment, at most: in one of 64 MiB they are 64 KiB apart, about what is read in vain to find a record.
const PLACES_A_SEGMENT: usize = 1024;
/// Places of all segments, at most; the oldest are forgotten. 8 GiB of the journal, in some 5 MiB of memory.
const PLACES_MAX: usize = 128 * PLACES_A_SEGMENT;

/// Known places of one log, shared by its readers: each adds what it passes. Clones are the same.
#[derive(Clone, Default)]
pub struct Places(Arc<Mutex<BTreeMap<Offset, Place>>>);

/// Where a commit stands; known by its first record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    /// The segment.
    base: Offset,
    /// Of its frame in the segment.
    position: usize,
}

impl Places {
    /// Adds the commit that begins with `first`, unless there is one near enough before it.
    pub(crate) fn add(&self, segment: &Header, first: Offset, position: usize) {
        let base = segment.base;
        let mut places = self.lock();
        let before = places.range(..=first).next_back().filter(|(_, place)| place.base == base);
        let start = before.map_or(0, |(_, place)| place.position);
        if position < start + segment.size as usize / PLACES_A_SEGMENT {
            return;
        }
        places.insert(first, Place { base, position });
        if places.len() > PLACES_MAX {
            places.pop_first();
        }
    }

    /// The last known commit of this segment that begins at or before `offset`: its first record and its place.
    pub(crate) fn find(&self, base: Offset, offset: Offset) -> Option<(Offset, usize)> {
        let places = self.lock();
        let (first, place) = places.range(..=offset).next_back()?;
        (place.base == base).then_some((*first, place.position))
    }

    /// Forgets the place of the commit that begins with `first`: it was wrong.
    pub(crate) fn forget(&self, first: Offset) {
        self.lock().remove(&first);
    }

    /// Forgets what a log does not keep that begins with `oldest`.
    pub(crate) fn forget_before(&self, oldest: Offset) {
        let mut places = self.lock();
        while places.first_key_value().is_some_and(|(first, _)| *first < oldest) {
            places.pop_first();
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Offset, Place>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use proptest::prelude::*;

    use super::*;
    use crate::disk::{Disk, HostDisk};
    use crate::log::{Log, LogOptions, LogReader};

    const SIZES: LogOptions =
        LogOptions { segment_bytes: 4096, record_bytes_max: 600, commit_bytes_max: 2048 };
    const RECORDS: u64 = 100;

    fn record(offset: u64) -> Vec<u8> {
        format!("record {offset}").repeat(1 + usize::try_from(offset % 7).unwrap()).into_bytes()
    }

    fn write(disk: &Arc<dyn Disk>, dir: &Path) {
        let (mut log, _) = Log::open(disk, dir, SIZES).unwrap();
        while log.next().0 < RECORDS {
            let count = (log.next().0 % 3 + 1).min(RECORDS - log.next().0);
            let records: Vec<_> = (0..count).map(|more| record(log.next().0 + more)).collect();
            log.append(records.iter().map(Vec::as_slice)).unwrap();
        }
    }

    fn places(wrong: &[(u64, u64, usize)]) -> Places {
        let places = Places::default();
        for (first, base, position) in wrong {
            let place = Place { base: Offset(*base), position: *position };
            places.lock().insert(Offset(*first), place);
        }
        places
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]
        #[test]
        fn whatever_the_places_say_the_records_are_those_asked_for(
            wrong in prop::collection::vec((0..RECORDS, 0..RECORDS, 0..5000_usize), 0..20),
            asked in prop::collection::vec(0..RECORDS, 1..40),
        ) {
            let home = tempfile::tempdir().unwrap();
            let disk: Arc<dyn Disk> = Arc::new(HostDisk);
            write(&disk, home.path());
            // those of the segments that there are do the most harm
            let bases = crate::log::segment::bases(&*disk, home.path()).unwrap();
            let near = |first: u64| bases.iter().rfind(|base| base.0 <= first).unwrap().0;
            let wrong: Vec<_> = wrong
                .iter()
                .map(|(first, base, at)| (*first, if base % 4 == 0 { *base } else { near(*first) }, *at))
                .collect();
            let shared = places(&wrong);
            let mut reader = LogReader::open(&disk, home.path(), Offset(0)).unwrap().sharing(&shared).unwrap();
            for offset in asked {
                reader.seek(Offset(offset)).unwrap();
                let batch = reader.next_batch(None, 2).unwrap();
                let found: Vec<_> = batch.iter().map(|(found, bytes)| (found.0, bytes.to_vec())).collect();
                prop_assert_eq!(found.first().unwrap(), &(offset, record(offset)));
                prop_assert!(found.iter().skip(1).all(|found| *found == (offset + 1, record(offset + 1))));
            }
        }
    }

    #[test]
    fn what_lies_before_a_known_place_is_not_read() {
        let home = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(HostDisk);
        write(&disk, home.path());
        let shared = Places::default();
        let open = || LogReader::open(&disk, home.path(), Offset(0)).unwrap();
        let mut reader = open().sharing(&shared).unwrap();
        while !reader.next_batch(None, usize::MAX).unwrap().is_empty() {}
        let bases = crate::log::segment::bases(&*disk, home.path()).unwrap();
        let [base, end] = bases[1..3] else { panic!("{bases:?}") };
        // the first commit of that segment is damaged
        let path = crate::log::segment::path(home.path(), base);
        disk.open(&path).unwrap().write_at(&[1], 100).unwrap();
        let last = Offset(end.0 - 1);
        let read = |mut reader: LogReader| {
            reader.seek(last).unwrap();
            reader.next_batch(Some(end), 1).map(|batch| batch.iter().next().unwrap().1.to_vec())
        };
        assert_eq!(read(open().sharing(&shared).unwrap()).unwrap(), record(last.0));
        assert!(read(open()).is_err());
        shared.forget_before(end);
        assert!(read(open().sharing(&shared).unwrap()).is_err());
    }

    #[test]
    fn places_are_bounded_and_apart() {
        let places = Places::default();
        let segment =
            Header { base: Offset(0), size: 64 << 20, previous: citywarden_model::Digest::default() };
        for number in 0..4096 {
            places.add(&segment, Offset(number), usize::try_from(number).unwrap() << 14);
        }
        assert_eq!(places.lock().len(), 1023);
        for number in 1..=PLACES_MAX as u64 {
            places.add(&Header { base: Offset(number << 20), ..segment }, Offset(number << 20), 1 << 20);
        }
        assert_eq!(places.lock().len(), PLACES_MAX);
        assert_eq!(places.find(Offset(1 << 20), Offset(1 << 20)), Some((Offset(1 << 20), 1 << 20)));
        assert_eq!(places.find(Offset(0), Offset(4000)), None);
    }
}
