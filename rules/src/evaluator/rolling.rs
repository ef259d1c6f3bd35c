//! What is remembered of a window between two looks at it: its sum, its extremes and where it begins. Windows mostly move
//! forward, so that each sample is counted once when it comes in and once when it goes out. Nothing depends on what is
//! remembered but the time it takes: it is found again from the samples where it does not fit, and no snapshot holds it.

use std::cell::RefCell;
use std::collections::VecDeque;

use citywarden_model::{Span, Timestamp};

use super::series::Sample;

/// Windows of different widths that are remembered for one series: more than a rule pack has over one quantity.
const WIDTHS_MAX: usize = 8;

/// A number that grows, or shrinks, with a sample.
pub(crate) type Weight = fn(i64) -> i128;

/// The windows of one series.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rollings(RefCell<Kept>);

/// Mostly one window is over a series: it lies with the series itself.
#[derive(Debug, Clone, Default)]
struct Kept {
    first: Option<Rolling>,
    others: Vec<Rolling>,
}

/// What samples of a series a window is over.
#[derive(Clone, Copy)]
pub(crate) struct Stretch<'s> {
    pub(crate) samples: &'s VecDeque<Sample>,
    /// How many samples were before them and are forgotten.
    pub(crate) forgotten: u64,
    pub(crate) weight: Weight,
}

/// One window, from a time to the newest sample. Places are counted from the first sample that ever was.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rolling {
    width: Span,
    from: Timestamp,
    start: u64,
    /// The time of the sample there, where there is one.
    starts_at: Timestamp,
    end: u64,
    sum: i128,
    greatest: Extreme,
    least: Extreme,
}

/// A sample beyond which no other is; it is to be looked for where the place is before the window.
#[derive(Debug, Clone, Copy)]
struct Extreme {
    /// One more than its place; 0: it was never looked for.
    place: u64,
    value: i64,
}

impl Extreme {
    const UNKNOWN: Self = Self { place: 0, value: 0 };

    fn is_in(self, start: u64) -> bool {
        self.place > start
    }
}

/// Which end of the values is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Greatest,
    Least,
}

impl Rollings {
    /// Forgets all of them: something changed that was counted already.
    pub(crate) fn clear(&mut self) {
        let kept = self.0.get_mut();
        kept.first = None;
        kept.others.clear();
    }

    /// Looks at what is remembered.
    pub(crate) fn glance(&self) -> u64 {
        let kept = self.0.borrow();
        kept.all().fold(kept.others.len() as u64, |seen, rolling| seen ^ rolling.glance())
    }

    /// Adds the samples that will be the next to leave, where that is soon.
    pub(crate) fn starts<'s>(&self, stretch: Stretch<'s>, samples: &mut Vec<&'s Sample>) {
        let kept = self.0.borrow();
        let leaving = kept.all().filter(|rolling| rolling.leaves_soon());
        samples.extend(leaving.filter_map(|rolling| stretch.at(rolling.start)));
    }

    /// The window of this width that begins at `from`.
    pub(crate) fn look<T>(
        &self,
        stretch: Stretch<'_>,
        width: Span,
        from: Timestamp,
        look: impl FnOnce(&mut Rolling) -> T,
    ) -> T {
        let mut kept = self.0.borrow_mut();
        let rolling = kept.of(stretch, width, from);
        rolling.reach(stretch, from);
        look(rolling)
    }
}

impl Kept {
    fn all(&self) -> impl Iterator<Item = &Rolling> {
        self.first.iter().chain(&self.others)
    }

    fn of(&mut self, stretch: Stretch<'_>, width: Span, from: Timestamp) -> &mut Rolling {
        let new = || Rolling::new(stretch, width, from);
        let first = self.first.get_or_insert_with(new);
        if first.width == width {
            return first;
        }
        let known = self.others.iter().position(|rolling| rolling.width == width);
        let place = known.unwrap_or_else(|| {
            if self.others.len() >= WIDTHS_MAX {
                self.others.remove(0);
            }
            self.others.push(new());
            self.others.len() - 1
        });
        self.others.get_mut(place).expect("it was found, or put there")
    }
}

impl<'s> Stretch<'s> {
    fn at(&self, place: u64) -> Option<&'s Sample> {
        self.samples.get(usize::try_from(place.checked_sub(self.forgotten)?).ok()?)
    }

    fn first_after(&self, time: Timestamp) -> u64 {
        self.forgotten + self.samples.partition_point(|sample| sample.at <= time) as u64
    }
}

impl Rolling {
    /// Nothing is counted yet.
    fn new(stretch: Stretch<'_>, width: Span, from: Timestamp) -> Self {
        let start = stretch.first_after(from);
        let starts_at = stretch.at(start).map_or(Timestamp::MAX, |sample| sample.at);
        Self {
            width,
            from,
            start,
            starts_at,
            end: start,
            sum: 0,
            greatest: Extreme::UNKNOWN,
            least: Extreme::UNKNOWN,
        }
    }

    fn glance(&self) -> u64 {
        self.start
            ^ self.greatest.place
            ^ self.least.place
            ^ u64::from(self.sum == 0 || self.from == self.starts_at)
    }

    /// Whether its first sample will leave within a small part of its width.
    fn leaves_soon(&self) -> bool {
        self.starts_at.since(self.from).nanos() <= self.width.nanos() / 8
    }

    /// Moves it to this beginning, and takes in what came.
    fn reach(&mut self, stretch: Stretch<'_>, from: Timestamp) {
        if from < self.from || self.start < stretch.forgotten {
            *self = Self::new(stretch, self.width, from);
        }
        self.from = from;
        while let Some(sample) = stretch.at(self.end) {
            self.take_in(sample, (stretch.weight)(sample.value));
        }
        while self.start < self.end && self.starts_at <= from {
            let Some(sample) = stretch.at(self.start) else { break };
            self.sum -= (stretch.weight)(sample.value);
            self.start += 1;
            self.starts_at = stretch.at(self.start).map_or(Timestamp::MAX, |next| next.at);
        }
    }

    fn take_in(&mut self, sample: &Sample, weight: i128) {
        if self.start == self.end {
            self.starts_at = sample.at;
        }
        self.sum += weight;
        let new = Extreme { place: self.end + 1, value: sample.value };
        // what is there already may be beyond it, where it is not known
        let is_first = self.start == self.end;
        if is_first || self.greatest.place > 0 && self.greatest.value <= new.value {
            self.greatest = new;
        }
        if is_first || self.least.place > 0 && self.least.value >= new.value {
            self.least = new;
        }
        self.end += 1;
    }

    /// How many samples it has, and the sum of their weights.
    pub(crate) fn count_and_sum(&self) -> (i128, i128) {
        (i128::from(self.end - self.start), self.sum)
    }

    /// The greatest or the least value in it.
    pub(crate) fn extreme(&mut self, stretch: Stretch<'_>, end: End) -> Option<i64> {
        if self.start == self.end {
            return None;
        }
        let start = self.start;
        let known = match end {
            End::Greatest => &mut self.greatest,
            End::Least => &mut self.least,
        };
        if !known.is_in(start) {
            *known = look_for(stretch, start, end)?;
        }
        Some(known.value)
    }
}

/// The newest of the extreme values from this place on.
fn look_for(stretch: Stretch<'_>, start: u64, end: End) -> Option<Extreme> {
    let first = usize::try_from(start - stretch.forgotten).ok()?;
    let values = (start + 1..).zip(stretch.samples.range(first..).map(|sample| sample.value));
    let (place, value) = match end {
        End::Greatest => values.max_by_key(|(_, value)| *value)?,
        End::Least => values.max_by_key(|(_, value)| std::cmp::Reverse(*value))?,
    };
    Some(Extreme { place, value })
}
