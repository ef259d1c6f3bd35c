//! What is asked: query parameters, each known, given once, and meaning something.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use citywarden_model::{Span, TimeError, Timestamp};
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

use crate::problem::Problem;

/// The longest name or id that is looked for, in characters.
const NAME_CHARS_MAX: usize = 256;
/// The longest step.
const STEP_MAX: Span = Span::from_mins(31 * 24 * 60);

/// The parameters of a request; what is wrong with them is a problem.
pub(super) struct Asked<T>(pub(super) T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::<T>::from_request_parts(parts, state).await;
        query.map(|Query(asked)| Self(asked)).map_err(|error| Problem::wrong(error.body_text()))
    }
}

/// A name or an id.
#[derive(Debug, Clone)]
pub(super) struct Name(pub(super) String);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let length = text.chars().count();
        if length == 0 || length > NAME_CHARS_MAX {
            return Err(D::Error::custom(format_args!(
                "{length} characters, expected 1 to {NAME_CHARS_MAX}"
            )));
        }
        Ok(Self(text))
    }
}

/// A step of time, as `30s` or `5m`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step(pub(super) Span);

impl<'de> Deserialize<'de> for Step {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let step = Span::parse(&text).map_err(D::Error::custom)?;
        if step < Span::from_secs(1) || step > STEP_MAX {
            return Err(D::Error::custom(format_args!("`{text}` is no step, expected 1s to 31d")));
        }
        Ok(Self(step))
    }
}

/// A moment that bounds what is asked for. Years that cannot be written here are the beginning or the end of all.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound(pub(super) Timestamp);

impl<'de> Deserialize<'de> for Bound {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        match Timestamp::parse(&text) {
            Ok(at) => Ok(Self(at)),
            Err(TimeError::OutOfRange(text)) if text.as_str() < "1900" => {
                Ok(Self(Timestamp::from_nanos(i64::MIN)))
            }
            Err(TimeError::OutOfRange(_)) => Ok(Self(Timestamp::MAX)),
            Err(error) => Err(D::Error::custom(error)),
        }
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number<const MIN: u16, const MAX: u16>(pub(super) u16);

impl<'de, const MIN: u16, const MAX: u16> Deserialize<'de> for Number<MIN, MAX> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.parse().ok().filter(|number| (MIN..=MAX).contains(number));
        let wrong = || D::Error::custom(format_args!("`{text}`, expected a number from {MIN} to {MAX}"));
        number.map(Self).ok_or_else(wrong)
    }
}

/// Where a page begins: the `next` of the one before.
#[derive(Debug, Clone)]
pub(super) struct Next<T>(pub(super) T);

impl<'de, T: Place> Deserialize<'de> for Next<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let wrong = || D::Error::custom(format_args!("`{text}`, expected the `next` of the page before"));
        T::read(&text).map(Self).ok_or_else(wrong)
    }
}

/// A place in a list, as `next` says it.
pub(super) trait Place: Sized {
    fn read(text: &str) -> Option<Self>;
}
