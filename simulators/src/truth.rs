//! The ground truth: which violations are staged, and within which time each must be raised.

use citywarden_model::{AlertKind, Span, Timestamp};
use serde::{Deserialize, Serialize};

use crate::county::{OPEN_CONDUCT, SITE_A_ID, TRUCK_OPEN, TRUCK_UNWASHED, UNWASHED_CONDUCT};
use crate::device::Conduct;
use crate::script::{
    CHIME_LOUD, CYCLE_S, DUST_HIGH, DUST_WARNING, EXIT_AT, FUME_HIGH, NOISE_HIGH, NOZZLE_CLOGGED, TRIP_S,
    UNWASHED_EVERY_CYCLES, WORKS_DRY,
};

/// A violation (or early warning) that is staged: it must be raised once, from `from` to `to`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    /// The rule's id.
    pub rule: String,
    /// The asset it is about.
    pub asset: String,
    /// `violation` or `early_warning`.
    pub kind: AlertKind,
    /// Not earlier than this, by the virtual clock.
    pub from: Timestamp,
    /// Not later than this.
    pub to: Timestamp,
}

/// One violation a cycle: when the staged part begins, how long after that the alert may come at the earliest and
/// at the latest (windows, lasting, and a slack for the way there), and in how many cycles it comes once.
struct Staged {
    rule: &'static str,
    asset: &'static str,
    kind: AlertKind,
    begins_s: i64,
    after_s: (i64, i64),
    every: i64,
}

const fn violation(rule: &'static str, asset: &'static str, begins_s: i64, after_s: (i64, i64)) -> Staged {
    Staged { rule, asset, kind: AlertKind::Violation, begins_s, after_s, every: 1 }
}

/// The second of the cycle in which the first trip of a truck leaves the site.
const fn exit_of(conduct: Conduct) -> i64 {
    EXIT_AT - conduct.ahead_s
}

const STAGED: &[Staged] = &[
    // 20 s of window, 20 s of lasting
    violation("sprinkler-chime-loudness", "sprinkler-01", CHIME_LOUD.start, (20, 120)),
    // two fixes outside, 15 s of lasting
    violation("muck-truck-uncovered", TRUCK_OPEN, exit_of(OPEN_CONDUCT), (0, 120)),
    // two fixes outside
    Staged {
        every: UNWASHED_EVERY_CYCLES,
        ..violation("truck-leaves-unwashed", TRUCK_UNWASHED, exit_of(UNWASHED_CONDUCT), (0, 120))
    },
    // 300 s off
    violation("linear-works-spraying", "works-01", WORKS_DRY.start, (290, 390)),
    // the level reaches 70 dB(A) after 3 of 20 min; where night begins or ends meanwhile, the window starts again
    violation("construction-noise", SITE_A_ID, NOISE_HIGH.start, (0, 1_380)),
    // 10 min of lasting
    violation("nozzle-spacing", SITE_A_ID, NOZZLE_CLOGGED.start, (590, 720)),
    // the mean passes the limit after 4 to 5 of 10 min, 10 min of lasting
    violation("fume-concentration", "kitchen-01", FUME_HIGH.start, (600, 1_020)),
    // the mean passes the warning level after 11 to 12 of 15 min, 15 min of lasting
    Staged {
        kind: AlertKind::EarlyWarning,
        ..violation("site-dust", SITE_A_ID, DUST_WARNING.start, (1_440, 1_800))
    },
    // the mean passes the limit after 3 to 4 of 15 min, 15 min of lasting
    violation("site-dust", SITE_A_ID, DUST_HIGH.start, (1_000, 1_260)),
];

/// Every staged violation that may be raised before `until`, by its earliest moment.
pub(crate) fn truth(start: Timestamp, until: Timestamp) -> Vec<Truth> {
    let cycles = until.since(start).nanos() / Span::from_secs(CYCLE_S).nanos() + 1;
    let mut truths: Vec<Truth> = (0..cycles)
        .flat_map(|cycle| {
            STAGED.iter().filter(move |staged| cycle % staged.every == 0).map(move |staged| (cycle, staged))
        })
        .map(|(cycle, staged)| told(start, cycle, staged))
        .filter(|truth| truth.from < until)
        .collect();
    truths.sort_by(|a, b| (a.from, &a.rule, a.kind).cmp(&(b.from, &b.rule, b.kind)));
    truths
}

fn told(start: Timestamp, cycle: i64, staged: &Staged) -> Truth {
    let begins = start + Span::from_secs(cycle * CYCLE_S + staged.begins_s);
    let (earliest, latest) = staged.after_s;
    Truth {
        rule: staged.rule.to_owned(),
        asset: staged.asset.to_owned(),
        kind: staged.kind,
        from: begins + Span::from_secs(earliest),
        to: begins + Span::from_secs(latest),
    }
}

const _: () = assert!(CYCLE_S % TRIP_S == 0, "trips and cycles begin together");
