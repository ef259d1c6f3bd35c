//! What the page asks for: readings as they are, and over steps of time.

use citywarden_archive::{
    Archive, ArchiveError, Queries, READINGS_MAX, ReadingsQuery, SqliteArchive, TimescaleReader, open_reader,
};
use citywarden_model::{Flag, Span, Value};

use crate::county::{START, Sent, all_of, take_all};
use crate::{open, options};
use citywarden_tests::database;

fn messages() -> Vec<Sent> {
    let mut messages = Vec::new();
    for (minute, level) in [(0, 50.0), (1, 60.0), (2, 70.0), (7, 40.0)] {
        messages.push(Sent::number(0, minute, "sound_level", level));
        messages.push(Sent::number(0, minute, "heading", 355.0 + level - 50.0));
        messages.push(Sent::number(0, minute, "gross_mass", level));
    }
    messages.push(Sent { flag: Flag::Other('C'), ..Sent::number(0, 2, "sound_level", 120.0) });
    let mut text = Sent::number(1, 0, "odd", 1.0);
    text.readings.push(("nozzles", Value::Bools(vec![true, false])));
    messages.push(text);
    messages
}

fn check(archive: &mut dyn Archive) {
    take_all(archive, &messages(), 4).unwrap();
    let step = |quantity: &str| ReadingsQuery {
        from: START,
        step: Some(Span::from_secs(300)),
        ..all_of(0, quantity)
    };
    let steps = |archive: &mut dyn Archive, quantity: &str| -> Vec<(i64, f64, f64, f64, u64)> {
        let page = archive.readings(&step(quantity)).unwrap();
        let rounded = |value: Option<f64>| (value.unwrap() * 1000.0).round() / 1000.0;
        let samples = page.samples.iter();
        samples
            .map(|one| {
                let at = one.at.since(START).nanos() / 1_000_000_000;
                (at, rounded(one.value), one.min.unwrap(), one.max.unwrap(), one.count)
            })
            .collect()
    };
    // 10^5, 10^6 and 10^7 have the mean 3.7·10^6; what was sent while calibrating does not count
    assert_eq!(steps(archive, "sound_level"), [(0, 65.682, 50.0, 70.0, 3), (300, 40.0, 40.0, 40.0, 1)]);
    assert_eq!(steps(archive, "heading"), [(0, 5.0, 355.0, 375.0, 3), (300, 345.0, 345.0, 345.0, 1)]);
    assert_eq!(steps(archive, "gross_mass"), [(0, 60.0, 50.0, 70.0, 3), (300, 40.0, 40.0, 40.0, 1)]);
    let flags: String =
        archive.readings(&all_of(0, "sound_level")).unwrap().samples.iter().map(|one| one.flag).collect();
    assert_eq!(flags, "NNNCN");
    let nozzles = archive.readings(&all_of(1, "nozzles")).unwrap().samples;
    assert_eq!(nozzles[0].text.as_deref(), Some("10"));
    assert_eq!(archive.readings(&all_of(1, "'; DROP TABLE sites; --")).unwrap().samples, []);
    let none = ReadingsQuery { to: START, ..all_of(0, "sound_level") };
    assert_eq!(archive.readings(&none).unwrap().samples, [], "the end is not inside");
}

#[test]
fn a_file_answers_with_readings_and_with_means_of_their_kind() {
    let dir = tempfile::tempdir().unwrap();
    check(&mut SqliteArchive::open(&dir.path().join("archive.sqlite")).unwrap());
}

#[test]
fn readers_answer_beside_the_writer_and_want_an_archive_that_is_there() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("archive.sqlite");
    assert!(open_reader(&path).is_err());
    assert!(!path.exists(), "a reader makes nothing");
    let mut archive = SqliteArchive::open(&path).unwrap();
    let mut reader = open_reader(&path).unwrap();
    assert_eq!(reader.readings(&all_of(0, "sound_level")).unwrap().samples, []);
    take_all(&mut archive, &messages(), 4).unwrap();
    let [written, read] = [&mut archive as &mut dyn Queries, &mut *reader]
        .map(|archive| archive.readings(&all_of(0, "sound_level")).unwrap());
    assert_eq!((written.samples.len(), &written), (5, &read));

    let Some(server) = database::server("readers") else { return };
    let database = server.database();
    let options = options(&database);
    let early = TimescaleReader::open(&options).unwrap_err();
    assert!(matches!(early, ArchiveError::Away(_)), "{early}");
    let mut archive = open(&database);
    let mut reader = TimescaleReader::open(&options).unwrap();
    take_all(&mut *archive, &messages(), 4).unwrap();
    assert_eq!(reader.readings(&all_of(0, "sound_level")).unwrap(), read);
    database.execute("UPDATE layout_versions SET version = 99");
    let later = TimescaleReader::open(&options).unwrap_err();
    assert!(matches!(later, ArchiveError::Unusable(_)), "{later}");
}

#[test]
fn a_database_answers_with_readings_and_with_means_of_their_kind() {
    let Some(server) = database::server("queries") else { return };
    check(&mut *open(&server.database()));
}

#[test]
fn an_answer_is_bounded_and_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let mut archive = SqliteArchive::open(&dir.path().join("archive.sqlite")).unwrap();
    let untimed: Vec<_> =
        (0..=READINGS_MAX).map(|_| Sent { minute: None, ..Sent::number(2, 0, "fume", 1.0) }).collect();
    take_all(&mut archive, &untimed, 5000).unwrap();
    let page = archive.readings(&all_of(2, "fume")).unwrap();
    assert_eq!((page.samples.len(), page.next.is_some()), (READINGS_MAX, true));
    let hours = ReadingsQuery { step: Some(Span::from_secs(3600)), ..all_of(2, "fume") };
    let page = archive.readings(&hours).unwrap();
    assert_eq!(page.samples.iter().map(|one| one.count).sum::<u64>(), READINGS_MAX as u64 + 1);
    assert_eq!(page.next, None);
}
