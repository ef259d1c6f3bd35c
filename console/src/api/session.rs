//! Who asks, what they may do, and in which local time they are shown moments.

use axum::Json;
use axum::extract::{Extension, State};
use serde::Serialize;
use utoipa::ToSchema;

use crate::Console;
use crate::users::Person;

/// Who asks.
#[derive(Serialize, ToSchema)]
pub(super) struct Session {
    user: String,
    /// `view`, `officer` or `admin`.
    #[schema(value_type = String)]
    role: &'static str,
    /// The county's, as IANA names it.
    #[schema(value_type = String, example = "Asia/Shanghai")]
    timezone: &'static str,
}

/// Who asks, what they may do, and in which local time they are shown moments.
#[utoipa::path(
    get, path = "/api/v1/session", tag = "service", operation_id = "readSession",
    responses((status = 200, description = "It.", body = Session))
)]
pub(super) async fn session(
    State(console): State<Console>,
    Extension(person): Extension<Person>,
) -> Json<Session> {
    Json(Session { user: person.name, role: person.role.as_str(), timezone: console.local.name() })
}
