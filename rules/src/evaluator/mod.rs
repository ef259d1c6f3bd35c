//! The evaluator: readings in journal order in, transitions out.
//!
//! ```text
//! message ──▶ meter (which clock? in time?) ──▶ lane: series, events, whereabouts
//!                                                 │ which cases read it
//! timers ─────────────────────────────────────────┤
//!                                                 ▼
//!               inputs ──▶ judge ──▶ case (normal → pending → firing) ──▶ transitions
//! ```
//!
//! A *case* is one rule on one asset; a *lane* is one line of time of an asset: the live one, and beside it one for
//! readings that came too late to be judged live. Everything is a function of what was observed and installed, in
//! that order: a snapshot holds all of it, timers too. What `docs/decisions/0003-evaluator.md` decides is decided
//! there: anchors of windows, the worst of several devices, the order of judgement.
//!
//! All of this happens in a *scope*: mostly all shards of the assets, and each shard alone where a large batch is judged
//! side by side (`docs/decisions/0036-judged-by-shards.md`).

mod absence;
mod advance;
mod apart;
mod calendar;
mod case;
mod clock_finding;
mod directory;
mod draft;
mod due;
mod evaluate;
mod field;
mod fixed;
mod geometry;
mod inputs;
mod install;
mod judge;
mod keeping;
mod lane;
mod look_ahead;
mod meter;
mod names;
mod observe;
mod options;
mod outlook;
mod packed;
mod plan;
mod recognised;
mod register;
mod rolling;
mod scope;
mod series;
mod shard;
mod snapshot;
mod standing;
mod surplus;
mod tally;
mod timers;
mod whereabouts;
mod window;

use std::sync::Arc;

use citywarden_model::{DeviceId, Digest, Moment, Observation, Registry, Transition};

pub use apart::{Brought, ShardJudge};
pub use names::Followers;
pub use options::EvaluatorOptions;
pub use outlook::{CaseState, Explanation, VerdictLine};
pub use recognised::{Recognised, Said};
pub use snapshot::RestoreError;
pub use tally::RuleTally;

use crate::rule::RuleSet;
use field::Field;
use meter::Meter;
use names::Names;
use scope::{Desk, Scope};
use shard::{Shard, States, empty_shards, shard_of, shard_with};

/// How a message arrived.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// Its record, and when it was received.
    pub moment: Moment,
    /// The sender says that it may have been sent before (MQTT DUP).
    pub duplicate: bool,
    /// A broker kept it for us (MQTT RETAIN): it may be old.
    pub retained: bool,
    /// Its bytes, for telling equal messages without a time of their own.
    pub payload: &'a [u8],
}

/// A device that was found: it is known until a registry or rules are installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceNumber {
    place: usize,
    shard: usize,
    under: Installation,
}

/// Says which registry and rules something was found under: it rises with each installation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Installation(u64);

impl DeviceNumber {
    /// Which of the evaluator's shards it is in, from 0.
    pub fn shard(self) -> usize {
        self.shard
    }
}

/// The devices in force at one moment: to find them where the evaluator is not at hand.
#[derive(Debug, Clone)]
pub struct Devices {
    field: Arc<Field>,
    names: Arc<Names>,
    installation: Installation,
}

impl Devices {
    /// The device of this id, where the registry has it and the asset that it belongs to.
    pub fn find(&self, id: &str) -> Option<DeviceNumber> {
        let place = self.field.device(id)?;
        let shard = shard_of(self.field.devices.get(place)?.asset);
        Some(DeviceNumber { place, shard, under: self.installation })
    }

    /// Under which they were found.
    pub fn installation(&self) -> Installation {
        self.installation
    }

    /// The registry they are from.
    pub fn registry(&self) -> &Registry {
        &self.field.registry
    }
}

/// Judges readings by the rules in force. See the module's head for what it promises.
#[derive(Debug)]
pub struct Evaluator {
    options: EvaluatorOptions,
    names: Arc<Names>,
    field: Arc<Field>,
    installation: Installation,
    /// All of them.
    shards: Vec<Shard>,
    desk: Desk,
    /// One for each shard, where they are judged apart.
    side_desks: Vec<Desk>,
}

impl Evaluator {
    /// An evaluator that knows no rules and no registry yet.
    pub fn new(options: EvaluatorOptions) -> Self {
        let registry = Arc::new(Registry::empty(options.region.clone()));
        let rules = Arc::new(RuleSet { rules: Vec::new(), digest: Digest::default() });
        let mut names = Names::default();
        let field = Field::new(registry, rules, &mut names, options.late_after, options.coverage_min);
        Self {
            options,
            names: Arc::new(names),
            field: Arc::new(field),
            installation: Installation::default(),
            shards: empty_shards(),
            desk: Desk::default(),
            side_desks: (0..shard::SHARDS).map(|_| Desk::default()).collect(),
        }
    }

    /// Fires every timer that is due at or before `to.at`, each at its own time. How often it is called changes
    /// nothing: [`Self::observe`] and the installers call it themselves.
    pub fn advance(&mut self, to: Moment, out: &mut Vec<Transition>) {
        self.scope().advance(to, out);
    }

    /// Takes in what one message said, in the order in which the journal holds it. Lets time pass first.
    pub fn observe<'m>(
        &mut self,
        arrival: &Arrival<'_>,
        device: &DeviceId,
        observations: impl IntoIterator<Item = Observation<'m>>,
        out: &mut Vec<Transition>,
    ) {
        let (devices, mut recognised) = (self.devices(), Recognised::default());
        if let Some(device) = devices.find(device.as_str()) {
            devices.recognise(device, observations, &mut Followers::default(), &mut recognised);
            self.observe_of(arrival, device, recognised.said(0..recognised.len()), out);
        } else {
            self.advance(arrival.moment, out);
            self.scope().discard(0, "unknown_device");
        }
    }

    /// As [`Self::observe`], of a device that was found, and says what was recognised, under what is
    /// [installed](Self::installation).
    pub fn observe_of(
        &mut self,
        arrival: &Arrival<'_>,
        device: DeviceNumber,
        said: Said<'_, '_>,
        out: &mut Vec<Transition>,
    ) {
        debug_assert!(device.under == self.installation, "something was installed since");
        self.scope().observe(arrival, device.place, said, out);
    }

    /// All of it.
    fn scope(&mut self) -> Scope<'_> {
        Scope {
            options: &self.options,
            field: &self.field,
            names: &mut self.names,
            shards: &mut self.shards,
            desk: &mut self.desk,
        }
    }

    fn states(&self) -> States<'_> {
        States::of(&self.shards)
    }

    /// By device.
    fn meters(&self) -> impl Iterator<Item = &Meter> {
        let devices = self.field.devices.iter();
        devices.filter_map(|device| shard_with(&self.shards, device.asset)?.meter(device.meter))
    }

    /// The rules in force.
    pub fn rules(&self) -> &Arc<RuleSet> {
        &self.field.rules
    }

    /// The registry in force.
    pub fn registry(&self) -> &Arc<Registry> {
        &self.field.registry
    }

    /// The device of this id, where the registry in force has it and the asset that it belongs to.
    pub fn find(&self, id: &str) -> Option<DeviceNumber> {
        self.devices().find(id)
    }

    /// The devices in force now.
    pub fn devices(&self) -> Devices {
        Devices {
            field: Arc::clone(&self.field),
            names: Arc::clone(&self.names),
            installation: self.installation,
        }
    }

    /// What is installed now: devices that were found under another are not known.
    pub fn installation(&self) -> Installation {
        self.installation
    }

    /// The last moment it was told of.
    pub fn moment(&self) -> Moment {
        self.desk.moment
    }

    /// What of the registry could not be used, with the default that holds instead: overrides of limits.
    pub fn registry_problems(&self) -> &[String] {
        &self.field.problems
    }
}
