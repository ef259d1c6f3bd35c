//! What goes, and what is held.

use citywarden_journal::{Cursors, Hold, Reader, Removed, Retention, SimulatedDisk, retain, stat, verify};
use citywarden_model::{Clock, Offset, Span};

use crate::support::{HandClock, dir, message, messages, open, payload, shared};

/// A minute between messages, a few segments; the oldest is an hour old.
fn filled() -> (SimulatedDisk, HandClock) {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let mut journal = open(&disk, &clock);
    for number in 0..60 {
        journal.inbox.append(&message(&payload(number))).unwrap();
        journal.writer.commit().unwrap();
        clock.advance(Span::from_mins(1));
    }
    (disk, clock)
}

fn hold(name: &str, offset: u64, yields: bool) -> Hold {
    Hold { name: name.to_owned(), offset: Offset(offset), yields }
}

fn check(age: Span, bytes_max: u64, bytes_floor: u64, holds: &[Hold]) -> (SimulatedDisk, Removed) {
    let (disk, clock) = filled();
    let retention = Retention { age, bytes_max, bytes_floor };
    let removed = retain(&shared(&disk), &dir(), &retention, holds, clock.now()).unwrap();
    let oldest = Reader::open_oldest(&shared(&disk), &dir()).unwrap().position();
    assert_eq!(removed.oldest.unwrap_or(Offset(0)), oldest);
    let found = verify(&disk, &dir(), None).unwrap();
    assert!(found.is_intact());
    assert_eq!(found.first, oldest, "verification says where it starts");
    drop(open(&disk, &clock));
    (disk, removed)
}

const DAY: Span = Span::from_mins(24 * 60);

#[test]
fn nothing_goes_that_is_neither_old_nor_too_much() {
    assert_eq!(check(DAY, u64::MAX, u64::MAX, &[]).1, Removed::default());
}

#[test]
fn old_segments_go_and_every_younger_record_stays() {
    let (disk, removed) = check(Span::from_mins(30), u64::MAX, u64::MAX, &[]);
    assert!(removed.segments > 0);
    let kept = messages(&shared(&disk), &dir(), None);
    assert!(kept.len() >= 30 && kept.len() < 60, "{}", kept.len());
    assert_eq!(kept.last().unwrap().1, payload(59));
}

#[test]
fn too_many_bytes_go_oldest_first_down_to_the_limit() {
    let (disk, removed) = check(DAY, 3 * 4096, u64::MAX, &[]);
    assert!(removed.segments > 0);
    assert_eq!(stat(&shared(&disk), &dir()).unwrap().bytes, 3 * 4096);
}

#[test]
fn the_segment_being_written_never_goes() {
    let (disk, _) = check(Span::ZERO, 0, 0, &[]);
    assert_eq!(stat(&shared(&disk), &dir()).unwrap().segments, 1);
}

#[test]
fn a_hold_keeps_what_it_needs_whatever_age_and_bytes_say() {
    let (_, removed) = check(Span::ZERO, 0, 0, &[hold("rules", 25, false)]);
    assert!(removed.oldest.unwrap() <= Offset(25) && removed.segments > 0);
    assert!(removed.lost.is_empty());
}

#[test]
fn a_hold_that_yields_holds_up_to_the_floor_and_then_loses_loudly() {
    let archive = [hold("archive", 5, true)];
    assert_eq!(check(DAY, 4096, u64::MAX, &archive).1, Removed::default());
    let (_, removed) = check(DAY, 4096, 2 * 4096, &archive);
    assert_eq!(removed.lost, archive);
}

#[test]
fn a_reader_whose_records_are_gone_is_told_the_oldest() {
    let (disk, removed) = check(Span::ZERO, 0, 0, &[]);
    let oldest = removed.oldest.unwrap();
    let gone = Reader::open(&shared(&disk), &dir(), Offset(3)).err().unwrap().to_string();
    assert_eq!(gone, format!("offset 3 is not kept any more; the oldest is {oldest}"));
}

#[test]
fn cursors_survive_a_crash_as_the_old_or_the_new_offset() {
    for seed in 0..100 {
        let disk = SimulatedDisk::new();
        let cursors = Cursors::open(&shared(&disk), &dir()).unwrap();
        cursors.save("rules", Offset(10)).unwrap();
        disk.fail_operation(seed % 6 + 1, std::io::ErrorKind::Other);
        let saved = cursors.save("rules", Offset(11));
        disk.crash(seed);
        let cursors = Cursors::open(&shared(&disk), &dir()).unwrap();
        let found = cursors.load("rules").unwrap().unwrap();
        assert!(found == Offset(11) || (saved.is_err() && found == Offset(10)), "seed {seed}: {found}");
        cursors.save("alerting", Offset(3)).unwrap();
        assert_eq!(cursors.all().unwrap().len(), 2);
    }
}
