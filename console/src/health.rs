//! `/healthz`: alive. `/readyz`: taking messages in and raising alerts, or which part is not. `/metrics`.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use citywarden_alerting::Health;
use serde::Serialize;
use utoipa::ToSchema;

use crate::Console;
use crate::reads::Part;

/// Whether messages are taken in and alerts raised.
#[derive(Serialize, ToSchema)]
struct Readiness {
    ready: bool,
    /// Each part, and what is wrong with it.
    parts: Vec<Part>,
}

/// Whether the service is alive.
#[utoipa::path(
    get, path = "/healthz", tag = "service", operation_id = "isAlive",
    responses((status = 200, description = "It is.", body = String, content_type = "text/plain"))
)]
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// Whether the service takes messages in and raises alerts, or which part does not.
#[utoipa::path(
    get, path = "/readyz", tag = "service", operation_id = "isReady",
    responses(
        (status = 200, description = "It does.", body = Readiness),
        (status = 503, description = "It does not; the parts say why.", body = Readiness)
    )
)]
pub(crate) async fn ready(State(console): State<Console>) -> Response {
    let mut parts = console.reads.parts();
    parts.push(alerting(&console.alerting.standing().health));
    let ready = parts.iter().all(|part| part.ready);
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(Readiness { ready, parts })).into_response()
}

fn alerting(health: &Health) -> Part {
    let detail = match health {
        Health::Well => None,
        Health::Full => Some("the alert log's disk is full".to_owned()),
        Health::Stopped(None) => Some("stopped".to_owned()),
        Health::Stopped(Some(why)) => Some(why.clone()),
    };
    Part { name: "alerting".to_owned(), ready: detail.is_none(), detail }
}

/// The metrics, as Prometheus reads them.
#[utoipa::path(
    get, path = "/metrics", tag = "service", operation_id = "readMetrics",
    responses((status = 200, description = "Text of version 0.0.4.", body = String, content_type = "text/plain"))
)]
pub(crate) async fn metrics(State(console): State<Console>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], console.reads.metrics())
        .into_response()
}
