//! Killed whenever: nothing twice, nothing left out.

use citywarden_archive::{Archive, SqliteArchive};
use proptest::prelude::*;

use crate::county::{assert_holds, batch};
use crate::messages::histories;
use crate::open;
use citywarden_tests::database;

/// How an attempt to write a batch ends.
#[derive(Debug, Clone, Copy)]
enum End {
    Committed,
    /// Killed with the batch in hand.
    KilledBefore,
    /// Killed before anybody heard that it was written.
    KilledAfter,
}

fn attempts() -> impl Strategy<Value = Vec<(usize, End)>> {
    let end =
        prop_oneof![3 => Just(End::Committed), 1 => Just(End::KilledBefore), 1 => Just(End::KilledAfter)];
    proptest::collection::vec((1..7usize, end), 1..12)
}

/// Carries out the attempts, then writes the rest.
fn live(open: &dyn Fn() -> Box<dyn Archive>, messages: &[crate::county::Sent], attempts: &[(usize, End)]) {
    let mut archive = open();
    let rest = std::iter::repeat(&(5, End::Committed));
    for (size, end) in attempts.iter().chain(rest) {
        let applied = archive.applied().expect("readable");
        if applied.place.journal.0 == messages.len() as u64 {
            break;
        }
        let batch = batch(&applied, messages, *size);
        match end {
            End::Committed => archive.append(&batch).expect("written"),
            End::KilledBefore => archive = open(),
            End::KilledAfter => {
                archive.append(&batch).expect("written");
                archive = open();
                let again = archive.append(&batch).expect_err("a batch is written once");
                assert!(again.to_string().contains("the rows begin at"), "{again}");
            }
        }
    }
    assert_holds(&mut *archive, messages);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_file_holds_each_message_once_wherever_it_was_killed(messages in histories(40), attempts in attempts()) {
        let dir = tempfile::tempdir().expect("a scratch folder");
        let path = dir.path().join("archive.sqlite");
        let open = || -> Box<dyn Archive> { Box::new(SqliteArchive::open(&path).expect("it opens")) };
        live(&open, &messages, &attempts);
    }
}

#[test]
fn a_database_holds_each_message_once_wherever_it_was_killed() {
    let Some(server) = database::server("restarts") else { return };
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 16,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let tried = runner.run(&(histories(40), attempts()), |(messages, attempts)| {
        let database = server.database();
        live(&|| open(&database), &messages, &attempts);
        Ok(())
    });
    tried.expect("every history is held");
}
