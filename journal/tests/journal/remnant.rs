//! What is kept of records that are gone: the same as in a map, whatever fails.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;

use citywarden_journal::{Body, Hold, Reader, Remnant, Removed, Retention, SimulatedDisk, retain};
use citywarden_model::{Clock, Digest, Offset, Span};
use proptest::prelude::*;

use crate::support::{HandClock, dir, message, messages, open, shared};

/// What retention may take: everything but the segment being written.
const EVERYTHING: Retention = Retention { age: Span::from_mins(1000), bytes_max: 0, bytes_floor: 0 };

/// Messages of so many lengths, each in a commit of its own; what was sent at each offset.
fn journal_of(lengths: &[usize]) -> (SimulatedDisk, HandClock, BTreeMap<Offset, Vec<u8>>) {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let mut journal = open(&disk, &clock);
    let mut sent = BTreeMap::new();
    for (number, length) in lengths.iter().enumerate() {
        let payload = vec![number.to_le_bytes()[0]; *length];
        sent.insert(journal.inbox.append(&message(&payload)).unwrap(), payload);
        journal.writer.commit().unwrap();
    }
    (disk, clock, sent)
}

fn retain_until(
    disk: &SimulatedDisk,
    clock: &HandClock,
    until: u64,
    needed: &BTreeSet<Offset>,
) -> Result<Removed, String> {
    let holds = [Hold { name: "judge".to_owned(), offset: Offset(until), yields: false }];
    let needed: Vec<Offset> = needed.iter().copied().collect();
    let removed = retain(&shared(disk), &dir(), &EVERYTHING, &holds, &needed, clock.now());
    removed.map_err(|error| error.to_string())
}

/// The payload of what is kept at this offset.
fn kept(remnant: &mut Remnant, offset: Offset) -> Option<Vec<u8>> {
    let kept = remnant.record(offset).unwrap()?;
    let Body::Message(message) = kept.record().unwrap().body else { panic!("a message was sent") };
    Some(message.payload.to_vec())
}

/// Everything that is needed is there, in the journal or beside it.
fn check(disk: &SimulatedDisk, sent: &BTreeMap<Offset, Vec<u8>>, needed: &BTreeSet<Offset>, what: &str) {
    let mut remnant = Remnant::open(disk, &dir()).unwrap();
    remnant.check().unwrap();
    let journalled: BTreeMap<_, _> = messages(&shared(disk), &dir(), None).into_iter().collect();
    for (offset, payload) in needed.iter().filter_map(|offset| sent.get_key_value(offset)) {
        let found = journalled.get(offset).cloned().or_else(|| kept(&mut remnant, *offset));
        assert_eq!(found.as_ref(), Some(payload), "{what}: {offset}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_kept_is_what_is_needed_of_what_went(
        lengths in prop::collection::vec(prop_oneof![1..200_usize, 400..480_usize], 60),
        passes in prop::collection::vec((1..60_u64, prop::collection::btree_set(0..64_u64, 0..64)), 1..8),
    ) {
        let (disk, clock, sent) = journal_of(&lengths);
        // who does not need a record any more never needs it again
        let mut needed: BTreeSet<Offset> = sent.keys().copied().collect();
        let mut until = 0;
        for (further, forgotten) in passes {
            until += further;
            needed.retain(|offset| offset.0 >= until || !forgotten.contains(&offset.0));
            let removed = retain_until(&disk, &clock, until, &needed).unwrap();
            check(&disk, &sent, &needed, "after a pass");
            let oldest = Reader::open_oldest(&shared(&disk), &dir()).unwrap().position();
            let gone_and_needed = needed.range(..oldest).count() as u64;
            let records = Remnant::open(&disk, &dir()).unwrap().records();
            prop_assert!(records == gone_and_needed || removed.segments == 0, "{records} {gone_and_needed}");
        }
    }
}

/// A remnant of some blocks, and a second pass that drops every third of its records and adds others.
fn before_the_second_pass() -> (SimulatedDisk, HandClock, BTreeMap<Offset, Vec<u8>>, BTreeSet<Offset>) {
    let (disk, clock, sent) = journal_of(&[480; 60]);
    let all: BTreeSet<Offset> = sent.keys().copied().collect();
    retain_until(&disk, &clock, 40, &all).unwrap();
    assert!(Remnant::open(&disk, &dir()).unwrap().records() > 20);
    let needed = all.into_iter().filter(|offset| offset.0 % 3 != 0).collect();
    (disk, clock, sent, needed)
}

#[test]
fn whichever_operation_fails_the_remnant_is_whole_and_the_next_pass_does_it() {
    let (disk, clock, _, needed) = before_the_second_pass();
    let before = disk.operations();
    retain_until(&disk, &clock, u64::MAX, &needed).unwrap();
    let operations = disk.operations() - before;
    assert!(operations > 30, "{operations}");
    for kind in [ErrorKind::Other, ErrorKind::StorageFull] {
        for n in 1..=operations {
            let (disk, clock, sent, needed) = before_the_second_pass();
            disk.fail_operation(n, kind);
            let retained = retain_until(&disk, &clock, u64::MAX, &needed);
            let what = format!("operation {n}: {kind}: {retained:?}");
            check(&disk, &sent, &needed, &what);
            disk.crash(n);
            check(&disk, &sent, &needed, &what);
            drop(open(&disk, &clock));
            retain_until(&disk, &clock, u64::MAX, &needed).unwrap();
            check(&disk, &sent, &needed, &what);
        }
    }
}

#[test]
fn whenever_the_power_fails_the_remnant_is_whole() {
    let (disk, clock, _, needed) = before_the_second_pass();
    let before = disk.operations();
    retain_until(&disk, &clock, u64::MAX, &needed).unwrap();
    for n in 1..=disk.operations() - before {
        let (disk, clock, sent, needed) = before_the_second_pass();
        disk.cut_power(Some(n));
        drop(retain_until(&disk, &clock, u64::MAX, &needed));
        disk.crash(n);
        disk.heal();
        check(&disk, &sent, &needed, &format!("power failed at operation {n}"));
    }
}

#[test]
fn a_full_disk_keeps_no_half_of_a_new_remnant_and_is_freed_where_nothing_is_to_be_copied() {
    let (disk, clock, sent, needed) = before_the_second_pass();
    disk.set_capacity(Some(disk.used() + 9000));
    let used = disk.used();
    let full = retain_until(&disk, &clock, u64::MAX, &needed).unwrap_err();
    assert!(full.starts_with("disk full"), "{full}");
    assert_eq!(disk.used(), used);
    // of what goes nothing is needed: old copies stay where there is no room for fewer
    let oldest = Reader::open_oldest(&shared(&disk), &dir()).unwrap().position();
    let needed: BTreeSet<Offset> = needed.range(..oldest).skip(2).copied().collect();
    disk.set_capacity(Some(used));
    retain_until(&disk, &clock, u64::MAX, &needed).unwrap();
    assert!(disk.used() < used);
    check(&disk, &sent, &needed, "on a full disk");
}

#[test]
fn on_a_full_disk_half_of_the_segments_go_first_where_there_is_no_room_to_copy_from_all_of_them() {
    let (disk, clock, sent) = journal_of(&[300; 200]);
    // of the older little is needed, of the youngest all
    let needed: BTreeSet<Offset> =
        sent.keys().copied().filter(|offset| offset.0 > 180 || offset.0 % 8 == 0).collect();
    disk.set_capacity(Some(disk.used() + 6000));
    let removed = retain_until(&disk, &clock, u64::MAX, &needed).unwrap();
    assert!(removed.oldest > Some(Offset(190)), "{removed:?}");
    check(&disk, &sent, &needed, "step by step");
    let (disk, clock, sent) = journal_of(&[300; 200]);
    disk.set_capacity(Some(disk.used() + 6000));
    let all: BTreeSet<Offset> = sent.keys().copied().collect();
    let removed = retain_until(&disk, &clock, u64::MAX, &all).unwrap();
    assert!(
        removed.segments > 0 && removed.oldest < Some(Offset(190)),
        "{removed:?}: what there was room for"
    );
    check(&disk, &sent, &all, "as far as there is room");
}

#[test]
fn a_remnant_of_the_earlier_version_is_read_and_replaced_at_the_next_removal() {
    let (disk, clock, sent) = journal_of(&[300; 60]);
    let mut reader = Reader::open_oldest(&shared(&disk), &dir()).unwrap();
    let mut body = Vec::new();
    let batch = reader.next_batch(None, 30).unwrap();
    for (offset, bytes) in batch.raw() {
        body.extend_from_slice(&offset.0.to_le_bytes());
        body.extend_from_slice(&u32::try_from(bytes.len()).unwrap().to_le_bytes());
        body.extend_from_slice(bytes);
    }
    let end = reader.position();
    let written =
        [b"CWRMNT\r\n".as_slice(), &1_u32.to_le_bytes(), Digest::of(&body).as_bytes(), &body].concat();
    let path = dir().join("remnant");
    let file = shared(&disk).create(&path).unwrap();
    file.write_at(&written, 0).unwrap();
    file.sync_data().unwrap();
    shared(&disk).sync_dir(&dir()).unwrap();
    let mut remnant = Remnant::open(&disk, &dir()).unwrap();
    for (offset, payload) in sent.range(..end) {
        assert_eq!(kept(&mut remnant, *offset).as_ref(), Some(payload));
    }
    for at in [0, 9, 20, 50, 60, written.len() as u64 - 1] {
        assert!(disk.flip(&path, at, 0));
        assert!(Remnant::open(&disk, &dir()).is_err(), "{at}");
        assert!(disk.flip(&path, at, 0));
    }
    let needed: BTreeSet<Offset> = sent.keys().copied().collect();
    retain_until(&disk, &clock, u64::MAX, &needed).unwrap();
    check(&disk, &sent, &needed, "replaced");
    assert_eq!(disk.contents(&path).unwrap().get(8), Some(&2), "its version");
}

#[test]
fn a_start_gives_back_what_a_crash_left_of_a_remnant() {
    let (disk, clock, sent) = journal_of(&[300; 60]);
    let all: BTreeSet<Offset> = sent.keys().copied().collect();
    retain_until(&disk, &clock, 20, &all).unwrap();
    let half = shared(&disk).create(&dir().join("remnant.tmp")).unwrap();
    half.write_at(&[7; 5000], 0).unwrap();
    drop(half);
    drop(open(&disk, &clock));
    assert!(disk.contents(&dir().join("remnant.tmp")).is_none());
}

#[test]
fn a_journal_that_fills_its_disk_leaves_room_to_write_the_remnant_anew() {
    let (disk, clock, mut sent) = journal_of(&[300; 200]);
    let before: BTreeSet<Offset> = sent.keys().copied().collect();
    let oldest = retain_until(&disk, &clock, 120, &before).unwrap().oldest.unwrap();
    let remnant = disk.contents(&dir().join("remnant")).unwrap().len() as u64;
    disk.set_capacity(Some(disk.used() + 3 * remnant));
    let mut journal = open(&disk, &clock);
    for number in 0..10_000_u32 {
        let payload = number.to_le_bytes().repeat(75);
        let offset = journal.inbox.append(&message(&payload)).unwrap();
        if journal.writer.commit().is_err() {
            break;
        }
        sent.insert(offset, payload);
    }
    assert!(sent.len() < 10_000, "the disk is full");
    // all that went before, and one in ten of what is due now
    let needed = sent.keys().copied().filter(|offset| *offset < oldest || offset.0 % 10 == 0).collect();
    let used = disk.used();
    retain_until(&disk, &clock, u64::MAX, &needed).unwrap();
    assert!(disk.used() < used, "{} of {used}", disk.used());
    check(&disk, &sent, &needed, "after the pass");
    journal.writer.commit().expect("it goes on");
}

#[test]
fn whatever_fails_on_the_way_who_lost_records_is_told() {
    let mut told = 0;
    for operation in (1..600).step_by(3) {
        let (disk, clock, sent) = journal_of(&[300; 200]);
        let needed: Vec<Offset> =
            sent.keys().copied().filter(|offset| offset.0 > 180 || offset.0 % 8 == 0).collect();
        disk.set_capacity(Some(disk.used() + 6000));
        let holds = [Hold { name: "archive".to_owned(), offset: Offset(0), yields: true }];
        let before = Reader::open_oldest(&shared(&disk), &dir()).unwrap().position();
        disk.fail_operation(operation, ErrorKind::Other);
        let removed = retain(&shared(&disk), &dir(), &EVERYTHING, &holds, &needed, clock.now());
        disk.heal();
        let oldest = Reader::open_oldest(&shared(&disk), &dir()).unwrap().position();
        if oldest == before {
            removed.unwrap_err();
            continue;
        }
        let removed = removed.unwrap();
        assert_eq!(removed.oldest, Some(oldest), "operation {operation}");
        assert_eq!(removed.lost, holds, "operation {operation}");
        told += u32::from(removed.failed.is_some());
    }
    assert!(told > 10, "{told} failed in the middle");
}
