/// Why a payload is undecodable. The message is kept as a dead letter and can be tried again after a fix.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// Not a character of UTF-8.
    #[error("byte {at}: not UTF-8, expected UTF-8 text")]
    NotUtf8 {
        /// The first byte that is none, counted from 0.
        at: usize,
    },
    /// Not what the format says.
    #[error("byte {at}: {what}")]
    Malformed {
        /// Where it was noticed, counted from 0: at the fault or at the end of the value that holds it.
        at: usize,
        /// What is wrong and what was expected, with the name of the member.
        what: String,
    },
}

/// A message says no more than this of what somebody else has sent.
const WHAT_CHARS_MAX: usize = 240;

impl DecodeError {
    pub(crate) fn malformed(at: usize, mut what: String) -> Self {
        if let Some((end, _)) = what.char_indices().nth(WHAT_CHARS_MAX) {
            what.truncate(end);
            what.push('…');
        }
        Self::Malformed { at, what }
    }
    /// The byte at which it was noticed, counted from 0.
    pub const fn at(&self) -> usize {
        match self {
            Self::NotUtf8 { at } | Self::Malformed { at, .. } => *at,
        }
    }
}
