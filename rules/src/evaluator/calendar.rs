//! Hours of the local day, and when they next begin or end.

use std::cell::RefCell;

use citywarden_model::{DailyHours, LocalClock, Span, Timestamp};

use super::plan::span_of_seconds;
use crate::expression::Scalar;

const DAY: Span = Span::from_secs(86_400);

/// The hours between two limits that are times of the day.
pub(crate) fn hours(from: usize, to: usize, slots: &[Scalar]) -> Option<DailyHours> {
    let span = |slot: usize| match slots.get(slot) {
        Some(Scalar::Number(seconds)) => Some(span_of_seconds(*seconds)),
        Some(Scalar::Truth(_) | Scalar::Missing) | None => None,
    };
    Some(DailyHours { from: span(from)?, to: span(to)? })
}

/// A stretch of time from one change to the next.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Period {
    hours: DailyHours,
    local: LocalClock,
    /// When it began: the hours, or what is between them.
    pub(crate) from: Timestamp,
    /// When it ends.
    pub(crate) until: Timestamp,
    /// Whether it is the hours.
    pub(crate) is_in: bool,
}

/// The stretches that were asked about: one message after the other asks about the same one.
#[derive(Debug, Default)]
pub(crate) struct Calendar(RefCell<Vec<Period>>);

/// So many stretches are kept: of that many different hours in the rules.
const PERIODS_MAX: usize = 8;

impl Calendar {
    /// The stretch around this time.
    pub(crate) fn period(&self, hours: DailyHours, local: LocalClock, at: Timestamp) -> Period {
        let mut known = self.0.borrow_mut();
        let is_asked =
            |one: &&Period| one.hours == hours && one.local == local && one.from <= at && at < one.until;
        if let Some(period) = known.iter().find(is_asked) {
            return *period;
        }
        let period = Period::around(hours, local, at);
        if period.has_one_offset(at) {
            if known.len() >= PERIODS_MAX {
                known.remove(0);
            }
            known.push(period);
        }
        period
    }
}

impl Period {
    fn around(hours: DailyHours, local: LocalClock, at: Timestamp) -> Self {
        let (from, until) = (last_change(hours, local, at), next_change(hours, local, at));
        Self { hours, local, from, until, is_in: hours.contains(local.second_of_day(at)) }
    }

    /// Whether the clocks are not changed in it: then it is the same wherever in it is asked.
    fn has_one_offset(&self, at: Timestamp) -> bool {
        let offset = |at| self.local.offset_seconds(at);
        offset(self.from) == offset(at) && offset(self.until) == offset(at)
    }
}

/// The last time at or before this one at which these hours began or ended.
fn last_change(hours: DailyHours, local: LocalClock, at: Timestamp) -> Timestamp {
    let midnight = midnight(local, at);
    let times = [hours.from, hours.to, hours.from - DAY, hours.to - DAY];
    times.into_iter().map(|time| midnight + time).filter(|time| *time <= at).max().unwrap_or(at)
}

/// The next time after this one at which these hours begin or end.
fn next_change(hours: DailyHours, local: LocalClock, at: Timestamp) -> Timestamp {
    let midnight = midnight(local, at);
    let times = [hours.from, hours.to, hours.from + DAY, hours.to + DAY];
    times.into_iter().map(|time| midnight + time).filter(|time| *time > at).min().unwrap_or(at + DAY)
}

/// The local midnight before, as if the day's offset from UTC did not change (in China it does not).
fn midnight(local: LocalClock, at: Timestamp) -> Timestamp {
    let offset = Span::from_secs(i64::from(local.offset_seconds(at)));
    let shifted = (at + offset).nanos();
    Timestamp::from_nanos(shifted.saturating_sub(shifted.rem_euclid(DAY.nanos()))) - offset
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_what_would_be_found_in_china_and_where_clocks_are_changed() {
        let start = Timestamp::parse("2026-03-27T00:00:00Z").unwrap();
        let hours = |from, to| DailyHours { from: Span::from_mins(from), to: Span::from_mins(to) };
        let all = [hours(22 * 60, 6 * 60), hours(0, 24 * 60), hours(90, 150), hours(60, 60)];
        for zone in ["Asia/Shanghai", "Europe/Berlin"] {
            let (local, calendar) = (LocalClock::named(zone).unwrap(), Calendar::default());
            for quarter in 0..5 * 96 {
                let at = start + Span::from_mins(quarter * 15);
                for (hours, ahead) in all.iter().flat_map(|hours| [(*hours, 0), (*hours, 7)]) {
                    let at = at + Span::from_mins(ahead);
                    let (kept, found) = (calendar.period(hours, local, at), Period::around(hours, local, at));
                    let parts = |one: Period| (one.from, one.until, one.is_in);
                    assert_eq!(parts(kept), parts(found), "{zone} {hours:?} {at}");
                }
            }
        }
    }
}
