//! What is still to be delivered to one receiver: a lane an alert, one attempt a lane at a time.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use citywarden_model::{Alert, AlertId, Severity, Span, Timestamp};

use super::ChannelLimits;
use crate::cloud_event::Notification;
use crate::event::{Headline, Key, Recipient};

const RATE_WINDOW: Span = Span::from_mins(1);

/// One event for one receiver.
#[derive(Debug)]
pub(super) struct Pending {
    headline: Headline,
    alert: Arc<Alert>,
    since: Timestamp,
    due: Timestamp,
    attempts: u32,
    is_failing: bool,
}

/// What an attempt that has ended was.
pub(super) struct Tried {
    pub(super) attempts: u32,
    pub(super) since: Timestamp,
    /// Whether an earlier failure of it is in the log.
    pub(super) was_failing: bool,
}

impl Pending {
    pub(super) fn new(headline: Headline, alert: Arc<Alert>, recipient: &Recipient) -> Self {
        Self { headline, alert, since: recipient.since, due: recipient.due, attempts: 0, is_failing: false }
    }
}

/// The events of one alert, in order. Never empty.
#[derive(Debug)]
struct Lane {
    queue: VecDeque<Pending>,
    stage: Stage,
}

/// Where the first event of a lane is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// In `waiting`, until then.
    Waiting(Timestamp),
    /// In `ready`.
    Ready(Reverse<Severity>, Timestamp),
    /// Being sent.
    InFlight,
    /// Sent; the log does not hold it yet.
    Concluded,
}

#[derive(Debug)]
pub(super) struct Channel {
    /// `None`: nobody of that name is configured.
    limits: Option<ChannelLimits>,
    lanes: BTreeMap<AlertId, Lane>,
    waiting: BTreeSet<(Timestamp, AlertId)>,
    ready: BTreeSet<(Reverse<Severity>, Timestamp, AlertId)>,
    in_flight: usize,
    /// How many events there are in all lanes.
    len: usize,
    /// When the latest attempts began, as far as the rate asks.
    begun: VecDeque<Timestamp>,
}

impl Channel {
    pub(super) const fn new(limits: Option<ChannelLimits>) -> Self {
        Self {
            limits,
            lanes: BTreeMap::new(),
            waiting: BTreeSet::new(),
            ready: BTreeSet::new(),
            in_flight: 0,
            len: 0,
            begun: VecDeque::new(),
        }
    }
    pub(super) const fn is_known(&self) -> bool {
        self.limits.is_some()
    }
    pub(super) const fn len(&self) -> usize {
        self.len
    }
    /// The events that wait since `limit` or longer.
    pub(super) fn overdue(&self, limit: Timestamp) -> impl Iterator<Item = &Key> {
        let pending = self.lanes.values().flat_map(|lane| &lane.queue);
        pending.filter(move |pending| pending.since <= limit).map(|pending| &pending.headline.key)
    }

    pub(super) fn push(&mut self, pending: Pending) {
        self.len += 1;
        let alert = pending.headline.key.alert.clone();
        if let Some(lane) = self.lanes.get_mut(&alert) {
            lane.queue.push_back(pending);
        } else {
            let stage = Stage::Waiting(pending.due);
            self.waiting.insert((pending.due, alert.clone()));
            self.lanes.insert(alert, Lane { queue: VecDeque::from([pending]), stage });
        }
    }
    /// Takes an event out for good; the next of its alert follows.
    pub(super) fn remove(&mut self, key: &Key) {
        let Some(lane) = self.lanes.get_mut(&key.alert) else { return };
        let Some(place) = lane.queue.iter().position(|pending| pending.headline.key == *key) else { return };
        lane.queue.remove(place);
        self.len -= 1;
        if place > 0 {
            return;
        }
        let next = lane.queue.front().map(|pending| pending.due);
        self.unschedule(&key.alert);
        match next {
            Some(due) => self.wait(&key.alert, due),
            None => {
                self.lanes.remove(&key.alert);
            }
        }
    }
    pub(super) fn mark_failing(&mut self, key: &Key) {
        if let Some(pending) = self.pending(key) {
            pending.is_failing = true;
        }
    }
    pub(super) fn postpone(&mut self, key: &Key, until: Timestamp) {
        self.wait(&key.alert, until);
    }

    /// The next attempt that may begin now.
    pub(super) fn start(&mut self, now: Timestamp) -> Option<(Key, Notification)> {
        let limits = self.limits?;
        self.ripen(now);
        if self.in_flight >= limits.in_flight_max || !self.has_rate(limits, now) {
            return None;
        }
        let (_, _, alert) = self.ready.pop_first()?;
        let lane = self.lanes.get_mut(&alert)?;
        lane.stage = Stage::InFlight;
        let pending = lane.queue.front_mut()?;
        pending.attempts = pending.attempts.saturating_add(1);
        self.in_flight += 1;
        if limits.per_minute.is_some() {
            self.begun.push_back(now);
        }
        Some((pending.headline.key.clone(), Notification::of(&pending.headline, &pending.alert)))
    }
    /// The attempt of this event has ended.
    pub(super) fn finish(&mut self, key: &Key) -> Option<Tried> {
        let lane = self.lanes.get_mut(&key.alert).filter(|lane| lane.stage == Stage::InFlight)?;
        let pending = lane.queue.front().filter(|pending| pending.headline.key == *key)?;
        let tried =
            Tried { attempts: pending.attempts, since: pending.since, was_failing: pending.is_failing };
        lane.stage = Stage::Concluded;
        self.in_flight -= 1;
        Some(tried)
    }

    fn pending(&mut self, key: &Key) -> Option<&mut Pending> {
        self.lanes.get_mut(&key.alert)?.queue.iter_mut().find(|pending| pending.headline.key == *key)
    }
    fn has_rate(&mut self, limits: ChannelLimits, now: Timestamp) -> bool {
        while self.begun.front().is_some_and(|begun| now.since(*begun) >= RATE_WINDOW) {
            self.begun.pop_front();
        }
        limits.per_minute.is_none_or(|most| self.begun.len() < most)
    }
    /// Moves what is due from `waiting` to `ready`.
    fn ripen(&mut self, now: Timestamp) {
        while self.waiting.first().is_some_and(|(due, _)| *due <= now) {
            let Some((due, alert)) = self.waiting.pop_first() else { return };
            let Some(lane) = self.lanes.get_mut(&alert) else { continue };
            let severity = lane.queue.front().map_or(Severity::Notice, |pending| pending.alert.severity);
            lane.stage = Stage::Ready(Reverse(severity), due);
            self.ready.insert((Reverse(severity), due, alert));
        }
    }
    fn wait(&mut self, alert: &AlertId, until: Timestamp) {
        if let Some(lane) = self.lanes.get_mut(alert) {
            lane.stage = Stage::Waiting(until);
            self.waiting.insert((until, alert.clone()));
        }
    }
    fn unschedule(&mut self, alert: &AlertId) {
        match self.lanes.get(alert).map(|lane| lane.stage) {
            Some(Stage::Waiting(due)) => {
                self.waiting.remove(&(due, alert.clone()));
            }
            Some(Stage::Ready(severity, due)) => {
                self.ready.remove(&(severity, due, alert.clone()));
            }
            Some(Stage::InFlight) => self.in_flight -= 1,
            Some(Stage::Concluded) | None => {}
        }
    }
}
