//! What one device said of one quantity: samples in the order of their observed time, for as long as a rule looks
//! back, and the stretch of equal values at their end, however long ago it began.

use std::collections::VecDeque;

use citywarden_model::{Offset, Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::absence::Absence;
use super::fixed;

/// One value at one observed time: the end of the interval it stands for, or the moment of a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sample {
    pub(crate) at: Timestamp,
    pub(crate) received: Timestamp,
    pub(crate) value: i64,
    pub(crate) offset: Offset,
    /// The sum of the weights of all samples up to and including this one, from an arbitrary start.
    total: i128,
}

/// The newest stretch of equal values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    pub(crate) value: i64,
    /// The observed time of its first sample.
    pub(crate) observed: Timestamp,
    /// When that sample arrived.
    pub(crate) received: Timestamp,
}

/// What became of a sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Inserted {
    /// It is new, or replaced another value at the same time.
    Changed,
    /// The same value at the same time was there.
    Same,
    /// It is older than anything that is still looked at.
    TooOld,
}

/// So far around the place where a sample is expected it is looked for one by one.
const STEPS_NEAR: usize = 4;

/// Samples of one (asset, device, quantity).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Series {
    samples: VecDeque<Sample>,
    run: Option<Run>,
    /// Weights are energies of levels, not the values.
    is_level: bool,
    /// Samples at or before this time are forgotten, but for one that still holds.
    horizon: Timestamp,
}

impl Series {
    pub(crate) fn new(is_level: bool) -> Self {
        Self { samples: VecDeque::new(), run: None, is_level, horizon: Timestamp::from_nanos(i64::MIN) }
    }

    pub(crate) fn is_level(&self) -> bool {
        self.is_level
    }

    /// Whether sums of levels are wanted from now on.
    pub(crate) fn set_level(&mut self, is_level: bool) {
        if self.is_level != is_level {
            self.is_level = is_level;
            self.add_up(0);
        }
    }

    pub(crate) fn newest(&self) -> Option<&Sample> {
        self.samples.back()
    }

    /// The records its samples came from.
    pub(crate) fn offsets(&self) -> impl Iterator<Item = Offset> {
        self.samples.iter().map(|sample| sample.offset)
    }

    /// Leaves out a time in which we were away of what is counted since its samples arrived.
    pub(crate) fn excuse(&mut self, absence: Absence) {
        self.samples.iter_mut().for_each(|sample| absence.excuse(&mut sample.received));
        if let Some(run) = &mut self.run {
            absence.excuse(&mut run.received);
        }
    }

    /// Looks at its ends.
    pub(crate) fn see_ends(&self) -> u64 {
        let seen = |sample: Option<&Sample>| sample.map_or(0, |sample| sample.offset.0);
        seen(self.samples.front()) ^ seen(self.samples.get(1)) ^ seen(self.samples.back())
    }

    /// Looks where windows of these widths will begin.
    pub(crate) fn see_beginnings(&self, widths: &[Span]) -> u64 {
        let (Some(oldest), Some(newest)) = (self.samples.front(), self.samples.back()) else { return 0 };
        let place = |width: &Span| {
            expected_place(oldest.at, newest.at, self.samples.len(), (newest.at - *width).max(oldest.at))
        };
        widths
            .iter()
            .fold(0, |seen, width| seen ^ self.samples.get(place(width)).map_or(0, |sample| sample.offset.0))
    }

    pub(crate) fn run(&self) -> Option<Run> {
        self.run
    }

    /// Takes a sample in, wherever its time puts it.
    pub(crate) fn insert(
        &mut self,
        at: Timestamp,
        received: Timestamp,
        value: i64,
        offset: Offset,
    ) -> Inserted {
        if at <= self.horizon {
            return Inserted::TooOld;
        }
        let sample = Sample { at, received, value, offset, total: 0 };
        if self.samples.back().is_none_or(|newest| newest.at < at) {
            self.append(sample);
            return Inserted::Changed;
        }
        let place = self.samples.partition_point(|other| other.at < at);
        match self.samples.get_mut(place) {
            Some(there) if there.at == at && there.value == value => return Inserted::Same,
            Some(there) if there.at == at => *there = sample,
            _ => self.samples.insert(place, sample),
        }
        self.add_up(place);
        self.find_run();
        Inserted::Changed
    }

    fn append(&mut self, mut sample: Sample) {
        sample.total = self.samples.back().map_or(0, |newest| newest.total) + self.weight(sample.value);
        if self.run.is_none_or(|run| run.value != sample.value) {
            self.run = Some(Run { value: sample.value, observed: sample.at, received: sample.received });
        }
        self.samples.push_back(sample);
    }

    fn weight(&self, value: i64) -> i128 {
        if self.is_level { fixed::energy_of(value) } else { i128::from(value) }
    }

    /// Totals again, from this place on.
    fn add_up(&mut self, from: usize) {
        let before = from.checked_sub(1).and_then(|place| self.samples.get(place));
        let mut total = before.map_or(0, |sample| sample.total);
        let is_level = self.is_level;
        for sample in self.samples.iter_mut().skip(from) {
            total += if is_level { fixed::energy_of(sample.value) } else { i128::from(sample.value) };
            sample.total = total;
        }
    }

    /// The run again, after something changed before the end.
    fn find_run(&mut self) {
        let Some(newest) = self.samples.back() else { return };
        let value = newest.value;
        let first = self.samples.iter().rev().take_while(|sample| sample.value == value).last();
        let Some(first) = first.copied() else { return };
        let reaches_front = self.samples.front().is_some_and(|front| front.at == first.at);
        if reaches_front && self.run.is_some_and(|run| run.value == value && run.observed < first.at) {
            return; // it began before what is still kept
        }
        self.run = Some(Run { value, observed: first.at, received: first.received });
    }

    /// Forgets what is at or before this time, but for the newest of it: its value still holds afterwards.
    pub(crate) fn forget(&mut self, until: Timestamp) {
        if until <= self.horizon {
            return;
        }
        self.horizon = until;
        while self.samples.get(1).is_some_and(|second| second.at <= until) {
            self.samples.pop_front();
        }
    }

    /// The place of the first sample after this time. Devices keep their rhythm: it is looked for where it would be if
    /// all samples were equally far apart, and only then by halves, of which each is a wait for memory.
    fn first_after(&self, time: Timestamp) -> usize {
        let (Some(oldest), Some(newest)) = (self.samples.front(), self.samples.back()) else { return 0 };
        if oldest.at > time {
            return 0;
        }
        let mut place = expected_place(oldest.at, newest.at, self.samples.len(), time);
        for _ in 0..STEPS_NEAR {
            let is_after = |place: usize| self.samples.get(place).is_none_or(|sample| sample.at > time);
            match place.checked_sub(1).filter(|before| is_after(*before)) {
                Some(before) => place = before,
                None if is_after(place) => return place,
                None => place += 1,
            }
        }
        self.samples.partition_point(|sample| sample.at <= time)
    }

    /// The places of the samples in (from, to].
    fn places(&self, from: Timestamp, to: Timestamp) -> (usize, usize) {
        let end = if self.samples.back().is_some_and(|newest| newest.at <= to) {
            self.samples.len()
        } else {
            self.samples.partition_point(|sample| sample.at <= to)
        };
        let start = self.first_after(from);
        (start.min(end), end)
    }

    /// How many samples are in (from, to], and the sum of their weights: exact, whatever order they came in.
    pub(crate) fn sum(&self, from: Timestamp, to: Timestamp) -> (i128, i128) {
        let (start, end) = self.places(from, to);
        let total = |end: usize| match end.checked_sub(1).and_then(|place| self.samples.get(place)) {
            Some(sample) => sample.total,
            None => self.samples.front().map_or(0, |front| front.total - self.weight(front.value)),
        };
        ((end - start) as i128, total(end) - total(start))
    }

    /// The samples in (from, to], by time.
    pub(crate) fn between(&self, from: Timestamp, to: Timestamp) -> impl DoubleEndedIterator<Item = &Sample> {
        let (start, end) = self.places(from, to);
        self.samples.range(start..end)
    }

    /// The sample whose value holds at this time.
    pub(crate) fn holding(&self, at: Timestamp) -> Option<&Sample> {
        if let Some(newest) = self.samples.back().filter(|newest| newest.at <= at) {
            return Some(newest);
        }
        let end = self.samples.partition_point(|sample| sample.at <= at);
        end.checked_sub(1).and_then(|place| self.samples.get(place))
    }

    /// The stretches of (from, to] with one value each, by time, as far back as a value is known.
    pub(crate) fn pieces(&self, from: Timestamp, to: Timestamp) -> impl Iterator<Item = Piece> {
        let (start, end) = self.places(from, to);
        let first = if self.samples.get(start).is_some_and(|sample| sample.at == from) {
            start
        } else {
            start.saturating_sub(1)
        };
        let ends = self.samples.range(first..end).skip(1).map(|sample| sample.at).chain([to]);
        self.samples.range(first..end).zip(ends).filter_map(move |(sample, end)| {
            let piece = Piece { from: sample.at.max(from), to: end.min(to), value: sample.value };
            (piece.from < piece.to).then_some(piece)
        })
    }
}

/// Where the first sample after this time would be among so many that are equally far apart; at most their number.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    reason = "a guess, and `as` saturates"
)]
fn expected_place(oldest: Timestamp, newest: Timestamp, samples: usize, time: Timestamp) -> usize {
    let (whole, part) = (newest.since(oldest).nanos().max(1) as f64, time.since(oldest).nanos() as f64);
    let steps = samples.saturating_sub(1) as f64;
    ((part / whole * steps) as usize).saturating_add(1).min(samples)
}

/// A stretch of time in which one value held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Piece {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
    pub(crate) value: i64,
}

impl Piece {
    pub(crate) fn nanos(&self) -> i128 {
        i128::from(self.to.since(self.from).nanos())
    }
    /// The part of it in another stretch.
    pub(crate) fn within(&self, from: Timestamp, to: Timestamp) -> Option<Self> {
        let piece = Self { from: self.from.max(from), to: self.to.min(to), value: self.value };
        (piece.from < piece.to).then_some(piece)
    }
}
