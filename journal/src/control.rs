//! Control records: what happened to the system itself, written where it happened, so that a replay is exact.
//!
//! After the 9 bytes every record begins with: digests as 32 bytes, times as 8, a source's name up to the end of the
//! record. The codes never change their meaning.

use citywarden_model::{Digest, Timestamp};

use crate::fields::Fields;

/// Something that happened to the system itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control<'a> {
    /// The service started; the journal's last record before it is of this time (the epoch in a new journal).
    Started {
        /// `received_at` of the record before.
        last_received_at: Timestamp,
    },
    /// The service is about to stop in good order.
    Stopping,
    /// A second passed in which nothing else was committed.
    Tick,
    /// From here on these rules are in force.
    Rules {
        /// Of the rule set's texts.
        digest: Digest,
    },
    /// From here on this registry is in force.
    Registry {
        /// Of the registry's files.
        digest: Digest,
    },
    /// A source delivers.
    SourceUp {
        /// Its configured name.
        source: &'a str,
    },
    /// A source delivers no more.
    SourceDown {
        /// Its configured name.
        source: &'a str,
    },
    /// The machine's clock was set back by more than a second; `received_at` stands still until it catches up.
    ClockStep {
        /// What it showed last.
        from: Timestamp,
        /// What it shows now.
        to: Timestamp,
    },
    /// Nothing was taken in for a while: the disk was full, or nobody was there to take it.
    Resumed {
        /// `received_at` of the record before.
        last_received_at: Timestamp,
    },
    /// Checkpoints from here on are signed with another key.
    Key {
        /// SHA-256 of the public key's 32 bytes.
        fingerprint: Digest,
    },
}

impl<'a> Control<'a> {
    /// Every word [`Control::word`] can give.
    pub const WORDS: &'static [&'static str] = &[
        "started",
        "stopping",
        "tick",
        "rules",
        "registry",
        "source_up",
        "source_down",
        "clock_step",
        "resumed",
        "key",
    ];

    /// What it is called in a dump.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Started { .. } => "started",
            Self::Stopping => "stopping",
            Self::Tick => "tick",
            Self::Rules { .. } => "rules",
            Self::Registry { .. } => "registry",
            Self::SourceUp { .. } => "source_up",
            Self::SourceDown { .. } => "source_down",
            Self::ClockStep { .. } => "clock_step",
            Self::Resumed { .. } => "resumed",
            Self::Key { .. } => "key",
        }
    }

    const fn code(&self) -> u8 {
        match self {
            Self::Started { .. } => 16,
            Self::Stopping => 17,
            Self::Tick => 18,
            Self::Rules { .. } => 19,
            Self::Registry { .. } => 20,
            Self::SourceUp { .. } => 21,
            Self::SourceDown { .. } => 22,
            Self::ClockStep { .. } => 23,
            Self::Key { .. } => 24,
            Self::Resumed { .. } => 25,
        }
    }

    pub(crate) fn decode(kind: u8, fields: &mut Fields<'a>) -> Result<Self, &'static str> {
        Ok(match kind {
            16 => Self::Started { last_received_at: fields.time().ok_or("expected a time")? },
            17 => Self::Stopping,
            18 => Self::Tick,
            19 => Self::Rules { digest: fields.digest().ok_or("expected a digest")? },
            20 => Self::Registry { digest: fields.digest().ok_or("expected a digest")? },
            21 => Self::SourceUp { source: fields.rest_text().ok_or("expected a source's name")? },
            22 => Self::SourceDown { source: fields.rest_text().ok_or("expected a source's name")? },
            23 => Self::ClockStep {
                from: fields.time().ok_or("expected a time")?,
                to: fields.time().ok_or("expected a second time")?,
            },
            24 => Self::Key { fingerprint: fields.digest().ok_or("expected a fingerprint")? },
            25 => Self::Resumed { last_received_at: fields.time().ok_or("expected a time")? },
            _ => return Err("unknown kind of record"),
        })
    }

    pub(crate) fn encode(&self, received_at: Timestamp, into: &mut Vec<u8>) {
        into.extend_from_slice(&received_at.nanos().to_le_bytes());
        into.push(self.code());
        match self {
            Self::Started { last_received_at } | Self::Resumed { last_received_at } => {
                into.extend_from_slice(&last_received_at.nanos().to_le_bytes());
            }
            Self::Stopping | Self::Tick => {}
            Self::Rules { digest } | Self::Registry { digest } | Self::Key { fingerprint: digest } => {
                into.extend_from_slice(digest.as_bytes());
            }
            Self::SourceUp { source } | Self::SourceDown { source } => {
                into.extend_from_slice(source.as_bytes());
            }
            Self::ClockStep { from, to } => {
                into.extend_from_slice(&from.nanos().to_le_bytes());
                into.extend_from_slice(&to.nanos().to_le_bytes());
            }
        }
    }
}
