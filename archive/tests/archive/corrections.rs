//! The same device, quantity and time again.

use citywarden_archive::{Applied, Archive, Batch, Repeat, SqliteArchive, Table};
use citywarden_model::{Flag, Offset, Span, Value};
use serde_json::json;

use crate::county::{Sent, all_of, assert_holds, batch, take_all};
use crate::open;
use citywarden_tests::database;

/// Minute 3 in full, again, with another value, with one more quantity, and as maintenance.
fn resent() -> Vec<Sent> {
    let mut more = Sent::number(1, 3, "sound_level", 55.0);
    more.readings.push(("odd", Value::Number(1.0)));
    let mut other = Sent::number(1, 3, "odd", 2.0);
    other.event = Some("washed");
    let flagged = Sent { flag: Flag::Other('M'), ..Sent::number(1, 3, "pm10", 999.0) };
    vec![
        Sent::number(1, 3, "pm10", 80.0),
        Sent::number(1, 3, "pm10", 80.0),
        Sent::number(1, 3, "pm10", 81.5),
        more,
        other.clone(),
        flagged,
        other,
        Sent::number(1, 4, "pm10", 70.0),
    ]
}

fn sites_history() -> serde_json::Value {
    json!([
        {"quantity": "pm10", "was": 80.0, "by": 2, "part": 0},
        {"quantity": "sound_level", "was": null, "by": 3, "part": 0},
    ])
}

#[test]
fn a_file_keeps_the_last_value_in_the_row_and_the_earlier_ones_in_its_history() {
    for size in [1, 3, 100] {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("archive.sqlite");
        let mut archive = SqliteArchive::open(&path).unwrap();
        take_all(&mut archive, &resent(), size).unwrap();
        assert_holds(&mut archive, &resent());
        let file = rusqlite::Connection::open(&path).unwrap();
        let ask = |sql: &str| file.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
        let history = ask("SELECT history FROM sites WHERE flag = 'N' AND history IS NOT NULL");
        assert_eq!(serde_json::from_str::<serde_json::Value>(&history).unwrap(), sites_history());
        let history = ask("SELECT history FROM quantities");
        let expected = json!([{"quantity": "odd", "was": 1.0, "by": 4, "part": 0}]);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&history).unwrap(), expected);
        let counts =
            ask("SELECT (SELECT count(*) FROM sites) || ' ' || (SELECT count(*) FROM quantities) || ' ' || \
             (SELECT count(*) FROM events) || ' ' || (SELECT count(*) FROM readings)");
        assert_eq!(counts, "3 1 1 5", "batches of {size}");
    }
}

#[test]
fn a_database_keeps_the_last_value_in_the_row_and_the_earlier_ones_in_its_history() {
    let Some(server) = database::server("corrections") else { return };
    for size in [1, 3, 100] {
        let database = server.database();
        let mut archive = open(&database);
        println!("{}", archive.health().unwrap());
        take_all(&mut *archive, &resent(), size).unwrap();
        assert_holds(&mut *archive, &resent());
        let history =
            database.ask("SELECT history::text FROM sites WHERE flag = 'N' AND history IS NOT NULL");
        let history: serde_json::Value = serde_json::from_str(&history.concat()).unwrap();
        assert_eq!(history, sites_history());
        let counts = database.ask(
            "SELECT concat_ws(' ', (SELECT count(*) FROM sites), (SELECT count(*) FROM quantities), \
             (SELECT count(*) FROM events), (SELECT count(*) FROM readings))",
        );
        assert_eq!(counts, ["3 1 1 5"], "batches of {size}");
    }
}

#[test]
fn a_second_delivery_without_a_time_is_known_by_its_bytes_for_a_minute() {
    let untimed = Sent { minute: None, ..Sent::number(2, 0, "fume", 1.5) };
    assert_eq!(untimed.project(0).repeat, None, "only a delivery that says so can be a second one");
    let again = |offset: usize| -> Repeat { untimed.project_as(offset, true, false).repeat.unwrap() };
    let dir = tempfile::tempdir().unwrap();
    let mut file = SqliteArchive::open(&dir.path().join("archive.sqlite")).unwrap();
    let first = batch(&Applied::default(), std::slice::from_ref(&untimed), 1);
    let known = |archive: &mut dyn Archive| {
        archive.append(&first).unwrap();
        [1, 60, 61].map(|offset| archive.has(&again(offset)).unwrap())
    };
    assert_eq!([1, 60, 61].map(|offset| first.has(&again(offset))), [true, true, false]);
    assert_eq!(known(&mut file), [true, true, false]);
    if let Some(server) = database::server("repeats") {
        assert_eq!(known(&mut *open(&server.database())), [true, true, false]);
    }
}

#[test]
fn a_stored_copy_counts_only_by_the_time_it_gives() {
    let timed = Sent::number(0, 1, "sound_level", 50.0);
    let untimed = Sent { minute: None, ..timed.clone() };
    assert_eq!(untimed.project_as(5, false, true).rows, []);
    assert_eq!(timed.project_as(5, false, true).rows.len(), 1);
}

#[test]
fn a_time_that_cannot_be_true_stands_under_its_arrival_and_is_kept_beside() {
    let ahead = Sent::number(0, 60, "sound_level", 50.0);
    let rows = ahead.project(0).rows;
    assert_eq!(rows[0].observed_at, crate::county::received(0));
    assert_eq!(rows[0].claimed_at, Some(crate::county::START + Span::from_secs(3600)));
    assert_eq!(rows[0].table, Table::Vehicles);
}

#[test]
fn a_history_is_bounded_and_keeps_its_beginning_and_end() {
    let mut batch = Batch::new(&Applied::default());
    for offset in 0..200u16 {
        batch.message(Sent::number(1, 3, "pm10", offset.into()).project(offset.into()));
    }
    let rows = batch.rows(Table::Sites);
    assert_eq!(rows.len(), 1);
    let history = &rows[0].history;
    assert_eq!(history.len(), citywarden_archive::HISTORY_MAX);
    assert_eq!(history.first().unwrap().by, Offset(1));
    assert_eq!(history.last().unwrap().by, Offset(199));
    assert_eq!(all_of(1, "pm10").device.as_str(), "dust-1");
}
