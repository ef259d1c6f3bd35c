//! What one device said of one quantity: samples in the order of their observed time, for as long as a rule looks
//! back, and the stretch of equal values at their end, however long ago it began.

use std::collections::VecDeque;

use citywarden_model::{Offset, Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::absence::Absence;
use super::fixed;
use super::rolling::{Rolling, Rollings, Stretch, Weight};

/// One value at one observed time: the end of the interval it stands for, or the moment of a change. Two of them are one
/// line of a cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(align(32))]
pub(crate) struct Sample {
    pub(crate) at: Timestamp,
    pub(crate) received: Timestamp,
    pub(crate) value: i64,
    pub(crate) offset: Offset,
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

/// Places for so many samples are kept however few there are; of more, three in four are not left empty.
const PLACES_KEPT: usize = 64;

/// Samples of one (asset, device, quantity).
#[derive(Debug, Clone)]
#[repr(align(64))]
pub(crate) struct Series {
    samples: VecDeque<Sample>,
    run: Option<Run>,
    /// Weights are energies of levels, not the values.
    is_level: bool,
    /// Samples at or before this time are forgotten, but for one that still holds.
    horizon: Timestamp,
    /// The second sample is not older than this: mostly nothing is to be forgotten, and this says so without a look.
    second_from: Timestamp,
    /// How many samples were forgotten.
    forgotten: u64,
    /// So many samples its device's rhythm needs.
    regular: u32,
    windows: Rollings,
}

impl Series {
    pub(crate) fn new(is_level: bool) -> Self {
        Self::restored(VecDeque::new(), None, is_level, Timestamp::from_nanos(i64::MIN))
    }

    /// A series of these parts.
    pub(crate) fn restored(
        samples: VecDeque<Sample>,
        run: Option<Run>,
        is_level: bool,
        horizon: Timestamp,
    ) -> Self {
        let second_from = samples.get(1).map_or(Timestamp::MAX, |second| second.at);
        Self {
            samples,
            run,
            is_level,
            horizon,
            second_from,
            forgotten: 0,
            regular: 0,
            windows: Rollings::default(),
        }
    }

    pub(crate) fn samples(&self) -> &VecDeque<Sample> {
        &self.samples
    }

    pub(crate) fn horizon(&self) -> Timestamp {
        self.horizon
    }

    pub(crate) fn is_level(&self) -> bool {
        self.is_level
    }

    /// How many samples its device's rhythm needs.
    pub(crate) fn regular(&self) -> usize {
        self.regular as usize
    }

    /// Says how many samples its device's rhythm needs.
    pub(crate) fn set_regular(&mut self, samples: usize) {
        self.regular = u32::try_from(samples).unwrap_or(u32::MAX);
    }

    /// How many samples it has beyond its device's rhythm.
    pub(crate) fn surplus(&self) -> usize {
        self.samples.len().saturating_sub(self.regular())
    }

    /// Whether sums of levels are wanted from now on.
    pub(crate) fn set_level(&mut self, is_level: bool) {
        self.is_level = is_level;
        self.windows.clear();
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

    /// Looks at itself, and at what is remembered of its windows.
    pub(crate) fn glance(&self) -> u64 {
        self.samples.len() as u64 ^ u64::from(self.run.is_some()) ^ self.windows.glance()
    }

    /// Adds the samples that the next message will need: the newest one, and those where its windows begin.
    pub(crate) fn next_samples<'s>(&'s self, samples: &mut Vec<&'s Sample>) {
        samples.extend(self.samples.back());
        self.windows.starts(self.stretch(), samples);
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
        self.second_from = self.second_from.min(at);
        if self.samples.back().is_none_or(|newest| newest.at < at) {
            if self.run.is_none_or(|run| run.value != value) {
                self.run = Some(Run { value, observed: at, received });
            }
            self.samples.push_back(Sample { at, received, value, offset });
            return Inserted::Changed;
        }
        let sample = Sample { at, received, value, offset };
        let place = self.samples.partition_point(|other| other.at < at);
        match self.samples.get_mut(place) {
            Some(there) if there.at == at && there.value == value => return Inserted::Same,
            Some(there) if there.at == at => *there = sample,
            _ => self.samples.insert(place, sample),
        }
        self.windows.clear();
        self.find_run();
        Inserted::Changed
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
        if until < self.second_from {
            return;
        }
        while self.samples.get(1).is_some_and(|second| second.at <= until) {
            self.samples.pop_front();
            self.forgotten += 1;
        }
        self.leave_front();
    }

    /// After the oldest went.
    fn leave_front(&mut self) {
        self.second_from = self.samples.get(1).map_or(Timestamp::MAX, |second| second.at);
        let (places, samples) = (self.samples.capacity(), self.samples.len());
        if places > PLACES_KEPT && places / 4 > samples {
            self.samples.shrink_to(samples * 2);
        }
    }

    /// Forgets the oldest beyond so many.
    pub(crate) fn keep_at_most(&mut self, most: usize) {
        while self.samples.len() > most {
            let Some(oldest) = self.samples.pop_front() else { return };
            self.horizon = self.horizon.max(oldest.at);
            self.forgotten += 1;
        }
        self.leave_front();
    }

    /// Whether it still has every sample after this time.
    pub(crate) fn reaches_back_to(&self, time: Timestamp) -> bool {
        self.horizon <= time
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

    /// What a sample counts in sums.
    pub(crate) fn weight(&self) -> Weight {
        if self.is_level { fixed::energy_of } else { i128::from }
    }

    fn stretch(&self) -> Stretch<'_> {
        Stretch { samples: &self.samples, forgotten: self.forgotten, weight: self.weight() }
    }

    /// Looks at the window of this width that begins at `from`, without anything older, and ends with the newest sample.
    pub(crate) fn look<T>(
        &self,
        width: Span,
        from: Timestamp,
        look: impl FnOnce(&mut Rolling, Stretch<'_>) -> T,
    ) -> T {
        let stretch = self.stretch();
        self.windows.look(stretch, width, from, |rolling| look(rolling, stretch))
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
