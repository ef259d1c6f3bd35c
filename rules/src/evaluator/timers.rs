//! What time alone may change, and when.

use std::collections::BTreeSet;

use citywarden_model::{Span, Timestamp};

/// Whom a timer wakes: a device whose silence may have changed something, or a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Sleeper {
    Device(usize),
    Case { asset: usize, case: usize },
}

/// Timers in the order in which they are due.
///
/// A sleeper moves its due without touching the queue when it becomes later: it is armed for the earlier time, looks
/// when it wakes, and sleeps on. So a reading does not reorder a queue.
#[derive(Debug, Clone)]
pub(crate) struct Timers {
    queue: BTreeSet<(Timestamp, Sleeper)>,
    /// Nothing is due before: looked at with every message.
    earliest: Timestamp,
}

impl Default for Timers {
    fn default() -> Self {
        Self { queue: BTreeSet::new(), earliest: Timestamp::MAX }
    }
}

impl Timers {
    /// Sees to it that the sleeper is woken at its due, or before.
    pub(crate) fn arm(&mut self, armed: &mut Option<Timestamp>, due: Option<Timestamp>, sleeper: Sleeper) {
        let Some(due) = due else { return };
        if armed.is_some_and(|armed| armed <= due) {
            return;
        }
        if let Some(later) = armed.replace(due) {
            self.queue.remove(&(later, sleeper));
        }
        self.queue.insert((due, sleeper));
        self.earliest = self.earliest.min(due);
    }

    /// The earliest time at or before `to` that somebody waits for.
    pub(crate) fn first_due(&mut self, to: Timestamp) -> Option<Timestamp> {
        self.earliest = self.queue.first().map_or(Timestamp::MAX, |(due, _)| *due);
        Some(self.earliest).filter(|due| *due <= to && !self.queue.is_empty())
    }

    /// Wakes the sleepers of this time, which is their first.
    pub(crate) fn wake(&mut self, due: Timestamp, woken: &mut Vec<Sleeper>) {
        while let Some((_, sleeper)) = self.queue.first().copied().filter(|(at, _)| *at == due) {
            self.queue.pop_first();
            woken.push(sleeper);
        }
    }

    pub(crate) fn is_due(&self, to: Timestamp) -> bool {
        self.earliest <= to
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }
}

/// The next time at which an input that runs since then crosses one of these values: at the value, and just beyond it
/// (one millisecond, as fine as seconds are counted), for `>=` and `>`.
pub(crate) fn next_crossing(
    since: Timestamp,
    values: &[Span],
    each_second: bool,
    now: Timestamp,
) -> Option<Timestamp> {
    let beyond = Span::from_millis(1);
    let crossings = values.iter().flat_map(|value| [since + *value, since + *value + beyond]);
    let second = each_second.then(|| {
        let whole = now.since(since).nanos().div_euclid(1_000_000_000);
        since + Span::from_secs(whole + 1)
    });
    crossings.chain(second).filter(|due| *due > now).min()
}
