//! Publishes messages as devices would: one MQTT connection a device, at least once, each message sent until it is acknowledged.

mod connection;
mod pace;
mod target;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use citywarden_model::{DeviceId, Timestamp};
use tokio::sync::mpsc::{self, Sender};
use tokio::task::JoinSet;

use crate::message::TimedMessage;
use connection::Connection;

pub use pace::{ClockPace, Pace};
pub use target::{Target, TargetError};

/// Bounds of a player.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlayLimits {
    /// Devices, each with a connection of its own.
    pub devices: usize,
    /// Messages of one device that wait for the one in flight; beyond, the whole county waits.
    pub waiting: usize,
    /// At the end, how long the last acknowledgements are waited for.
    pub drain: Duration,
    /// After a lost connection the first pause; it doubles up to thirty-two times itself.
    pub first_pause: Duration,
}

impl Default for PlayLimits {
    fn default() -> Self {
        Self {
            devices: 1_000,
            waiting: 64,
            drain: Duration::from_secs(10),
            first_pause: Duration::from_millis(200),
        }
    }
}

/// What became of the messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PlayReport {
    /// Handed to a connection.
    pub published: u64,
    /// Of these, acknowledged.
    pub acknowledged: u64,
    /// How often a connection was made anew after it was lost or refused.
    pub reconnects: u64,
}

/// Why a feed cannot be played on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlayError {
    /// The feed names more devices than connections are allowed.
    #[error("device `{device}` is one more than the {allowed} that may have a connection")]
    TooManyDevices {
        /// The one too many.
        device: DeviceId,
        /// As configured.
        allowed: usize,
    },
}

/// Counts that may be read while the player plays.
#[derive(Debug, Default)]
pub struct PlayCounts {
    published: AtomicU64,
    acknowledged: AtomicU64,
    reconnects: AtomicU64,
}

impl PlayCounts {
    /// The counts by now.
    pub fn report(&self) -> PlayReport {
        PlayReport {
            published: self.published.load(Ordering::Relaxed),
            acknowledged: self.acknowledged.load(Ordering::Relaxed),
            reconnects: self.reconnects.load(Ordering::Relaxed),
        }
    }
}

/// Publishes the messages of `feed` before `until`, each when its time has come, and waits for their
/// acknowledgements. Dropping the future stops it at once.
pub async fn play(
    feed: impl IntoIterator<Item = TimedMessage>,
    target: &Target,
    pace: &impl Pace,
    until: Timestamp,
    limits: PlayLimits,
    counts: &Arc<PlayCounts>,
) -> Result<PlayReport, PlayError> {
    let mut player = Player { target, limits, counts, senders: BTreeMap::new(), connections: JoinSet::new() };
    for message in feed.into_iter().take_while(|message| message.at < until) {
        pace.reach(message.at).await;
        player.hand_over(message).await?;
    }
    player.drain().await;
    Ok(counts.report())
}

struct Player<'p> {
    target: &'p Target,
    limits: PlayLimits,
    counts: &'p Arc<PlayCounts>,
    senders: BTreeMap<DeviceId, Sender<TimedMessage>>,
    connections: JoinSet<()>,
}

impl Player<'_> {
    async fn hand_over(&mut self, message: TimedMessage) -> Result<(), PlayError> {
        if !self.senders.contains_key(&message.device) {
            self.connect(&message.device)?;
        }
        self.counts.published.fetch_add(1, Ordering::Relaxed);
        if let Some(sender) = self.senders.get(&message.device) {
            sender.send(message).await.expect("a connection lives until its sender is dropped");
        }
        Ok(())
    }

    fn connect(&mut self, device: &DeviceId) -> Result<(), PlayError> {
        if self.senders.len() >= self.limits.devices {
            return Err(PlayError::TooManyDevices { device: device.clone(), allowed: self.limits.devices });
        }
        let (sender, receiver) = mpsc::channel(self.limits.waiting);
        let connection = Connection::new(device, self.target, self.limits, Arc::clone(self.counts));
        self.connections.spawn(connection.serve(receiver));
        self.senders.insert(device.clone(), sender);
        Ok(())
    }

    /// Without a sender a connection ends when its last message is acknowledged.
    async fn drain(mut self) {
        self.senders.clear();
        let all = async { while self.connections.join_next().await.is_some() {} };
        // what is not acknowledged in time shows in the report
        tokio::time::timeout(self.limits.drain, all).await.unwrap_or(());
    }
}
