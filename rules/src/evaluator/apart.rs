//! Shards judged apart, each by a thread of its own. What they bring about is what one thread would have brought about, in
//! the same order: an asset knows nothing of others but what messages say that are not judged so ([`Devices::recognise`]).

use std::sync::Arc;

use citywarden_model::{AssetId, Event, Moment, Observation, Offset, RuleId, Timestamp, Transition};

use super::look_ahead::look_ahead;
use super::names::{Followers, Names};
use super::recognised::{Recognised, Said};
use super::scope::{Desk, Scope};
use super::shard::{SHARDS, Shard, shard_of};
use super::{Arrival, DeviceNumber, Devices, Evaluator, EvaluatorOptions, Field};

/// One of the shards, with what judging it needs.
#[derive(Debug)]
pub struct ShardJudge<'e> {
    options: &'e EvaluatorOptions,
    field: &'e Field,
    names: Arc<Names>,
    shard: &'e mut Shard,
    desk: &'e mut Desk,
    brought: Vec<Brought>,
}

/// What a message or the time brought about in a shard.
#[derive(Debug)]
pub struct Brought {
    /// By the message itself, after what the time until then brought about.
    by_message: bool,
    transition: Transition,
}

impl Devices {
    /// Recognises what this device says in a message, and adds it to `into`. Whether it stays apart: concerns its own asset
    /// alone, so that it can be judged beside the messages of others. It names no quantity for the first time, no asset of
    /// another shard, and is not where a rule looks at who owns a zone.
    pub fn recognise<'m>(
        &self,
        device: DeviceNumber,
        observations: impl IntoIterator<Item = Observation<'m>>,
        followers: &mut Followers,
        into: &mut Recognised<'m>,
    ) -> bool {
        let mut stays_apart = true;
        for one in observations {
            stays_apart &= (one.fix.is_none() || !self.looks_across(device))
                && one.events.iter().all(|event| self.keeps_to(device.shard, event));
            stays_apart &= into.add(one, &self.names, followers);
        }
        stays_apart
    }

    fn looks_across(&self, device: DeviceNumber) -> bool {
        let plan = self.field.devices.get(device.place);
        plan.and_then(|plan| self.field.kind_of(plan.asset)).is_some_and(|kind| kind.looks_across)
    }

    /// Whether no asset of another shard is concerned.
    fn keeps_to(&self, shard: usize, event: &Event<'_>) -> bool {
        let concerned = event.asset.as_ref().and_then(|concerned| self.field.asset_of(concerned));
        concerned.is_none_or(|concerned| shard_of(concerned) == shard)
    }
}

impl Evaluator {
    /// How many shards there are.
    pub const SHARDS: usize = SHARDS;

    /// Its shards, to be judged side by side. All are told of the same moments; what they bring about goes to
    /// [`Self::join`], and to nothing before.
    pub fn shards(&mut self) -> Vec<ShardJudge<'_>> {
        let moment = self.desk.moment;
        let (options, field, names) = (&self.options, &*self.field, &self.names);
        self.side_desks.iter_mut().for_each(|desk| desk.moment = moment);
        let places = self.shards.iter_mut().zip(&mut self.side_desks);
        let judge = |(shard, desk)| ShardJudge {
            options,
            field,
            names: Arc::clone(names),
            shard,
            desk,
            brought: Vec::new(),
        };
        places.map(judge).collect()
    }

    /// Goes on at `to`, the last moment that the shards were told of, with what they brought about: adds it to `out`, as one
    /// alone would have.
    pub fn join(&mut self, to: Moment, mut brought: Vec<Brought>, out: &mut Vec<Transition>) {
        brought.sort_by(|one, other| one.place().cmp(&other.place()));
        let mut scope = self.scope();
        for Brought { transition, .. } in brought {
            let Transition { cause, rule, asset, kind, change, .. } = transition;
            scope.enter(cause);
            scope.emit(cause, (rule, asset, kind), change, out);
        }
        scope.enter(to);
    }
}

impl ShardJudge<'_> {
    /// Which one it is: see [`DeviceNumber::shard`].
    pub fn number(&self) -> usize {
        self.shard.number
    }

    /// As [`Evaluator::look_ahead`], of its own devices.
    pub fn look_ahead(&self, devices: impl IntoIterator<Item = DeviceNumber>) {
        look_ahead(self.field, std::slice::from_ref(&*self.shard), devices);
    }

    /// Whether time alone may bring something about until then: else the moments up to it need not be told.
    pub fn is_due(&self, until: Timestamp) -> bool {
        self.shard.timers.is_due(until)
    }

    /// As [`Evaluator::advance`].
    pub fn advance(&mut self, to: Moment) {
        self.bring(false, |scope, out| scope.advance(to, out));
    }

    /// As [`Evaluator::observe_of`], of one of its own devices, where what it says [stays apart](Devices::recognise).
    pub fn observe(&mut self, arrival: &Arrival<'_>, device: DeviceNumber, said: Said<'_, '_>) {
        debug_assert_eq!(device.shard, self.shard.number, "it is of another shard");
        self.advance(arrival.moment);
        self.bring(true, |scope, out| scope.observe(arrival, device.place, said, out));
    }

    /// What was brought about.
    pub fn brought(self) -> Vec<Brought> {
        self.brought
    }

    fn bring(&mut self, by_message: bool, judge: impl FnOnce(&mut Scope<'_>, &mut Vec<Transition>)) {
        let mut out = Vec::new();
        let mut scope = Scope {
            options: self.options,
            field: self.field,
            names: &mut self.names,
            shards: std::slice::from_mut(&mut *self.shard),
            desk: &mut *self.desk,
        };
        judge(&mut scope, &mut out);
        self.brought.extend(out.into_iter().map(|transition| Brought { by_message, transition }));
    }
}

impl Brought {
    /// Where one alone would have brought it about: in the order of records; of one, first what the time brought about, in
    /// the order of (due, rule, asset); then what the message did, as its shard has it.
    fn place(&self) -> (Offset, bool, Option<(Timestamp, &RuleId, &AssetId)>) {
        let Transition { cause, rule, asset, .. } = &self.transition;
        let by_time = (!self.by_message).then_some((cause.at, rule, asset));
        (cause.offset, self.by_message, by_time)
    }
}
