//! Payload bytes to observations: one module a format, one door for all of them.
//!
//! **Promises:** no input makes a decoder panic, loop, or take memory out of proportion to the input. Decoding is
//! a pure function of the bytes, and of the device's line in the register where the format leaves things to it
//! ([`Profile`]). What is wrong is said with its byte, its member, and what was expected there.
//! Either the whole payload is decoded, or nothing of it is handed on.
//!
//! **Knows:** the nouns of `model/`, and bytes. It does not know topics, the registry, the time of arrival, which quantities a rule wants. A known
//! quantity with a value of another kind (a text where a number belongs) is handed on as it was sent: whoever
//! judges it discards it by name, and the rest of the message still counts.
//!
//! **Never:** does I/O, reads a clock.

#![deny(clippy::indexing_slicing)]

mod error;
pub mod hj212;
pub mod json;
mod profile;

use std::fmt;

use citywarden_model::Observation;

pub use error::DecodeError;
pub use profile::Profile;

/// The formats that are spoken, by the name that topics use.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// One JSON object, or an array of them: see [`json`].
    Json,
    /// Packets of HJ 212: see [`hj212`].
    Hj212,
}

impl Format {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Json, Self::Hj212];

    /// As the last level of a topic writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Hj212 => "hj212",
        }
    }
    /// The format of this name; `None` where nobody speaks it.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|format| format.as_str() == name)
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Appends to `into` what the payload says; on an error, `into` is as it was. The device's profile is asked for only
/// where the format needs one.
pub fn decode<'a, 'd>(
    format: Format,
    profile: impl FnOnce() -> Profile<'d>,
    payload: &'a [u8],
    into: &mut Vec<Observation<'a>>,
) -> Result<(), DecodeError> {
    match format {
        Format::Json => json::decode(payload, into),
        Format::Hj212 => hj212::decode(profile(), payload, into),
    }
}
