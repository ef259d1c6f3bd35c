//! Rows that a database will not have, whenever it is asked: set aside, and everything else is there.

use citywarden_archive::{Archive, ArchiveError, SqliteArchive, append_all_but_refused};
use citywarden_tests::database;

use crate::county::{Sent, assert_holds_with, batch};
use crate::open;

/// What the databases of these tests refuse.
const ODD: f64 = 666.0;
const SQLITE: &str = "CREATE TRIGGER picky BEFORE INSERT ON sites WHEN NEW.pm10 = 666 \
                      BEGIN SELECT RAISE(ABORT, 'no such dust'); END";
const POSTGRES: &str = "ALTER TABLE sites ADD CONSTRAINT picky CHECK (pm10 <> 666)";

/// A hundred minutes of two devices, every thirteenth of which is refused.
fn sent() -> Vec<Sent> {
    let pm10 = |minute: i64| if minute.rem_euclid(13) == 7 { ODD } else { 40.0 };
    let dust = (-90..10).map(|minute| Sent::number(1, minute, "pm10", pm10(minute)));
    let fume = (-90..10).map(|minute| Sent::number(2, minute, "fume", 1.5));
    dust.chain(fume).collect()
}

fn is_odd(sent: &Sent) -> bool {
    sent.readings.iter().any(|(_, value)| *value == citywarden_model::Value::Number(ODD))
}

fn check(archive: &mut dyn Archive, size: usize) {
    let sent = sent();
    let mut aside = Vec::new();
    loop {
        let applied = archive.applied().unwrap();
        if applied.place.journal.0 >= sent.len() as u64 {
            break;
        }
        let batch = batch(&applied, &sent, size);
        append_all_but_refused(archive, &batch, &mut |what, why| aside.push(format!("{what}: {why}")))
            .unwrap();
    }
    let odd: Vec<_> = sent.iter().enumerate().filter(|(_, sent)| is_odd(sent)).collect();
    assert_eq!(aside.len(), odd.len(), "{aside:#?}");
    for ((offset, _), said) in odd.iter().zip(&aside) {
        assert!(said.starts_with(&format!("record {offset} of the journal, device dust-1, ")), "{said}");
    }
    let rest: Vec<_> = sent.iter().filter(|sent| !is_odd(sent)).cloned().collect();
    assert_holds_with(archive, &rest, sent.len());
}

#[test]
fn a_row_that_a_file_refuses_for_good_is_set_aside_and_the_rest_is_there() {
    for size in [1, 7, 1000] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("archive.sqlite");
        let mut archive = SqliteArchive::open(&path).unwrap();
        rusqlite::Connection::open(&path).unwrap().execute_batch(SQLITE).unwrap();
        check(&mut archive, size);
    }
}

#[test]
fn a_row_that_a_database_refuses_for_good_is_set_aside_and_the_rest_is_there() {
    let Some(server) = database::server("refusals") else { return };
    for size in [1, 7, 1000] {
        let database = server.database();
        let mut archive = open(&database);
        database.execute(POSTGRES);
        check(&mut *archive, size);
    }
}

#[test]
fn what_is_refused_is_told_from_an_archive_that_is_away() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("archive.sqlite");
    let mut archive = SqliteArchive::open(&path).unwrap();
    rusqlite::Connection::open(&path).unwrap().execute_batch(SQLITE).unwrap();
    let one = batch(&archive.applied().unwrap(), &[Sent::number(1, 0, "pm10", ODD)], 1);
    let refused = archive.append(&one);
    assert!(
        matches!(&refused, Err(ArchiveError::Refused(why)) if why.contains("no such dust")),
        "{refused:?}"
    );
    rusqlite::Connection::open(&path).unwrap().execute_batch("DROP TABLE sites").unwrap();
    let away = archive.append(&one);
    assert!(matches!(away, Err(ArchiveError::Away(_))), "{away:?}");
}
