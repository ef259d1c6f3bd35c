//! The alerts, and what people do to them.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::response::{IntoResponse, Response};
use citywarden_alerting::{Action, Actor, AlertFilter, Command, Cursor};
use citywarden_model::{AlertId, AlertKind, AlertState, Condition, Severity, Timestamp};

use super::query::Parameters;
use crate::Console;
use crate::problem::Problem;
use crate::users::Person;
use crate::wire::{AlertDetail, AlertPage, CommandBody, EventJson, EvidenceJson};

const PAGE: usize = 50;
const PAGE_MAX: usize = 500;

const STATES: [AlertState; 7] = [
    AlertState::Open,
    AlertState::Acknowledged,
    AlertState::Assigned,
    AlertState::Arrived,
    AlertState::Resolved,
    AlertState::Closed,
    AlertState::Withdrawn,
];
const CONDITIONS: [Condition; 2] = [Condition::Active, Condition::Cleared];
const KINDS: [AlertKind; 3] = [AlertKind::Violation, AlertKind::EarlyWarning, AlertKind::Device];

fn named<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str, text: &str) -> Option<T> {
    all.iter().copied().find(|one| name(*one) == text)
}

fn filter(parameters: &mut Parameters) -> Result<AlertFilter, Problem> {
    let time = |text: &str| Timestamp::parse(text).ok();
    Ok(AlertFilter {
        state: parameters.value(
            "state",
            "open, acknowledged, assigned, arrived, resolved, closed or withdrawn",
            |text| named(&STATES, AlertState::as_str, text),
        )?,
        condition: parameters
            .value("condition", "active or cleared", |text| named(&CONDITIONS, Condition::as_str, text))?,
        severity: parameters.value("severity", "notice, minor, serious or urgent", Severity::parse)?,
        kind: parameters.value("kind", "violation, early_warning or device", |text| {
            named(&KINDS, AlertKind::as_str, text)
        })?,
        rule: parameters.text("rule")?,
        asset: parameters.text("asset")?,
        clause: parameters.value("clause", "the number of a clause", |text| text.parse().ok())?,
        unit: parameters.text("unit")?,
        from: parameters.value("from", "a time in RFC 3339", time)?,
        to: parameters.value("to", "a time in RFC 3339", time)?,
    })
}

pub(super) async fn list(
    State(console): State<Console>,
    mut parameters: Parameters,
) -> Result<Response, Problem> {
    let filter = filter(&mut parameters)?;
    let cursor = parameters.value("cursor", "the `next` of the page before", Cursor::parse)?;
    let within = |text: &str| text.parse().ok().filter(|limit| (1..=PAGE_MAX).contains(limit));
    let limit = parameters.value("limit", "a number from 1 to 500", within)?.unwrap_or(PAGE);
    parameters.finish()?;
    let page = console.alerting.view().list(&filter, cursor.as_ref(), limit);
    let alerts = page.alerts.iter().map(|alert| &**alert).collect();
    Ok(Json(AlertPage { alerts, next: page.next.map(|cursor| cursor.to_string()) }).into_response())
}

pub(super) async fn one(State(console): State<Console>, Path(id): Path<String>) -> Result<Response, Problem> {
    detail(&console, &AlertId::from(id))
}

fn detail(console: &Console, id: &AlertId) -> Result<Response, Problem> {
    let found = console.alerting.view().get(id);
    let (alert, events) = found.ok_or_else(|| unknown(id))?;
    let events = events.iter().map(|event| EventJson::of(event)).collect();
    Ok(Json(AlertDetail { alert: &alert, events }).into_response())
}

fn unknown(id: &AlertId) -> Problem {
    Problem::unknown(format!("there is no alert {id}"))
}

pub(super) async fn evidence(
    State(console): State<Console>,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = AlertId::from(id);
    let alert = id.clone();
    let read = tokio::task::spawn_blocking(move || console.alerting.evidence(&alert)).await;
    let found = match read {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => return Err(Problem::broken(error.to_string())),
        Err(error) => return Err(Problem::broken(error.to_string())),
    };
    let messages = found.ok_or_else(|| unknown(&id))?;
    Ok(Json(EvidenceJson { alert: id, messages }).into_response())
}

pub(super) async fn command(
    State(console): State<Console>,
    Extension(person): Extension<Person>,
    Path((id, action)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, Problem> {
    let action = Action::parse(&action).ok_or_else(|| {
        Problem::unknown(format!(
            "`{action}` cannot be done, expected acknowledge, resolve, close, reopen or note"
        ))
    })?;
    let body: CommandBody = if body.is_empty() {
        CommandBody::default()
    } else {
        serde_json::from_slice(&body)
            .map_err(|error| Problem::wrong(format!("the body is not {{\"reason\": \"…\"}}: {error}")))?
    };
    let alert = AlertId::from(id);
    let who = Actor::Person(person.name);
    console.alerting.command(Command { alert: alert.clone(), who, action, why: body.reason }).await?;
    detail(&console, &alert)
}
