//! Query parameters: each is known, given once, and means something.

use axum::extract::{FromRequestParts, Query};
use axum::http::request::Parts;

use crate::problem::Problem;

/// The parameters of a request, taken one by one.
pub(super) struct Parameters(Vec<(String, String)>);

impl<S: Send + Sync> FromRequestParts<S> for Parameters {
    type Rejection = Problem;
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let query = Query::<Vec<(String, String)>>::from_request_parts(parts, state).await;
        query.map(|Query(pairs)| Self(pairs)).map_err(|error| Problem::wrong(error.body_text()))
    }
}

impl Parameters {
    /// Takes the parameter of this name.
    pub(super) fn text(&mut self, name: &str) -> Result<Option<String>, Problem> {
        let Some(place) = self.0.iter().position(|(key, _)| key == name) else { return Ok(None) };
        let (_, value) = self.0.remove(place);
        if self.0.iter().any(|(key, _)| key == name) {
            return Err(Problem::wrong(format!("`{name}` is given twice")));
        }
        Ok(Some(value))
    }
    /// Takes the parameter of this name, and reads it.
    pub(super) fn value<T>(
        &mut self,
        name: &str,
        expected: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Problem> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let wrong = || Problem::wrong(format!("`{name}` is `{text}`, expected {expected}"));
        read(&text).map(Some).ok_or_else(wrong)
    }
    /// All have been taken.
    pub(super) fn finish(self) -> Result<(), Problem> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(Problem::wrong(format!("there is no parameter `{name}` here"))),
        }
    }
}
