//! What goes wrong in a world, and when: drawn from its seed before it begins.

use citywarden_model::Span;
use tokio::time::Duration;

use crate::county::Rulebook;
use crate::random::Dice;

/// Something that goes wrong, at a time since the beginning.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) at: Duration,
    pub(crate) what: What,
}

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// The service is killed.
    Kill,
    /// The service is stopped by a person.
    Stop,
    /// The power fails.
    PowerFails,
    /// The power fails at the n-th operation of the disk from now.
    PowerFailsAt(u64),
    /// The n-th operation of the disk from now fails.
    OperationFails(u64),
    /// Syncs fail, or no longer.
    SyncsFail(bool),
    /// There is no room on the disk beyond so many bytes more than now, or there is again.
    Full(Option<u64>),
    /// The alert log's share of the disk is used up, or there is room in it again.
    AlertLogFull(bool),
    /// Milliseconds from a write to its sync, at least and at most.
    SyncTakes(u64, u64),
    /// Milliseconds that a piece takes over the network, at least and at most.
    NetworkTakes(u64, u64),
    /// These rules are put into force.
    Reload(usize),
    /// The connection of a device, or every one, is reset.
    Reset(Option<usize>),
    /// The connection of a device, or every one, is dead, and neither side knows.
    HalfOpen(Option<usize>),
    /// The n-th connection or piece over the network from now does not come through; whether anybody hears of it.
    NetworkFailsAt(u64, bool),
    /// A device is cut off for so long.
    Part(usize, Duration),
    /// The service's clock is wrong by so many milliseconds from now on.
    ClockIsOff(i64),
    /// The receiver is away, or back.
    ReceiverAway(bool),
    /// In so many of a hundred cases the receiver's taking goes wrong.
    ReceiverTrouble(u64),
}

impl What {
    /// Whether the service may end by itself for it: where it can no longer keep its word.
    const fn may_end_the_service(&self) -> bool {
        matches!(self, Self::PowerFailsAt(_) | Self::OperationFails(_) | Self::SyncsFail(_))
    }
}

/// The seconds in which things go wrong.
const LENGTH_S: (u64, u64) = (90, 240);
/// Records that may wait for the disk, where the plan says nothing else.
pub(crate) const INBOX_RECORDS: usize = 64;

/// How long records are kept at least, where the plan says nothing else.
const KEEPS: Span = Span::from_secs(90);

/// Everything that goes wrong in a world.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) devices: usize,
    /// Messages of each device between two of its readings.
    pub(crate) chatter: usize,
    /// Records that may wait for the disk.
    pub(crate) inbox_records: usize,
    /// Older records may go.
    pub(crate) keeps: Span,
    /// Nothing goes wrong any more from here on.
    pub(crate) ends: Duration,
    /// In the order of time. What is at 0 is there before the service is.
    pub(crate) troubles: Vec<Trouble>,
}

impl Plan {
    /// So many devices, and nothing goes wrong.
    pub(crate) const fn calm(devices: usize, ends: Duration) -> Self {
        Self { devices, chatter: 0, inbox_records: INBOX_RECORDS, keeps: KEEPS, ends, troubles: Vec::new() }
    }

    /// The plan of this seed.
    pub(crate) fn draw(seed: u64) -> Self {
        let mut dice = Dice::of(seed, "plan");
        let devices = usize::try_from(dice.between(1, 4)).unwrap_or(1);
        let ends = dice.between(LENGTH_S.0, LENGTH_S.1);
        let mut plan = Self::calm(devices, Duration::from_secs(ends));
        for _ in 0..dice.between(0, 14) {
            plan.add(&mut dice);
        }
        plan.sorted()
    }

    /// As it happens.
    pub(crate) fn sorted(mut self) -> Self {
        self.troubles.sort_by_key(|trouble| trouble.at);
        self
    }
    /// Whether the service may have a reason to end by itself.
    pub(crate) fn may_end_the_service(&self) -> bool {
        self.troubles.iter().any(|trouble| trouble.what.may_end_the_service())
    }
    /// A time in this plan.
    pub(crate) fn some_time(&self, dice: &mut Dice) -> Duration {
        Duration::from_millis(dice.below(u64::try_from(self.ends.as_millis()).unwrap_or(0)))
    }

    fn add(&mut self, dice: &mut Dice) {
        let at = self.some_time(dice);
        let length = dice.millis(500, 30_000).duration();
        let device = usize::try_from(dice.below(self.devices as u64)).unwrap_or(0);
        match dice.below(18) {
            0 | 1 => self.push(at, What::Kill),
            2 => self.push(at, What::Stop),
            3 => self.push(at, What::PowerFails),
            4 | 5 => self.push(at, What::PowerFailsAt(dice.between(1, 60))),
            6 => self.push(at, What::OperationFails(dice.between(1, 60))),
            7 => self.during(at, length / 4, What::SyncsFail(true), What::SyncsFail(false)),
            8 => self.during(at, length, What::Full(Some(dice.below(40_000))), What::Full(None)),
            9 => {
                self.during(at, length, What::SyncTakes(50, dice.between(100, 3_000)), What::SyncTakes(0, 3));
            }
            10 => {
                let most = dice.between(200, 9_000);
                self.during(at, length, What::NetworkTakes(1, most), What::NetworkTakes(1, 20));
            }
            11 => {
                let device = Some(device);
                self.push(at, if dice.percent(50) { What::Reset(device) } else { What::HalfOpen(device) });
            }
            12 => self.push(at, What::Part(device, length)),
            13 => {
                let off = i64::try_from(dice.below(240_000)).unwrap_or(0) - 120_000;
                self.push(at, What::ClockIsOff(off));
            }
            14 => {
                self.during(at, length, What::AlertLogFull(true), What::AlertLogFull(false));
                let meanwhile = at + length.mul_f64(0.9);
                self.push(meanwhile, if dice.percent(50) { What::Kill } else { What::PowerFails });
            }
            15 | 16 => {
                let version = usize::try_from(dice.below(Rulebook::VERSIONS)).unwrap_or(0);
                self.push(at, What::Reload(version));
            }
            _ if dice.percent(50) => {
                self.during(at, 2 * length, What::ReceiverAway(true), What::ReceiverAway(false));
            }
            _ => self.push(at, What::ReceiverTrouble(dice.between(10, 80))),
        }
    }
    pub(crate) fn push(&mut self, at: Duration, what: What) {
        self.troubles.push(Trouble { at, what });
    }
    pub(crate) fn during(&mut self, at: Duration, length: Duration, begins: What, ends: What) {
        self.push(at, begins);
        self.push(at + length, ends);
    }
}
