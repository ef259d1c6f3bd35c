//! Recordings: JSON lines, one message each, in order of arrival.
//!
//! `{"received_at":"…","topic":"…","payload":"…"}`, or `payload_base64` where the payload is not UTF-8.

use std::borrow::Cow;

use citywarden_model::Timestamp;
use data_encoding::BASE64;
use serde::{Deserialize, Serialize};

/// One message of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedMessage {
    /// When it arrived.
    pub received_at: Timestamp,
    /// Its topic.
    pub topic: String,
    /// Its payload.
    pub payload: Vec<u8>,
    /// Whether the broker had kept it from before: it says nothing new.
    pub retained: bool,
}

/// A line that is none of a recording.
#[derive(Debug, thiserror::Error)]
pub enum LineError {
    /// Not the JSON that is expected.
    #[error("no line of a recording: {0}")]
    Json(#[from] serde_json::Error),
    /// Neither `payload` nor `payload_base64`.
    #[error("no payload, expected `payload` or `payload_base64`")]
    NoPayload,
    /// Not base64.
    #[error("`payload_base64` is no base64: {0}")]
    Base64(#[from] data_encoding::DecodeError),
}

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    received_at: Timestamp,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    topic: Option<Cow<'a, str>>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    retained: bool,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    payload: Option<Cow<'a, str>>,
    #[serde(default, borrow, skip_serializing_if = "Option::is_none")]
    payload_base64: Option<Cow<'a, str>>,
}

/// A message as a line, without its end.
///
/// # Panics
/// Never: texts and a flag can always be written.
pub fn write_line(message: &RecordedMessage) -> String {
    let (payload, payload_base64) = match std::str::from_utf8(&message.payload) {
        Ok(text) => (Some(Cow::Borrowed(text)), None),
        Err(_) => (None, Some(Cow::Owned(BASE64.encode(&message.payload)))),
    };
    let line = Line {
        received_at: message.received_at,
        topic: Some(Cow::Borrowed(&message.topic)),
        retained: message.retained,
        payload,
        payload_base64,
    };
    serde_json::to_string(&line).expect("texts and a flag can be written")
}

/// Reads a line; `None` where it holds no message (a control record of a journal's dump). Members nobody knows are
/// left aside.
pub fn read_line(text: &str) -> Result<Option<RecordedMessage>, LineError> {
    let line: Line<'_> = serde_json::from_str(text)?;
    let Some(topic) = line.topic else { return Ok(None) };
    let payload = match (line.payload, line.payload_base64) {
        (Some(text), _) => text.into_owned().into_bytes(),
        (None, Some(text)) => BASE64.decode(text.as_bytes())?,
        (None, None) => return Err(LineError::NoPayload),
    };
    let (received_at, retained) = (line.received_at, line.retained);
    Ok(Some(RecordedMessage { received_at, topic: topic.into_owned(), payload, retained }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let received_at = Timestamp::parse("2026-11-24T00:00:00.260Z").unwrap();
        for (payload, expected) in [
            (&b"{\"ts\":1}\n\"\xE5\xB8\x82"[..], "\"payload\":\"{\\\"ts\\\":1}\\n\\\"市\""),
            (b"\xFF\x00##", "\"payload_base64\":\"/wAjIw==\""),
            (b"", "\"payload\":\"\""),
        ] {
            for retained in [false, true] {
                let message = RecordedMessage {
                    received_at,
                    topic: "citywarden/330624/a/json".to_owned(),
                    payload: payload.to_vec(),
                    retained,
                };
                let line = write_line(&message);
                assert!(line.contains(expected), "{line}");
                assert_eq!(read_line(&line).unwrap(), Some(message), "{line}");
            }
        }
    }

    #[test]
    fn what_is_no_message_is_left_aside_or_refused() {
        for (line, expected) in [
            (r#"{"received_at":"2026-11-24T00:00:00Z","control":"tick","offset":3}"#, None),
            (r#"{"topic":"a","payload":"b"}"#, Some("missing field `received_at`")),
            (r#"{"received_at":"2026-11-24T00:00:00Z","topic":"a"}"#, Some("no payload")),
            (
                r#"{"received_at":"2026-11-24T00:00:00Z","topic":"a","payload_base64":"?"}"#,
                Some("`payload_base64` is no base64"),
            ),
            ("payload", Some("no line of a recording")),
        ] {
            match (read_line(line), expected) {
                (Ok(None), None) => {}
                (Err(error), Some(expected)) => assert!(error.to_string().contains(expected), "{error}"),
                (found, expected) => panic!("{line}: {found:?}, expected {expected:?}"),
            }
        }
    }
}
