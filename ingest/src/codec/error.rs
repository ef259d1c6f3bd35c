//! Why bytes are no packet.

use super::Reason;

/// What is wrong with a packet. All of them end the connection; [`DecodeError::reason`] is what version 5 tells the
/// client before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes are not as the standard lays them out.
    #[error("malformed packet: {0}")]
    Malformed(&'static str),
    /// Well formed, and not allowed here.
    #[error("protocol error: {0}")]
    Protocol(&'static str),
    /// A topic no client may use here.
    #[error("topic name is not accepted: {0}")]
    TopicName(&'static str),
    /// Topic alias 0.
    #[error("topic alias is 0, expected 1 or more")]
    TopicAlias,
    /// Larger than this server reads.
    #[error("packet of at least {bytes} bytes, expected at most {limit}")]
    TooLarge {
        /// The bytes it has, as far as is known.
        bytes: usize,
        /// The bytes it may have.
        limit: usize,
    },
    /// A step of a `QoS` 2 delivery.
    #[error("a packet of a QoS 2 delivery, expected QoS 0 or 1")]
    QosNotSupported,
    /// Neither 3.1.1 nor 5: an older or a foreign protocol.
    #[error("protocol level {level}, expected 4 (3.1.1) or 5")]
    UnsupportedVersion {
        /// The level it asks for.
        level: u8,
    },
}

impl DecodeError {
    /// The reason code of version 5.
    pub const fn reason(self) -> Reason {
        match self {
            Self::Malformed(_) => Reason::MALFORMED_PACKET,
            Self::Protocol(_) => Reason::PROTOCOL_ERROR,
            Self::TopicName(_) => Reason::TOPIC_NAME_INVALID,
            Self::TopicAlias => Reason::TOPIC_ALIAS_INVALID,
            Self::TooLarge { .. } => Reason::PACKET_TOO_LARGE,
            Self::QosNotSupported => Reason::QOS_NOT_SUPPORTED,
            Self::UnsupportedVersion { .. } => Reason::UNSUPPORTED_PROTOCOL_VERSION,
        }
    }
}

/// Why reading stopped before the end of a packet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The rest has not arrived.
    Incomplete,
    /// It is no packet, whatever arrives.
    Bad(DecodeError),
}

impl From<DecodeError> for Stop {
    fn from(error: DecodeError) -> Self {
        Self::Bad(error)
    }
}

pub(crate) const fn malformed(what: &'static str) -> Stop {
    Stop::Bad(DecodeError::Malformed(what))
}
pub(crate) const fn protocol(what: &'static str) -> Stop {
    Stop::Bad(DecodeError::Protocol(what))
}
