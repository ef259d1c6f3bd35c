//! The disk fills up, and there is room again.

use std::path::Path;
use std::sync::Arc;

use citywarden_journal::{
    AppendError, Body, CommitError, Control, InboxOptions, Journal, JournalOptions, Reader, Reserve,
    SimulatedDisk, replace,
};
use citywarden_model::{Digest, Span};

use crate::support::{HandClock, assert_intact, dir, key, message, messages, open, payload, shared, small};

#[test]
fn a_full_disk_stops_acknowledging_and_goes_on_by_itself_when_there_is_room() {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let mut journal = open(&disk, &clock);
    disk.set_capacity(Some(disk.used() + 4096));
    let mut sent = Vec::new();
    let full = loop {
        let bytes = payload(sent.len() as u64);
        sent.push((journal.inbox.append(&message(&bytes)).unwrap(), bytes));
        if let Err(error) = journal.writer.commit() {
            break error;
        }
    };
    assert!(matches!(full, CommitError::DiskFull(_)), "{full}");
    assert!(sent.len() > 15, "two segments were to be had, {} records fit", sent.len());
    let (last, _) = *sent.last().unwrap();
    assert_eq!(journal.inbox.committed(), last, "all but the last");
    assert!(journal.inbox.is_disk_full());
    assert_eq!(journal.inbox.append(&message(b"more")), Err(AppendError::DiskFull));
    assert!(journal.writer.commit().is_err(), "still full");

    disk.set_capacity(None);
    journal.writer.commit().unwrap();
    assert!(!journal.inbox.is_disk_full());
    assert_eq!(journal.inbox.committed(), last.next());
    sent.push((journal.inbox.append(&message(b"more")).unwrap(), b"more".to_vec()));
    journal.writer.commit().unwrap();
    assert_eq!(messages(&shared(&disk), &dir(), None), sent);
    assert_intact(&disk);
}

#[test]
fn while_the_disk_is_full_the_journals_time_stands_still_and_a_record_says_for_how_long() {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let mut journal = open(&disk, &clock);
    journal.writer.commit().unwrap();
    disk.set_capacity(Some(disk.used()));
    let mut messages = 0;
    while journal.writer.commit().is_ok() {
        journal.inbox.append(&message(b"fills")).unwrap();
        messages += 1;
    }
    // each of them came a nanosecond after the one before
    let full_since = citywarden_model::Clock::now(&clock) + Span::from_nanos(messages);
    clock.advance(Span::from_secs(3600));
    let in_force = Control::Rules { digest: Digest::of(b"rules") };
    let (offset, received_at) = journal.inbox.append_control(&in_force).unwrap();
    assert_eq!(received_at, full_since, "no time has passed");
    assert!(journal.writer.commit().is_err(), "still full");

    disk.set_capacity(None);
    journal.writer.commit().unwrap();
    journal.writer.commit().unwrap();
    let back = citywarden_model::Clock::now(&clock);
    journal.inbox.append(&message(b"more")).unwrap();
    journal.writer.commit().unwrap();
    let mut reader = Reader::open(&shared(&disk), &dir(), offset).unwrap();
    let batch = reader.next_batch(None, 10).unwrap();
    let found: Vec<_> = batch.iter().map(|record| record.unwrap()).collect();
    let said: Vec<_> = found.iter().map(|record| (record.received_at, record.body)).collect();
    assert_eq!(said[0], (full_since, Body::Control(in_force)));
    assert_eq!(said[1], (back, Body::Control(Control::Resumed { last_received_at: full_since })));
    assert_eq!(said.len(), 3, "{said:?}");
}

/// A machine that sleeps, a clock that jumps ahead: no tick is written, and the next record says so.
#[test]
fn where_nothing_was_taken_in_for_longer_than_ticks_leave_out_a_record_says_since_when() {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let inbox = InboxOptions { absence_min: Span::from_secs(10), ..small().inbox };
    let options = JournalOptions { inbox, ..small() };
    let mut journal = Journal::open(&shared(&disk), Arc::new(clock.clone()), &dir(), options, key()).unwrap();
    let now = || citywarden_model::Clock::now(&clock);
    let begun = now();
    clock.advance(Span::from_secs(10));
    journal.inbox.tick().unwrap();
    let asleep = now();
    clock.advance(Span::from_secs(11));
    journal.inbox.append(&message(b"first")).unwrap();
    journal.inbox.append(&message(b"second")).unwrap();
    journal.writer.commit().unwrap();
    let mut reader = Reader::open(&shared(&disk), &dir(), citywarden_model::Offset(0)).unwrap();
    let batch = reader.next_batch(None, 10).unwrap();
    let controls = batch.iter().map(|record| record.unwrap()).filter_map(|record| match record.body {
        Body::Control(control) => Some((record.received_at, control.word())),
        Body::Message(_) => None,
    });
    let expected = [(begun, "started"), (begun, "key"), (asleep, "tick"), (now(), "resumed")];
    assert_eq!(controls.collect::<Vec<_>>(), expected);
    assert!(
        batch
            .iter()
            .map(|record| record.unwrap().body)
            .any(|body| { body == Body::Control(Control::Resumed { last_received_at: asleep }) })
    );
}

#[test]
fn a_full_disk_that_loses_power_keeps_what_was_acknowledged_and_shows_nothing_half_written() {
    for seed in 0..50 {
        let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
        let mut journal = open(&disk, &clock);
        disk.set_capacity(Some(disk.used()));
        let mut sent = Vec::new();
        while journal.writer.commit().is_ok() {
            let bytes = payload(sent.len() as u64);
            sent.push((journal.inbox.append(&message(&bytes)).unwrap(), bytes));
        }
        let committed = journal.inbox.committed();
        drop(journal);
        disk.crash(seed);
        disk.set_capacity(None);
        let reopened = open(&disk, &clock);
        assert!(reopened.recovery.next >= committed);
        sent.retain(|(offset, _)| *offset < reopened.recovery.next);
        assert_eq!(messages(&shared(&disk), &dir(), Some(reopened.recovery.next)), sent, "seed {seed}");
        assert_intact(&disk);
    }
}

#[test]
fn a_full_disk_has_room_left_for_what_frees_it() {
    const TOTAL: u64 = 100_000;
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    disk.set_capacity(Some(TOTAL));
    let reserve = Reserve { share: 0.2, bytes_max: u64::MAX };
    let options = JournalOptions { reserve, ..small() };
    let mut journal = Journal::open(&shared(&disk), Arc::new(clock.clone()), &dir(), options, key()).unwrap();
    let mut number = 0;
    let full = loop {
        number += 1;
        journal.inbox.append(&message(&payload(number))).unwrap();
        if let Err(error) = journal.writer.commit() {
            break error;
        }
    };
    assert!(matches!(full, CommitError::DiskFull(_)), "{full}");
    let left = TOTAL - disk.used();
    assert!((20_000..20_000 + 4096).contains(&left), "{left} bytes are left");
    replace(&disk, Path::new("/data"), "snapshot", &vec![7; 20_000]).unwrap();
}
