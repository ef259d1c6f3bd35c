//! The routes.

mod alerts;
mod asked;
mod commands;
mod document;
mod lists;
mod readings;
mod session;
mod stream;

pub(crate) use stream::LISTENERS_MAX;

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::problem::Problem;
use crate::{Console, access, health, page};

/// A command's body: a reason of 4 KiB in JSON, and room.
const BODY_BYTES_MAX: usize = 32 * 1024;
/// How long an answer may take to begin.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The longest refusal of the framework's own that is passed on.
const REFUSAL_BYTES_MAX: usize = 4096;

const HEADERS: [(HeaderName, HeaderValue); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
];
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'");

/// Everything the console answers to.
pub fn router(console: Console) -> Router {
    let (guarded, _) = guarded().split_for_parts();
    let guarded = guarded
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(console.clone(), access::guard));
    let (open, _) = open().split_for_parts();
    open.fallback_service(guarded.with_state(console.clone()))
        .method_not_allowed_fallback(wrong_method)
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn(in_time))
        .layer(middleware::from_fn(as_problem))
        .layer(middleware::from_fn(with_headers))
        .with_state(console)
}

/// What anybody is told. Routes are added with their description only, so that none is left out of the document.
fn open() -> OpenApiRouter<Console> {
    OpenApiRouter::with_openapi(document::frame())
        .routes(routes!(page::index))
        .routes(routes!(page::part))
        .routes(routes!(health::alive))
        .routes(routes!(health::ready))
}

/// What is told to those who may know.
fn guarded() -> OpenApiRouter<Console> {
    OpenApiRouter::new()
        .routes(routes!(alerts::list))
        .routes(routes!(alerts::one))
        .routes(routes!(alerts::evidence))
        .routes(routes!(commands::acknowledge))
        .routes(routes!(commands::resolve))
        .routes(routes!(commands::close))
        .routes(routes!(commands::reopen))
        .routes(routes!(commands::note))
        .routes(routes!(lists::verdicts))
        .routes(routes!(lists::assets))
        .routes(routes!(lists::devices))
        .routes(routes!(lists::rules))
        .routes(routes!(lists::permits))
        .routes(routes!(lists::silences))
        .routes(routes!(lists::dead_letters))
        .routes(routes!(readings::readings))
        .routes(routes!(session::session))
        .routes(routes!(stream::stream))
        .routes(routes!(document::document))
        .routes(routes!(health::metrics))
}

/// The document of every route.
fn document_of_all() -> OpenApi {
    let mut guarded = guarded().into_openapi();
    document::guard(&mut guarded);
    open().into_openapi().merge_from(guarded)
}

async fn nothing_here(request: Request) -> Problem {
    Problem::unknown(format!("there is nothing at {}", request.uri().path()))
}

async fn wrong_method(request: Request) -> Problem {
    let detail = format!("{} is not possible at {}", request.method(), request.uri().path());
    Problem::new(StatusCode::METHOD_NOT_ALLOWED, detail)
}

async fn in_time(request: Request, next: Next) -> Response {
    tokio::time::timeout(ANSWER_TIMEOUT, next.run(request))
        .await
        .unwrap_or_else(|_| Problem::broken("no answer in time").into_response())
}

/// What the framework refuses by itself (a body too large, a path that is no text) it says as plain text.
async fn as_problem(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let is_json = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"application/"));
    let status = response.status();
    if is_json || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let words = axum::body::to_bytes(response.into_body(), REFUSAL_BYTES_MAX).await.unwrap_or_default();
    Problem::new(status, String::from_utf8_lossy(&words)).into_response()
}

async fn with_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, value);
    }
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(POLICY);
    response
}

#[cfg(test)]
mod tests;
