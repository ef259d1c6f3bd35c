//! What goes, and what is held.

use citywarden_journal::{
    Body, Control, Cursors, Hold, Journal, Reader, Remnant, Removed, Retention, SimulatedDisk, due, retain,
    stat, verify,
};
use citywarden_model::{Clock, Digest, Offset, Span};

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
    let removed = retain(&shared(&disk), &dir(), &retention, holds, &[], clock.now()).unwrap();
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

/// What retention may take: everything but the segment being written.
const EVERYTHING: Retention = Retention { age: DAY, bytes_max: 0, bytes_floor: 0 };

/// Messages between changes of what is in force, as `R1 G1 … R2 … G2 …`; offsets of the messages sent first in each part.
fn county_of_changes() -> (SimulatedDisk, HandClock, Vec<Offset>) {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let mut journal = open(&disk, &clock);
    let mut firsts = Vec::new();
    for control in [
        Control::Rules { digest: Digest::of(b"rules 1") },
        Control::Registry { digest: Digest::of(b"registry 1") },
        Control::Rules { digest: Digest::of(b"rules 2") },
    ] {
        journal.inbox.append_control(&control).unwrap();
        firsts.push(journal.inbox.append(&message(b"held")).unwrap());
        fill(&mut journal, 20);
    }
    (disk, clock, firsts)
}

fn fill(journal: &mut Journal, messages: u64) {
    for number in 0..messages {
        journal.inbox.append(&message(&payload(number))).unwrap();
        journal.writer.commit().unwrap();
    }
}

fn in_force(disk: &SimulatedDisk, at: Offset) -> Vec<Digest> {
    let mut remnant = Remnant::open(disk, &dir()).unwrap();
    let in_force = remnant.in_force(at).unwrap();
    let digests = in_force.iter().map(|kept| match kept.record().unwrap().body {
        Body::Control(Control::Rules { digest } | Control::Registry { digest }) => digest,
        body @ (Body::Message(_) | Body::Control(_)) => panic!("{body:?} puts nothing into force"),
    });
    digests.collect()
}

fn kept(disk: &SimulatedDisk, offset: Offset) -> Option<Vec<u8>> {
    let kept = Remnant::open(disk, &dir()).unwrap().record(offset).unwrap()?;
    let Body::Message(message) = kept.record().unwrap().body else { panic!("a message was sent") };
    Some(message.payload.to_vec())
}

#[test]
fn what_was_in_force_before_the_oldest_record_outlives_the_records_that_said_so() {
    let (disk, clock, firsts) = county_of_changes();
    assert_eq!(in_force(&disk, Offset(u64::MAX)), []);
    let mut last = Vec::new();
    for first in &firsts {
        let until = [hold("judge", first.0 + 15, false)];
        let removed = retain(&shared(&disk), &dir(), &EVERYTHING, &until, &[], clock.now()).unwrap();
        last = in_force(&disk, removed.oldest.expect("something went"));
    }
    assert_eq!(last, [Digest::of(b"registry 1"), Digest::of(b"rules 2")]);
    drop(open(&disk, &clock));
}

#[test]
fn needed_messages_outlive_their_segment_until_nobody_needs_them() {
    let (disk, clock, firsts) = county_of_changes();
    let retain = |needed: &[Offset], until: u64| {
        let holds = [hold("judge", until, false)];
        let end = due(&shared(&disk), &dir(), &EVERYTHING, &holds, clock.now()).unwrap();
        let removed = retain(&shared(&disk), &dir(), &EVERYTHING, &holds, needed, clock.now()).unwrap();
        assert_eq!(removed.oldest, end, "it removes what it says is due");
    };
    retain(&firsts, firsts[1].0);
    assert_eq!(kept(&disk, firsts[0]), Some(b"held".to_vec()));
    assert_eq!(kept(&disk, firsts[2]), None, "it is still in the journal");
    retain(&firsts[..1], firsts[2].0);
    assert_eq!(kept(&disk, firsts[0]), Some(b"held".to_vec()));
    assert_eq!(kept(&disk, firsts[1]), None);
    retain(&[], u64::MAX);
    assert_eq!(kept(&disk, firsts[0]), None);
}

#[test]
fn a_crash_at_any_step_of_retention_loses_no_needed_record() {
    for step in 1..40 {
        let (disk, clock, firsts) = county_of_changes();
        disk.fail_operation(step, std::io::ErrorKind::Other);
        let removed = retain(&shared(&disk), &dir(), &EVERYTHING, &[], &firsts, clock.now());
        disk.crash(step);
        let journalled = messages(&shared(&disk), &dir(), None);
        for first in &firsts {
            let is_there = journalled.iter().any(|(offset, _)| offset == first);
            assert!(is_there || kept(&disk, *first).is_some(), "step {step}: {first}, {removed:?}");
        }
        drop(open(&disk, &clock));
    }
}

#[test]
fn a_damaged_remnant_is_refused_and_not_passed_over() {
    let (disk, clock, firsts) = county_of_changes();
    retain(&shared(&disk), &dir(), &EVERYTHING, &[], &firsts, clock.now()).unwrap();
    let path = dir().join("remnant");
    let file = shared(&disk).open(&path).unwrap();
    for at in 0..file.size().unwrap() {
        let mut byte = [0];
        file.read_at(&mut byte, at).unwrap();
        file.write_at(&[byte[0] ^ 1], at).unwrap();
        let damaged = Remnant::open(&disk, &dir()).and_then(|remnant| remnant.check());
        let error = damaged.unwrap_err().to_string();
        assert!(error.starts_with("/data/journal/remnant "), "{at}: {error}");
        file.write_at(&byte, at).unwrap();
    }
    Remnant::open(&disk, &dir()).unwrap().check().unwrap();
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
