//! Alert events as they happen, as server-sent events. The event's name is its word, its id the idempotency key. A
//! listener that is too slow gets `lagged` and should read the list again.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use citywarden_alerting::Event;
use futures_util::stream::{self, Stream};
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::Console;
use crate::wire::{EventJson, Streamed};

const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Alert events as they happen, as server-sent events.
#[utoipa::path(
    get, path = "/api/v1/stream", tag = "alerts", operation_id = "followAlerts",
    responses((status = 200, body = Streamed, content_type = "text/event-stream",
        description = "Without end: `event` is the event's word, `id` its idempotency key, `data` this object. `lagged` says \
                       that some were missed: read the list again."))
)]
pub(super) async fn stream(
    State(console): State<Console>,
) -> Sse<impl Stream<Item = Result<Message, Infallible>>> {
    let events = console.alerting.listen();
    let messages = stream::unfold((console, events), |(console, mut events)| async move {
        next(&console, &mut events).await.map(|message| (Ok(message), (console, events)))
    });
    Sse::new(messages).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

async fn next(console: &Console, events: &mut Receiver<Arc<Event>>) -> Option<Message> {
    loop {
        match events.recv().await {
            Ok(event) => {
                if let Some(message) = message(console, &event) {
                    return Some(message);
                }
            }
            Err(RecvError::Lagged(missed)) => {
                return Some(Message::default().event("lagged").data(missed.to_string()));
            }
            Err(RecvError::Closed) => return None,
        }
    }
}

fn message(console: &Console, event: &Event) -> Option<Message> {
    let (alert, _) = console.alerting.view().get(&event.alert)?;
    let message = Message::default().event(event.what.word()).id(event.key().to_string());
    message.json_data(Streamed { event: EventJson::of(event), alert }).ok()
}
