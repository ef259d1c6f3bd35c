//! HJ 212: what packets say, what is refused, and that no bytes do harm.

use citywarden_formats::{DecodeError, Profile, hj212};
use citywarden_model::{
    AssetId, Attributes, Crs, Device, DeviceId, Flag, Observation, Span, Timestamp, Value,
};
use proptest::prelude::*;
use std::io::Write as _;

/// A device with these attributes and a minute between its readings.
fn device(attributes: &[(&str, &str)]) -> Device {
    let attributes: Attributes =
        attributes.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect();
    Device {
        id: DeviceId::from("dust-1"),
        kind: "dust_monitor".to_owned(),
        asset: AssetId::from("site-1"),
        interval: Some(Span::from_mins(1)),
        crs: Crs::Wgs84,
        attributes,
    }
}

fn decoded<'a>(attributes: &[(&str, &str)], payload: &'a [u8]) -> Result<Vec<Observation<'a>>, DecodeError> {
    let mut observations = Vec::new();
    hj212::decode(Profile::of(&device(attributes)), payload, &mut observations)?;
    Ok(observations)
}

/// A packet of this command and these items, sealed.
fn packet(command: &str, items: &str) -> Vec<u8> {
    let segment =
        format!("QN=20261124080030123;ST=39;CN={command};PW=123456;MN=TEST001;Flag=4;CP=&&{items}&&");
    hj212::frame(segment.as_bytes()).expect("it is short")
}

fn upload(command: &str, items: &str) -> Vec<u8> {
    packet(command, &format!("DataTime=20261124080000;{items}"))
}

/// Observations as a person reads them: `08:00:00 pm10=1 tsp=2 | D pm25=3`.
fn told(observations: &[Observation<'_>]) -> String {
    let parts = observations.iter().map(|observation| {
        let mut words = match observation.flag {
            Flag::Normal => vec![clock(observation.observed_at.expect("every packet has a time"))],
            Flag::Other(letter) => vec![letter.to_string()],
        };
        words.extend(observation.readings.iter().map(|reading| match &reading.value {
            Value::Number(number) => format!("{}={number}", reading.quantity),
            Value::Text(text) => format!("{}=\"{text}\"", reading.quantity),
            other @ (Value::Bool(_) | Value::Bools(_)) => panic!("{other:?}"),
        }));
        words.join(" ")
    });
    parts.collect::<Vec<_>>().join(" | ")
}

fn clock(at: Timestamp) -> String {
    let text = citywarden_model::LocalClock::default().write(at);
    text.split_once('T').and_then(|(_, time)| time.split_once('+')).expect("local time").0.to_owned()
}

#[track_caller]
fn check(attributes: &[(&str, &str)], payload: &[u8], expected: &str) {
    let found = decoded(attributes, payload).map(|observations| told(&observations));
    assert_eq!(found.as_deref(), Ok(expected), "{}", String::from_utf8_lossy(payload));
}

#[test]
fn items_become_readings_in_the_units_of_their_quantities() {
    for (attributes, command, items, expected) in [
        (
            &[][..],
            "2011",
            "a34002-Rtd=56.0,a34002-Flag=N;a34004-Rtd=31,a34004-Flag=N",
            "08:00:00 pm10=56 pm25=31",
        ),
        (&[], "2051", "a34002-Avg=56.0", "08:01:00 pm10=56"),
        (&[("datatime", "end")], "2051", "a34002-Avg=56.0", "08:00:00 pm10=56"),
        (&[("unit.a34001", "mg/m3")], "2011", "a34001-Rtd=0.160", "08:00:00 tsp=160"),
        (&[("unit.A34001", "µg/m³")], "2011", "a34001-Rtd=67.04", "08:00:00 tsp=67.04"),
        (&[("unit.a34002", "ng/m3")], "2011", "a34002-Rtd=140600.000", "08:00:00 pm10=140.6"),
        (&[], "2011", "a01006-Rtd=101.380", "08:00:00 pressure=101380"),
        (&[("unit.a01006", "hPa")], "2011", "a01006-Rtd=1013.8", "08:00:00 pressure=101380"),
        (
            &[],
            "2011",
            "103-Rtd=180;107-Rtd=90;925-Rtd=40;126-Rtd=-2.5;127-Rtd=99.8;128-Rtd=81;129-Rtd=0.1;130-Rtd=315;B03-Rtd=65",
            "08:00:00 sound_level=65 tsp=180 pm10=90 pm25=40 temperature=-2.5 pressure=99800 humidity=81 wind_speed=0.1 wind_direction=315",
        ),
        (
            &[],
            "2051",
            "a34002-Min=40,a34002-Avg=50,a34002-Max=60,a34002-Cou=9",
            "08:01:00 pm10=50 pm10_min=40 pm10_max=60",
        ),
        (
            &[],
            "2051",
            "Leq-Data=61.5;LMx-Data=80.1;LMn-Data=44",
            "08:01:00 sound_level=61.5 sound_level_max=80.1 sound_level_min=44",
        ),
        (&[], "2011", "a50001-Avg=50.4", "08:00:00 sound_level=50.4"),
        (&[], "2011", "LA-Rtd=70;Leq-Rtd=60", "08:00:00 sound_level=60 la=70"),
        (&[], "2011", "LA-Rtd-Rtd=71.0,LA-Rtd-Flag=N", "08:00:00 sound_level=71"),
        (
            &[],
            "2011",
            "A34002-RTD=17,A34002-FLAG=N;LEQ-RTD=39.4,LEQ-FLAG=N;",
            "08:00:00 pm10=17 sound_level=39.4",
        ),
        (&[], "2011", "cpm-Rtd=57;X99-Rtd=1", "08:00:00 cpm=57 x99=1"),
        (&[("factor.X99", "fume"), ("unit.x99", "ug/m3")], "2011", "X99-Rtd=2500", "08:00:00 fume=2.5"),
        (&[], "2011", "a34002-Rtd=56;a34002-Flag=N;a34004-Rtd=31", "08:00:00 pm10=56 pm25=31"),
        (&[], "2011", "a34002-Rtd=,a34002-Flag=D;a34004-Rtd=31,a34004-Flag=", "08:00:00 pm25=31"),
        (&[], "2011", "a34002-Rtd=nan;a34004-Rtd=31", "08:00:00 pm10=\"nan\" pm25=31"),
        (&[], "2011", "Operation=1;Flag=N;a34004-Rtd=31,;", "08:00:00 pm25=31"),
        (&[], "2011", "", "08:00:00"),
    ] {
        check(attributes, &upload(command, items), expected);
    }
}

#[test]
fn each_flag_but_normal_is_an_observation_of_its_own() {
    for (items, expected) in [
        ("a34002-Rtd=56,a34002-Flag=D;a34004-Rtd=31,a34004-Flag=N", "08:00:00 pm25=31 | D pm10=56"),
        ("a34002-Flag=C,a34002-Rtd=900;a34001-Rtd=1,a34001-Flag=C", "08:00:00 | C tsp=1 pm10=900"),
        ("a34002-Rtd=56,a34002-Flag=n", "08:00:00 pm10=56"),
        ("a34002-Rtd=56,a34002-Flag=3;a34004-Rtd=31,a34004-Flag=%", "08:00:00 | 3 pm10=56 | ? pm25=31"),
        ("a34002-Rtd=56;a34002-Rtd=56.0", "08:00:00 pm10=56"),
        ("a34002-Rtd=56;a34002-Rtd=99;a34004-Rtd=1", "08:00:00 pm25=1 | ? pm10=56"),
    ] {
        check(&[], &upload("2011", items), expected);
    }
}

#[test]
fn of_two_uploads_about_the_same_minutes_the_register_chooses() {
    for (chosen, real_time, minute) in [
        (&[][..], "08:00:00 pm10=56", "08:01:00 pm10=56"),
        (&[("use", "both")], "08:00:00 pm10=56", "08:01:00 pm10=56"),
        (&[("use", "2051")], "08:00:00 pm10_realtime=56", "08:01:00 pm10=56"),
        (&[("use", "2011")], "08:00:00 pm10=56", "08:01:00 pm10_minute=56"),
    ] {
        check(chosen, &upload("2011", "a34002-Rtd=56"), real_time);
        check(chosen, &upload("2051", "a34002-Avg=56"), minute);
    }
}

#[test]
fn packets_are_found_among_what_surrounds_them() {
    let one = upload("2011", "a34002-Rtd=56");
    let bare = one.strip_suffix(b"\r\n").expect("a packet ends its line");
    let heartbeat = packet("9015", "");
    for (payload, expected) in [
        (one.clone(), "08:00:00 pm10=56"),
        (bare.to_vec(), "08:00:00 pm10=56"),
        ([bare, b"\n"].concat(), "08:00:00 pm10=56"),
        ([b"\xEF\xBB\xBF", &*one, b"\0\0\0"].concat(), "08:00:00 pm10=56"),
        ([b"#", &*one].concat(), "08:00:00 pm10=56"),
        ([b"\xFF\x00noise# ", &*one, &*one].concat(), "08:00:00 pm10=56 | 08:00:00 pm10=56"),
        ([bare, &*one].concat(), "08:00:00 pm10=56 | 08:00:00 pm10=56"),
        ([&*heartbeat, &*one].concat(), "08:00:00 pm10=56"),
    ] {
        check(&[], &payload, expected);
    }
    // each part of a split packet stands alone
    let part = |number: u8| {
        let segment = format!(
            "QN=20261124080030123;ST=39;CN=2011;PW=1;MN=TEST001;PNO={number};PNUM=2;Flag=6;CP=&&DataTime=20261124080000250;a3400{number}-Rtd=5&&"
        );
        hj212::frame(segment.as_bytes()).expect("it is short")
    };
    check(&[], &[part(1), part(2)].concat(), "08:00:00.250 tsp=5 | 08:00:00.250 pm10=5");
}

#[track_caller]
fn refuses(attributes: &[(&str, &str)], payload: &[u8], expected: &str) {
    let error = decoded(attributes, payload).map(|observations| told(&observations)).expect_err(expected);
    assert_eq!(error.to_string(), expected, "{}", String::from_utf8_lossy(payload));
}

#[test]
fn a_message_that_does_not_hold_is_refused_whole_with_place_and_reason() {
    let one = upload("2011", "a34002-Rtd=56");
    let broken = |from: &str, to: &str| {
        String::from_utf8(one.clone()).expect("ASCII").replacen(from, to, 1).into_bytes()
    };
    let half = one.get(..40).expect("it is longer").to_vec();
    let second = one.len();
    for (payload, expected) in [
        (b"".to_vec(), "byte 0: no packet, expected ## and 4 digits".to_owned()),
        (b"{\"ts\":1}".to_vec(), "byte 0: no packet, expected ## and 4 digits".to_owned()),
        (b"##".to_vec(), "byte 0: `##` and then no length, expected 4 digits".to_owned()),
        (b"##299ST=21;".to_vec(), "byte 0: `##` and then no length, expected 4 digits".to_owned()),
        (half.clone(), "byte 0: length says 107 bytes, the message ends after 34".to_owned()),
        (
            [&*one, &*half].concat(),
            format!("byte {second}: length says 107 bytes, the message ends after 34"),
        ),
        (
            broken("##0107", "##0105"),
            "byte 0: length says 105 bytes, expected 4 hex digits of checksum after them".to_owned(),
        ),
        (
            broken("=56", "=57"),
            format!("byte 0: checksum {}, expected {}", sum(&one), sum(&upload("2011", "a34002-Rtd=57"))),
        ),
        (
            packet("2061", "DataTime=20261124080000"),
            "byte 6: command `2061` is not read, expected CN 2011 or 2051".to_owned(),
        ),
        (packet("2011", "a34002-Rtd=56"), "byte 6: no DataTime in an upload of data".to_owned()),
        (
            packet("2011", "DataTime=2026112408"),
            "byte 74: DataTime is `2026112408`, expected YYYYMMDDhhmmss, with or without milliseconds"
                .to_owned(),
        ),
        (upload("2011", "a34002"), "byte 98: `a34002`, expected name=value".to_owned()),
        (sealed("ST=39;CN=2011;MN=TEST001"), "byte 6: no CP=&&…&& in the packet".to_owned()),
        (sealed("ST=39;CN=2011;MN=A&&B&&"), "byte 6: no CP=&&…&& in the packet".to_owned()),
        (sealed("CN=2011;\x07CP=&&&&"), "byte 14: a control character in the packet".to_owned()),
        (
            sealed("CN=2011;Flag=12;CP=&&&&"),
            "byte 6: Flag is `12`, expected that of HJ 212-2005, 2017 or 2025 (0 to 11)".to_owned(),
        ),
    ] {
        refuses(&[], &payload, &expected);
    }
    let many = (0..300).map(|n| format!("x{n}-Rtd=1")).collect::<Vec<_>>().join(";");
    assert!(
        decoded(&[], &upload("2011", &many))
            .expect_err("too many")
            .to_string()
            .contains("more than 256 factors")
    );
    assert!(
        decoded(&[], &one.repeat(1_001))
            .expect_err("too many")
            .to_string()
            .contains("more than 1000 packets")
    );
}

fn sealed(segment: &str) -> Vec<u8> {
    hj212::frame(segment.as_bytes()).expect("it is short")
}

/// The checksum of a packet that ends its line.
fn sum(packet: &[u8]) -> String {
    let text = std::str::from_utf8(packet).expect("ASCII").trim_end();
    text.get(text.len() - 4..).expect("four digits").to_owned()
}

#[test]
fn what_the_register_says_wrongly_is_said_by_name() {
    let one = upload("2011", "a34002-Rtd=56");
    for (name, text, expected) in [
        ("crc", "crc32", "byte 0: the device's attribute `crc` is `crc32`, expected hj212, modbus or ignore"),
        ("use", "2061", "byte 0: the device's attribute `use` is `2061`, expected 2051, 2011 or both"),
        ("datatime", "mid", "byte 0: the device's attribute `datatime` is `mid`, expected start or end"),
        (
            "unit.a34002",
            "ppm",
            "byte 0: the device's attribute `unit.a34002` is `ppm`, expected mg/m3, ug/m3, ng/m3, Pa, hPa or kPa, and one of `pm10`",
        ),
        (
            "unit.a34002",
            "kPa",
            "byte 0: the device's attribute `unit.a34002` is `kPa`, expected mg/m3, ug/m3, ng/m3, Pa, hPa or kPa, and one of `pm10`",
        ),
        ("mn", "OTHER", "byte 6: MN is `TEST001`, the device's register says `OTHER`"),
    ] {
        refuses(&[(name, text)], &one, expected);
    }
    check(&[("mn", "TEST001"), ("crc", "HJ212")], &one, "08:00:00 pm10=56");
}

#[test]
fn the_checksum_is_the_one_that_the_device_sends() {
    let segment = "ST=39;CN=2011;MN=TEST001;CP=&&DataTime=20261124080000;a34002-Rtd=56&&";
    let modbus = segment.bytes().fold(0xFFFF_u16, |crc, byte| {
        (0..8).fold(crc ^ u16::from(byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xA001 } else { crc >> 1 })
    });
    let sent = |crc: &str| format!("##{:04}{segment}{crc}\r\n", segment.len()).into_bytes();
    let theirs = sent(&format!("{modbus:04x}"));
    check(&[("crc", "modbus")], &theirs, "08:00:00 pm10=56");
    check(&[("crc", "ignore")], &sent("FFFF"), "08:00:00 pm10=56");
    let error = decoded(&[], &theirs).expect_err("another checksum").to_string();
    assert!(error.ends_with("it is that of MODBUS: set the device's `crc` to modbus"), "{error}");
    let ours = hj212::frame(segment.as_bytes()).expect("it is short");
    let (head, sum) = ours.split_at(ours.len() - 6);
    check(&[], &[head, &sum.to_ascii_lowercase()].concat(), "08:00:00 pm10=56");
    let error = decoded(&[("crc", "modbus")], &ours).expect_err("another checksum").to_string();
    assert!(error.ends_with("it is that of HJ 212: set the device's `crc` to hj212"), "{error}");
}

#[test]
fn moved_packets_say_the_same_of_another_time() {
    let payload =
        [upload("2011", "a34002-Rtd=56"), b"\n\0".to_vec(), upload("2051", "a34002-Avg=57")].concat();
    let moved = hj212::retime(&payload, Span::from_mins(90));
    check(&[], &moved, "09:30:00 pm10=56 | 09:31:00 pm10=57");
    assert!(
        String::from_utf8_lossy(&moved).contains("QN=20261124093030123"),
        "the sending time moves as well"
    );
    assert_eq!(hj212::retime(&moved, Span::from_mins(-90)), payload, "and back");
    for other in [&b"##"[..], b"no packet", b"##0003a=1FFFF"] {
        assert_eq!(hj212::retime(other, Span::from_mins(90)), other);
    }
}

/// Packets that others have published: for checking only, and not part of the project.
#[test]
fn published_packets_come_out_as_listed() {
    let dir = std::env::var_os("CITYWARDEN_SAMPLES").map_or_else(
        || std::path::PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/samples"),
        std::path::PathBuf::from,
    );
    let Ok(text) = std::fs::read_to_string(dir.join("hj212.txt")) else {
        // past the runner, which keeps what tests print
        writeln!(std::io::stderr(), "\n*** LEFT OUT: no hj212.txt in {}", dir.display())
            .expect("somebody listens");
        return;
    };
    let (mut read, mut refused) = (0, 0);
    for line in text.lines().filter(|line| !line.starts_with("# ")) {
        let mut columns = line.split('\t');
        let (packet, listed) = (columns.next().expect("a packet"), columns.next().expect("what it says"));
        let found = decoded(&[], packet.as_bytes());
        let is_upload =
            listed.contains(" CN=2011 ") || listed.contains(" CN=2051 ") || listed.contains("CN=2011 ");
        if listed.starts_with("malformed") || !is_upload {
            assert!(found.is_err(), "{packet}: {found:?}");
            refused += 1;
            continue;
        }
        check_listed(packet, listed, &found.unwrap_or_else(|error| panic!("{packet}: {error}")));
        read += 1;
    }
    assert!(read >= 12 && refused >= 20, "{read} read, {refused} refused");
}

fn check_listed(packet: &str, listed: &str, found: &[Observation<'_>]) {
    let listed: Vec<(&str, &str)> = listed.split(' ').filter_map(|pair| pair.split_once('=')).collect();
    let value = |name: &str| listed.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
    let digits: String =
        clock_digits(found.first().and_then(|o| o.observed_at).expect("a time"), value("CN") == Some("2051"));
    assert!(value("DataTime").expect("listed").starts_with(&digits), "{packet}: {digits}");
    let is_value = |attribute: &str| matches!(attribute, "Rtd" | "Avg" | "Data");
    let mut values = 0;
    for (name, text) in &listed {
        let Some((code, _)) = name.split_once('-').filter(|(_, attribute)| is_value(attribute)) else {
            continue;
        };
        values += 1;
        let flag = value(&format!("{code}-Flag")).unwrap_or("N");
        let number: f64 = text.parse().expect("a number");
        let scaled = if code == "a01006" { (number * 1e6).round() / 1e3 } else { number };
        let is_there = found.iter().any(|observation| {
            observation.flag == Flag::parse(flag).expect("a letter")
                && observation.readings.iter().any(|reading| reading.value == Value::Number(scaled))
        });
        assert!(is_there, "{packet}: {name}={text} with flag {flag} is not in {}", told(found));
    }
    let ends = ["_min", "_max"];
    let told = found.iter().flat_map(|observation| &observation.readings);
    let told = told.filter(|reading| !ends.iter().any(|end| reading.quantity.ends_with(end))).count();
    assert_eq!(told, values, "{packet}: nothing that is not listed");
    assert!(values > 0, "{packet}");
}

/// `DataTime` as it was sent, from the end of the minute where it stood for one.
fn clock_digits(at: Timestamp, is_minute: bool) -> String {
    let begun = if is_minute { at - Span::from_mins(1) } else { at };
    let text = citywarden_model::LocalClock::default().write(begun);
    text.split('+').next().unwrap_or_default().chars().filter(char::is_ascii_digit).take(14).collect()
}

/// Whatever it is made of: no panic, and on an error nothing is handed on.
fn survives(payload: &[u8]) {
    let mut observations = vec![Observation::default()];
    let devices = [device(&[]), device(&[("crc", "ignore"), ("use", "2051"), ("unit.a34002", "mg/m3")])];
    for device in &devices {
        let before = observations.len();
        if hj212::decode(Profile::of(device), payload, &mut observations).is_err() {
            assert_eq!(observations.len(), before);
        } else {
            assert!(observations.len() > before);
        }
    }
    assert_eq!(hj212::retime(payload, Span::from_mins(7)).len(), payload.len());
}

proptest! {
    #[test]
    fn no_bytes_do_harm(payload in proptest::collection::vec(any::<u8>(), 0..400)) {
        survives(&payload);
    }

    #[test]
    fn no_segment_does_harm(segment in "[QNCPMFlagDtaTime=&;,0-9.#-]{0,200}") {
        survives(&sealed(&segment));
        survives(&sealed(&format!("CN=2051;CP=&&DataTime=20261124080000;{segment}&&")));
    }

    #[test]
    fn numbers_are_rounded_once(milli in 0_u32..10_000_000) {
        let text = format!("{}.{:03}", milli / 1000, milli % 1000);
        let payload = upload("2011", &format!("a34001-Rtd={text}"));
        let observations = decoded(&[("unit.a34001", "mg/m3")], &payload).expect("it holds");
        prop_assert_eq!(&observations[0].readings[0].value, &Value::Number(f64::from(milli)));
    }
}

#[test]
fn no_mutation_of_a_packet_does_harm() {
    let whole =
        [upload("2011", "a34002-Rtd=56,a34002-Flag=N;LA-Rtd=61"), upload("2051", "a34002-Avg=5")].concat();
    let mut seed = 0x9E37_79B9_7F4A_7C15_u64;
    let mut draw = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).expect("31 bits") % below
    };
    for _ in 0..50_000 {
        let mut payload = whole.clone();
        for _ in 0..=draw(4) {
            let place = draw(payload.len());
            match draw(4) {
                0 => payload[place] = u8::try_from(draw(256)).expect("a byte"),
                1 => drop(payload.remove(place)),
                2 => payload.insert(place, b"#&=;,-0aC\n"[draw(10)]),
                _ => payload.truncate(place.max(1)),
            }
            if payload.is_empty() {
                break;
            }
        }
        survives(&payload);
    }
}
