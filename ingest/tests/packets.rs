//! Packets a client may send and packets it may not, in tables; and what the server answers.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test"
)]

use citywarden_ingest::codec::{
    Awaiting, ConnAck, DecodeError, Decoded, Delivery, Packet, PacketId, Reason, Version, claimed_version,
    decode, write_connack, write_disconnect, write_pingresp, write_puback, write_suback, write_unsuback,
};

const LIMIT: usize = 1 << 20;
const FIRST: Awaiting = Awaiting::Connect;
const V311: Awaiting = Awaiting::Packets(Version::V311);
const V5: Awaiting = Awaiting::Packets(Version::V5);

/// Bytes written as hexadecimal with blanks and as `'text'`.
fn bytes(notation: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for (index, part) in notation.split('\'').enumerate() {
        if index % 2 == 1 {
            out.extend(part.bytes());
            continue;
        }
        let digits: Vec<u8> = part.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
        out.extend(
            digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()),
        );
    }
    out
}

/// One word for what became of the bytes.
fn outcome(awaiting: Awaiting, notation: &str) -> String {
    let packet = bytes(notation);
    match decode(awaiting, &packet, LIMIT) {
        Ok(Decoded::Complete(_, length)) if length == packet.len() => "ok".to_owned(),
        Ok(Decoded::Complete(_, length)) => format!("ok {length}"),
        Ok(Decoded::Incomplete) => "more".to_owned(),
        Err(error) => format!("{:02x}", error.reason().0),
    }
}

fn check(awaiting: Awaiting, table: &[(&str, &str)]) {
    for (notation, expected) in table {
        assert_eq!(outcome(awaiting, notation), *expected, "{awaiting:?} {notation}");
    }
}

#[test]
fn the_first_packet_is_a_connect_of_a_version_that_is_spoken() {
    check(
        FIRST,
        &[
            ("", "more"),
            ("10", "more"),
            ("10 0e", "more"),
            ("10 0e 0004 'MQTT' 04 02 003c 0002 'd1'", "ok"),
            ("10 0e 0004 'MQTT' 04 02 003c 0002 'd1' c000", "ok 16"),
            ("10 0f 0004 'MQTT' 05 02 003c 00 0002 'd1'", "ok"),
            ("10 8e 00 0004 'MQTT' 04 02 003c 0002 'd1'", "ok"), // not minimal: only version 5 minds
            ("10 8f 00 0004 'MQTT' 05 02 003c 00 0002 'd1'", "81"),
            ("10 0c 0004 'MQTT' 04 02 003c 0000", "ok"),
            ("10 10 0006 'MQIsdp' 03 02 003c 0002 'd1'", "84"),
            ("10 10 0006 'MQIsdp' 83 02 003c 0002 'd1'", "84"),
            ("10 0e 0004 'MQTT' 03", "84"),
            ("10 0e 0004 'MQTT' 06", "84"),
            ("10 0e 0004 'MQTT' 84", "84"), // a bridge of Mosquitto, which then tries 4
            ("10 10 0006 'MQIsdp' 04", "81"),
            ("10 0e 0004 'MQTx'", "81"),
            ("10 0e 0005", "81"),
            ("10 0b", "81"), // shorter than any
            ("11", "81"),
            ("30", "82"),
            ("c0", "82"),
            ("00", "81"),
            ("f0", "81"),
            ("10 80 80 80 80", "81"),
            ("10 ff ff ff", "95"),
            ("10 fc ff 3f", "more"),
            ("10 80 80 40", "95"),
        ],
    );
}

#[test]
fn connect_flags_and_fields_agree() {
    check(
        FIRST,
        &[
            ("10 0e 0004 'MQTT' 04 03", "81"),
            ("10 0e 0004 'MQTT' 04 0a", "81"), // QoS of a will without one
            ("10 0e 0004 'MQTT' 04 22", "81"),
            ("10 0e 0004 'MQTT' 04 1e", "81"), // QoS 3
            ("10 0e 0004 'MQTT' 04 42", "81"), // password alone: 3.1.1 forbids
            ("10 12 0004 'MQTT' 05 42 003c 00 0002 'd1' 0001 70", "ok"),
            ("10 15 0004 'MQTT' 04 06 003c 0002 'd1' 0001 't' 0002 'go'", "ok"),
            ("10 14 0004 'MQTT' 04 06 003c 0002 'd1' 0000 0002 'go' 00", "81"),
            ("10 15 0004 'MQTT' 04 06 003c 0002 'd1' 0001 '#' 0002 'go'", "81"),
            ("10 16 0004 'MQTT' 05 06 003c 00 0002 'd1' 00 0001 't' 0001 'g'", "ok"),
            ("10 11 0004 'MQTT' 04 82 003c 0002 'd1' 0001 'u'", "ok"),
            ("10 14 0004 'MQTT' 04 c2 003c 0002 'd1' 0001 'u' 0001 00", "ok"),
            ("10 11 0004 'MQTT' 04 82 003c 0002 'd1' 0002", "81"),
            ("10 0f 0004 'MQTT' 04 02 003c 0002 'd1' 00", "81"),
            ("10 0e 0004 'MQTT' 04 02 003c 0003", "81"),
            ("10 0e 0004 'MQTT' 04 02 003c 0002 00", "81"), // known to be bad at its first byte
            ("10 0e 0004 'MQTT' 04 02 003c 0002 'd' 1f", "81"),
            ("10 1f 0004 'MQTT' 04 06 003c 0001 'd' 000b '$CONTROL/xy' 0002 'go'", "90"),
        ],
    );
}

#[test]
fn connect_properties_are_of_their_kind_and_there_once() {
    let table = [
        ("05 11 0000000a", "ok"),
        ("03 21 0001", "ok"),
        ("03 21 0000", "82"),
        ("05 27 00000000", "82"),
        ("03 22 0000", "ok"),
        ("02 17 01", "ok"),
        ("02 17 02", "82"),
        ("02 19 00", "ok"),
        ("06 21 0001 21 0001", "82"),
        ("0a 26 0001 'k' 0000 26 0001 'k'", "81"),
        ("0c 26 0001 'k' 0000 26 0001 'k' 0000", "ok"),
        ("05 15 0002 'ab'", "ok"),
        ("04 16 0001 00", "82"), // data without a method
        ("08 15 0001 'a' 16 0001 00", "ok"),
        ("02 01 01", "82"),
        ("03 23 0001", "82"),
        ("03 13 0001", "82"),
        ("02 04 00", "81"),
        ("02 ab 00", "81"), // an identifier in more bytes than it needs
        ("03 80 01 00", "81"),
    ];
    for (properties, expected) in table {
        let properties = bytes(properties);
        let mut packet = bytes("10 00 0004 'MQTT' 05 02 003c");
        packet.extend(&properties);
        packet.extend(bytes("0002 'd1'"));
        packet[1] = u8::try_from(packet.len() - 2).unwrap();
        let notation = packet.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        assert_eq!(outcome(FIRST, &notation), expected, "{properties:02x?}");
    }
}

#[test]
fn a_publish_has_a_topic_a_packet_id_where_it_needs_one_and_no_reserved_flags() {
    check(
        V311,
        &[
            ("30 03 0001 't'", "ok"),
            ("31 05 0001 't' 'hi'", "ok"),
            ("32 05 0001 't' 0001", "ok"),
            ("3a 07 0001 't' ffff 'hi'", "ok"),
            ("34 05 0001 't' 0001", "ok"), // QoS 2, to be refused by the server
            ("32 05 0001 't' 0000", "81"),
            ("34 05 0001 't' 0000", "81"),
            ("36", "81"),
            ("38", "81"),
            ("30 02", "81"),
            ("32 04", "81"),
            ("30 03 0000", "81"),
            ("30 04 0003", "81"),
            ("32 05 0002", "more"),
            ("32 05 0002 'tt'", "81"),
            ("30 05 0003 'a/#'", "81"),
            ("30 05 0003 'a' 00", "81"),
            ("30 83 00 0001 't'", "ok"),
        ],
    );
    check(
        V5,
        &[
            ("30 04 0001 't' 00", "ok"),
            ("30 83 00 0001 't'", "81"),
            ("30 03", "81"),
            ("32 09 0001 't' 0001 03 23 0001", "ok"),
            ("32 08 0000 0001 03 23 0001", "ok"),
            ("32 08 0000 0001 03 23 0000", "94"),
            ("32 07 0000 0001 02 01 00", "82"),
            ("30 06 0001 't' 02 01 02", "82"),
            ("30 06 0001 't' 02 0b 01", "82"),
            ("30 08 0001 't' 04 08 0001 't'", "ok"),
            ("30 08 0001 't' 04 08 0001 '+'", "81"),
            ("30 08 0001 't' 05 02 00", "81"), // properties past its end
            ("30 09 0001 't' 05 02 00000000", "ok"),
            ("30 05 0001 't' 80 00", "81"),
        ],
    );
}

#[test]
fn other_packets_are_as_the_standard_lays_them_out() {
    check(
        V311,
        &[
            ("c0 00", "ok"),
            ("c0 01", "81"),
            ("c1", "81"),
            ("e0 00", "ok"),
            ("e0 01", "81"),
            ("e2", "81"),
            ("82 06 0001 0001 't' 00", "ok"),
            ("82 06 0001 0001 '#' 02", "ok"),
            ("82 06 0001 0001 't' 03", "81"),
            ("82 06 0001 0001 't' 04", "81"),
            ("82 06 0000", "81"),
            ("82 05", "81"),
            ("80", "81"),
            ("82 07 0001 0002 'a#' 00", "81"),
            ("a2 05 0001 0001 't'", "ok"),
            ("a0", "81"),
            ("f0", "81"),
            ("10 0e", "82"),
            ("40 02 0001", "82"),
            ("62 02 0001", "9b"),
            ("50 02 0001", "9b"),
            ("20 02 0000", "82"),
            ("d0 00", "82"),
        ],
    );
    check(
        V5,
        &[
            ("e0 00", "ok"),
            ("e0 01 04", "ok"),
            ("e0 02 00 00", "ok"),
            ("e0 07 00 05 11 00000000", "ok"),
            ("e0 03 00 01 11", "81"),
            ("e0 01 8d", "82"),
            ("e0 04 00 02 17 00", "82"),
            ("82 07 0001 00 0001 't' 2d", "ok"),
            ("82 07 0001 00 0001 't' 30", "82"),
            ("82 07 0001 00 0001 't' 40", "81"),
            ("82 09 0001 02 0b 01 0001 't' 00", "ok"),
            ("82 09 0001 02 0b 00 0001 't' 00", "82"),
            ("82 10 0001 00 000a '$share/g/t' 04", "82"),
            ("a2 06 0001 00 0001 't'", "ok"),
            ("f0 00", "82"),
            ("f0 06 18 04 15 0001 'm'", "ok"),
            ("f0 02 18 00", "81"),
        ],
    );
}

#[test]
fn what_was_read_is_what_was_sent() {
    let sent = bytes("3b 10 0003 'a/b' 1234 03 23 0007 'hello'");
    let Ok(Decoded::Complete(Packet::Publish(publish), 18)) = decode(V5, &sent, LIMIT) else {
        panic!("{:?}", decode(V5, &sent, LIMIT));
    };
    assert_eq!((publish.topic, publish.payload), ("a/b", &b"hello"[..]));
    assert_eq!(publish.delivery, Delivery::AtLeastOnce(PacketId::new(0x1234).unwrap()));
    assert!(publish.retain && publish.duplicate);
    assert_eq!(publish.alias.map(u16::from), Some(7));

    let sent = bytes(
        "10 24 0004 'MQTT' 05 ec 000a 05 11 00000009 0002 'd1' 00 0001 't' 0002 'go' 0001 'u' 0003 'pwd'",
    );
    let Ok(Decoded::Complete(Packet::Connect(connect), _)) = decode(FIRST, &sent, LIMIT) else {
        panic!("{:?}", decode(FIRST, &sent, LIMIT));
    };
    assert_eq!((connect.version, connect.keep_alive_s, connect.client_id), (Version::V5, 10, "d1"));
    assert_eq!(connect.properties.session_expiry_s, 9);
    assert_eq!((connect.user_name, connect.password), (Some("u"), Some(&b"pwd"[..])));
    let will = connect.will.unwrap();
    assert_eq!((will.topic, will.payload, will.qos, will.retain), ("t", &b"go"[..], 1, true));
}

#[test]
fn a_packet_larger_than_the_limit_is_known_by_its_header() {
    assert_eq!(decode(V311, &bytes("30 80 02"), 64), Err(DecodeError::TooLarge { bytes: 259, limit: 64 }));
    assert_eq!(decode(V311, &bytes("30 3e"), 64), Ok(Decoded::Incomplete));
}

#[test]
fn the_version_of_a_connect_that_is_bad_elsewhere_is_known() {
    assert_eq!(claimed_version(&bytes("10 0e 0004 'MQTT' 05 03 003c")), Some(Version::V5));
    assert_eq!(claimed_version(&bytes("10 0e 0004 'MQTT' 04 03")), Some(Version::V311));
    assert_eq!(claimed_version(&bytes("10 0e 0004 'MQTT' 06 03")), None);
    assert_eq!(claimed_version(&bytes("30 0e 0004")), None);
}

#[test]
fn answers_are_laid_out_as_the_standard_says() {
    let id = PacketId::new(0x0102).unwrap();
    let connack = ConnAck {
        session_present: false,
        session_expiry_s: None,
        assigned_client_id: Some("id"),
        receive_maximum: 100,
        topic_alias_maximum: 16,
        packet_bytes_max: 0x0010_0000,
        keep_alive_s: None,
    };
    let resumed = ConnAck { session_present: true, session_expiry_s: Some(604_800), ..connack };
    let write = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        write(&mut out);
        out
    };
    let table = [
        (write(&|out| write_connack(out, Version::V311, Ok(&connack))), "20 02 0000"),
        (
            write(&|out| write_connack(out, Version::V5, Ok(&connack))),
            "20 1b 00 00 18 21 0064 24 01 27 00100000 12 0002 'id' 22 0010 28 00 29 00 2a 00",
        ),
        (write(&|out| write_connack(out, Version::V311, Ok(&resumed))), "20 02 0100"),
        (
            write(&|out| write_connack(out, Version::V5, Ok(&resumed))),
            "20 20 01 00 1d 11 00093a80 21 0064 24 01 27 00100000 12 0002 'id' 22 0010 28 00 29 00 2a 00",
        ),
        (write(&|out| write_connack(out, Version::V311, Err(Reason::NOT_AUTHORIZED))), "20 02 0005"),
        (write(&|out| write_connack(out, Version::V311, Err(Reason::MALFORMED_PACKET))), ""),
        (write(&|out| write_connack(out, Version::V5, Err(Reason::NOT_AUTHORIZED))), "20 03 00 87 00"),
        (write(&|out| write_puback(out, id)), "40 02 0102"),
        (
            write(&|out| write_suback(out, Version::V311, id, &[Reason::TOPIC_FILTER_INVALID])),
            "90 03 0102 80",
        ),
        (
            write(&|out| write_suback(out, Version::V5, id, &[Reason::TOPIC_FILTER_INVALID])),
            "90 04 0102 00 8f",
        ),
        (
            write(&|out| write_unsuback(out, Version::V311, id, &[Reason::NO_SUBSCRIPTION_EXISTED])),
            "b0 02 0102",
        ),
        (
            write(&|out| write_unsuback(out, Version::V5, id, &[Reason::NO_SUBSCRIPTION_EXISTED])),
            "b0 04 0102 00 11",
        ),
        (write(&|out| write_pingresp(out)), "d0 00"),
        (write(&|out| write_disconnect(out, Version::V311, Reason::SERVER_BUSY)), ""),
        (write(&|out| write_disconnect(out, Version::V5, Reason::SERVER_BUSY)), "e0 02 89 00"),
    ];
    for (written, expected) in table {
        assert_eq!(written, bytes(expected), "{expected}");
    }
}
