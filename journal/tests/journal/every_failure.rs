//! The n-th operation of the disk fails, for every n there is, and then power fails too.

use std::io::ErrorKind;

use citywarden_journal::{CommitError, SimulatedDisk};
use citywarden_model::{Offset, Span};

use crate::support::{HandClock, assert_intact, dir, message, messages, open, payload, shared, try_open};

struct Run {
    committed: Offset,
    sent: Vec<(Offset, Vec<u8>)>,
}

/// Opens, and takes in what there is to take in until it is done or the journal stops.
fn run(disk: &SimulatedDisk, clock: &HandClock) -> Run {
    let mut run = Run { committed: Offset(0), sent: Vec::new() };
    let Ok(mut journal) = try_open(disk, clock) else { return run };
    for number in 0..60 {
        let bytes = payload(number);
        // A full disk refuses for as long as it is full; the sender tries again later.
        if let Ok(offset) = journal.inbox.append(&message(&bytes)) {
            run.sent.push((offset, bytes));
        }
        if number % 3 == 0 {
            clock.advance(Span::from_millis(400));
            // A failure here is met again, and reported, where the segment is needed.
            drop(journal.writer.prepare_segment());
            match journal.writer.commit() {
                Ok(_) | Err(CommitError::DiskFull(_)) => {}
                Err(CommitError::Stopped(_)) => break,
            }
            run.committed = journal.inbox.committed();
        }
    }
    assert!(run.committed == Offset(0) || journal.inbox.committed() == run.committed);
    run
}

fn check_every_failure(kind: ErrorKind) {
    let whole = SimulatedDisk::new();
    let full = run(&whole, &HandClock::default());
    assert_eq!(full.committed, Offset(60), "started, key, and 58 messages");
    let operations = whole.operations();
    assert!(operations > 100);
    for n in 1..=operations {
        let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
        disk.fail_operation(n, kind);
        let run = run(&disk, &clock);
        disk.crash(n);

        let journal = open(&disk, &clock);
        assert!(journal.recovery.next >= run.committed, "operation {n}: {kind}");
        let kept = messages(&shared(&disk), &dir(), Some(journal.recovery.next));
        let expected: Vec<_> =
            run.sent.into_iter().filter(|(offset, _)| *offset < journal.recovery.next).collect();
        assert_eq!(kept, expected, "operation {n}: {kind}");
        assert_intact(&disk);
    }
}

#[test]
fn whichever_operation_fails_nothing_committed_is_missing() {
    check_every_failure(ErrorKind::Other);
}

#[test]
fn whichever_operation_finds_the_disk_full_nothing_committed_is_missing() {
    check_every_failure(ErrorKind::StorageFull);
}

#[test]
fn a_failed_sync_stops_the_writer_for_good() {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let mut journal = open(&disk, &clock);
    journal.writer.commit().unwrap();
    let offset = journal.inbox.append(&message(b"first")).unwrap();
    disk.fail_syncs(true);
    assert!(matches!(journal.writer.commit(), Err(CommitError::Stopped(_))));
    // The next sync would succeed, and would say nothing about what the first one lost.
    disk.fail_syncs(false);
    assert!(matches!(journal.writer.commit(), Err(CommitError::Stopped(_))));
    assert!(journal.inbox.committed() <= offset);
    assert!(journal.inbox.is_stopped());
    assert!(journal.inbox.append(&message(b"second")).is_err());
}
