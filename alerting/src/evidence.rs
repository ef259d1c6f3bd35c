//! Copies of the messages an alert rests on, in the alert's own record: the journal may be cut, this stays.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use citywarden_model::{Offset, Timestamp};
use serde::{Deserialize, Serialize};

/// One message as the journal holds it. In JSON the payload is `payload`, or `payload_base64` where it is not UTF-8,
/// as in a recording.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "MessageJson", try_from = "MessageJson")]
pub struct EvidenceMessage {
    /// Its place in the journal.
    pub offset: Offset,
    /// When it came, by the journal's clock.
    pub received_at: Timestamp,
    /// The topic it came on.
    pub topic: String,
    /// Its bytes, as sent.
    pub payload: Vec<u8>,
}

/// What was copied, in order of offset.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct EvidenceCopy {
    /// The messages.
    pub messages: Vec<EvidenceMessage>,
    /// Earlier messages that were not copied because there were too many; they are in the journal as long as it is
    /// kept.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub left_out: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
const fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// How much is copied of what one alert rests on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EvidenceLimits {
    /// At most so many messages.
    pub messages_max: usize,
    /// At most so many bytes of JSON.
    pub bytes_max: usize,
}

impl Default for EvidenceLimits {
    /// A window of 20 minutes at one message in 5 s; 192 KiB of JSON leave room within a log entry of 256 KiB.
    fn default() -> Self {
        Self { messages_max: 256, bytes_max: 192 * 1024 }
    }
}

impl EvidenceCopy {
    /// Takes the messages, or where they are more than the limits allow the latest of them: the one that brought the
    /// alert about is the last.
    pub fn take(mut messages: Vec<EvidenceMessage>, limits: EvidenceLimits) -> Self {
        let kept = messages
            .iter()
            .rev()
            .take(limits.messages_max)
            .scan(0, |bytes, message| {
                *bytes = json_len(message).saturating_add(*bytes);
                (*bytes <= limits.bytes_max).then_some(())
            })
            .count();
        let left_out = messages.len() - kept;
        messages.drain(..left_out);
        Self { messages, left_out }
    }
}

fn json_len(message: &EvidenceMessage) -> usize {
    serde_json::to_vec(message).map_or(usize::MAX, |json| json.len())
}

#[derive(Serialize, Deserialize)]
struct MessageJson {
    offset: Offset,
    received_at: Timestamp,
    topic: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payload: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    payload_base64: Option<String>,
}

impl From<EvidenceMessage> for MessageJson {
    fn from(message: EvidenceMessage) -> Self {
        let (payload, payload_base64) = match String::from_utf8(message.payload) {
            Ok(text) => (Some(text), None),
            Err(error) => (None, Some(STANDARD.encode(error.as_bytes()))),
        };
        Self {
            offset: message.offset,
            received_at: message.received_at,
            topic: message.topic,
            payload,
            payload_base64,
        }
    }
}

impl TryFrom<MessageJson> for EvidenceMessage {
    type Error = String;
    fn try_from(json: MessageJson) -> Result<Self, String> {
        let payload = match (json.payload, json.payload_base64) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(base64)) => STANDARD.decode(base64).map_err(|error| error.to_string())?,
            _ => return Err("expected either `payload` or `payload_base64`".to_owned()),
        };
        Ok(Self { offset: json.offset, received_at: json.received_at, topic: json.topic, payload })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(offset: u64, payload: &[u8]) -> EvidenceMessage {
        EvidenceMessage {
            offset: Offset(offset),
            received_at: Timestamp::EPOCH,
            topic: "t".to_owned(),
            payload: payload.to_vec(),
        }
    }

    #[test]
    fn the_latest_messages_are_kept_and_the_rest_is_counted() {
        let all = || (0..10).map(|offset| message(offset, b"123")).collect::<Vec<_>>();
        let each = json_len(&message(0, b"123"));
        let check = |messages_max, bytes_max, first, left_out| {
            let copy = EvidenceCopy::take(all(), EvidenceLimits { messages_max, bytes_max });
            assert_eq!((copy.messages.first().map(|m| m.offset.0), copy.left_out), (first, left_out));
        };
        check(10, 10 * each, Some(0), 0);
        check(3, 10 * each, Some(7), 7);
        check(10, 10 * each - 1, Some(1), 1);
        check(10, each - 1, None, 10);
    }

    #[test]
    fn bytes_that_are_no_text_survive_json() {
        for original in [message(1, "文".as_bytes()), message(2, &[0xff, 0x00])] {
            let text = serde_json::to_string(&original).unwrap();
            assert_eq!(serde_json::from_str::<EvidenceMessage>(&text).unwrap(), original, "{text}");
        }
    }
}
