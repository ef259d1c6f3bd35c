//! Records as JSON lines: what a dump prints, and what a recording is read from.
//!
//! A recording has `received_at`, `topic` and `payload` (or `payload_base64` where the payload is not UTF-8); a dump has
//! `offset` besides, what else was set (`source`, `identity`, `qos`, `retained`, `duplicate`, `refused`, `full_length`,
//! `full_digest`), and lines for control records with `control` and their fields. Both read back.

use std::borrow::Cow;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use citywarden_model::{DeadLetterReason, Digest, Offset, Timestamp};
use serde::{Deserialize, Serialize};

use crate::control::Control;
use crate::record::{Body, Message, Record};

/// One line of a recording, read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordedLine {
    /// Its offset, where it comes from a dump.
    pub offset: Option<Offset>,
    bytes: Vec<u8>,
}

/// A line that is none of a recording.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// Not the JSON that is expected.
    #[error("no line of a recording: {0}")]
    Json(#[from] serde_json::Error),
    /// A member is missing.
    #[error("`{0}` is missing")]
    Missing(&'static str),
    /// A member has a value nobody knows.
    #[error("`{member}` is `{found}`, expected {expected}")]
    Unknown {
        /// The member.
        member: &'static str,
        /// Its value.
        found: String,
        /// What it may be.
        expected: &'static str,
    },
    /// The record would be larger than can be written.
    #[error("`topic`, `source` or `identity` is longer than 65535 bytes")]
    TooLarge,
}

impl RecordedLine {
    /// The record, at its own offset or else at the one given.
    ///
    /// # Panics
    /// Never: the bytes were encoded when the line was read.
    pub fn record(&self, otherwise: Offset) -> Record<'_> {
        Record::decode(self.offset.unwrap_or(otherwise), &self.bytes).expect("encoded by parse_line")
    }
    /// The record's bytes, as a journal would hold them.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
struct Line<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<Offset>,
    received_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none", borrow)]
    control: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none", borrow)]
    source: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none", borrow)]
    topic: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none", borrow)]
    identity: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    qos: Option<u8>,
    #[serde(skip_serializing_if = "is_false")]
    retained: bool,
    #[serde(skip_serializing_if = "is_false")]
    duplicate: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    refused: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    full_length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    full_digest: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none", borrow)]
    payload: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none", borrow)]
    payload_base64: Option<Cow<'a, str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_received_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Timestamp>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

/// A record as one line of a dump, without the newline.
pub fn write_line(record: &Record<'_>) -> String {
    let mut line =
        Line { offset: Some(record.offset), received_at: Some(record.received_at), ..Line::default() };
    match &record.body {
        Body::Message(message) => line.set_message(message),
        Body::Control(control) => line.set_control(control),
    }
    // Texts, numbers and no maps: there is nothing in it that cannot be written.
    serde_json::to_string(&line).unwrap_or_default()
}

/// Reads one line of a recording or a dump. Members nobody knows are left aside.
pub fn parse_line(text: &str) -> Result<RecordedLine, RecordingError> {
    let line: Line<'_> = serde_json::from_str(text)?;
    let received_at = line.received_at.ok_or(RecordingError::Missing("received_at"))?;
    let mut bytes = Vec::new();
    if line.control.is_some() {
        line.control()?.encode(received_at, &mut bytes);
    } else {
        let payload = line.payload()?;
        let message = line.message(&payload)?;
        message.encoded_len().ok_or(RecordingError::TooLarge)?;
        message.encode(received_at, &mut bytes);
    }
    Ok(RecordedLine { offset: line.offset, bytes })
}

impl<'a> Line<'a> {
    fn set_message(&mut self, message: &Message<'a>) {
        let set = |text: &'a str| Some(Cow::Borrowed(text)).filter(|text| !text.is_empty());
        self.source = set(message.source);
        self.topic = Some(Cow::Borrowed(message.topic));
        self.identity = set(message.identity);
        self.qos = Some(message.qos);
        self.retained = message.retained;
        self.duplicate = message.duplicate;
        self.refused = message.refused.map(|reason| Cow::Borrowed(reason.as_str()));
        if let Some((length, digest)) = message.full {
            self.full_length = Some(length);
            self.full_digest = Some(digest);
        }
        match std::str::from_utf8(message.payload) {
            Ok(text) => self.payload = Some(Cow::Borrowed(text)),
            Err(_) => self.payload_base64 = Some(Cow::Owned(STANDARD.encode(message.payload))),
        }
    }

    fn set_control(&mut self, control: &Control<'a>) {
        self.control = Some(Cow::Borrowed(control.word()));
        match *control {
            Control::Started { last_received_at } | Control::Resumed { last_received_at } => {
                self.last_received_at = Some(last_received_at);
            }
            Control::Stopping | Control::Tick => {}
            Control::Rules { digest } | Control::Registry { digest } => self.digest = Some(digest),
            Control::SourceUp { source } | Control::SourceDown { source } => {
                self.source = Some(Cow::Borrowed(source));
            }
            Control::ClockStep { from, to } => (self.from, self.to) = (Some(from), Some(to)),
            Control::Key { fingerprint } => self.fingerprint = Some(fingerprint),
        }
    }

    fn payload(&self) -> Result<Cow<'_, [u8]>, RecordingError> {
        match (&self.payload, &self.payload_base64) {
            (Some(text), None) => Ok(Cow::Borrowed(text.as_bytes())),
            (None, Some(text)) => {
                let bytes = STANDARD.decode(text.as_bytes());
                let unknown = |_| unknown("payload_base64", text, "base64 with padding (RFC 4648)");
                bytes.map(Cow::Owned).map_err(unknown)
            }
            (Some(_), Some(_)) => Err(unknown("payload_base64", "set beside `payload`", "one of the two")),
            (None, None) => Err(RecordingError::Missing("payload")),
        }
    }

    fn message<'b>(&'b self, payload: &'b [u8]) -> Result<Message<'b>, RecordingError> {
        let refused = self.refused.as_deref().map(|word| {
            let found = DeadLetterReason::ALL.iter().find(|reason| reason.as_str() == word);
            found.copied().ok_or_else(|| unknown("refused", word, "the word of a dead letter's reason"))
        });
        Ok(Message {
            source: self.source.as_deref().unwrap_or_default(),
            topic: self.topic.as_deref().ok_or(RecordingError::Missing("topic"))?,
            identity: self.identity.as_deref().unwrap_or_default(),
            qos: self.qos.unwrap_or(1),
            retained: self.retained,
            duplicate: self.duplicate,
            refused: refused.transpose()?,
            payload,
            full: self.full_length.zip(self.full_digest),
        })
    }

    fn control(&self) -> Result<Control<'_>, RecordingError> {
        let digest = self.digest.ok_or(RecordingError::Missing("digest"));
        let source = self.source.as_deref().ok_or(RecordingError::Missing("source"));
        let last_received_at = self.last_received_at.ok_or(RecordingError::Missing("last_received_at"));
        Ok(match self.control.as_deref().unwrap_or_default() {
            "started" => Control::Started { last_received_at: last_received_at? },
            "resumed" => Control::Resumed { last_received_at: last_received_at? },
            "stopping" => Control::Stopping,
            "tick" => Control::Tick,
            "rules" => Control::Rules { digest: digest? },
            "registry" => Control::Registry { digest: digest? },
            "source_up" => Control::SourceUp { source: source? },
            "source_down" => Control::SourceDown { source: source? },
            "clock_step" => Control::ClockStep {
                from: self.from.ok_or(RecordingError::Missing("from"))?,
                to: self.to.ok_or(RecordingError::Missing("to"))?,
            },
            "key" => {
                Control::Key { fingerprint: self.fingerprint.ok_or(RecordingError::Missing("fingerprint"))? }
            }
            other => return Err(unknown("control", other, "the word of a control record")),
        })
    }
}

fn unknown(member: &'static str, found: &str, expected: &'static str) -> RecordingError {
    RecordingError::Unknown { member, found: found.to_owned(), expected }
}
