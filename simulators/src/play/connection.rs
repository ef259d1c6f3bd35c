//! One device's connection: one message in flight, as most devices have, and sent again after a loss.
//!
//! The session is a clean one, so that the client library forgets what was in flight when a connection is lost; what
//! is not acknowledged is kept here and published again.

use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use citywarden_model::DeviceId;
use rumqttc::{AsyncClient, ConnectionError, Event, EventLoop, MqttOptions, Packet, QoS};
use tokio::sync::mpsc::Receiver;

use super::{PlayCounts, PlayLimits, Target};
use crate::message::TimedMessage;

const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// The largest packet a service takes (semantics: Messages).
const PACKET_MAX: usize = 1024 * 1024;
/// Requests to the client library that wait; one message is in flight at a time.
const REQUESTS_MAX: usize = 4;
/// The pause after a loss doubles so many times.
const PAUSE_DOUBLINGS_MAX: u32 = 5;

pub(super) struct Connection {
    client: AsyncClient,
    events: EventLoop,
    connected: bool,
    /// Losses in a row.
    losses: u32,
    limits: PlayLimits,
    counts: Arc<PlayCounts>,
}

impl Connection {
    pub(super) fn new(
        device: &DeviceId,
        target: &Target,
        limits: PlayLimits,
        counts: Arc<PlayCounts>,
    ) -> Self {
        let mut options = MqttOptions::new(device.as_str(), &target.host, target.port);
        options.set_clean_session(true).set_keep_alive(KEEP_ALIVE).set_inflight(1);
        options.set_max_packet_size(PACKET_MAX, PACKET_MAX);
        if let Some((user, password)) = &target.credentials {
            options.set_credentials(user, password);
        }
        let (client, mut events) = AsyncClient::new(options, REQUESTS_MAX);
        let mut network = events.network_options();
        network.set_tcp_nodelay(true);
        events.set_network_options(network);
        Self { client, events, connected: false, losses: 0, limits, counts }
    }

    /// Publishes what comes until nothing more can come and all of it is acknowledged.
    pub(super) async fn serve(mut self, mut messages: Receiver<TimedMessage>) {
        while let Some(message) = self.idle(&mut messages).await {
            self.deliver(&message).await;
        }
        // the last message is acknowledged: a farewell that is lost costs nothing
        if self.client.disconnect().await.is_ok() {
            while self.events.poll().await.is_ok() {}
        }
    }

    /// Keeps the connection alive until there is a message.
    async fn idle(&mut self, messages: &mut Receiver<TimedMessage>) -> Option<TimedMessage> {
        loop {
            tokio::select! {
                biased;
                message = messages.recv() => return message,
                event = self.events.poll() => {
                    // in idleness nothing is awaited but that the connection stands
                    let ControlFlow::Continue(()) = self.take(event, None).await else { continue };
                }
            }
        }
    }

    async fn deliver(&mut self, message: &TimedMessage) {
        if self.connected {
            self.publish(message).await;
        }
        loop {
            let event = self.events.poll().await;
            if self.take(event, Some(message)).await.is_break() {
                return;
            }
        }
    }

    /// Takes what the client library reports; breaks when `message` is acknowledged.
    async fn take(
        &mut self,
        event: Result<Event, ConnectionError>,
        message: Option<&TimedMessage>,
    ) -> ControlFlow<()> {
        match event {
            Ok(Event::Incoming(Packet::ConnAck(_))) => {
                self.connected = true;
                if let Some(message) = message {
                    self.publish(message).await;
                }
            }
            Ok(Event::Incoming(Packet::PubAck(_))) => {
                self.losses = 0;
                self.counts.acknowledged.fetch_add(1, Ordering::Relaxed);
                return ControlFlow::Break(());
            }
            Ok(_) => {}
            Err(_) => self.pause().await,
        }
        ControlFlow::Continue(())
    }

    async fn publish(&mut self, message: &TimedMessage) {
        self.client
            .publish(&*message.topic, QoS::AtLeastOnce, false, message.payload.as_slice())
            .await
            .expect("the event loop is owned beside the client");
    }

    async fn pause(&mut self) {
        self.connected = false;
        self.counts.reconnects.fetch_add(1, Ordering::Relaxed);
        let doubled = 1 << self.losses.min(PAUSE_DOUBLINGS_MAX);
        self.losses = self.losses.saturating_add(1);
        tokio::time::sleep(self.limits.first_pause * doubled).await;
    }
}
