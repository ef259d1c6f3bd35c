//! What one record of the journal says, and its bytes.
//!
//! # Layout
//! Little-endian, no padding. Every record begins with
//!
//! | at | bytes | |
//! |---|---|---|
//! | 0 | 8 | `received_at`, nanoseconds since 1970-01-01T00:00:00Z, signed |
//! | 8 | 1 | kind: 1 message, 16 and up control records (see [`crate::Control`]) |
//!
//! A message goes on with
//!
//! | at | bytes | |
//! |---|---|---|
//! | 9 | 1 | QoS |
//! | 10 | 1 | flags: 1 retained, 2 duplicate, 4 cut (the two fields of `full` follow the fixed part) |
//! | 11 | 1 | code of the reason it was refused at the door, 0 none |
//! | 12 | 2 | length of source |
//! | 14 | 2 | length of topic |
//! | 16 | 2 | length of identity |
//! | 18 | 40 | only where cut: length (8) and SHA-256 (32) of the whole payload |
//! | | | source, topic, identity (UTF-8), payload up to the end of the record |

use citywarden_model::{DeadLetterReason, Digest, Offset, Timestamp};

use crate::control::Control;
use crate::fields::Fields;

const KIND_MESSAGE: u8 = 1;
const RETAINED: u8 = 1;
const DUPLICATE: u8 = 2;
const CUT: u8 = 4;

/// One record, borrowed from the buffer it was read into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its place in the journal.
    pub offset: Offset,
    /// When it entered the journal; never earlier than that of the record before.
    pub received_at: Timestamp,
    /// What it says.
    pub body: Body<'a>,
}

/// What a record says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body<'a> {
    /// A device sent something.
    Message(Message<'a>),
    /// Something happened to the system itself.
    Control(Control<'a>),
}

/// A message as it was received: the evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// The configured source it came through.
    pub source: &'a str,
    /// MQTT topic, or the peer's address where the protocol has no topics.
    pub topic: &'a str,
    /// Who the sender proved to be; empty where nothing was proved.
    pub identity: &'a str,
    /// MQTT quality of service, 0 or 1.
    pub qos: u8,
    /// A broker's stored copy, not a fresh message.
    pub retained: bool,
    /// Sent again by a sender that saw no acknowledgement.
    pub duplicate: bool,
    /// Decided at the door: kept, acknowledged, not to be judged.
    pub refused: Option<DeadLetterReason>,
    /// The bytes as sent, or their beginning where `full` is set.
    pub payload: &'a [u8],
    /// Length in bytes and digest of the whole payload, where it was too large and only its beginning is kept.
    pub full: Option<(u64, Digest)>,
}

/// Bytes that are whole on disk and still no record this version understands.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("record {offset} cannot be read: {what}; was it written by a newer version?")]
pub struct RecordError {
    /// The record.
    pub offset: Offset,
    /// What was expected.
    pub what: &'static str,
}

impl<'a> Record<'a> {
    /// Reads a record from its bytes.
    pub fn decode(offset: Offset, bytes: &'a [u8]) -> Result<Self, RecordError> {
        let error = |what| RecordError { offset, what };
        let mut fields = Fields(bytes);
        let received_at = fields.time().ok_or_else(|| error("expected a time"))?;
        let kind = fields.u8().ok_or_else(|| error("expected a kind"))?;
        let body = if kind == KIND_MESSAGE {
            Body::Message(
                decode_message(&mut fields).ok_or_else(|| error("expected the fields of a message"))?,
            )
        } else {
            Body::Control(Control::decode(kind, &mut fields).map_err(error)?)
        };
        Ok(Self { offset, received_at, body })
    }
}

fn decode_message<'a>(fields: &mut Fields<'a>) -> Option<Message<'a>> {
    let qos = fields.u8()?;
    let flags = fields.u8()?;
    let refused = match fields.u8()? {
        0 => None,
        code => Some(DeadLetterReason::from_code(code)?),
    };
    let [source_len, topic_len, identity_len] = [fields.u16()?, fields.u16()?, fields.u16()?];
    let full = if flags & CUT == 0 { None } else { Some((fields.u64()?, fields.digest()?)) };
    Some(Message {
        source: fields.text(source_len.into())?,
        topic: fields.text(topic_len.into())?,
        identity: fields.text(identity_len.into())?,
        qos,
        retained: flags & RETAINED != 0,
        duplicate: flags & DUPLICATE != 0,
        refused,
        payload: fields.0,
        full,
    })
}

impl Message<'_> {
    /// The bytes its record will take, or `None` where a text is longer than 65 535 bytes and cannot be written.
    pub(crate) fn encoded_len(&self) -> Option<usize> {
        let texts = [self.source, self.topic, self.identity];
        if texts.iter().any(|text| text.len() > usize::from(u16::MAX)) {
            return None;
        }
        let cut = if self.full.is_some() { 40 } else { 0 };
        Some(18 + cut + texts.iter().map(|text| text.len()).sum::<usize>() + self.payload.len())
    }

    pub(crate) fn encode(&self, received_at: Timestamp, into: &mut Vec<u8>) {
        let mut head = [0; 18];
        let mut flags = 0;
        for (set, flag) in
            [(self.retained, RETAINED), (self.duplicate, DUPLICATE), (self.full.is_some(), CUT)]
        {
            flags |= if set { flag } else { 0 };
        }
        head[..8].copy_from_slice(&received_at.nanos().to_le_bytes());
        head[8..12].copy_from_slice(&[
            KIND_MESSAGE,
            self.qos,
            flags,
            self.refused.map_or(0, DeadLetterReason::code),
        ]);
        for (at, text) in [(12, self.source), (14, self.topic), (16, self.identity)] {
            let len = u16::try_from(text.len()).unwrap_or(u16::MAX);
            if let Some(place) = head.get_mut(at..at + 2) {
                place.copy_from_slice(&len.to_le_bytes());
            }
        }
        into.extend_from_slice(&head);
        if let Some((length, digest)) = &self.full {
            into.extend_from_slice(&length.to_le_bytes());
            into.extend_from_slice(digest.as_bytes());
        }
        for part in [self.source.as_bytes(), self.topic.as_bytes(), self.identity.as_bytes(), self.payload] {
            into.extend_from_slice(part);
        }
    }
}
