//! Alert events as they happen, as server-sent events. The event's name is its word, its id the idempotency key. Whoever
//! comes back with the last id they saw gets what came after it. A listener that is too slow, or was away for too long,
//! gets `lagged` and should read the list again.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::sse::{Event as Message, KeepAlive, Sse};
use citywarden_alerting::Event;
use futures_util::stream::{self, Stream, StreamExt as _};
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

use crate::Console;
use crate::problem::Problem;
use crate::wire::{EventJson, Streamed};

/// Listeners at a time: fewer than connections, so that there is always room to ask.
pub(crate) const LISTENERS_MAX: usize = 256;

const KEEP_ALIVE: Duration = Duration::from_secs(15);
const LAST_ID: &str = "last-event-id";

/// Somebody who listens.
struct Listener {
    console: Console,
    events: Receiver<Arc<Event>>,
    /// What they were told as having been missed, and are not told again.
    told: Vec<Arc<Event>>,
    _permit: OwnedSemaphorePermit,
}

/// Alert events as they happen, as server-sent events.
#[utoipa::path(
    get, path = "/api/v1/stream", tag = "alerts", operation_id = "followAlerts",
    params(("Last-Event-ID" = Option<String>, Header,
        description = "The last id that was seen: begins with what came after it.")),
    responses((status = 200, body = Streamed, content_type = "text/event-stream",
        description = "Without end: `event` is the event's word, `id` its idempotency key, `data` this object. `lagged` says \
                       that some were missed: read the list again."))
)]
pub(super) async fn stream(
    State(console): State<Console>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Message, Infallible>>>, Problem> {
    let too_many = |_| Problem::broken(format!("{LISTENERS_MAX} listen already"));
    let permit = Arc::clone(&console.listeners).try_acquire_owned().map_err(too_many)?;
    // before what was missed is looked up, so that nothing falls in between
    let events = console.alerting.listen();
    let missed = missed(&console, &headers);
    let told = missed.clone().unwrap_or_default();
    let before: Vec<_> = match missed {
        Some(events) => events.iter().filter_map(|event| message(&console, event)).collect(),
        None => vec![lagged(0)],
    };
    let listener = Listener { console, events, told, _permit: permit };
    let live = stream::unfold(listener, |mut listener| async move {
        next(&mut listener).await.map(|message| (message, listener))
    });
    let messages = stream::iter(before).chain(live).map(Ok);
    Ok(Sse::new(messages).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

/// What came after the last id that was seen; `None` where nobody knows any more.
fn missed(console: &Console, headers: &HeaderMap) -> Option<Vec<Arc<Event>>> {
    let Some(last) = headers.get(LAST_ID).filter(|last| !last.is_empty()) else { return Some(Vec::new()) };
    console.alerting.view().events_after(last.to_str().ok()?)
}

async fn next(listener: &mut Listener) -> Option<Message> {
    loop {
        match listener.events.recv().await {
            Ok(event) => {
                if let Some(place) = listener.told.iter().position(|told| Arc::ptr_eq(told, &event)) {
                    listener.told.drain(..=place);
                    continue;
                }
                // all that comes from here on is newer
                listener.told.clear();
                if let Some(message) = message(&listener.console, &event) {
                    return Some(message);
                }
            }
            Err(RecvError::Lagged(missed)) => return Some(lagged(missed)),
            Err(RecvError::Closed) => return None,
        }
    }
}

fn lagged(missed: u64) -> Message {
    Message::default().event("lagged").data(missed.to_string())
}

fn message(console: &Console, event: &Event) -> Option<Message> {
    let (alert, _) = console.alerting.view().get(&event.alert)?;
    let message = Message::default().event(event.what.word()).id(event.key().to_string());
    message.json_data(Streamed { event: EventJson::of(event), alert }).ok()
}
