//! Records as bytes and as lines.

use citywarden_journal::recording::{parse_line, write_line};
use citywarden_journal::{Body, Control, Message, Reader, Record, SimulatedDisk};
use citywarden_model::{DeadLetterReason, Digest, Offset, Span, Timestamp};
use proptest::prelude::*;

use crate::support::{HandClock, START, dir, message, open, shared};

fn controls() -> Vec<Control<'static>> {
    vec![
        Control::Started { last_received_at: START },
        Control::Stopping,
        Control::Tick,
        Control::Rules { digest: Digest::of(b"rules") },
        Control::Registry { digest: Digest::of(b"registry") },
        Control::SourceUp { source: "broker" },
        Control::SourceDown { source: "" },
        Control::ClockStep { from: START, to: Timestamp::EPOCH },
        Control::Resumed { last_received_at: START },
        Control::Key { fingerprint: Digest::of(b"key") },
    ]
}

#[test]
fn every_control_record_reads_back_from_the_journal_and_from_its_line() {
    let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
    let mut journal = open(&disk, &clock);
    journal.writer.commit().unwrap();
    for control in controls() {
        let (offset, received_at) = journal.inbox.append_control(&control).unwrap();
        journal.writer.commit().unwrap();
        let mut reader = Reader::open(&shared(&disk), &dir(), offset).unwrap();
        let expected = Record { offset, received_at, body: Body::Control(control) };
        let batch = reader.next_batch(None, 1).unwrap();
        assert_eq!(batch.iter().next().unwrap().unwrap(), expected);
        let line = write_line(&expected);
        assert_eq!(parse_line(&line).unwrap().record(Offset(0)), expected, "{line}");
    }
    let words: Vec<_> = controls().iter().map(Control::word).collect();
    assert_eq!(words, Control::WORDS);
}

type Flags = (u8, bool, bool, u8, Option<u64>);

fn any_message() -> impl Strategy<Value = (String, String, String, Vec<u8>, Flags)> {
    let set = (0..2_u8, any::<bool>(), any::<bool>(), 0..9_u8, any::<Option<u64>>());
    (".{0,12}", ".{0,40}", ".{0,12}", prop::collection::vec(any::<u8>(), 0..200), set)
}

proptest! {
    #[test]
    fn every_message_reads_back_from_the_journal_and_from_its_line(
        (source, topic, identity, payload, (qos, retained, duplicate, refused, full)) in any_message(),
    ) {
        let (disk, clock) = (SimulatedDisk::new(), HandClock::default());
        let mut journal = open(&disk, &clock);
        let message = Message {
            source: &source, topic: &topic, identity: &identity, qos, retained, duplicate,
            refused: DeadLetterReason::from_code(refused),
            payload: &payload,
            full: full.map(|length| (length, Digest::of(&payload))),
        };
        let offset = journal.inbox.append(&message).unwrap();
        journal.writer.commit().unwrap();
        let received_at = START + Span::from_nanos(1); // the journal began at that time
        let mut reader = Reader::open(&shared(&disk), &dir(), offset).unwrap();
        let batch = reader.next_batch(None, 1).unwrap();
        let record = batch.iter().next().unwrap().unwrap();
        prop_assert_eq!(record, Record { offset, received_at, body: Body::Message(message) });
        let line = parse_line(&write_line(&record)).unwrap();
        prop_assert_eq!(line.record(Offset(0)), record);
        prop_assert_eq!(Some(line.bytes()), batch.raw().next().map(|(_, bytes)| bytes));
    }

    #[test]
    fn no_bytes_make_decoding_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        drop(Record::decode(Offset(0), &bytes));
    }

    #[test]
    fn no_line_makes_reading_panic(text in r#"\{?("(received_at|topic|payload|control|offset)":("[ -~]{0,20}"|-?[0-9]{1,20}),?){0,4}\}?"#) {
        drop(parse_line(&text));
    }
}

#[test]
fn a_dump_has_the_members_of_a_recording_and_what_else_was_set() {
    let record = |body| Record { offset: Offset(7), received_at: START, body };
    let refused = Message {
        refused: Some(DeadLetterReason::NotPermitted),
        identity: "meter-1",
        ..message(b"\xff\x00")
    };
    let rows = [
        (
            record(Body::Message(message(b"{\"a\":1}"))),
            r#"{"offset":7,"received_at":"2026-11-24T00:00:00Z","source":"mqtt-endpoint","topic":"citywarden/330624/site-01/json","qos":1,"payload":"{\"a\":1}"}"#,
        ),
        (
            record(Body::Message(refused)),
            r#"{"offset":7,"received_at":"2026-11-24T00:00:00Z","source":"mqtt-endpoint","topic":"citywarden/330624/site-01/json","identity":"meter-1","qos":1,"refused":"not_permitted","payload_base64":"/wA="}"#,
        ),
        (
            record(Body::Control(Control::Tick)),
            r#"{"offset":7,"received_at":"2026-11-24T00:00:00Z","control":"tick"}"#,
        ),
    ];
    for (record, expected) in rows {
        assert_eq!(write_line(&record), expected);
    }
}

#[test]
fn a_line_of_a_recording_needs_no_more_than_the_contract_names() {
    let text = r#"{"received_at":"2026-11-24T08:00:00.260+08:00","topic":"citywarden/330624/sprinkler-07/json","payload":"{}","note":"extra"}"#;
    let line = parse_line(text).unwrap();
    assert_eq!(line.offset, None);
    let record = line.record(Offset(3));
    assert_eq!(
        (record.offset, record.received_at.to_string().as_str()),
        (Offset(3), "2026-11-24T00:00:00.260Z")
    );
    let Body::Message(message) = record.body else { panic!("a message") };
    assert_eq!(
        (message.topic, message.payload, message.qos),
        ("citywarden/330624/sprinkler-07/json", &b"{}"[..], 1)
    );
}

#[test]
fn a_line_that_is_none_says_what_is_wrong() {
    for (text, expected) in [
        ("", "no line of a recording: EOF while parsing a value at line 1 column 0"),
        (r#"{"topic":"t","payload":"p"}"#, "`received_at` is missing"),
        (r#"{"received_at":"2026-11-24T00:00:00Z","payload":"p"}"#, "`topic` is missing"),
        (r#"{"received_at":"2026-11-24T00:00:00Z","topic":"t"}"#, "`payload` is missing"),
        (
            r#"{"received_at":"2026-11-24T00:00:00Z","topic":"t","payload_base64":"?"}"#,
            "`payload_base64` is `?`, expected base64 with padding (RFC 4648)",
        ),
        (
            r#"{"received_at":"2026-11-24T00:00:00Z","control":"tock"}"#,
            "`control` is `tock`, expected the word of a control record",
        ),
        (r#"{"received_at":"2026-11-24T00:00:00Z","control":"rules"}"#, "`digest` is missing"),
    ] {
        assert_eq!(parse_line(text).unwrap_err().to_string(), expected, "{text}");
    }
    let late =
        parse_line(r#"{"received_at":"yesterday","topic":"t","payload":"p"}"#).unwrap_err().to_string();
    assert!(late.contains("expected RFC 3339"), "{late}");
}
