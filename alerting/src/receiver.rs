//! The ways out: whoever takes notifications, behind one trait.

pub mod mqtt;
pub mod signature;
pub mod webhook;

use std::future::Future;
use std::pin::Pin;

use citywarden_model::{RegionId, Span, Timestamp};

use crate::cloud_event::Notification;

/// Somebody who takes notifications.
pub trait Receiver: Send + Sync {
    /// Makes one attempt. It ends by itself after a bounded time, and says what came of it. `now` is the time that a
    /// signature names.
    fn deliver<'a>(&'a self, notification: &'a Notification, now: Timestamp) -> Attempt<'a>;
}

/// An attempt under way.
pub type Attempt<'a> = Pin<Box<dyn Future<Output = Outcome> + Send + 'a>>;

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver has it.
    Delivered,
    /// It may work later.
    Retry {
        /// What went wrong.
        why: String,
        /// What the receiver asked for, not before.
        after: Option<Span>,
    },
    /// The receiver wants it never.
    Refused {
        /// What it said.
        why: String,
    },
}

impl Outcome {
    /// The metric's label.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Delivered => "delivered",
            Self::Retry { .. } => "retry",
            Self::Refused { .. } => "refused",
        }
    }
}

/// Sends a test notification, once.
pub async fn test(receiver: &dyn Receiver, region: &RegionId, now: Timestamp) -> Outcome {
    receiver.deliver(&Notification::test(region, now), now).await
}
