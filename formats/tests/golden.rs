//! What payloads say, and what is said of those that say nothing: tables through one checking function each.

use citywarden_formats::{DecodeError, Format, Profile, decode, json};
use citywarden_model::{Flag, Observation, Value};

/// An observation in one line: `ts=… quantity=value … @lat,lon … event(field=n)>asset flag=M`.
fn written(observation: &Observation<'_>) -> String {
    let mut words = Vec::new();
    words.extend(observation.observed_at.map(|at| format!("ts={at}")));
    words.extend(observation.readings.iter().map(|r| format!("{}={}", r.quantity, value(&r.value))));
    if let Some(fix) = observation.fix {
        let status = if fix.valid { "" } else { " no fix" };
        words.push(format!("@{},{}{status}", fix.reported.lat, fix.reported.lon));
        words.extend(fix.speed_kmh.map(|speed| format!("at={speed}km/h")));
        words.extend(fix.heading_deg.map(|heading| format!("towards={heading}")));
    }
    for event in &observation.events {
        let fields: Vec<String> = event.fields.iter().map(|(name, n)| format!("{name}={n}")).collect();
        let asset = event.asset.as_deref().map(|asset| format!(">{asset}")).unwrap_or_default();
        words.push(format!("{}({}){asset}", event.name, fields.join(",")));
    }
    if let Flag::Other(letter) = observation.flag {
        words.push(format!("flag={letter}"));
    }
    words.join(" ")
}

fn value(value: &Value<'_>) -> String {
    match value {
        Value::Number(number) => number.to_string(),
        Value::Bool(state) => state.to_string(),
        Value::Text(text) => format!("{text:?}"),
        Value::Bools(states) => states.iter().map(|on| if *on { '+' } else { '-' }).collect(),
    }
}

#[track_caller]
fn says(payload: &[u8], expected: &[&str]) {
    let mut observations = Vec::new();
    let shown = String::from_utf8_lossy(payload);
    decode(Format::Json, Profile::default, payload, &mut observations)
        .unwrap_or_else(|error| panic!("{shown}: {error}"));
    let written: Vec<String> = observations.iter().map(written).collect();
    assert_eq!(written, expected, "{shown}");
}

#[track_caller]
fn refused(payload: &[u8], expected: &str) {
    let kept = Observation::default();
    let mut observations = vec![kept.clone()];
    let shown = String::from_utf8_lossy(payload);
    let error = decode(Format::Json, Profile::default, payload, &mut observations).expect_err(&shown);
    assert_eq!(error.to_string(), expected, "{shown}");
    assert_eq!(observations, [kept], "{shown}: nothing of a refused payload is handed on");
}

#[test]
fn the_message_of_the_contract_is_read_whole() {
    says(
        br#"{"ts":"2026-11-24T08:00:00.250+08:00",
             "readings":{"sound_level":56.2,"chime":true},
             "position":{"lat":29.4994,"lon":120.9039,"speed":32.0,"heading":90},
             "events":[{"name":"washed","asset":"muck-0042","seconds":48}],
             "flag":"N"}"#,
        &["ts=2026-11-24T00:00:00.250Z sound_level=56.2 chime=true speed=32 @29.4994,120.9039 at=32km/h \
           towards=90 washed(seconds=48)>muck-0042"],
    );
}

#[test]
fn every_shape_of_a_message_is_understood() {
    let cases: &[(&str, &[&str])] = &[
        ("{}", &[""]),
        ("[]", &[]),
        (r#"[{"readings":{"fume":1}},{"readings":{"fume":2.5}}]"#, &["fume=1", "fume=2.5"]),
        (r#"{"ts":null,"readings":null,"position":null,"events":null,"flag":null}"#, &[""]),
        (r#"{"ts":"2026-11-24T00:00:00Z"}"#, &["ts=2026-11-24T00:00:00Z"]),
        (r#"{"ts":"2026-11-24T05:30:00.123456789+05:30"}"#, &["ts=2026-11-24T00:00:00.123456789Z"]),
        (r#"{"ts":1795478400250}"#, &["ts=2026-11-24T00:00:00.250Z"]),
        (r#"{"ts":-1}"#, &["ts=1969-12-31T23:59:59.999Z"]),
        (r#"{"readings":{"pm10":null,"pm25":-3}}"#, &["pm25=-3"]),
        (r#"{"readings":{"nozzles":[true,false,true]}}"#, &["nozzles=+-+"]),
        (r#"{"readings":{"nozzles":[]}}"#, &["nozzles="]),
        (
            r#"{"readings":{"state":"on \"duty\"","odd":18446744073709551616}}"#,
            &[r#"state="on \"duty\"" odd=18446744073709552000"#],
        ),
        (r#"{"readings":{"\u0070m10":7}}"#, &["pm10=7"]),
        (r#"{"readings":{"噪声":7}}"#, &["噪声=7"]),
        (r#"{"flag":"M"}"#, &["flag=M"]),
        (r#"{"a":[[1]],"readings":{"pm10":1},"b":{"c":{"d":null}},"a":2}"#, &["pm10=1"]),
        (
            r#"{"events":[{"name":"x","n":-1.5,"who":"y","on":true,"in":{"a":[1]},"at":[2],"seconds":null}]}"#,
            &["x(n=-1.5)"],
        ),
    ];
    for (payload, expected) in cases {
        says(payload.as_bytes(), expected);
    }
}

#[test]
fn a_cover_is_closed_open_or_half() {
    let cases: &[(&str, &str)] = &[
        (r#"{"cover_closed":"half"}"#, "cover_closed=false cover_half=true"),
        (r#"{"cover_closed":true}"#, "cover_closed=true cover_half=false"),
        (r#"{"cover_closed":false}"#, "cover_closed=false cover_half=false"),
        (r#"{"cover_closed":false,"cover_half":true}"#, "cover_closed=false cover_half=true"),
        (r#"{"cover_half":false,"cover_closed":true}"#, "cover_half=false cover_closed=true"),
        (r#"{"cover_closed":null}"#, ""),
        (r#"{"cover_closed":"ajar"}"#, r#"cover_closed="ajar""#),
    ];
    for (readings, expected) in cases {
        says(format!(r#"{{"readings":{readings}}}"#).as_bytes(), &[expected]);
    }
    refused(
        br#"{"readings":{"cover_half":true,"cover_closed":"half"}}"#,
        "byte 52: `readings.cover_half` is there twice, expected once",
    );
}

#[test]
fn a_position_gives_the_speed_where_no_reading_does() {
    let cases: &[(&str, &str)] = &[
        (r#""position":{"lat":29.5,"lon":120.9,"speed":7}"#, "speed=7 @29.5,120.9 at=7km/h"),
        (
            r#""position":{"lat":29.5,"lon":120.9,"speed":7},"readings":{"speed":9}"#,
            "speed=9 @29.5,120.9 at=7km/h",
        ),
        (
            r#""position":{"lat":29.5,"lon":120.9,"speed":7},"readings":{"speed":null}"#,
            "speed=7 @29.5,120.9 at=7km/h",
        ),
        (r#""position":{"lat":0,"lon":0,"speed":7,"valid":false}"#, "@0,0 no fix at=7km/h"),
        (r#""position":{"valid":false}"#, ""),
        (r#""position":{"lat":-90,"lon":180,"valid":true,"satellites":9}"#, "@-90,180"),
    ];
    for (members, expected) in cases {
        says(format!("{{{members}}}").as_bytes(), &[expected]);
    }
}

#[test]
fn a_byte_order_mark_and_a_padded_end_are_tolerated() {
    says(b"\xEF\xBB\xBF{\"flag\":\"M\"}\r\n\0\0 \n", &["flag=M"]);
    says(b" \n\t{\"flag\":\"M\"}", &["flag=M"]);
    refused(b"\xEF\xBB\xBF{\"flag\":7}", "byte 11: invalid type: integer `7`, expected a text for `flag`");
}

/// Payloads that say nothing, and what is said of them.
const REFUSED: &[(&str, &str)] = &[
    ("", "byte 0: EOF while parsing a value"),
    ("\0\0", "byte 0: EOF while parsing a value"),
    ("7", "byte 0: invalid type: integer `7`, expected one object or an array of objects"),
    ("[7]", "byte 1: invalid type: integer `7`, expected an object"),
    ("[[]]", "byte 0: invalid type: sequence, expected an object"),
    ("{} {}", "byte 3: trailing characters"),
    ("{\"a\":1}x", "byte 7: trailing characters"),
    ("{'a':1}", "byte 1: key must be a string"),
    (r#"{"readings":{"pm10":NaN}}"#, "byte 20: expected value"),
    ("{\n\"flag\":7}", "byte 9: invalid type: integer `7`, expected a text for `flag`"),
    (
        r#"{"readings":{"pm10":{"v":1}}}"#,
        "byte 20: invalid type: map, expected a number, true or false, a text or an array of booleans \
         for `readings.pm10`",
    ),
    (
        r#"{"readings":{"nozzles":[true,1]}}"#,
        "byte 29: invalid type: integer `1`, expected only true and false in the array `readings.nozzles`",
    ),
    (r#"{"readings":{"pm10":1e999}}"#, "byte 24: number out of range"),
    (r#"{"readings":{"pm10":-1e999}}"#, "byte 25: number out of range"),
    (r#"{"readings":[1]}"#, "byte 12: invalid type: sequence, expected an object for `readings`"),
    (r#"{"readings":{"pm10":1,"pm10":2}}"#, "byte 30: `readings.pm10` is there twice, expected once"),
    (
        r#"{"readings":{"pm10":null,"pm10":2,"pm10":2}}"#,
        "byte 42: `readings.pm10` is there twice, expected once",
    ),
    (r#"{"ts":1,"ts":2}"#, "byte 14: `ts` is there twice, expected once"),
    (
        r#"{"ts":1795478400.25}"#,
        "byte 18: invalid type: floating point `1795478400.25`, expected RFC 3339 such as \
         2026-11-24T08:00:00+08:00, or Unix milliseconds, for `ts`",
    ),
    (
        r#"{"ts":"2026-11-24 08:00"}"#,
        "byte 23: invalid value: string \"2026-11-24 08:00\", expected RFC 3339 such as \
         2026-11-24T08:00:00+08:00, or Unix milliseconds, for `ts`",
    ),
    (
        r#"{"ts":9223372036855}"#,
        "byte 18: invalid value: integer `9223372036855`, expected Unix milliseconds within the years \
         1678 to 2261 for `ts`",
    ),
    (
        r#"{"ts":18446744073709551615}"#,
        "byte 25: invalid value: integer `18446744073709551615`, expected Unix milliseconds within the \
         years 1678 to 2261 for `ts`",
    ),
    (r#"{"position":{"lat":29.5}}"#, "byte 23: `position` has no `lon`, expected a number"),
    (r#"{"position":{"lon":29.5,"lat":null}}"#, "byte 34: `position` has no `lat`, expected a number"),
    (
        r#"{"position":{"lat":120.9,"lon":29.5}}"#,
        "byte 35: `position` is 120.9,29.5, expected `lat` from -90 to 90 and `lon` from -180 to 180",
    ),
    (
        r#"{"position":{"lat":"29.5","lon":120.9}}"#,
        "byte 24: invalid type: string \"29.5\", expected a number for `position.lat`",
    ),
    (
        r#"{"position":{"valid":1}}"#,
        "byte 21: invalid type: integer `1`, expected true or false for `position.valid`",
    ),
    (
        r#"{"position":[29.5,120.9]}"#,
        "byte 12: invalid type: sequence, expected an object with `lat` and `lon` for `position`",
    ),
    (r#"{"events":{}}"#, "byte 11: invalid type: map, expected an array of objects for `events`"),
    (
        r#"{"events":["washed"]}"#,
        "byte 18: invalid type: string \"washed\", expected an object with a `name` in `events`",
    ),
    (r#"{"events":[{"seconds":60}]}"#, "byte 24: an event has no `name`, expected a text"),
    (
        r#"{"events":[{"name":"washed","seconds":"60"}]}"#,
        "byte 41: invalid type: string \"60\", expected a number for `events.seconds`",
    ),
    (r#"{"events":[{"name":"x","n":1,"n":2}]}"#, "byte 34: `events.n` is there twice, expected once"),
    (
        r#"{"flag":"NM"}"#,
        "byte 12: invalid value: string \"NM\", expected one letter such as \"N\" for `flag`",
    ),
];

#[test]
fn what_is_wrong_is_said_with_its_place_and_what_was_expected() {
    let mut wrong = Vec::new();
    for (payload, expected) in REFUSED {
        let mut observations = Vec::new();
        match decode(Format::Json, Profile::default, payload.as_bytes(), &mut observations) {
            Err(error) if error.to_string() == *expected => refused(payload.as_bytes(), expected),
            other => wrong.push(format!("{payload}\n   is {other:?}\n  not {expected}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn bytes_that_are_no_text_are_refused_even_in_members_that_nobody_knows() {
    refused(b"{\"x\":\"\xB0\xC4\"}", "byte 6: not UTF-8, expected UTF-8 text");
    refused(b"\xEF\xBB\xBF\xFF", "byte 3: not UTF-8, expected UTF-8 text");
}

#[test]
fn a_message_about_a_long_text_is_short() {
    let payload =
        format!(r#"{{"readings":{{"pm10":{{}},"{}":1}},"flag":"{}"}}"#, "k".repeat(9_999), "f".repeat(9_999));
    let error = json::decode(payload.as_bytes(), &mut Vec::new()).unwrap_err();
    assert!(error.to_string().chars().count() < 300, "{error}");
    let payload = format!(r#"{{"flag":"{}"}}"#, "光".repeat(9_999));
    let error = json::decode(payload.as_bytes(), &mut Vec::new()).unwrap_err();
    assert!(error.to_string().chars().count() < 300, "{error}");
}

#[test]
fn what_one_payload_may_hold_is_bounded() {
    let limits = json::Limits { observations: 2, readings: 2, events: 2 };
    let cases = [
        ("[{},{}]", true),
        ("[{},{},{}]", false),
        (r#"{"readings":{"a":1,"b":1}}"#, true),
        (r#"{"readings":{"a":1,"b":1,"c":1}}"#, false),
        (r#"{"events":[{"name":"a"},{"name":"b"}]}"#, true),
        (r#"{"events":[{"name":"a"},{"name":"b"},{"name":"c"}]}"#, false),
        (r#"{"events":[{"name":"a","b":1,"c":2}]}"#, true),
        (r#"{"events":[{"name":"a","b":1,"c":2,"d":3}]}"#, false),
    ];
    for (payload, fits) in cases {
        let decoded = json::decode_within(limits, payload.as_bytes(), &mut Vec::new());
        assert_eq!(decoded.is_ok(), fits, "{payload}: {decoded:?}");
    }
}

#[test]
fn a_payload_nested_without_end_is_refused_and_one_in_an_unknown_member_is_skipped() {
    let deep = 100_000;
    let open = "[".repeat(deep);
    let decoded = json::decode(open.as_bytes(), &mut Vec::new());
    assert!(matches!(decoded, Err(DecodeError::Malformed { .. })), "{decoded:?}");
    let skipped = format!(r#"{{"x":{open}{}}}"#, "]".repeat(deep));
    says(skipped.as_bytes(), &[""]);
}

#[test]
fn texts_are_borrowed_from_the_payload_unless_something_in_them_is_escaped() {
    let payload = br#"{"readings":{"pm10":1,"a\nb":"x"}}"#;
    let mut observations = Vec::new();
    json::decode(payload, &mut observations).unwrap();
    let borrowed: Vec<bool> = observations[0]
        .readings
        .iter()
        .map(|reading| matches!(reading.quantity, std::borrow::Cow::Borrowed(_)))
        .collect();
    assert_eq!(borrowed, [true, false]);
}
