//! What is computed over a window of one device's samples.
//!
//! A window is (to − width, to]. A device with an interval sends samples that stand for the interval before them:
//! they are counted. A device that reports on change sends values that hold until the next: they are weighted by
//! time. A gate selects the samples made, or the time, while a state held; a gate reading holds from its own time
//! up to, and not at, the next.

use citywarden_model::{Span, Timestamp};

use super::fixed;
use super::rolling::End;
use super::series::{Piece, Sample, Series};

/// What is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Measure {
    Laeq,
    Mean,
    Max,
    Min,
    Sum,
    Count,
    Coverage,
    ShareOfTime,
    LongestRun,
}

/// A state that selects.
#[derive(Debug, Clone, Copy)]
pub(crate) struct GateSeries<'a> {
    pub(crate) series: &'a Series,
    pub(crate) negated: bool,
}

impl GateSeries<'_> {
    pub(crate) fn is_open(&self, value: i64) -> bool {
        (value != 0) != self.negated
    }
    fn is_open_at(&self, at: Timestamp) -> bool {
        self.series.holding(at).is_some_and(|sample| self.is_open(sample.value))
    }
}

/// A window over one device's samples.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Window<'a> {
    pub(crate) series: &'a Series,
    /// The device's interval; `None`: it reports on change.
    pub(crate) interval: Option<Span>,
    pub(crate) gate: Option<GateSeries<'a>>,
    /// Where the window begins.
    pub(crate) begins: Timestamp,
    /// Samples at or before this are out: `begins`, or later where the window was restarted.
    pub(crate) from: Timestamp,
    /// Where it ends, included.
    pub(crate) to: Timestamp,
    /// The least coverage with which it has a value, in millionths.
    pub(crate) coverage_min: i64,
}

impl Window<'_> {
    /// The value; `None` where there is too little to tell.
    pub(crate) fn measure(&self, measure: Measure) -> Option<f64> {
        if !self.is_whole() {
            return None;
        }
        match self.interval {
            Some(interval) => self.counted(measure, interval),
            None => self.weighted(measure),
        }
    }

    /// Whether nothing in it was forgotten: a device that floods has no windows longer than what is kept of it.
    fn is_whole(&self) -> bool {
        let gated = self.gate.is_none_or(|gate| gate.series.reaches_back_to(self.begins));
        gated && self.series.reaches_back_to(self.from)
    }

    /// The time over which coverage is counted, ns; `None` where a gate never opened.
    fn expected(&self) -> Option<i128> {
        let Some(gate) = self.gate else { return Some(nanos(self.begins, self.to)) };
        let open = gate.series.pieces(self.begins, self.to).filter(|piece| gate.is_open(piece.value));
        Some(open.map(|piece| piece.nanos()).sum()).filter(|open| *open > 0)
    }

    fn counted(&self, measure: Measure, interval: Span) -> Option<f64> {
        let expected = self.expected()?;
        let (count, sum) = self.count_and_sum();
        let present = count * i128::from(interval.nanos());
        match measure {
            Measure::Coverage => return Some(fixed::ratio(present.min(expected), expected)),
            Measure::Count => return Some(fixed::ratio(count, 1)),
            Measure::Laeq
            | Measure::Mean
            | Measure::Max
            | Measure::Min
            | Measure::Sum
            | Measure::ShareOfTime
            | Measure::LongestRun => {}
        }
        if present * 1_000_000 < expected * i128::from(self.coverage_min) {
            return None;
        }
        let values = || self.selected().map(|sample| sample.value);
        match measure {
            Measure::Laeq => fixed::level_of_mean(sum, count),
            Measure::Mean => fixed::mean(self.plain_sum(sum), count),
            Measure::Sum => Some(fixed::sum(self.plain_sum(sum))),
            Measure::Max => self.extreme(End::Greatest).map(fixed::to_number),
            Measure::Min => self.extreme(End::Least).map(fixed::to_number),
            Measure::ShareOfTime => {
                let held = values().filter(|value| *value != 0).count() as i128;
                (count > 0).then(|| fixed::ratio(held, count))
            }
            Measure::LongestRun => Some(self.longest_counted(interval)),
            Measure::Coverage | Measure::Count => None,
        }
    }

    /// The sum of values, where the totals kept are of energies.
    fn plain_sum(&self, sum: i128) -> i128 {
        if self.series.is_level() {
            self.selected().map(|sample| i128::from(sample.value)).sum()
        } else {
            sum
        }
    }

    /// Whether it is all that came since its beginning: then it is remembered from one look to the next.
    fn rolls(&self) -> bool {
        self.gate.is_none() && self.series.newest().is_none_or(|newest| newest.at <= self.to)
    }

    /// How many samples there are, and the sum of their weights.
    fn count_and_sum(&self) -> (i128, i128) {
        if !self.rolls() {
            return self.count_and_sum_of_each();
        }
        let width = self.to.since(self.begins);
        self.series.look(width, self.from, |rolling, _| rolling.count_and_sum())
    }

    fn extreme(&self, end: End) -> Option<i64> {
        if !self.rolls() {
            return self.extreme_of_each(end);
        }
        let width = self.to.since(self.begins);
        self.series.look(width, self.from, |rolling, stretch| rolling.extreme(stretch, end))
    }

    fn extreme_of_each(&self, end: End) -> Option<i64> {
        let values = self.selected().map(|sample| sample.value);
        match end {
            End::Greatest => values.max(),
            End::Least => values.min(),
        }
    }

    /// As [`Self::count_and_sum`], sample by sample.
    pub(crate) fn count_and_sum_of_each(&self) -> (i128, i128) {
        let weight = self.series.weight();
        self.selected().fold((0, 0), |(count, sum), sample| (count + 1, sum + weight(sample.value)))
    }

    /// The samples in the window that the gate lets through, by time.
    fn selected(&self) -> impl Iterator<Item = &Sample> {
        let mut is_open = self.gate.is_none_or(|gate| gate.is_open_at(self.from));
        let mut changes = self.gate.map(|gate| gate.series.between(self.from, self.to).peekable());
        self.series.between(self.from, self.to).filter(move |sample| {
            if let (Some(gate), Some(changes)) = (self.gate, changes.as_mut()) {
                while let Some(change) = changes.next_if(|change| change.at <= sample.at) {
                    is_open = gate.is_open(change.value);
                }
            }
            is_open
        })
    }

    fn longest_counted(&self, interval: Span) -> f64 {
        let step_max = interval.nanos().saturating_add(interval.nanos() / 2);
        let (mut longest, mut run, mut before) = (0_i128, 0_i128, None::<Timestamp>);
        for sample in self.selected() {
            let joins = before.is_some_and(|before| sample.at.since(before).nanos() <= step_max);
            run = match (sample.value != 0, joins) {
                (true, true) => run + 1,
                (true, false) => 1,
                (false, _) => 0,
            };
            before = Some(sample.at);
            longest = longest.max(run);
        }
        seconds(longest * i128::from(interval.nanos()))
    }

    fn weighted(&self, measure: Measure) -> Option<f64> {
        if measure == Measure::Sum {
            return Some(fixed::sum(self.selected().map(|one| i128::from(one.value)).sum()));
        }
        if measure == Measure::Count {
            return Some(fixed::ratio(self.selected().count() as i128, 1));
        }
        let now = self.now();
        if !self.pieces().any(|_| true) {
            return now.map(|value| alone(measure, value));
        }
        let time = || self.pieces().map(|piece| piece.nanos()).sum::<i128>();
        match measure {
            Measure::Laeq => fixed::level_of_mean(self.integral(fixed::energy_of), time()),
            Measure::Mean => fixed::mean(self.integral(i128::from), time()),
            Measure::Max => self.pieces().map(|piece| piece.value).chain(now).max().map(fixed::to_number),
            Measure::Min => self.pieces().map(|piece| piece.value).chain(now).min().map(fixed::to_number),
            Measure::ShareOfTime => {
                let held = self.pieces().filter(|piece| piece.value != 0).map(|piece| piece.nanos());
                Some(fixed::ratio(held.sum(), time()))
            }
            Measure::LongestRun => Some(self.longest_weighted()),
            Measure::Coverage => Some(1.0),
            Measure::Sum | Measure::Count => None,
        }
    }

    /// The value that holds at the end of the window, where the gate is open then.
    fn now(&self) -> Option<i64> {
        let open = self.gate.is_none_or(|gate| gate.is_open_at(self.to));
        self.series.holding(self.to).filter(|_| open).map(|sample| sample.value)
    }

    fn integral(&self, weight: impl Fn(i64) -> i128) -> i128 {
        self.pieces().map(|piece| weight(piece.value) * piece.nanos()).sum()
    }

    /// The stretches of time with one value each that the gate lets through, by time.
    fn pieces(&self) -> impl Iterator<Item = Piece> {
        self.series.pieces(self.from, self.to).flat_map(|piece| {
            let gated = self.gate.map(|gate| {
                let open = gate.series.pieces(piece.from, piece.to);
                open.filter(move |open| gate.is_open(open.value))
            });
            let whole = self.gate.is_none().then_some(piece);
            let parts = gated.into_iter().flatten().filter_map(move |open| piece.within(open.from, open.to));
            parts.chain(whole)
        })
    }

    fn longest_weighted(&self) -> f64 {
        let (mut longest, mut run, mut before) = (0_i128, 0_i128, None::<Timestamp>);
        for piece in self.pieces() {
            if before != Some(piece.from) || piece.value == 0 {
                run = 0;
            }
            if piece.value != 0 {
                run += piece.nanos();
            }
            before = Some(piece.to);
            longest = longest.max(run);
        }
        seconds(longest)
    }
}

/// What a single value that has held for no time yet amounts to.
fn alone(measure: Measure, value: i64) -> f64 {
    match measure {
        Measure::Coverage => 1.0,
        Measure::LongestRun => 0.0,
        Measure::ShareOfTime => f64::from(u8::from(value != 0)),
        Measure::Laeq | Measure::Mean | Measure::Max | Measure::Min | Measure::Sum | Measure::Count => {
            fixed::to_number(value)
        }
    }
}

fn nanos(from: Timestamp, to: Timestamp) -> i128 {
    i128::from(to.since(from).nanos())
}

fn seconds(nanos: i128) -> f64 {
    fixed::ratio(nanos / 1_000_000, 1_000)
}

#[cfg(test)]
mod tests {
    use citywarden_model::Offset;
    use proptest::prelude::*;

    use super::super::series::Inserted;
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_nanos(seconds * 1_000_000_000)
    }

    fn insert(series: &mut Series, second: i64, value: i64) -> Inserted {
        series.insert(at(second), at(second), value, Offset(0))
    }

    fn window(series: &Series, from: i64, to: i64) -> Window<'_> {
        let (begins, to) = (at(from), at(to));
        let interval = Some(Span::from_secs(1));
        Window { series, interval, gate: None, begins, from: begins, to, coverage_min: 0 }
    }

    proptest! {
        #[test]
        fn a_window_that_is_remembered_is_the_one_found_by_looking_at_each_sample(
            is_level: bool,
            steps in prop::collection::vec(
                (0..300_i64, 0..4_i64, -5..140_i64, 0..60_i64, 0..3_usize, prop::bool::weighted(0.2)),
                0..120,
            ),
        ) {
            let mut series = Series::new(is_level);
            let mut newest = 0;
            for (second, ahead, value, restart, width, forgets) in steps {
                // mostly onwards, now and then anywhere
                let second = if ahead > 0 { newest + ahead } else { second };
                newest = newest.max(second);
                insert(&mut series, second, value * 1_010_000);
                if forgets {
                    series.forget(at(newest - 100));
                }
                let width = [5, 20, 80][width];
                let end = if ahead == 3 { newest - 3 } else { newest };
                let whole = window(&series, end - width, end);
                for window in [whole, Window { from: whole.from + Span::from_secs(restart % 7), ..whole }] {
                    prop_assert_eq!(window.count_and_sum(), window.count_and_sum_of_each());
                    prop_assert_eq!(window.extreme(End::Greatest), window.extreme_of_each(End::Greatest));
                    prop_assert_eq!(window.extreme(End::Least), window.extreme_of_each(End::Least));
                }
            }
        }

        #[test]
        fn the_order_of_arrival_changes_no_sum_and_no_run(
            samples in prop::collection::btree_map(0..100_i64, 0..3_i64, 1..40),
            seed in any::<prop::sample::Index>(),
        ) {
            let mut rotated: Vec<(i64, i64)> = samples.clone().into_iter().collect();
            let middle = seed.index(rotated.len());
            rotated.rotate_left(middle);
            let (mut sorted, mut other) = (Series::new(true), Series::new(true));
            for (second, value) in samples {
                insert(&mut sorted, second, value);
            }
            for (second, value) in rotated {
                insert(&mut other, second, value);
            }
            let sum = |series: &Series| window(series, 10, 99).count_and_sum();
            prop_assert_eq!(sum(&sorted), sum(&other));
            prop_assert_eq!(sorted.run(), other.run());
        }
    }

    #[test]
    fn a_value_that_held_before_the_window_holds_in_it() {
        let mut series = Series::new(false);
        insert(&mut series, 0, 10_000_000);
        insert(&mut series, 50, 30_000_000);
        series.forget(at(20));
        let window = Window { interval: None, ..window(&series, 40, 60) };
        assert_eq!(window.measure(Measure::Mean), Some(20.0));
        assert_eq!(insert(&mut series, 5, 0), Inserted::TooOld);
    }

    #[test]
    fn a_gate_holds_from_its_reading_up_to_the_next() {
        let (mut series, mut gate) = (Series::new(false), Series::new(false));
        for second in 1..=10 {
            insert(&mut series, second, second * 1_000_000);
        }
        insert(&mut gate, 3, 1_000_000);
        insert(&mut gate, 6, 0);
        let gate = Some(GateSeries { series: &gate, negated: false });
        let gated = Window { gate, ..window(&series, 0, 10) };
        assert_eq!(gated.measure(Measure::Sum), Some(12.0), "3, 4 and 5");
        assert_eq!(gated.measure(Measure::Coverage), Some(1.0));
        assert_eq!(Window { interval: None, ..gated }.measure(Measure::Mean), Some(4.0));
    }
}
