//! Plays a recording back as its devices would.

use std::io::{self, BufRead};
use std::sync::Arc;

use citywarden_model::{DeviceId, Span, Timestamp};

use crate::message::TimedMessage;
use crate::recording::{LineError, RecordedMessage, read_line};
use crate::retime::retime;
use crate::timeline::Timeline;

/// Connections that a recording is played on: what one topic says stays in order.
const CONNECTIONS: u64 = 64;

/// A recording that cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The file.
    #[error("line {line}: {source}")]
    Read {
        /// From 1.
        line: usize,
        /// What the system says.
        source: io::Error,
    },
    /// A line.
    #[error("line {line}: {source}")]
    Line {
        /// From 1.
        line: usize,
        /// What is wrong with it.
        source: LineError,
    },
}

/// What a recording holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Extent {
    /// Messages.
    pub messages: u64,
    /// When the first arrived.
    pub first: Timestamp,
    /// The longest that a message arrived after the first.
    pub lasts: Span,
}

/// Reads a whole recording once; each line has to be one.
pub fn measure(lines: impl BufRead) -> Result<Extent, ReplayError> {
    let mut extent = Extent::default();
    for message in messages(lines) {
        let message = message?;
        if extent.messages == 0 {
            extent.first = message.received_at;
        }
        extent.messages += 1;
        extent.lasts = extent.lasts.max(message.received_at.since(extent.first));
    }
    Ok(extent)
}

fn messages(lines: impl BufRead) -> impl Iterator<Item = Result<RecordedMessage, ReplayError>> {
    (1..).zip(lines.lines()).filter_map(|(line, text)| match text {
        Ok(text) if text.trim().is_empty() => None,
        Ok(text) => read_line(&text).map_err(|source| ReplayError::Line { line, source }).transpose(),
        Err(source) => Some(Err(ReplayError::Read { line, source })),
    })
}

/// How a recording is played.
#[derive(Debug, Clone)]
pub struct Replay {
    /// What it holds.
    pub extent: Extent,
    /// When each message is played.
    pub timeline: Timeline,
    /// Leaves the devices' own times as recorded.
    pub keeps_time: bool,
    /// What the ids of the connections begin with.
    pub client: String,
}

impl Replay {
    /// The messages to publish, each at its moment; ends before a line that cannot be read.
    pub fn feed(&self, lines: impl BufRead) -> impl Iterator<Item = TimedMessage> {
        messages(lines).map_while(Result::ok).map(|message| self.timed(message))
    }

    fn timed(&self, message: RecordedMessage) -> TimedMessage {
        let by = self.timeline.start().since(self.extent.first);
        let after = message.received_at.since(self.extent.first);
        let payload = if self.keeps_time { message.payload } else { retime(&message.payload, by) };
        TimedMessage {
            at: self.timeline.moment(after),
            device: DeviceId::from(format!("{}-{}", self.client, connection(&message.topic)).as_str()),
            topic: Arc::from(message.topic),
            payload,
        }
    }
}

/// The connection of a topic (FNV-1a).
fn connection(topic: &str) -> u64 {
    let hash = topic.bytes().fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
    });
    hash % CONNECTIONS
}
