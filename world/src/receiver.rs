//! Somebody who is told of alerts: slow, away, or one whose answers get lost.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use citywarden_alerting::cloud_event::Notification;
use citywarden_alerting::receiver::{Attempt, Outcome, Receiver};
use citywarden_model::{Span, Timestamp};
use tokio::time::{Duration, sleep};

use crate::random::Dice;
use crate::time::Time;

/// An attempt that nobody answers ends after this.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// Somebody who is told; clones are the same.
#[derive(Clone)]
pub(crate) struct Duty {
    time: Time,
    state: Arc<Mutex<State>>,
}

struct State {
    dice: Dice,
    is_away: bool,
    /// In so many of a hundred cases something goes wrong.
    trouble: u64,
    told: Vec<Told>,
}

/// Something that arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) at: Timestamp,
    pub(crate) id: String,
    pub(crate) body: Vec<u8>,
}

/// What becomes of an attempt.
enum Fate {
    /// It arrives, and the answer comes back.
    Answered,
    /// It arrives, and the answer is lost.
    Unanswered,
    /// It arrives, and the answer is an error.
    Failed,
    /// It does not arrive.
    Lost,
    /// There is too much of it.
    TooMuch,
}

impl Duty {
    pub(crate) fn new(time: Time, dice: Dice) -> Self {
        let state = State { dice, is_away: false, trouble: 0, told: Vec::new() };
        Self { time, state: Arc::new(Mutex::new(state)) }
    }
    /// Away: nothing arrives.
    pub(crate) fn set_away(&self, is_away: bool) {
        self.state().is_away = is_away;
    }
    /// In so many of a hundred cases something goes wrong from now on.
    pub(crate) fn set_trouble(&self, percent: u64) {
        self.state().trouble = percent;
    }
    /// Everything that arrived, in order.
    pub(crate) fn told(&self) -> Vec<Told> {
        self.state().told.clone()
    }
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
    fn fate(&self) -> (Duration, Fate) {
        let mut state = self.state();
        let latency = state.dice.millis(1, 300).duration();
        let (trouble, kind) = (state.dice.below(100), state.dice.below(4));
        let fate = match kind {
            _ if state.is_away => Fate::Lost,
            _ if trouble >= state.trouble => Fate::Answered,
            0 => Fate::Unanswered,
            1 => Fate::Failed,
            2 => Fate::TooMuch,
            _ => Fate::Lost,
        };
        (latency, fate)
    }
    fn take(&self, notification: &Notification) {
        let told =
            Told { at: self.time.truth(), id: notification.id.clone(), body: notification.body.clone() };
        self.state().told.push(told);
    }
}

/// The way from one run of the service to somebody who is told: nothing leaves a service that is dead.
pub(crate) struct Way {
    pub(crate) to: Duty,
    pub(crate) is_alive: Arc<AtomicBool>,
}

impl Way {
    async fn carry(&self, notification: &Notification) -> Outcome {
        let (latency, fate) = self.to.fate();
        sleep(latency).await;
        if !self.is_alive.load(Ordering::SeqCst) {
            return std::future::pending().await;
        }
        let retry = |why: &str, after| Outcome::Retry { why: why.to_owned(), after };
        match fate {
            Fate::Answered => {
                self.to.take(notification);
                sleep(latency).await;
                Outcome::Delivered
            }
            Fate::Unanswered => {
                self.to.take(notification);
                sleep(ATTEMPT_TIMEOUT).await;
                retry("no answer", None)
            }
            Fate::Failed => {
                self.to.take(notification);
                retry("answered 500", None)
            }
            Fate::TooMuch => retry("answered 429", Some(Span::from_secs(7))),
            Fate::Lost => {
                sleep(ATTEMPT_TIMEOUT).await;
                retry("no answer", None)
            }
        }
    }
}

impl Receiver for Way {
    fn deliver<'a>(&'a self, notification: &'a Notification, _: Timestamp) -> Attempt<'a> {
        Box::pin(self.carry(notification))
    }
}
