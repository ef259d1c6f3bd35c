//! What can be set, and the numbers that cannot.

use citywarden_model::{JudgingTerms, LocalClock, RegionId, Span};

use super::shard::SHARDS;

/// What the evaluator is told once.
#[derive(Debug, Clone, PartialEq)]
pub struct EvaluatorOptions {
    /// The region whose assets it judges: part of each alert's id.
    pub region: RegionId,
    /// The local time of nights and permits.
    pub local: LocalClock,
    /// A reading older than this at its arrival is judged in its own time, as a reconstructed finding. 10 min.
    pub late_after: Span,
    /// A reading further ahead of its arrival than this is judged at its arrival. 5 min.
    pub future_skew: Span,
    /// Equal messages without a time of their own, sent again within this span, count once. 60 s.
    pub duplicate_within: Span,
    /// The least coverage with which a window has a value, in millionths; a rule's limit `min_coverage` overrides
    /// it. 75 %.
    pub coverage_min: i64,
    /// So many samples all series of a shard together hold beyond their devices' rhythm. 4 million; another number
    /// is for tests, and the same for all who judge one journal.
    pub readings_surplus_max: usize,
    /// The least that each series may hold of it. 64.
    pub readings_share_min: usize,
}

impl EvaluatorOptions {
    /// The defaults of a region.
    pub fn of(region: RegionId) -> Self {
        Self {
            region,
            local: LocalClock::default(),
            late_after: Span::from_mins(10),
            future_skew: Span::from_mins(5),
            duplicate_within: Span::from_secs(60),
            coverage_min: 750_000,
            readings_surplus_max: READINGS_SURPLUS_MAX / SHARDS,
            readings_share_min: READINGS_SHARE_MIN,
        }
    }
}

impl EvaluatorOptions {
    /// What of them decides verdicts and can be configured: part of a registry's version.
    pub fn terms(&self) -> JudgingTerms {
        JudgingTerms {
            timezone: self.local.name().to_owned(),
            late_after: self.late_after,
            future_skew: self.future_skew,
            duplicate_within: self.duplicate_within,
            coverage_min: self.coverage_min,
        }
    }

    /// Takes the terms under which a registry is in force. A zone that nobody knows leaves the local time as it is.
    pub(crate) fn take(&mut self, terms: &JudgingTerms) {
        self.local = LocalClock::named(&terms.timezone).unwrap_or(self.local);
        self.late_after = terms.late_after;
        self.future_skew = terms.future_skew;
        self.duplicate_within = terms.duplicate_within;
        self.coverage_min = terms.coverage_min;
    }
}

/// How long the newest value of a device with an interval holds once nothing comes any more: three intervals, and
/// never less than this, so that a network that stutters does not make a truck unknown.
pub(crate) const LAST_HOLDS_MIN: Span = Span::from_secs(60);
/// As many intervals.
pub(crate) const LAST_HOLDS_INTERVALS: i64 = 3;

/// How long the newest value of a device with this interval holds.
pub(crate) fn last_holds(interval: Span) -> Span {
    LAST_HOLDS_MIN.max(Span::from_nanos(interval.nanos().saturating_mul(LAST_HOLDS_INTERVALS)))
}

/// How late a message may be against the rhythm of its device before its interval counts as missed: half of it.
pub(crate) fn grace(interval: Span) -> Span {
    Span::from_nanos(interval.nanos() / 2)
}

/// Readings kept of one quantity of one device, however short the time that rules look back: beyond them, and beyond
/// twice what its interval makes of that time, the oldest go. Who sends more floods: what reaches further back than its
/// readings has no value, and memory stays bounded. One more than these still fits into a power of two.
pub(crate) const READINGS_MIN: usize = 2_000;

/// Readings kept of all quantities of all devices beyond what is regular of each, divided among the shards: beyond them, who has
/// more of those of its shard than an equal share loses its oldest, and [`READINGS_MIN`] are no longer kept of it. 256 MB in memory, twice that where places for
/// them have just doubled; of messages of 200 bytes, each kept once for all its quantities, at most 1.8 GB outlive
/// retention, a third of it where each has three.
pub(crate) const READINGS_SURPLUS_MAX: usize = 8_000_000;

/// The least of a share: with so many devices that an equal share is smaller, memory grows with their number. A province
/// whose units give no interval is no flood.
pub(crate) const READINGS_SHARE_MIN: usize = 64;

/// How many readings are regular of a device with this interval where rules look back so far: twice what its rhythm makes.
/// Of one without an interval none is.
pub(crate) fn regular_readings(keep: Span, interval: Option<Span>) -> usize {
    let regular = interval.map_or(0, |interval| keep.nanos().saturating_mul(2) / interval.nanos().max(1));
    usize::try_from(regular).unwrap_or(0)
}

/// Messages an alert rests on: the newest this many.
pub(crate) const EVIDENCE_MAX: usize = 2_000;
/// Fingerprints kept a device of messages without a time: the newest this many.
pub(crate) const FINGERPRINTS_MAX: usize = 64;
/// Events kept an asset: the newest this many.
pub(crate) const EVENTS_MAX: usize = 10_000;
/// A device whose readings are all late by the same amount, give or take this much, …
pub(crate) const SLOW_CLOCK_SPREAD: Span = Span::from_secs(60);
/// … for this long by the journal's clock has a wrong clock, not a history.
pub(crate) const SLOW_CLOCK_AFTER: Span = Span::from_mins(10);
/// A zone is left 10 m beyond its boundary.
pub(crate) const LEAVE_BEYOND_M: f64 = 10.0;
