//! The routes.

mod alerts;
mod asked;
mod lists;
mod query;
mod readings;
mod session;
mod stream;

use std::time::Duration;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};

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
    let api: Router<Console> = Router::new()
        .route("/alerts", get(alerts::list))
        .route("/alerts/{id}", get(alerts::one))
        .route("/alerts/{id}/evidence", get(alerts::evidence))
        .route("/alerts/{id}/{action}", post(alerts::command))
        .route("/verdicts", get(lists::verdicts))
        .route("/assets", get(lists::assets))
        .route("/devices", get(lists::devices))
        .route("/rules", get(lists::rules))
        .route("/readings", get(readings::readings))
        .route("/deadletters", get(lists::dead_letters))
        .route("/session", get(session::session))
        .route("/stream", get(stream::stream));
    let guarded = Router::new()
        .nest("/api/v1", api)
        .route("/metrics", get(health::metrics))
        .fallback(nothing_here)
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(console.clone(), access::guard));
    Router::new()
        .route("/", get(page::index))
        .route("/page/{name}", get(page::part))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .fallback_service(guarded.with_state(console.clone()))
        .layer(DefaultBodyLimit::max(BODY_BYTES_MAX))
        .layer(middleware::from_fn(in_time))
        .layer(middleware::from_fn(as_problem))
        .layer(middleware::from_fn(with_headers))
        .with_state(console)
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
