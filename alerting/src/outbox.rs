//! What is still to be delivered: for each receiver the events that it was to be told and has not taken yet, as a fold
//! of the alert log; and when to try, on the clock that is handed in.
//!
//! * Of one alert, a receiver gets one event after the other, in order. Alerts do not wait for each other.
//! * A failed attempt is repeated with exponential backoff; the jitter comes from the key, so the same run is the same
//!   again. After `give_up_after` the event is a dead letter of that receiver, visible in the log.
//! * Each receiver has its own rate and its own number of attempts at a time, so a dead one delays nobody else. Where
//!   the rate is short, the more severe goes first.
//! * At least once: an event is settled when `notified` is in the log. A crash between the receiver's answer and that
//!   record sends it again, with the same key and the same bytes.

mod backoff;
mod channel;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use citywarden_model::{Alert, Span, Timestamp};

pub use self::backoff::Backoff;
use self::channel::{Channel, Pending};
use crate::cloud_event::Notification;
use crate::event::{Actor, Delivery, Event, Headline, Key, ReceiverName, What};
use crate::receiver::Outcome;

/// How many dead letters are kept to be shown; all of them are in the log.
pub const DEAD_LETTERS_MAX: usize = 1000;

/// How deliveries are tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutboxLimits {
    /// The pauses between attempts.
    pub backoff: Backoff,
    /// After this long an event is given up.
    pub give_up_after: Span,
}

impl Default for OutboxLimits {
    fn default() -> Self {
        Self { backoff: Backoff::default(), give_up_after: Span::from_mins(24 * 60) }
    }
}

/// What one receiver can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChannelLimits {
    /// At most so many attempts at a time.
    pub in_flight_max: usize,
    /// At most so many attempts begun in any minute; `None`: as many as come.
    pub per_minute: Option<usize>,
}

impl Default for ChannelLimits {
    fn default() -> Self {
        Self { in_flight_max: 4, per_minute: None }
    }
}

/// An attempt to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// To whom.
    pub receiver: ReceiverName,
    /// The event.
    pub key: Key,
    /// What to send.
    pub notification: Notification,
}

/// An event that a receiver has not taken and will not be offered again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadDelivery {
    /// To whom.
    pub receiver: ReceiverName,
    /// The event.
    pub key: Key,
    /// When it was given up.
    pub at: Timestamp,
    /// The last thing that went wrong.
    pub why: String,
}

/// Everything still to be delivered.
#[derive(Debug)]
pub struct Outbox {
    channels: BTreeMap<ReceiverName, Channel>,
    limits: OutboxLimits,
    dead: VecDeque<DeadDelivery>,
    dead_total: u64,
}

impl Outbox {
    /// An empty outbox with these receivers.
    pub fn new(receivers: BTreeMap<ReceiverName, ChannelLimits>, limits: OutboxLimits) -> Self {
        let channels =
            receivers.into_iter().map(|(name, limits)| (name, Channel::new(Some(limits)))).collect();
        Self { channels, limits, dead: VecDeque::new(), dead_total: 0 }
    }

    /// Takes one event of the log; `alert` is the alert after it.
    pub fn apply(&mut self, event: &Event, alert: &Arc<Alert>) {
        match &event.what {
            What::Notified(delivery) => self.settle(event, &delivery.receiver),
            What::Failed { delivery, given_up: true } => {
                self.settle(event, &delivery.receiver);
                self.bury(event, delivery);
            }
            What::Failed { delivery, given_up: false } => {
                if let Some(channel) = self.channels.get_mut(&delivery.receiver) {
                    channel.mark_failing(&event.key());
                }
            }
            What::Opened(_)
            | What::Updated(_)
            | What::Cleared
            | What::Acknowledged
            | What::Resolved
            | What::Closed
            | What::Reopened { .. }
            | What::Noted => self.enqueue(event, alert),
        }
    }
    fn enqueue(&mut self, event: &Event, alert: &Arc<Alert>) {
        for recipient in &event.tell {
            let pending = Pending::new(Headline::of(event), alert.clone(), recipient);
            let channel =
                self.channels.entry(recipient.receiver.clone()).or_insert_with(|| Channel::new(None));
            channel.push(pending);
        }
    }
    fn settle(&mut self, event: &Event, receiver: &ReceiverName) {
        if let Some(channel) = self.channels.get_mut(receiver) {
            channel.remove(&event.key());
        }
    }
    fn bury(&mut self, event: &Event, delivery: &Delivery) {
        if self.dead.len() == DEAD_LETTERS_MAX {
            self.dead.pop_front();
        }
        self.dead_total += 1;
        self.dead.push_back(DeadDelivery {
            receiver: delivery.receiver.clone(),
            key: event.key(),
            at: event.at,
            why: event.why.clone().unwrap_or_default(),
        });
    }

    /// The attempts to make now. They are under way from here until [`Self::conclude`].
    pub fn start(&mut self, now: Timestamp) -> Vec<Due> {
        let mut started = Vec::new();
        for (receiver, channel) in &mut self.channels {
            while let Some((key, notification)) = channel.start(now) {
                started.push(Due { receiver: receiver.clone(), key, notification });
            }
        }
        started
    }

    /// Takes what came of an attempt. Where that is to be kept, the event to append to the log is returned, and the
    /// delivery is settled when [`Self::apply`] takes it.
    pub fn conclude(
        &mut self,
        receiver: &ReceiverName,
        key: &Key,
        outcome: Outcome,
        now: Timestamp,
    ) -> Option<Event> {
        let limits = self.limits;
        let channel = self.channels.get_mut(receiver)?;
        let tried = channel.finish(key)?;
        let delivery = Delivery { receiver: receiver.clone(), attempts: tried.attempts };
        let (why, after, is_hopeless) = match outcome {
            Outcome::Delivered => return Some(report(key, now, None, What::Notified(delivery))),
            Outcome::Retry { why, after } => (why, after, false),
            Outcome::Refused { why } => (why, None, true),
        };
        if is_hopeless || now.since(tried.since) >= limits.give_up_after {
            return Some(report(key, now, Some(why), What::Failed { delivery, given_up: true }));
        }
        let pause = limits.backoff.pause(key, receiver, tried.attempts, after);
        channel.postpone(key, now + pause);
        (!tried.was_failing).then(|| report(key, now, Some(why), What::Failed { delivery, given_up: false }))
    }

    /// What was for receivers that are no longer configured, and has waited too long for one of that name to come back.
    pub fn expire(&self, now: Timestamp) -> Vec<Event> {
        let orphans = self.channels.iter().filter(|(_, channel)| !channel.is_known());
        orphans
            .flat_map(|(receiver, channel)| {
                channel.overdue(now - self.limits.give_up_after).map(move |key| {
                    let delivery = Delivery { receiver: receiver.clone(), attempts: 0 };
                    let why = format!("there is no receiver `{receiver}` any more");
                    report(key, now, Some(why), What::Failed { delivery, given_up: true })
                })
            })
            .collect()
    }

    /// How many events each receiver has still to take.
    pub fn backlog(&self) -> impl Iterator<Item = (&ReceiverName, usize)> {
        self.channels.iter().map(|(receiver, channel)| (receiver, channel.len()))
    }
    /// How many dead letters there ever were.
    pub const fn dead_total(&self) -> u64 {
        self.dead_total
    }
    /// The latest dead letters, oldest first.
    pub fn dead(&self) -> impl DoubleEndedIterator<Item = &DeadDelivery> {
        self.dead.iter()
    }
}

fn report(key: &Key, at: Timestamp, why: Option<String>, what: What) -> Event {
    Event {
        alert: key.alert.clone(),
        sequence: key.sequence,
        at,
        who: Actor::Alerting,
        why,
        cause: None,
        tell: Vec::new(),
        what,
    }
}
