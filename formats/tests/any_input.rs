//! No input makes the decoder panic, and what it hands on keeps the model's promises.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a wrong place in a test fails the test")]

use citywarden_formats::json;
use citywarden_model::{Observation, Timestamp, Value};
use proptest::prelude::*;

/// What the model promises of an observation, whatever was sent.
fn check(payload: &[u8]) {
    let mut observations = Vec::new();
    match json::decode(payload, &mut observations) {
        Ok(()) => observations.iter().for_each(check_observation),
        Err(error) => {
            assert!(error.at() <= payload.len(), "{error} of {} bytes", payload.len());
            assert!(observations.is_empty(), "nothing of a refused payload is handed on");
        }
    }
}

fn check_observation(observation: &Observation<'_>) {
    for (place, reading) in observation.readings.iter().enumerate() {
        if let Value::Number(number) = reading.value {
            assert!(number.is_finite(), "{reading:?}");
        }
        let twin =
            observation.readings.iter().skip(place + 1).find(|other| other.quantity == reading.quantity);
        assert_eq!(twin, None, "one value a quantity");
    }
    for event in &observation.events {
        assert!(event.fields.iter().all(|(_, number)| number.is_finite()), "{event:?}");
    }
    if let Some(fix) = observation.fix {
        assert!(fix.reported.lat.abs() <= 90.0 && fix.reported.lon.abs() <= 180.0, "{fix:?}");
    }
}

const SEEDS: &[&str] = &[
    r#"{"ts":"2026-11-24T08:00:00.250+08:00","readings":{"sound_level":56.2,"chime":true},"position":{"lat":29.4994,"lon":120.9039,"speed":32.0,"heading":90,"valid":true},"events":[{"name":"washed","asset":"muck-0042","seconds":48}],"flag":"N"}"#,
    r#"[{"ts":1795478400250,"readings":{"nozzles":[true,false],"cover_closed":"half","cover_half":null}},{"ts":-5}]"#,
    "\u{feff}{\"a\\u0062\":\"\\ud83d\\ude00 噪声\",\"b\":[[{}],1e-7,-0.0,123456789012345678901234567890],\"flag\":\"M\"}\r\n\0",
];

/// `SplitMix64`: enough to choose places and bytes.
struct Dice(u64);

impl Dice {
    fn next(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        usize::try_from((z ^ (z >> 31)) % u64::try_from(below.max(1)).unwrap()).unwrap()
    }
}

/// What devices and lines break: a byte, a bit, a cut, a doubled stretch, a token from elsewhere.
fn mutate(payload: &mut Vec<u8>, dice: &mut Dice) {
    const TOKENS: &[&str] = &[
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "\"",
        "null",
        "true",
        "1e999",
        "-",
        "\\u",
        "\\",
        "\0",
        "99999999999999999999",
    ];
    let at = dice.next(payload.len() + 1);
    match dice.next(6) {
        0 if at < payload.len() => payload[at] = u8::try_from(dice.next(256)).unwrap(),
        1 if at < payload.len() => payload[at] ^= 1 << dice.next(8),
        2 => payload.truncate(at),
        3 => {
            let end = (at + dice.next(40)).min(payload.len());
            let stretch = payload[at..end].to_vec();
            payload.splice(at..at, stretch);
        }
        4 => {
            let end = (at + dice.next(20)).min(payload.len());
            payload.drain(at..end);
        }
        _ => {
            let token = TOKENS[dice.next(TOKENS.len())].bytes();
            payload.splice(at..at, token);
        }
    }
}

#[test]
fn two_hundred_thousand_broken_messages_break_nothing() {
    let mut dice = Dice(11);
    for _ in 0..200_000 {
        let mut payload = SEEDS[dice.next(SEEDS.len())].as_bytes().to_vec();
        for _ in 0..=dice.next(4) {
            mutate(&mut payload, &mut dice);
        }
        check(&payload);
    }
}

fn json_value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        any::<bool>().prop_map(|state| state.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        any::<f64>().prop_filter("JSON has no other", |f| f.is_finite()).prop_map(|f| format!("{f:e}")),
        ".{0,12}".prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    let name = prop_oneof![
        prop::sample::select(
            &[
                "ts",
                "readings",
                "position",
                "events",
                "flag",
                "lat",
                "lon",
                "valid",
                "name",
                "seconds",
                "cover_closed"
            ][..]
        )
        .prop_map(|name| format!("\"{name}\"")),
        ".{0,6}".prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    leaf.prop_recursive(5, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(|items| format!("[{}]", items.join(","))),
            prop::collection::vec((name.clone(), inner), 0..6).prop_map(|members| {
                let members: Vec<String> =
                    members.iter().map(|(name, value)| format!("{name}:{value}")).collect();
                format!("{{{}}}", members.join(","))
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_bytes_are_decoded_or_refused(payload in prop::collection::vec(any::<u8>(), 0..400)) {
        check(&payload);
    }

    #[test]
    fn any_json_is_decoded_or_refused(payload in json_value()) {
        check(payload.as_bytes());
    }

    #[test]
    fn numbers_come_through_as_they_were_sent(number in any::<f64>().prop_filter("finite", |f| f.is_finite())) {
        let payload = format!(r#"{{"readings":{{"x":{number:?}}}}}"#);
        let mut observations = Vec::new();
        json::decode(payload.as_bytes(), &mut observations).unwrap();
        let Value::Number(read) = observations[0].readings[0].value else { panic!("no number") };
        prop_assert!((read - number).abs() <= f64::EPSILON * number.abs(), "{read} of {number}");
    }

    #[test]
    fn times_in_any_zone_are_the_same_moment(millis in 0..4_000_000_000_000_i64, quarter_hours in -56..=56_i64) {
        let at = Timestamp::from_millis(millis).unwrap();
        let offset = quarter_hours * 15;
        let local = Timestamp::from_millis(millis + offset * 60_000).unwrap().to_string().replace('Z', "");
        let sign = if offset < 0 { '-' } else { '+' };
        let payload = format!(r#"{{"ts":"{local}{sign}{:02}:{:02}"}}"#, offset.abs() / 60, offset.abs() % 60);
        let mut observations = Vec::new();
        json::decode(payload.as_bytes(), &mut observations).unwrap();
        prop_assert_eq!(observations[0].observed_at, Some(at));
    }
}
