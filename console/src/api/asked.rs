//! What is asked: query parameters, each known, given once, and meaning something.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;
use citywarden_model::Span;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};

use crate::problem::Problem;

/// The longest name or id that is looked for, in bytes.
const NAME_BYTES_MAX: usize = 256;

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
        if text.is_empty() || text.len() > NAME_BYTES_MAX {
            let length = text.len();
            return Err(D::Error::custom(format_args!("{length} bytes, expected 1 to {NAME_BYTES_MAX}")));
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
        if step < Span::from_secs(1) {
            return Err(D::Error::custom(format_args!("`{text}` is too short, expected 1s at least")));
        }
        Ok(Self(step))
    }
}
