//! One flipped bit.

use std::path::PathBuf;

use citywarden_journal::{Reader, SimulatedDisk, verify};
use citywarden_model::Offset;

use crate::support::{HandClock, dir, message, messages, open, payload, shared, try_open};

const RECORDS: u64 = 40;

/// A journal of several segments, some commits of one record and some of several.
fn filled() -> (SimulatedDisk, HandClock) {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let mut journal = open(&disk, &clock);
    for number in 0..RECORDS {
        journal.inbox.append(&message(&payload(number))).unwrap();
        if number % 4 != 1 {
            journal.writer.commit().unwrap();
        }
    }
    journal.writer.commit().unwrap();
    (disk, clock)
}

fn segment(base: u64) -> PathBuf {
    dir().join(format!("{base:020}.seg"))
}

#[test]
fn one_flipped_bit_at_every_byte_of_a_closed_segment_is_found_in_that_segment() {
    let (disk, _) = filled();
    let path = segment(0);
    let len = disk.contents(&path).unwrap().len() as u64;
    let second = (1..RECORDS).find(|base| disk.contents(&segment(*base)).is_some()).unwrap();
    for at in 0..len {
        let bit = u8::try_from(at % 8).unwrap();
        assert!(disk.flip(&path, at, bit));
        let faults = match verify(&disk, &dir(), None) {
            Ok(found) => found.faults,
            // The version's own bytes: another version is refused as such.
            Err(error) => panic!("byte {at}: {error}"),
        };
        assert_eq!(faults.len(), 1, "byte {at}: {faults:?}");
        assert_eq!(faults[0].path, path, "byte {at}");
        assert!(faults[0].position <= at, "byte {at}: {faults:?}");
        // behind the last record of the segment what is damaged is the place of the next
        assert!(faults[0].offset <= Offset(second), "byte {at}: {faults:?}");
        assert!(disk.flip(&path, at, bit));
    }
    assert!(verify(&disk, &dir(), None).unwrap().is_intact());
}

#[test]
fn a_flipped_bit_in_a_record_is_named_with_the_records_offset() {
    let (disk, _) = filled();
    for (offset, payload) in messages(&shared(&disk), &dir(), None) {
        let Some((path, at)) = find(&disk, &payload) else { panic!("{offset} is in no segment") };
        assert!(disk.flip(&path, at, 3));
        let found = verify(&disk, &dir(), None).unwrap();
        // Damage in the last commit of all cannot be told from a torn write.
        match found.faults.first() {
            Some(fault) => assert_eq!(fault.offset, offset),
            None => assert!(found.unfinished.is_some() && offset.0 >= RECORDS - 2, "{offset}"),
        }
        assert!(disk.flip(&path, at, 3));
    }
}

fn find(disk: &SimulatedDisk, needle: &[u8]) -> Option<(PathBuf, u64)> {
    (0..RECORDS + 2).find_map(|base| {
        let bytes = disk.contents(&segment(base))?;
        let at = bytes.windows(needle.len()).position(|window| window == needle)?;
        Some((segment(base), at as u64))
    })
}

#[test]
fn a_bad_commit_with_a_good_one_behind_it_refuses_the_start_and_names_the_place() {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let mut journal = open(&disk, &clock);
    for number in 0..3 {
        journal.inbox.append(&message(&payload(number))).unwrap();
        journal.writer.commit().unwrap();
    }
    drop(journal);
    let (path, at) = find(&disk, &payload(1)).unwrap();
    assert!(disk.flip(&path, at, 0));
    let refused = try_open(&disk, &clock).err().expect("refused").to_string();
    assert!(refused.contains("00000000000000000000.seg is damaged at byte "), "{refused}");
    assert!(refused.contains("journal offset 3"), "{refused}");
    let mut reader = Reader::open(&shared(&disk), &dir(), Offset(0)).unwrap();
    let outcome = loop {
        match reader.next_batch(None, 1000) {
            Ok(batch) if batch.is_empty() => panic!("the damage was taken for the end"),
            Ok(_) => {}
            Err(error) => break error.to_string(),
        }
    };
    assert!(outcome.contains("journal offset 3"), "{outcome}");
}

#[test]
fn a_commit_that_was_wiped_with_a_good_one_behind_it_refuses_the_start() {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let mut journal = open(&disk, &clock);
    let used = || disk.contents(&segment(0)).unwrap().iter().rposition(|byte| *byte != 0).unwrap() as u64 + 1;
    journal.writer.commit().unwrap();
    let before = used();
    for number in 0..2 {
        journal.inbox.append(&message(&payload(number))).unwrap();
        journal.writer.commit().unwrap();
    }
    drop(journal);
    let wiped = disk.contents(&segment(0)).unwrap();
    for at in before..before + 16 {
        for bit in 0..8 {
            if wiped[usize::try_from(at).unwrap()] & (1 << bit) != 0 {
                assert!(disk.flip(&segment(0), at, bit));
            }
        }
    }
    assert!(try_open(&disk, &clock).is_err());
}

#[test]
fn a_missing_segment_in_the_middle_is_found() {
    let (disk, _) = filled();
    let second = (1..RECORDS).find(|base| disk.contents(&segment(*base)).is_some()).unwrap();
    citywarden_journal::Disk::remove(&disk, &segment(second)).unwrap();
    let found = verify(&disk, &dir(), None).unwrap();
    assert_eq!(found.faults.len(), 1);
    assert_eq!(found.faults[0].offset, Offset(second));
}

#[test]
fn a_checkpoint_of_another_key_is_a_fault_only_for_whoever_asks_for_a_key() {
    let (disk, _) = filled();
    assert!(verify(&disk, &dir(), None).unwrap().is_intact());
    let other = citywarden_journal::CheckpointKey::from_seed(&[8; 32]).public().fingerprint();
    assert!(!verify(&disk, &dir(), Some(other)).unwrap().is_intact());
}

#[test]
fn bytes_in_a_payload_that_look_like_a_frame_change_nothing() {
    // A whole segment of another journal, with good commits that name later sync positions, as one payload.
    let (other, clock) = (SimulatedDisk::new(), HandClock::default());
    let mut journal = open(&other, &clock);
    for number in 0..4 {
        journal.inbox.append(&message(&payload(number))).unwrap();
        journal.writer.commit().unwrap();
    }
    drop(journal);
    let frames = other.contents(&segment(0)).unwrap()[68..68 + 500].to_vec();

    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let mut journal = Some(open(&disk, &clock));
    let inbox = &journal.as_ref().unwrap().inbox;
    inbox.append(&message(&frames)).unwrap();
    journal.as_mut().unwrap().writer.commit().unwrap();
    journal = None;
    assert!(journal.is_none());
    // The commit around it is torn: the frames inside must not turn that into damage.
    let at = find(&disk, &frames).unwrap().1;
    assert!(disk.flip(&segment(0), at - 1, 0));
    let reopened = open(&disk, &clock);
    assert!(reopened.recovery.torn.is_some());
}
