//! What people do to an alert. Given twice, a command is done once.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use citywarden_alerting::{Action, Actor, Command};
use citywarden_model::AlertId;

use super::alerts::detail;
use crate::Console;
use crate::problem::{Details, Problem};
use crate::users::Person;
use crate::wire::{AlertDetail, NoteBody, ReasonBody};

type Done = Result<Json<AlertDetail>, Problem>;

/// Who asks for what on which alert.
struct Order {
    console: Console,
    person: Person,
    id: String,
}

impl Order {
    async fn give(self, action: Action, why: Option<String>) -> Done {
        let alert = AlertId::from(self.id);
        let who = Actor::Person(self.person.name);
        self.console.alerting.command(Command { alert: alert.clone(), who, action, why }).await?;
        detail(&self.console, &alert)
    }
}

macro_rules! command {
    ($(#[$about:meta])* $name:ident, $path:literal, $operation:literal, $action:expr) => {
        $(#[$about])*
        #[utoipa::path(
            post, path = $path, tag = "alerts", operation_id = $operation, params(("id" = String, Path)),
            request_body(content = Option<ReasonBody>),
            responses(
                (status = 200, description = "The alert as it is after it.", body = AlertDetail),
                (status = 404, description = "There is no such alert.", body = Details, content_type = "application/problem+json"),
                (status = 409, description = "It cannot be done in the alert's state.", body = Details, content_type = "application/problem+json"),
                (status = 413, description = "The body is longer than 32 KiB.", body = Details, content_type = "application/problem+json")
            )
        )]
        pub(super) async fn $name(
            State(console): State<Console>,
            Extension(person): Extension<Person>,
            Path(id): Path<String>,
            body: Bytes,
        ) -> Done {
            let reason = ReasonBody::read(&body)?.reason;
            Order { console, person, id }.give($action, reason).await
        }
    };
}

command! {
    /// Somebody has seen it.
    acknowledge, "/api/v1/alerts/{id}/acknowledge", "acknowledgeAlert", Action::Acknowledge
}
command! {
    /// It is put right.
    resolve, "/api/v1/alerts/{id}/resolve", "resolveAlert", Action::Resolve
}
command! {
    /// The case is closed.
    close, "/api/v1/alerts/{id}/close", "closeAlert", Action::Close
}
command! {
    /// It is open again after all.
    reopen, "/api/v1/alerts/{id}/reopen", "reopenAlert", Action::Reopen
}

/// Something to write down.
#[utoipa::path(
    post, path = "/api/v1/alerts/{id}/note", tag = "alerts", operation_id = "noteOnAlert", params(("id" = String, Path)),
    request_body(content = NoteBody),
    responses(
        (status = 200, description = "The alert with the note.", body = AlertDetail),
        (status = 404, description = "There is no such alert.", body = Details, content_type = "application/problem+json"),
        (status = 413, description = "The body is longer than 32 KiB.", body = Details, content_type = "application/problem+json")
    )
)]
pub(super) async fn note(
    State(console): State<Console>,
    Extension(person): Extension<Person>,
    Path(id): Path<String>,
    body: Bytes,
) -> Done {
    let reason = ReasonBody::read(&body)?.reason;
    Order { console, person, id }.give(Action::Note, reason).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_action_has_its_route() {
        let document = super::super::document_of_all();
        for action in Action::ALL {
            let path = format!("/api/v1/alerts/{{id}}/{}", action.as_str());
            assert!(document.paths.paths.contains_key(&path), "{path}");
        }
    }
}
