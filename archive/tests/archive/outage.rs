//! The database away, and back.

use citywarden_archive::{ArchiveError, TimescaleArchive};

use crate::county::{Sent, assert_holds, batch, take_all};
use crate::{open, options};
use citywarden_tests::database;

fn messages() -> Vec<Sent> {
    (0..300)
        .map(|number| Sent::number(number % 3, i64::try_from(number / 2).unwrap() - 200, "pm10", 1.0))
        .collect()
}

#[test]
fn a_database_that_was_killed_in_between_holds_each_message_once() {
    let Some(server) = database::own_server("outage") else { return };
    let database = server.database();
    let (messages, half) = (messages(), 150);
    let mut archive = open(&database);
    take_all(&mut *archive, &messages[..half], 40).unwrap();
    let in_hand = batch(&archive.applied().unwrap(), &messages, 40);
    server.halt();
    let error = archive.append(&in_hand).expect_err("nobody is there");
    assert!(matches!(error, ArchiveError::Away(_)), "{error}");
    let error = TimescaleArchive::open(&options(&database)).expect_err("nobody is there");
    assert!(matches!(error, ArchiveError::Away(_)), "{error}");
    server.resume();
    let mut archive = open(&database);
    assert_eq!(archive.applied().unwrap().place, in_hand.before().place);
    archive.append(&in_hand).unwrap();
    take_all(&mut *archive, &messages, 40).unwrap();
    assert_holds(&mut *archive, &messages);
}
