//! What people do to an alert.

use citywarden_model::{AlertId, AlertState};

use crate::event::Actor;

/// The longest reason or note, in bytes.
pub const WORDS_BYTES_MAX: usize = 4096;

/// One command. Given twice it is done once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Command {
    /// The alert.
    pub alert: AlertId,
    /// Who gives it.
    pub who: Actor,
    /// What.
    pub action: Action,
    /// Why; for a note, the note.
    pub why: Option<String>,
}

/// What a person can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Somebody has seen it.
    Acknowledge,
    /// It is put right.
    Resolve,
    /// The case is closed.
    Close,
    /// It is open again after all.
    Reopen,
    /// Something to write down.
    Note,
}

impl Action {
    /// All of them.
    pub const ALL: &'static [Self] =
        &[Self::Acknowledge, Self::Resolve, Self::Close, Self::Reopen, Self::Note];
    /// As the API writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Acknowledge => "acknowledge",
            Self::Resolve => "resolve",
            Self::Close => "close",
            Self::Reopen => "reopen",
            Self::Note => "note",
        }
    }
    /// The action of this name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.as_str() == text)
    }
}

/// Why a command was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CommandError {
    /// There is no such alert.
    #[error("there is no alert {0}")]
    UnknownAlert(AlertId),
    /// It makes no sense in that state.
    #[error("cannot {} alert {alert}: it is {}; expected {expected}", .action.as_str(), .state.as_str())]
    Meaningless {
        /// The alert.
        alert: AlertId,
        /// The state it is in.
        state: AlertState,
        /// What was asked.
        action: Action,
        /// The states in which that can be done.
        expected: &'static str,
    },
    /// A note without words.
    #[error("a note has no words; expected a reason")]
    NoWords,
    /// Too many words.
    #[error("a reason of {bytes} bytes is too long; expected at most {WORDS_BYTES_MAX}")]
    TooLong {
        /// How many bytes it is.
        bytes: usize,
    },
    /// Alerting has stopped and takes nothing.
    #[error("alerting has stopped: {0}")]
    Stopped(String),
}
