//! The layout, and what it does with rows that mean harm.

use std::collections::BTreeSet;

use citywarden_archive::{
    AlertEventRow, AlertRow, Applied, Archive, ArchiveError, Arrival, Batch, Projection, SqliteArchive, Table,
};
use citywarden_model::{Alert, AlertId, Event, Fix, Flag, Observation, Offset, Point, Reading, Value};
use serde_json::json;

use crate::county::{START, device, received};
use crate::{open, options};
use citywarden_tests::database;

/// One message that says everything it can, badly.
fn harmful() -> Batch {
    let long = "量".repeat(5000);
    let observation = Observation {
        observed_at: Some(START),
        readings: vec![
            Reading { quantity: "pm\u{0}10".into(), value: Value::Text("a\u{0}b".into()) },
            Reading { quantity: long.clone().into(), value: Value::Number(1.0) },
            Reading { quantity: "chime".into(), value: Value::Text("yes".into()) },
            Reading { quantity: "chime".into(), value: Value::Bool(true) },
            Reading { quantity: "gross_mass".into(), value: Value::Number(f64::MAX) },
        ],
        fix: Some(Fix {
            reported: Point { lat: 29.5, lon: 120.9 },
            valid: true,
            speed_kmh: Some(32.0),
            heading_deg: Some(90.0),
        }),
        events: vec![Event {
            name: "wa\u{0}shed".into(),
            asset: Some(long.into()),
            fields: vec![("sec\u{0}onds".into(), 48.0)],
        }],
        flag: Flag::Other('\u{0}'),
    };
    let (truck, kind) = device(0);
    let arrival = Arrival {
        offset: Offset(0),
        received_at: received(0),
        duplicate: false,
        retained: false,
        payload: b"x",
    };
    let mut batch = Batch::new(&Applied::default());
    batch.message(Projection::default().project(&arrival, &truck, kind, &[observation]));
    batch.alert_event(
        AlertEventRow {
            entry: Offset(0),
            index: 0,
            alert: AlertId::from("K5ZQ3V7N2M4TB6XWQH3YRAJD5E"),
            sequence: 1,
            at: START,
            event: "noted".to_owned(),
            who: "officer\u{0}".to_owned(),
            why: Some("\u{0}".to_owned()),
        },
        Some(AlertRow { alert: alert() }),
    );
    batch.reach_journal(Offset(1));
    batch.reach_alerts(Offset(1));
    batch
}

fn alert() -> Alert {
    serde_json::from_value(json!({
        "id": "K5ZQ3V7N2M4TB6XWQH3YRAJD5E", "kind": "violation", "rule": "sprinkler-chime-loudness",
        "rule_digest": citywarden_model::Digest::default(), "ruleset_digest": citywarden_model::Digest::default(),
        "title": {"zh": "洒水车", "en": "truck\u{0}"}, "clause": {"item": 1, "reference": "四（一）1", "text": "…"},
        "severity": "minor", "lead": false, "asset": {"id": "sprinkler-07", "kind": "sprinkler_truck", "name": "…"},
        "region": "330624", "grid": null, "position": null, "responsible": [], "state": "open", "condition": "active",
        "began_at": START, "opened_at": START, "cleared_at": null, "values": {"laeq": 56.2}, "limits": {"limit_db": 50.0},
        "unit": "dB(A)", "summary": "", "evidence": {"journal": {"first": 0, "last": 0}, "digest": citywarden_model::Digest::default()},
    }))
    .expect("an alert")
}

#[test]
fn nothing_that_a_device_sends_makes_a_row_that_is_refused() {
    let batch = harmful();
    assert_eq!(
        [Table::Vehicles, Table::Values, Table::Events].map(|table| batch.rows(table).len()),
        [1, 3, 1]
    );
    assert!(batch.rows(Table::Values).iter().all(|row| row.name.len() <= 200 && !row.name.contains('\0')));
    let dir = tempfile::tempdir().unwrap();
    let mut file = SqliteArchive::open(&dir.path().join("archive.sqlite")).unwrap();
    file.append(&batch).unwrap();
    let place = file.applied().unwrap().place;
    assert_eq!((place.journal, place.alerts), (Offset(1), Offset(1)));
    if let Some(server) = database::server("harmful") {
        let database = server.database();
        open(&database).append(&batch).unwrap();
        assert_eq!(database.ask("SELECT alert->'title'->>'en' FROM alerts"), ["truck\u{fffd}"]);
        assert_eq!(database.ask("SELECT who FROM alert_events"), ["officer\u{fffd}"]);
    }
}

#[test]
fn a_database_has_the_columns_that_rows_are_written_to_and_hypertables() {
    let Some(server) = database::server("tables") else { return };
    let database = server.database();
    let described = open(&database).health().unwrap();
    let tables: BTreeSet<_> = Table::ALL.iter().map(|table| table.name().to_owned()).collect();
    let hypertables = if described.contains("TimescaleDB") {
        database.ask("SELECT hypertable_name::text FROM timescaledb_information.hypertables")
    } else {
        database.ask("SELECT tablename::text FROM pg_tables WHERE tablename NOT LIKE 'a%' AND schemaname = 'public' AND tablename <> 'layout_versions'")
    };
    println!("{described}");
    assert_eq!(hypertables.into_iter().collect::<BTreeSet<_>>(), tables);
    let quantities: BTreeSet<_> =
        database.ask("SELECT DISTINCT quantity FROM readings").into_iter().collect();
    assert_eq!(quantities, BTreeSet::new(), "the view stands, and is empty");
}

#[test]
fn a_layout_of_a_newer_version_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("archive.sqlite");
    drop(SqliteArchive::open(&path).unwrap());
    rusqlite::Connection::open(&path).unwrap().pragma_update(None, "user_version", 99).unwrap();
    let error = SqliteArchive::open(&path).expect_err("it is newer");
    assert_eq!(
        error.to_string(),
        "the archive cannot be used: its layout is version 99; this version knows 1"
    );
    std::fs::write(&path, [7; 8192]).unwrap();
    let error = SqliteArchive::open(&path).expect_err("it is something else");
    assert!(matches!(error, ArchiveError::Unusable(_)), "{error}");
    if let Some(server) = database::server("newer") {
        let database = server.database();
        drop(open(&database));
        database.execute("INSERT INTO layout_versions (version) VALUES (99)");
        let error = citywarden_archive::TimescaleArchive::open(&options(&database)).expect_err("it is newer");
        assert!(matches!(error, ArchiveError::Unusable(_)), "{error}");
    }
}

#[test]
fn the_view_shows_every_column_of_every_family() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("archive.sqlite");
    drop(SqliteArchive::open(&path).unwrap());
    let file = rusqlite::Connection::open(&path).unwrap();
    let fixed = [
        "device",
        "observed_at",
        "flag",
        "asset",
        "received_at",
        "journal_offset",
        "part",
        "claimed_at",
        "untimed_sum",
        "history",
    ];
    for table in Table::FAMILIES {
        let mut info =
            file.prepare(&format!("SELECT name, type FROM pragma_table_info('{}')", table.name())).unwrap();
        let columns: Vec<(String, String)> =
            info.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap().map(Result::unwrap).collect();
        for (column, kind) in columns.iter().filter(|(name, _)| !fixed.contains(&name.as_str())) {
            let value = if kind == "TEXT" { "'10'" } else { "1" };
            let insert = format!(
                "INSERT INTO {} (device, observed_at, flag, asset, received_at, journal_offset, part, {column}) \
                 VALUES ('d', 1, 'N', 'a', 1, 1, 0, {value})",
                table.name()
            );
            file.execute(&insert, []).unwrap();
            let shown: String =
                file.query_row("SELECT group_concat(quantity) FROM readings", [], |row| row.get(0)).unwrap();
            assert_eq!(shown, *column);
            file.execute(&format!("DELETE FROM {}", table.name()), []).unwrap();
        }
    }
}
