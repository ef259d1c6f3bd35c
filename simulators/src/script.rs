//! What is staged and when: the one table that the devices play and the truth is told from.
//!
//! A cycle is two hours. All spans are seconds from its start. Numbers of the rules that a span relies on are
//! beside it; between the end of a violation and its next beginning lie more than 30 min after the alert can have
//! cleared, so that each cycle opens an alert of its own.

use std::ops::Range;

/// Two hours, in seconds.
pub(crate) const CYCLE_S: i64 = 7_200;

/// A span of a cycle, by the second.
pub(crate) type Part = Range<i64>;

pub(crate) const fn minutes(from: i64, to: i64) -> Part {
    from * 60..to * 60
}

/// The cycle that a second since the start belongs to, and the second within it.
pub(crate) const fn in_cycle(second: i64) -> (i64, i64) {
    (second.div_euclid(CYCLE_S), second.rem_euclid(CYCLE_S))
}

/// Whether a second since the start lies in that part of its cycle.
pub(crate) fn plays(part: &Part, second: i64) -> bool {
    part.contains(&in_cycle(second).1)
}

/// The chime is far louder than the street.
pub(crate) const CHIME_LOUD: Part = 90..270;
/// The street is loud and the chime is off: nobody's violation.
pub(crate) const STREET_LOUD_CHIME_OFF: Part = minutes(14, 18);
/// The chime is less than 3 dB above the street: nobody can tell.
pub(crate) const CHIME_DROWNED: Part = minutes(30, 34);
/// The street is loud and the chime is off, from the start.
pub(crate) const CHIME_OFF_AT_FIRST: Part = 0..90;

/// One nozzle of site A is clogged: 10 m between two that work, for longer than 10 min.
pub(crate) const NOZZLE_CLOGGED: Part = minutes(10, 60);
/// One nozzle of site B is clogged for less than 10 min.
pub(crate) const NOZZLE_CLOGGED_BRIEFLY: Part = minutes(20, 26);
/// The spraying of site B is off: the spacing cannot be told.
pub(crate) const NOZZLES_OFF: Part = minutes(40, 50);

/// The first kitchen's fume is twice the limit, for longer than its mean (10 min) and its lasting (10 min).
pub(crate) const FUME_HIGH: Part = minutes(5, 45);
/// The second kitchen's fume is high for 3 of 10 min: the mean stays below.
pub(crate) const FUME_PEAK: Part = minutes(15, 18);
/// The second kitchen's meter is in maintenance and shows span gas.
pub(crate) const FUME_MAINTENANCE: Part = minutes(60, 70);
/// The second kitchen's fan is off.
pub(crate) const FAN_OFF: Part = minutes(90, 110);

/// Site A is louder than by day or night it may be, for longer than its window (20 min).
pub(crate) const NOISE_HIGH: Part = minutes(15, 50);
/// Wind at site B beyond the measuring conditions, and what it does to the microphone.
pub(crate) const WIND_STRONG: Part = minutes(60, 85);
pub(crate) const WIND_NOISE: Part = minutes(62, 80);

/// The spraying of the linear works is off for longer than 5 min, and for less.
pub(crate) const WORKS_DRY: Part = minutes(12, 24);
pub(crate) const WORKS_DRY_BRIEFLY: Part = minutes(60, 64);

/// Site A's dust is above the warning level, then above the limit, each for longer than mean and lasting (15 min).
pub(crate) const DUST_WARNING: Part = minutes(0, 40);
pub(crate) const DUST_HIGH: Part = minutes(40, 70);
/// Fog at site B, and the dust that light scattering sees in it.
pub(crate) const FOG: Part = minutes(55, 95);
pub(crate) const FOG_DUST: Part = minutes(60, 85);
/// Every second message of site B's dust monitor is late by that many seconds (less than 10 min).
pub(crate) const DUST_LATE: Part = minutes(30, 36);
pub(crate) const DUST_LATE_BY_S: i64 = 240;

/// A trip of a muck truck: half an hour; four of them are a cycle.
pub(crate) const TRIP_S: i64 = 1_800;
pub(crate) const TRIPS_PER_CYCLE: i64 = CYCLE_S / TRIP_S;
/// Cycles between two exits without a wash: that alert clears 12 h after the last one.
pub(crate) const UNWASHED_EVERY_CYCLES: i64 = 8;

/// Within a trip: when the truck is loaded, and until when it stands at its loading place.
pub(crate) const LOADED_FROM: i64 = 120;
pub(crate) const LOADING_UNTIL: i64 = 240;
/// When it stands in the wash bay; leaves it, and with it the site.
pub(crate) const BAY_FROM: i64 = 276;
pub(crate) const WASHED_AT: i64 = 360;
pub(crate) const EXIT_AT: i64 = 376;
/// A truck that skips the wash loads longer and only stops at the gate.
pub(crate) const HURRIED_LOADING_UNTIL: i64 = 310;
pub(crate) const HURRIED_BAY_FROM: i64 = 346;
/// Until when an uncovered load stays so.
pub(crate) const COVERED_AT_LAST: i64 = 676;
/// When it is at the disposal site, opens its cover, is empty, leaves, and is back.
pub(crate) const DUMP_FROM: i64 = 976;
pub(crate) const DUMP_OPEN: i64 = 996;
pub(crate) const EMPTY_FROM: i64 = 1_036;
pub(crate) const DUMP_UNTIL: i64 = 1_096;
pub(crate) const BACK_AT: i64 = 1_696;
/// A stretch of the way back without a network: its positions come as one array.
pub(crate) const NO_NETWORK: Part = 1_200..1_320;
