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

mod absence;
mod advance;
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
mod register;
mod rolling;
mod series;
mod snapshot;
mod standing;
mod surplus;
mod tally;
mod timers;
mod whereabouts;
mod window;

use std::sync::Arc;

use citywarden_model::{AlertKind, AssetId, Change, Digest, Moment, Offset, Registry, RuleId, Transition};

pub use options::EvaluatorOptions;
pub use outlook::{CaseState, Explanation, VerdictLine};
pub use snapshot::RestoreError;
pub use tally::RuleTally;

use crate::expression::{Interpreter, Scalar};
use crate::rule::RuleSet;
use calendar::Calendar;
use field::Field;
use lane::AssetState;
use meter::Meter;
use names::Names;
use standing::Standing;
use surplus::Surplus;
use tally::Tally;
use timers::Timers;

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
    /// So many installations were before.
    installed: u64,
}

/// The devices in force at one moment: to find them where the evaluator is not at hand.
#[derive(Debug, Clone)]
pub struct Devices {
    field: Arc<Field>,
    installed: u64,
}

impl Devices {
    /// The device of this id, where the registry has it and the asset that it belongs to.
    pub fn find(&self, id: &str) -> Option<DeviceNumber> {
        Some(DeviceNumber { place: self.field.device(id)?, installed: self.installed })
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
    interpreter: Interpreter,
    /// The slots of the case that is judged.
    slots: Vec<Scalar>,
    calendar: Calendar,
    names: Names,
    field: Arc<Field>,
    /// How often a registry or rules were installed.
    installed: u64,
    /// By asset.
    states: Vec<AssetState>,
    /// By device.
    meters: Vec<Meter>,
    timers: Timers,
    tally: Tally,
    standing: Standing,
    surplus: Surplus,
    /// The last moment it was told of.
    moment: Moment,
    /// How many transitions that record has brought about.
    index: u32,
    /// Cases to ask: rule, asset, case.
    asked: Vec<(usize, usize, usize)>,
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
            interpreter: Interpreter::new(),
            slots: Vec::new(),
            calendar: Calendar::default(),
            names,
            field: Arc::new(field),
            installed: 0,
            states: Vec::new(),
            meters: Vec::new(),
            timers: Timers::default(),
            tally: Tally::default(),
            standing: Standing::default(),
            surplus: Surplus::default(),
            moment: Moment { offset: Offset(0), at: citywarden_model::Timestamp::EPOCH },
            index: 0,
            asked: Vec::new(),
        }
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
        Devices { field: Arc::clone(&self.field), installed: self.installed }
    }

    /// Whether nothing was installed since this device was found.
    pub fn knows(&self, device: DeviceNumber) -> bool {
        device.installed == self.installed
    }

    /// The last moment it was told of.
    pub fn moment(&self) -> Moment {
        self.moment
    }

    /// What of the registry could not be used, with the default that holds instead: overrides of limits.
    pub fn registry_problems(&self) -> &[String] {
        &self.field.problems
    }

    /// Notes the moment; a new record counts its transitions from 0.
    fn enter(&mut self, moment: Moment) {
        if moment.offset != self.moment.offset {
            self.index = 0;
        }
        self.moment = moment;
    }

    fn emit(
        &mut self,
        cause: Moment,
        about: (RuleId, AssetId, AlertKind),
        change: Change,
        out: &mut Vec<Transition>,
    ) {
        let (rule, asset, kind) = about;
        out.push(Transition { cause, index: self.index, rule, asset, kind, change });
        self.index += 1;
    }
}
