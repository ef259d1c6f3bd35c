//! Who asks, what they may do, and in which local time they are shown moments.

use axum::Json;
use axum::extract::{Extension, State};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::Console;
use crate::users::Person;

#[derive(Serialize)]
struct Session<'a> {
    user: &'a str,
    role: &'static str,
    timezone: &'static str,
}

pub(super) async fn session(
    State(console): State<Console>,
    Extension(person): Extension<Person>,
) -> Response {
    let Person { name, role } = &person;
    Json(Session { user: name, role: role.as_str(), timezone: console.local.name() }).into_response()
}
