//! Payloads as if their devices had spoken at another time.

use citywarden_formats::hj212;
use citywarden_model::{Span, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

/// The payload with its own times moved by that span, everything else byte for byte as it was. JSON: `ts` of the
/// object, or of each object in the array. HJ 212: `QN` and `DataTime`. Anything else has no time that is known here,
/// and stays as it is.
pub fn retime(payload: &[u8], by: Span) -> Vec<u8> {
    let is_hj212 = payload.windows(2).any(|pair| pair == b"##");
    match moments(payload) {
        Some(moments) => replace(payload, &moments, by),
        None if is_hj212 => hj212::retime(payload, by),
        None => payload.to_vec(),
    }
}

#[derive(Deserialize)]
struct Head<'a> {
    #[serde(borrow, default)]
    ts: Option<&'a RawValue>,
}

#[derive(Deserialize)]
#[serde(transparent)]
struct Heads<'a>(#[serde(borrow)] Vec<Head<'a>>);

/// Where each `ts` stands and what it says; `None` where the payload is no JSON of ours.
fn moments(payload: &[u8]) -> Option<Vec<(usize, &str)>> {
    let bare = payload.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(payload);
    let text = std::str::from_utf8(bare).ok()?.trim_end_matches('\0');
    let heads = if text.trim_start().starts_with('[') {
        serde_json::from_str::<Heads<'_>>(text).ok()?.0
    } else {
        vec![serde_json::from_str::<Head<'_>>(text).ok()?]
    };
    let begin = payload.as_ptr().addr();
    let raw = heads.into_iter().filter_map(|head| head.ts).map(RawValue::get);
    Some(raw.map(|raw| (raw.as_ptr().addr() - begin, raw)).collect())
}

fn replace(payload: &[u8], moments: &[(usize, &str)], by: Span) -> Vec<u8> {
    let mut moved = Vec::with_capacity(payload.len());
    let mut copied = 0;
    for (at, raw) in moments {
        moved.extend_from_slice(payload.get(copied..*at).unwrap_or_default());
        moved.extend_from_slice(shifted(raw, by).as_deref().unwrap_or(raw).as_bytes());
        copied = at + raw.len();
    }
    moved.extend_from_slice(payload.get(copied..).unwrap_or_default());
    moved
}

/// A time in its own notation: a text stays a text, milliseconds stay milliseconds.
fn shifted(raw: &str, by: Span) -> Option<String> {
    if let Some(text) = raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        return Some(format!("\"{}\"", Timestamp::parse(text).ok()? + by));
    }
    let millis: i64 = raw.parse().ok()?;
    let moved = Timestamp::from_millis(millis)? + by;
    Some((moved.nanos() / 1_000_000).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_times_move() {
        for (payload, expected) in [
            (r#"{"ts":1000,"readings":{"ts":5,"a":1.50}}"#, r#"{"ts":61000,"readings":{"ts":5,"a":1.50}}"#),
            (
                r#" { "readings" : {} , "ts" : "2026-11-24T08:00:00.250+08:00" }"#,
                r#" { "readings" : {} , "ts" : "2026-11-24T00:01:00.250Z" }"#,
            ),
            (r#"[{"ts":0},{"a":1},{"ts":1}]"#, r#"[{"ts":60000},{"a":1},{"ts":60001}]"#),
            ("\u{FEFF}{\"ts\":1}\0\0", "\u{FEFF}{\"ts\":60001}\0\0"),
            (r#"{"ts":null}"#, r#"{"ts":null}"#),
            (r#"{"ts":"noon"}"#, r#"{"ts":"noon"}"#),
            (r#"{"ts":1.5}"#, r#"{"ts":1.5}"#),
            ("no json", "no json"),
            ("", ""),
        ] {
            let moved = retime(payload.as_bytes(), Span::from_secs(60));
            assert_eq!(String::from_utf8(moved).as_deref(), Ok(expected), "{payload}");
        }
        let packet = hj212::frame(b"CN=2011;CP=&&DataTime=20261124080000&&").unwrap();
        let moved = String::from_utf8(retime(&packet, Span::from_secs(60))).unwrap();
        assert!(moved.contains("DataTime=20261124080100"), "{moved}");
        assert_eq!(retime(b"\xFF\xFE", Span::from_secs(60)), b"\xFF\xFE");
    }
}
