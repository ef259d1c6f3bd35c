//! The kinds of worlds: those in which anything goes wrong, and those in which one thing does for a long time.

use std::str::FromStr;

use tokio::time::Duration;

use crate::plan::{Plan, What};
use crate::random::Dice;

/// What a world is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Situation {
    /// Anything goes wrong, for some minutes.
    Anything,
    /// The receiver is away for an hour.
    ReceiverAway,
    /// Each ten seconds every connection breaks, for a quarter of an hour, as where a network or what stands in front of
    /// the service restarts all the time.
    Unsteady,
    /// Devices send twice what the disk takes, for four minutes.
    Overload,
    /// The disk is full for minutes, under load.
    DiskFull,
}

/// Between two breaks of every connection.
const BREAK_EVERY: Duration = Duration::from_secs(10);
/// Overload: milliseconds from a write to its sync, at least and at most. The disk takes [`OVERLOAD_INBOX`] records at a
/// time, 16 a second.
const OVERLOAD_SYNC_MS: (u64, u64) = (800, 1_200);
const OVERLOAD_INBOX: usize = 16;
/// Overload: of so many devices each sends a message in 250 ms, 32 a second in all.
const OVERLOAD_DEVICES: usize = 8;
const OVERLOAD_CHATTER: usize = 19;

impl Situation {
    /// Every kind, with its word.
    const ALL: [(Self, &'static str); 5] = [
        (Self::Anything, "anything"),
        (Self::ReceiverAway, "receiver-away"),
        (Self::Unsteady, "unsteady"),
        (Self::Overload, "overload"),
        (Self::DiskFull, "disk-full"),
    ];
    /// Those that last.
    pub const LONG: [Self; 4] = [Self::ReceiverAway, Self::Unsteady, Self::Overload, Self::DiskFull];

    /// Its word on the command line.
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(one, _)| *one == self).map_or("", |(_, word)| word)
    }

    /// The plan of this seed. One seed in two has restarts besides.
    pub(crate) fn plan(self, seed: u64) -> Plan {
        let mut dice = Dice::of(seed, self.word());
        let mut plan = match self {
            Self::Anything => return Plan::draw(seed),
            Self::ReceiverAway => receiver_away(&mut dice),
            Self::Unsteady => unsteady(&mut dice),
            Self::Overload => overload(&mut dice),
            Self::DiskFull => disk_full(&mut dice),
        };
        if dice.percent(50) {
            for _ in 0..3 {
                let what = [What::Kill, What::Stop, What::PowerFails];
                let what = what.into_iter().nth(usize::try_from(dice.below(3)).unwrap_or(0));
                plan.push(plan.some_time(&mut dice), what.unwrap_or(What::Kill));
            }
        }
        plan.sorted()
    }
}

impl FromStr for Situation {
    type Err = String;
    fn from_str(word: &str) -> Result<Self, String> {
        let found = Self::ALL.iter().find(|(_, known)| *known == word).map(|(one, _)| *one);
        found.ok_or_else(|| format!("one of {}", Self::ALL.map(|(_, word)| word).join(", ")))
    }
}

fn receiver_away(dice: &mut Dice) -> Plan {
    let (leaves, comes) = (dice.between(20, 120), dice.between(3_600, 3_700));
    let mut plan = Plan::calm(2, Duration::from_secs(leaves + comes));
    plan.during(
        Duration::from_secs(leaves),
        Duration::from_secs(comes),
        What::ReceiverAway(true),
        What::ReceiverAway(false),
    );
    plan
}

fn unsteady(dice: &mut Dice) -> Plan {
    let mut plan = Plan::calm(4, Duration::from_mins(15));
    let mut at = dice.millis(5_000, 15_000).duration();
    while at < plan.ends {
        plan.push(at, if dice.percent(80) { What::Reset(None) } else { What::HalfOpen(None) });
        at += BREAK_EVERY;
    }
    plan
}

fn overload(dice: &mut Dice) -> Plan {
    let begins = dice.millis(5_000, 15_000).duration();
    let mut plan = Plan::calm(OVERLOAD_DEVICES, begins + Duration::from_mins(4));
    (plan.chatter, plan.inbox_records) = (OVERLOAD_CHATTER, OVERLOAD_INBOX);
    plan.push(begins, What::SyncTakes(OVERLOAD_SYNC_MS.0, OVERLOAD_SYNC_MS.1));
    plan
}

fn disk_full(dice: &mut Dice) -> Plan {
    let (begins, lasts) = (dice.millis(20_000, 60_000).duration(), dice.millis(120_000, 300_000).duration());
    let mut plan = Plan::calm(4, begins + lasts);
    plan.chatter = 4;
    plan.during(begins, lasts, What::Full(Some(dice.below(40_000))), What::Full(None));
    plan
}
