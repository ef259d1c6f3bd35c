//! One step in an alert's life, as the API and the stream show it.

use std::sync::Arc;

use citywarden_alerting::event::{Delivery, Update};
use citywarden_alerting::{Event, What};
use citywarden_model::{Alert, AlertId, Offset, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use crate::schema::AlertSchema;

/// One step in an alert's life.
#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
pub(crate) struct EventJson {
    /// Its number among those that receivers are told of, from 1; a note carries that of the event before it, a delivery
    /// that of the event it delivers.
    sequence: u32,
    /// By the journal's clock.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `opened`, `updated`, `cleared`, `acknowledged`, `resolved`, `closed`, `reopened`, `noted`, `notified`, `failed`.
    #[schema(value_type = String, example = "acknowledged")]
    event: &'static str,
    /// `rules`, `alerting`, or the name of a user.
    who: String,
    /// The reason or the note.
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
    /// The record of the journal that brought it about.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<u64>)]
    offset: Option<Offset>,
    /// Of `updated`: `again`, `grew_into`, `still_active`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    update: Option<&'static str>,
    /// The violation that an early warning grew into.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    violation: Option<AlertId>,
    /// Whom to tell.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tell: Vec<String>,
    /// Of `notified` and `failed`: to whom it was delivered …
    #[serde(skip_serializing_if = "Option::is_none")]
    receiver: Option<String>,
    /// … how often it was tried …
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<u32>,
    /// … and whether no more attempts are made.
    #[serde(skip_serializing_if = "Option::is_none")]
    given_up: Option<bool>,
}

impl EventJson {
    pub(crate) fn of(event: &Event) -> Self {
        let (update, violation) = update_of(&event.what);
        let (delivery, given_up) = delivery_of(&event.what);
        Self {
            sequence: event.sequence,
            at: event.at,
            event: event.what.word(),
            who: event.who.to_string(),
            why: event.why.clone(),
            offset: event.cause.map(|cause| cause.moment.offset),
            update,
            violation: violation.cloned(),
            tell: event.tell.iter().map(|recipient| recipient.receiver.as_str().to_owned()).collect(),
            receiver: delivery.map(|delivery| delivery.receiver.as_str().to_owned()),
            attempts: delivery.map(|delivery| delivery.attempts),
            given_up,
        }
    }
}

fn update_of(what: &What) -> (Option<&'static str>, Option<&AlertId>) {
    match what {
        What::Updated(Update::Again(_)) => (Some("again"), None),
        What::Updated(Update::GrewInto { violation }) => (Some("grew_into"), Some(violation)),
        What::Updated(Update::StillActive) => (Some("still_active"), None),
        What::Opened(_)
        | What::Cleared
        | What::Acknowledged
        | What::Resolved
        | What::Closed
        | What::Reopened { .. }
        | What::Noted
        | What::Notified(_)
        | What::Failed { .. } => (None, None),
    }
}

fn delivery_of(what: &What) -> (Option<&Delivery>, Option<bool>) {
    match what {
        What::Notified(delivery) => (Some(delivery), None),
        What::Failed { delivery, given_up } => (Some(delivery), Some(*given_up)),
        What::Opened(_)
        | What::Updated(_)
        | What::Cleared
        | What::Acknowledged
        | What::Resolved
        | What::Closed
        | What::Reopened { .. }
        | What::Noted => (None, None),
    }
}

/// What the stream sends: the event, and the alert as it is now.
#[derive(Serialize, ToSchema)]
pub(crate) struct Streamed {
    pub(crate) event: EventJson,
    #[schema(value_type = AlertSchema)]
    pub(crate) alert: Arc<Alert>,
}
