//! `/healthz`: alive. `/readyz`: taking messages in and raising alerts, or which part is not. `/metrics`.

use axum::Json;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use citywarden_alerting::Health;
use serde::Serialize;

use crate::Console;
use crate::reads::Part;

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    parts: Vec<Part>,
}

pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

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

pub(crate) async fn metrics(State(console): State<Console>) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], console.reads.metrics())
        .into_response()
}
