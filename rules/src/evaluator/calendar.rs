//! Hours of the local day, and when they next begin or end.

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

pub(crate) fn contains(hours: DailyHours, local: LocalClock, at: Timestamp) -> bool {
    hours.contains(local.second_of_day(at))
}

/// The last time at or before this one at which these hours began or ended.
pub(crate) fn last_change(hours: DailyHours, local: LocalClock, at: Timestamp) -> Timestamp {
    let midnight = midnight(local, at);
    let times = [hours.from, hours.to, hours.from - DAY, hours.to - DAY];
    times.into_iter().map(|time| midnight + time).filter(|time| *time <= at).max().unwrap_or(at)
}

/// The next time after this one at which these hours begin or end.
pub(crate) fn next_change(hours: DailyHours, local: LocalClock, at: Timestamp) -> Timestamp {
    let midnight = midnight(local, at);
    let times = [hours.from, hours.to, hours.from + DAY, hours.to + DAY];
    times.into_iter().map(|time| midnight + time).filter(|time| *time > at).min().unwrap_or(at + DAY)
}

/// The local midnight before, as if the day's offset from UTC did not change (in China it does not).
pub(crate) fn midnight(local: LocalClock, at: Timestamp) -> Timestamp {
    let offset = Span::from_secs(i64::from(local.offset_seconds(at)));
    let shifted = (at + offset).nanos();
    Timestamp::from_nanos(shifted.saturating_sub(shifted.rem_euclid(DAY.nanos()))) - offset
}
