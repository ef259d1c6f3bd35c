//! What is judged together: all shards, or one of them where they are judged side by side. Whatever a message or the time
//! does to cases is done here; to a scope of one shard, the assets of others are not there.

use std::sync::Arc;

use citywarden_model::{AlertKind, AssetId, Change, Moment, Offset, RuleId, Timestamp, Transition};

use super::EvaluatorOptions;
use super::calendar::Calendar;
use super::field::Field;
use super::lane::AssetState;
use super::meter::Meter;
use super::names::{Names, Quantity};
use super::shard::{Shard, States, shard_with, shard_with_mut};
use crate::expression::{Interpreter, Scalar};

/// Where cases are judged, one at a time. No line of memory is of two of them: another thread writes to the next.
#[derive(Debug)]
#[repr(align(128))]
pub(crate) struct Desk {
    pub(crate) interpreter: Interpreter,
    /// The slots of the case that is judged.
    pub(crate) slots: Vec<Scalar>,
    pub(crate) calendar: Calendar,
    /// Cases to ask: rule, asset, case.
    pub(crate) asked: Vec<(usize, usize, usize)>,
    /// The last moment it was told of.
    pub(crate) moment: Moment,
    /// How many transitions that record has brought about.
    pub(crate) index: u32,
}

/// More than a rule or a message mostly needs: what is behind it is another desk's.
const ROOM: usize = 128;

impl Default for Desk {
    fn default() -> Self {
        Self {
            interpreter: Interpreter::new(),
            slots: Vec::with_capacity(ROOM),
            calendar: Calendar::default(),
            asked: Vec::with_capacity(ROOM),
            moment: Moment { offset: Offset(0), at: Timestamp::EPOCH },
            index: 0,
        }
    }
}

/// See the module's head.
pub(crate) struct Scope<'e> {
    pub(crate) options: &'e EvaluatorOptions,
    pub(crate) field: &'e Field,
    /// Shared while shards are judged side by side: then no message brings a new one.
    pub(crate) names: &'e mut Arc<Names>,
    /// Neighbours, in order.
    pub(crate) shards: &'e mut [Shard],
    pub(crate) desk: &'e mut Desk,
}

impl Scope<'_> {
    pub(crate) fn shard_mut(&mut self, asset: usize) -> Option<&mut Shard> {
        shard_with_mut(self.shards, asset)
    }

    pub(crate) fn state(&self, asset: usize) -> Option<&AssetState> {
        States::of(self.shards).get(asset)
    }

    pub(crate) fn state_mut(&mut self, asset: usize) -> Option<&mut AssetState> {
        self.shard_mut(asset)?.state_mut(asset)
    }

    /// By the number of the device.
    pub(crate) fn meter(&self, device: usize) -> Option<&Meter> {
        let plan = self.field.devices.get(device)?;
        shard_with(self.shards, plan.asset)?.meter(plan.meter)
    }

    pub(crate) fn meter_mut(&mut self, device: usize) -> Option<&mut Meter> {
        let plan = self.field.devices.get(device)?;
        self.shard_mut(plan.asset)?.meter_mut(plan.meter)
    }

    /// Counts a reading or message of this asset that is not judged, and why.
    pub(crate) fn discard(&mut self, asset: usize, reason: &str) {
        if let Some(shard) = self.shard_mut(asset) {
            shard.tally.discard(reason);
        }
    }

    /// The number of a name that had none when it was read; `None` where there are too many.
    pub(crate) fn meet(&mut self, name: &str) -> Option<Quantity> {
        let known = self.names.find(name);
        known.or_else(|| self.names.admits(name).then(|| Arc::make_mut(self.names).intern(name)))
    }

    /// Counts a reading of this asset.
    pub(crate) fn count(&mut self, asset: usize, quantity: Option<Quantity>) {
        let Some(shard) = self.shard_mut(asset) else { return };
        match quantity {
            Some(quantity) => shard.counts.count(quantity),
            None => shard.counts.others += 1,
        }
    }

    /// Notes the moment; a new record counts its transitions from 0.
    pub(crate) fn enter(&mut self, moment: Moment) {
        if moment.offset != self.desk.moment.offset {
            self.desk.index = 0;
        }
        self.desk.moment = moment;
    }

    pub(crate) fn emit(
        &mut self,
        cause: Moment,
        about: (RuleId, AssetId, AlertKind),
        change: Change,
        out: &mut Vec<Transition>,
    ) {
        let (rule, asset, kind) = about;
        out.push(Transition { cause, index: self.desk.index, rule, asset, kind, change });
        self.desk.index += 1;
    }
}
