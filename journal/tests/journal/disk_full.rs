//! The disk fills up, and there is room again.

use std::path::Path;
use std::sync::Arc;

use citywarden_journal::{
    AppendError, CommitError, Journal, JournalOptions, Reserve, SimulatedDisk, replace,
};

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
    let reserve = Reserve { share_permille: 200, bytes_max: u64::MAX };
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
