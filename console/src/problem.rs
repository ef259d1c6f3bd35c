//! What goes wrong, as RFC 9457 problem details.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use citywarden_alerting::CommandError;
use serde::Serialize;
use utoipa::ToSchema;

use crate::reads::Unavailable;

/// An answer that says what is wrong and what was expected.
#[derive(Debug)]
pub(crate) struct Problem {
    status: StatusCode,
    detail: String,
}

/// The media type of a problem.
pub(crate) const PROBLEM: &str = "application/problem+json";

/// What is wrong and what was expected, as in RFC 9457.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(crate) struct Details {
    /// There are no types of problems here but HTTP's own: `about:blank`.
    #[schema(value_type = String, example = "about:blank")]
    r#type: &'static str,
    /// The status in words.
    #[schema(value_type = String, example = "Not Found")]
    title: &'static str,
    /// The status.
    #[schema(minimum = 400, maximum = 599, example = 404)]
    status: u16,
    /// What is wrong, and what was expected.
    #[schema(example = "there is no alert K5ZQ3V7N2M4TB6XWQH3YRAJD5E")]
    detail: String,
}

impl Problem {
    pub(crate) fn new(status: StatusCode, detail: impl Into<String>) -> Self {
        Self { status, detail: detail.into() }
    }
    pub(crate) fn wrong(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, detail)
    }
    pub(crate) fn unknown(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, detail)
    }
    pub(crate) fn broken(detail: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, detail)
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let details = Details {
            r#type: "about:blank",
            title: self.status.canonical_reason().unwrap_or("Error"),
            status: self.status.as_u16(),
            detail: self.detail,
        };
        let mut response = (self.status, Json(details)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM));
        if self.status == StatusCode::UNAUTHORIZED {
            // not Basic, though it is taken: a browser would ask over the page's head
            let schemes = HeaderValue::from_static("Bearer realm=\"CityWarden\"");
            headers.insert(header::WWW_AUTHENTICATE, schemes);
        }
        response
    }
}

impl From<Unavailable> for Problem {
    fn from(Unavailable(why): Unavailable) -> Self {
        Self::broken(why)
    }
}

impl From<CommandError> for Problem {
    fn from(error: CommandError) -> Self {
        let status = match &error {
            CommandError::UnknownAlert(_) => StatusCode::NOT_FOUND,
            CommandError::Meaningless { .. } => StatusCode::CONFLICT,
            CommandError::NoWords | CommandError::TooLong { .. } => StatusCode::BAD_REQUEST,
            CommandError::Stopped(_) => StatusCode::SERVICE_UNAVAILABLE,
        };
        Self::new(status, error.to_string())
    }
}
