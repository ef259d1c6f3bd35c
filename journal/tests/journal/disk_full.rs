//! The disk fills up, and there is room again.

use citywarden_journal::{AppendError, CommitError, SimulatedDisk};

use crate::support::{HandClock, assert_intact, dir, message, messages, open, payload, shared};

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
