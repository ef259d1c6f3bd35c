//! Captures a live feed: a subscriber that keeps every message it acknowledges.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use citywarden_model::Clock;
use rumqttc::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, Packet, Publish, QoS};

use crate::play::Target;
use crate::recording::{RecordedMessage, write_line};

const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// The largest packet that is taken (as a service does).
const PACKET_MAX: usize = 1024 * 1024;
/// Requests to the client library that wait: more than acknowledgements of one read of the socket.
const REQUESTS_MAX: usize = 10_000;
/// The pause after a lost connection.
const PAUSE: Duration = Duration::from_secs(1);

/// What is recorded.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// The broker.
    pub target: Target,
    /// The filters of the topics.
    pub filters: Vec<String>,
    /// The client's id; two of the same id throw each other out.
    pub client: String,
}

/// What happens while a feed is recorded, for whoever tells people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Noted {
    /// The broker has taken the subscription: from now on every message is kept.
    Subscribed,
    /// The connection was lost or refused: what comes until the next `Subscribed` is missed.
    Lost(String),
}

/// Why a recording ends before it is told to.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// The file takes no more.
    #[error("the recording cannot be written: {0}")]
    Write(#[from] io::Error),
    /// The broker takes the connection but not the subscription.
    #[error("the broker refuses to be subscribed to `{0}`")]
    Refused(String),
}

/// Records until `messages_max` messages are written; dropping the future ends it at any time. A message is acknowledged
/// once its line is written and flushed; lost connections are made anew.
///
/// # Panics
/// Never: the client library's queue is longer than the filters of a subscription.
pub async fn record(
    subscription: &Subscription,
    clock: &Arc<dyn Clock>,
    into: &mut impl Write,
    messages_max: u64,
    note: impl Fn(Noted),
) -> Result<(), RecordError> {
    let (client, mut events) = connect(subscription);
    let mut written = 0;
    while written < messages_max {
        match events.poll().await {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                for filter in &subscription.filters {
                    client.try_subscribe(filter, QoS::AtLeastOnce).expect("the queue has room for a few");
                }
            }
            Ok(Event::Incoming(Packet::SubAck(answer))) => {
                if answer.return_codes.contains(&rumqttc::SubscribeReasonCode::Failure) {
                    return Err(RecordError::Refused(subscription.filters.join(", ")));
                }
                note(Noted::Subscribed);
            }
            Ok(Event::Incoming(Packet::Publish(publish))) => {
                keep(&publish, clock, into)?;
                written += 1;
                // a full queue only means that the broker sends it again
                drop(client.try_ack(&publish));
            }
            Ok(_) => {}
            Err(error) => pause(&error, &note).await,
        }
    }
    farewell(&client, &mut events).await;
    Ok(())
}

fn connect(subscription: &Subscription) -> (AsyncClient, EventLoop) {
    let target = &subscription.target;
    let mut options = MqttOptions::new(&subscription.client, &target.host, target.port);
    options.set_clean_session(true).set_keep_alive(KEEP_ALIVE).set_manual_acks(true);
    options.set_max_packet_size(PACKET_MAX, PACKET_MAX);
    if let Some((user, password)) = &target.credentials {
        options.set_credentials(user, password);
    }
    let (client, mut events) = AsyncClient::new(options, REQUESTS_MAX);
    let mut network = events.network_options();
    network.set_tcp_nodelay(true);
    events.set_network_options(network);
    (client, events)
}

fn keep(publish: &Publish, clock: &Arc<dyn Clock>, into: &mut impl Write) -> io::Result<()> {
    let message = RecordedMessage {
        received_at: clock.now(),
        topic: publish.topic.clone(),
        payload: publish.payload.to_vec(),
        retained: publish.retain,
    };
    into.write_all((write_line(&message) + "\n").as_bytes())?;
    into.flush()
}

async fn pause(error: &ConnectionError, note: &impl Fn(Noted)) {
    note(Noted::Lost(error.to_string()));
    tokio::time::sleep(PAUSE).await;
}

/// The last acknowledgements go out with the farewell; where they do not, the broker keeps nothing of a clean session.
async fn farewell(client: &AsyncClient, events: &mut EventLoop) {
    if client.try_disconnect().is_ok() {
        while events.poll().await.is_ok() {}
    }
}
