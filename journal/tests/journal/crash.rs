//! What is left after power failed.

use citywarden_journal::SimulatedDisk;

use crate::support::{HandClock, assert_intact, dir, message, messages, open, payload, shared};

const FIRST_SEGMENT: &str = "00000000000000000000.seg";

#[test]
fn a_new_journal_says_that_it_started_and_with_which_key() {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let mut journal = open(&disk, &clock);
    journal.writer.commit().unwrap();
    assert_eq!(crate::support::controls(&disk), ["started", "key"]);
}

#[test]
fn a_restart_with_the_same_key_does_not_name_it_again() {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    for _ in 0..2 {
        open(&disk, &clock).writer.commit().unwrap();
    }
    assert_eq!(crate::support::controls(&disk), ["started", "key", "started"]);
}

#[test]
fn a_second_writer_of_the_same_directory_is_refused() {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let _first = open(&disk, &clock);
    let second = crate::support::try_open(&disk, &clock).err().expect("refused");
    assert!(second.to_string().contains("in use by another process"), "{second}");
}

#[test]
fn a_crash_at_any_moment_loses_nothing_that_was_committed() {
    for seed in 0..300 {
        let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
        let mut journal = open(&disk, &clock);
        let mut sent = Vec::new();
        for number in 0..(seed % 40) {
            let bytes = payload(number);
            sent.push((journal.inbox.append(&message(&bytes)).unwrap(), bytes));
            if number % 3 == 0 {
                journal.writer.commit().unwrap();
            }
        }
        let committed = journal.inbox.committed();
        drop(journal);
        disk.crash(seed);

        let reopened = open(&disk, &clock);
        assert!(reopened.recovery.next >= committed, "seed {seed}");
        let kept = messages(&shared(&disk), &dir(), Some(reopened.recovery.next));
        let expected: Vec<_> =
            sent.into_iter().filter(|(offset, _)| *offset < reopened.recovery.next).collect();
        assert_eq!(kept, expected, "seed {seed}");
        assert_intact(&disk);
    }
}

/// Two commits of one message each; gives the length of what was written before the second one, and with it.
fn two_commits(disk: &SimulatedDisk, clock: &HandClock) -> (usize, usize) {
    let mut journal = open(disk, clock);
    let used = || {
        let bytes = disk.contents(&dir().join(FIRST_SEGMENT)).unwrap();
        bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1
    };
    journal.inbox.append(&message(&payload(1))).unwrap();
    journal.writer.commit().unwrap();
    let before = used();
    journal.inbox.append(&message(&payload(2))).unwrap();
    journal.writer.commit().unwrap();
    (before, used())
}

#[test]
fn a_torn_tail_of_every_length_is_cut_back_to_the_last_whole_commit() {
    let (before, after) = two_commits(&SimulatedDisk::new(), &HandClock::default());
    assert!(after > before + 100);
    for cut in before..after {
        let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
        two_commits(&disk, &clock);
        assert!(disk.erase(&dir().join(FIRST_SEGMENT), cut as u64));

        let mut journal = open(&disk, &clock);
        let torn = journal.recovery.torn.clone();
        assert_eq!(torn.is_some(), cut > before, "cut at {cut}");
        if let Some(torn) = torn {
            assert_eq!((torn.position, torn.offset.0), (before as u64, 3), "cut at {cut}");
            // The bytes at the cut may themselves be zeros.
            assert!(torn.bytes <= (cut - before) as u64, "cut at {cut}");
        }
        journal.inbox.append(&message(&payload(3))).unwrap();
        journal.writer.commit().unwrap();
        drop(journal);
        let kept: Vec<_> =
            messages(&shared(&disk), &dir(), None).into_iter().map(|(_, bytes)| bytes).collect();
        assert_eq!(kept, [payload(1), payload(3)], "cut at {cut}");
        assert_intact(&disk);
    }
}

#[test]
fn an_unfinished_tail_is_no_damage_for_verify() {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let (before, after) = two_commits(&disk, &clock);
    assert!(disk.erase(&dir().join(FIRST_SEGMENT), after as u64 - 1));
    let found = citywarden_journal::verify(&disk, &dir(), None).unwrap();
    assert!(found.is_intact());
    assert_eq!(found.unfinished.unwrap().position, before as u64);
}
