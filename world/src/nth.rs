//! One world in which nothing goes wrong, and then again and again with one fault: at its first operation, at its second,
//! and so on past the last.

use std::collections::BTreeMap;

use citywarden_model::Span;
use tokio::time::Duration;

use crate::county::Rulebook;
use crate::plan::{Plan, What};
use crate::run::{Outcome, run_noted, run_plan};

/// Long enough for every kind of operation.
const LENGTH: Duration = Duration::from_secs(75);
/// Messages between two readings: enough to fill a segment.
const CHATTER: usize = 9;
/// Short enough for a segment to go.
const KEEPS: Span = Span::from_secs(15);
/// Other rules are put into force.
const RELOADS_AT: Duration = Duration::from_secs(20);
/// It is stopped and started meanwhile: that has operations of its own.
const STOPS_AT: Duration = Duration::from_mins(1);

/// The one fault of a world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The n-th operation of the disk fails.
    Disk(u64),
    /// The power fails at the n-th operation of the disk.
    Power(u64),
    /// With the n-th operation of the network its connection is reset.
    Reset(u64),
    /// With the n-th operation of the network its connection is dead, and nobody hears of it.
    HalfOpen(u64),
}

/// Every operation of the world of a seed in which nothing goes wrong.
#[derive(Debug, Clone)]
pub struct Operations {
    /// Of the disk, in order: what, and of which kind of file.
    pub disk: Vec<String>,
    /// How many of the network.
    pub network: u64,
}

impl Operations {
    /// Those of this seed.
    ///
    /// # Panics
    /// Where a promise is broken although nothing goes wrong.
    pub fn of(seed: u64, rules: &Rulebook) -> Self {
        let (outcome, mut disk) = run_noted(plan(), seed, rules);
        assert!(outcome.faults.is_empty(), "nothing went wrong, and yet: {:?}", outcome.faults);
        disk.truncate(usize::try_from(outcome.figures.disk_operations).unwrap_or(usize::MAX));
        Self { disk, network: outcome.figures.network_operations }
    }

    /// The kinds of the disk's operations, and how many there are of each.
    pub fn kinds(&self) -> BTreeMap<&str, u64> {
        let mut kinds = BTreeMap::new();
        for kind in &self.disk {
            *kinds.entry(kind.as_str()).or_default() += 1;
        }
        kinds
    }

    /// A fault of each kind at each operation.
    pub fn faults(&self) -> Vec<Fault> {
        let disk = 1..=self.disk.len() as u64;
        let on_disk = disk.flat_map(|n| [Fault::Disk(n), Fault::Power(n)]);
        on_disk.chain((1..=self.network).flat_map(|n| [Fault::Reset(n), Fault::HalfOpen(n)])).collect()
    }

    /// At the first operation of each kind the disk fails, at the last one the power; and a fault of each kind at each
    /// `stride`-th operation of the disk and of the network.
    pub fn some_faults(&self, stride: u64) -> Vec<Fault> {
        let mut of_kind: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
        for (n, kind) in (1..).zip(&self.disk) {
            of_kind.entry(kind).or_insert((n, n)).1 = n;
        }
        let is_chosen = |fault: &Fault| match *fault {
            Fault::Disk(n) => n.is_multiple_of(stride) || of_kind.values().any(|(first, _)| n == *first),
            Fault::Power(n) => n.is_multiple_of(stride) || of_kind.values().any(|(_, last)| n == *last),
            Fault::Reset(n) | Fault::HalfOpen(n) => n.is_multiple_of(stride),
        };
        self.faults().into_iter().filter(is_chosen).collect()
    }
}

fn plan() -> Plan {
    let mut plan = Plan::calm(2, LENGTH);
    plan.chatter = CHATTER;
    plan.keeps = KEEPS;
    plan.push(RELOADS_AT, What::Reload(1));
    plan.push(STOPS_AT, What::Stop);
    plan
}

/// Runs the world of this seed with this fault.
pub fn run_with(fault: Fault, seed: u64, rules: &Rulebook) -> Outcome {
    let mut plan = plan();
    let what = match fault {
        Fault::Disk(n) => What::OperationFails(n),
        Fault::Power(n) => What::PowerFailsAt(n),
        Fault::Reset(n) => What::NetworkFailsAt(n, true),
        Fault::HalfOpen(n) => What::NetworkFailsAt(n, false),
    };
    plan.push(Duration::ZERO, what);
    run_plan(plan.sorted(), seed, rules)
}
