//! The alerts, and what they rest on.

use axum::Json;
use axum::extract::{Path, State};
use citywarden_alerting::{AlertFilter, Cursor};
use citywarden_model::{AlertId, AlertKind, AlertState, Condition, Severity};
use serde::Deserialize;
use utoipa::IntoParams;

use super::asked::{Asked, Bound, Name, Next, Number, Place};
use crate::Console;
use crate::problem::{Details, Problem};
use crate::schema::{AlertKindSchema, AlertStateSchema, ConditionSchema, SeveritySchema};
use crate::wire::{AlertDetail, AlertPage, EventJson, Evidence};

const PAGE: u16 = 50;

/// Which alerts are wanted: those that fit everything that is named.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WantedAlerts {
    #[param(inline, value_type = Option<AlertStateSchema>)]
    state: Option<AlertState>,
    #[param(inline, value_type = Option<ConditionSchema>)]
    condition: Option<Condition>,
    #[param(inline, value_type = Option<SeveritySchema>)]
    severity: Option<Severity>,
    #[param(inline, value_type = Option<AlertKindSchema>)]
    kind: Option<AlertKind>,
    /// The id of a rule.
    #[param(value_type = Option<String>, min_length = 1, max_length = 256)]
    rule: Option<Name>,
    /// The id of an asset.
    #[param(value_type = Option<String>, min_length = 1, max_length = 256)]
    asset: Option<Name>,
    /// The number of a clause of part four.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 25)]
    clause: Option<Number<1, 25>>,
    /// A unit that is among those responsible, as the measures write it.
    #[param(value_type = Option<String>, min_length = 1, max_length = 256, example = "建设局")]
    unit: Option<Name>,
    /// Opened at or after this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Bound>,
    /// Opened before this moment.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Bound>,
    /// The `next` of the page before.
    #[param(value_type = Option<String>, pattern = "^[0-9]{1,18}-[A-Z2-7]{26}$")]
    cursor: Option<Next<Cursor>>,
    /// At most so many; 50 where nothing is said.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 500)]
    limit: Option<Number<1, 500>>,
}

impl Place for Cursor {
    fn read(text: &str) -> Option<Self> {
        Self::parse(text)
    }
}

impl WantedAlerts {
    fn filter(self) -> AlertFilter {
        AlertFilter {
            state: self.state,
            condition: self.condition,
            severity: self.severity,
            kind: self.kind,
            rule: self.rule.map(|name| name.0),
            asset: self.asset.map(|name| name.0),
            clause: self.clause.and_then(|item| u8::try_from(item.0).ok()),
            unit: self.unit.map(|name| name.0),
            from: self.from.map(|bound| bound.0),
            to: self.to.map(|bound| bound.0),
        }
    }
}

/// The alerts, latest opened first.
#[utoipa::path(
    get, path = "/api/v1/alerts", tag = "alerts", operation_id = "listAlerts", params(WantedAlerts),
    responses((status = 200, description = "A page of them.", body = AlertPage))
)]
pub(super) async fn list(
    State(console): State<Console>,
    Asked(wanted): Asked<WantedAlerts>,
) -> Json<AlertPage> {
    let limit = usize::from(wanted.limit.map_or(PAGE, |limit| limit.0));
    let cursor = wanted.cursor.as_ref().map(|cursor| cursor.0.clone());
    let page = console.alerting.view().list(&wanted.filter(), cursor.as_ref(), limit);
    Json(AlertPage { alerts: page.alerts, next: page.next.map(|cursor| cursor.to_string()) })
}

/// One alert, and what happened to it.
#[utoipa::path(
    get, path = "/api/v1/alerts/{id}", tag = "alerts", operation_id = "readAlert", params(("id" = String, Path)),
    responses(
        (status = 200, description = "It, and its events in order.", body = AlertDetail),
        (status = 404, description = "There is no such alert.", body = Details, content_type = "application/problem+json")
    )
)]
pub(super) async fn one(
    State(console): State<Console>,
    Path(id): Path<String>,
) -> Result<Json<AlertDetail>, Problem> {
    detail(&console, &AlertId::from(id))
}

pub(super) fn detail(console: &Console, id: &AlertId) -> Result<Json<AlertDetail>, Problem> {
    let (alert, events) = console.alerting.view().get(id).ok_or_else(|| unknown(id))?;
    let events = events.iter().map(|event| EventJson::of(event)).collect();
    Ok(Json(AlertDetail { alert, events }))
}

fn unknown(id: &AlertId) -> Problem {
    Problem::unknown(format!("there is no alert {id}"))
}

/// The messages an alert rests on, as they came.
#[utoipa::path(
    get, path = "/api/v1/alerts/{id}/evidence", tag = "alerts", operation_id = "readEvidence",
    params(("id" = String, Path)),
    responses(
        (status = 200, description = "Copies of the messages, in order.", body = Evidence),
        (status = 404, description = "There is no such alert.", body = Details, content_type = "application/problem+json")
    )
)]
pub(super) async fn evidence(
    State(console): State<Console>,
    Path(id): Path<String>,
) -> Result<Json<Evidence>, Problem> {
    let id = AlertId::from(id);
    let alert = id.clone();
    let read = tokio::task::spawn_blocking(move || console.alerting.evidence(&alert)).await;
    let found = match read {
        Ok(Ok(found)) => found,
        Ok(Err(error)) => return Err(Problem::broken(error.to_string())),
        Err(error) => return Err(Problem::broken(error.to_string())),
    };
    let messages = found.ok_or_else(|| unknown(&id))?;
    Ok(Json(Evidence { alert: id, messages }))
}
