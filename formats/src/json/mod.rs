//! `CityWarden`'s own JSON: one object, or an array of objects.
//!
//! ```json
//! {"ts":"2026-11-24T08:00:00.250+08:00",
//!  "readings":{"sound_level":56.2,"chime":true},
//!  "position":{"lat":29.4994,"lon":120.9039,"speed":32.0,"heading":90,"valid":true},
//!  "events":[{"name":"washed","asset":"muck-0042","seconds":48}],
//!  "flag":"N"}
//! ```
//!
//! What is decided where the contract is silent:
//! * `null` is absent, for every member and reading. Members that nobody knows are ignored.
//! * A member or quantity given twice is refused: the second would silently replace evidence.
//! * `ts` as a number is an integer of milliseconds; a fraction is refused.
//! * `position`: `lat` and `lon` may be left out only with `"valid":false`, which then says nothing at all.
//!   Without `valid` the unit means that it has a position. Its speed becomes the quantity `speed` only where it
//!   has a position and `readings` has no `speed`.
//! * `cover_closed` as a boolean also says `cover_half` false, so that a cover that was half open does not stay so
//!   for ever; not where the device sends `cover_half` itself. `"half"` beside a `cover_half` is refused.
//! * Of an event, every number is kept; `seconds` must be one; other members are ignored.
//! * A byte-order mark, and white space or NULs after the end, are tolerated.

mod event;
mod member;
mod observation;
mod plain;
mod position;
mod reading;
mod ts;

use std::fmt;

use citywarden_model::Observation;
use serde::de::{Deserializer as _, Error as _, MapAccess, SeqAccess, Visitor};

use crate::DecodeError;
use observation::ObservationSeed;

/// How much one payload may hold. The size of the payload itself is bounded where it is received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Objects in the array.
    pub observations: usize,
    /// Readings of one object.
    pub readings: usize,
    /// Events of one object, and numbers of one event.
    pub events: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { observations: 10_000, readings: 1_000, events: 1_000 }
    }
}

/// Appends to `into` what the payload says, within the default [`Limits`]; on an error, `into` is as it was.
pub fn decode<'a>(payload: &'a [u8], into: &mut Vec<Observation<'a>>) -> Result<(), DecodeError> {
    decode_within(Limits::default(), payload, into)
}

/// [`decode`] within other limits.
pub fn decode_within<'a>(
    limits: Limits,
    payload: &'a [u8],
    into: &mut Vec<Observation<'a>>,
) -> Result<(), DecodeError> {
    let before = into.len();
    let bare = payload.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(payload);
    let skipped = payload.len() - bare.len();
    let text = std::str::from_utf8(bare)
        .map_err(|error| DecodeError::NotUtf8 { at: skipped + error.valid_up_to() })?
        .trim_end_matches(['\0', ' ', '\t', '\r', '\n']);
    read(limits, text, into).map_err(|error| {
        into.truncate(before);
        DecodeError::malformed(skipped + byte_of(&error, text), without_place(&error))
    })
}

fn read<'a>(limits: Limits, text: &'a str, into: &mut Vec<Observation<'a>>) -> Result<(), serde_json::Error> {
    match plain::read(limits, text) {
        Some(observation) => {
            into.push(observation);
            Ok(())
        }
        None => read_all(limits, text, into),
    }
}

/// The whole reader: everything that is JSON, and what is wrong with it.
fn read_all<'a>(
    limits: Limits,
    text: &'a str,
    into: &mut Vec<Observation<'a>>,
) -> Result<(), serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    deserializer.deserialize_any(Payload { into, limits })?;
    deserializer.end()
}

/// The byte that a line and column (from 1) stand for.
fn byte_of(error: &serde_json::Error, text: &str) -> usize {
    let lines_before = error.line().saturating_sub(1);
    let line_start: usize = text.split_inclusive('\n').take(lines_before).map(str::len).sum();
    line_start + error.column().saturating_sub(1)
}

fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rsplit_once(" at line ").map_or(text.as_str(), |(what, _)| what).to_owned()
}

struct Payload<'v, 'a> {
    into: &'v mut Vec<Observation<'a>>,
    limits: Limits,
}

impl<'a> Visitor<'a> for Payload<'_, 'a> {
    type Value = ();
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("one object or an array of objects")
    }
    fn visit_map<A: MapAccess<'a>>(self, map: A) -> Result<(), A::Error> {
        self.into.push(ObservationSeed { limits: self.limits }.visit_map(map)?);
        Ok(())
    }
    fn visit_seq<A: SeqAccess<'a>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut count = 0;
        while let Some(observation) = seq.next_element_seed(ObservationSeed { limits: self.limits })? {
            count += 1;
            if count > self.limits.observations {
                return Err(A::Error::custom(format_args!(
                    "more objects than the {} one payload may hold",
                    self.limits.observations
                )));
            }
            self.into.push(observation);
        }
        Ok(())
    }
}
