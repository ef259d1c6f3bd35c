//! Everything that is remembered, as bytes: a restart from them goes on as if nothing had happened.

use std::sync::Arc;

use citywarden_model::{Digest, Moment, Registry};
use serde::{Deserialize, Serialize};

use super::field::Field;
use super::lane::AssetState;
use super::meter::Meter;
use super::names::{Counts, Names};
use super::shard::{Memory, SHARDS, shard_with_mut};
use super::surplus::Sweep;
use super::tally::{Fresh, Tally};
use super::timers::Sleeper;
use super::{Evaluator, EvaluatorOptions};
use crate::rule::RuleSet;

/// Rises with every change of what is kept; older ones are made again from the journal.
const VERSION: u16 = 7;

/// Why a snapshot cannot be gone on from: the journal has to be judged again from its beginning.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RestoreError {
    /// Another version of this program wrote it.
    #[error("snapshot has version {found}, expected {VERSION}")]
    Version {
        /// The version found.
        found: u16,
    },
    /// Other rules were in force.
    #[error("snapshot was made under the rules {found}, expected {expected}")]
    Rules {
        /// The digest in the snapshot.
        found: Digest,
        /// The digest handed in.
        expected: Digest,
    },
    /// Another registry was in force.
    #[error("snapshot was made under the registry {found}, expected {expected}")]
    Registry {
        /// The digest in the snapshot.
        found: Digest,
        /// The digest handed in.
        expected: Digest,
    },
    /// Its bytes are damaged.
    #[error("snapshot cannot be read: {0}")]
    Damaged(String),
}

#[derive(Serialize, Deserialize)]
struct Head {
    version: u16,
    rules: Digest,
    registry: Digest,
}

#[derive(Serialize)]
struct Saved<'a> {
    names: &'a Names,
    states: Vec<&'a AssetState>,
    meters: Vec<&'a Meter>,
    tally: Tally,
    counts: Counts,
    moment: Moment,
    index: u32,
    swept: Vec<Sweep>,
}

#[derive(Deserialize)]
struct Loaded {
    names: Names,
    states: Vec<AssetState>,
    meters: Vec<Meter>,
    tally: Tally,
    counts: Counts,
    moment: Moment,
    index: u32,
    swept: Vec<Sweep>,
}

impl Evaluator {
    /// Everything it remembers.
    ///
    /// # Panics
    ///
    /// Never: plain data can always be written to memory.
    pub fn snapshot(&self) -> Vec<u8> {
        let head =
            Head { version: VERSION, rules: self.field.rules.digest, registry: self.field.registry.digest };
        let saved = Saved {
            names: &self.names,
            states: self.states().all().collect(),
            meters: self.meters().collect(),
            tally: Tally::total(self.shards.iter().map(|shard| &shard.tally)),
            counts: Counts::total(self.shards.iter().map(|shard| &shard.counts)),
            moment: self.desk.moment,
            index: self.desk.index,
            swept: self.shards.iter().map(|shard| shard.surplus.last).collect(),
        };
        postcard::to_stdvec(&(head, saved)).expect("plain data can always be written to memory")
    }

    /// An evaluator that goes on where the one that made these bytes was. `rules` and `registry` are those that were
    /// in force, found by their digests (see [`Self::snapshot_needs`]).
    pub fn restore(
        options: EvaluatorOptions,
        bytes: &[u8],
        rules: Arc<RuleSet>,
        registry: Arc<Registry>,
    ) -> Result<Self, RestoreError> {
        let (head, rest) = read_head(bytes)?;
        if head.rules != rules.digest {
            return Err(RestoreError::Rules { found: head.rules, expected: rules.digest });
        }
        if head.registry != registry.digest {
            return Err(RestoreError::Registry { found: head.registry, expected: registry.digest });
        }
        let loaded: Loaded = postcard::from_bytes(rest).map_err(damaged)?;
        let mut evaluator = Self::new(options);
        evaluator.names = Arc::new(loaded.names);
        evaluator.field = Arc::new(evaluator.make_field(registry, rules));
        let (field, memory) = (&evaluator.field, Memory { states: loaded.states, meters: loaded.meters });
        if !memory.fits(field)
            || loaded.tally.fresh.len() != field.plans.len()
            || loaded.swept.len() != SHARDS
        {
            return Err(RestoreError::Damaged("it has another shape than its rules and registry".to_owned()));
        }
        memory.deal(&mut evaluator.shards, field);
        for (shard, swept) in evaluator.shards.iter_mut().zip(loaded.swept) {
            shard.tally.fresh = vec![Fresh::default(); field.plans.len()];
            shard.surplus.last = swept;
            shard.begin_surplus(field);
        }
        // what was counted so far need not be told apart by shards
        if let Some(first) = evaluator.shards.first_mut() {
            (first.tally, first.counts) = (loaded.tally, loaded.counts);
        }
        (evaluator.desk.moment, evaluator.desk.index) = (loaded.moment, loaded.index);
        evaluator.count_standing();
        evaluator.rearm();
        Ok(evaluator)
    }

    /// The digests of the rules and of the registry that a snapshot needs.
    pub fn snapshot_needs(bytes: &[u8]) -> Result<(Digest, Digest), RestoreError> {
        let (head, _) = read_head(bytes)?;
        Ok((head.rules, head.registry))
    }

    /// Timers again, from what each sleeper waits for.
    fn rearm(&mut self) {
        for (device, plan) in self.field.devices.iter().enumerate() {
            let shard = shard_with_mut(&mut self.shards, plan.asset);
            let Some((meter, timers)) = shard.and_then(|shard| shard.listener(plan.meter)) else { continue };
            let due = meter.armed.take();
            timers.arm(&mut meter.armed, due, Sleeper::Device(device));
        }
        for asset in 0..self.field.assets.len() {
            let shard = shard_with_mut(&mut self.shards, asset);
            let Some((state, timers)) = shard.and_then(|shard| shard.sleeper(asset)) else { continue };
            for (case, there) in state.live.cases.iter_mut().enumerate() {
                let due = there.armed.take();
                timers.arm(&mut there.armed, due, Sleeper::Case { asset, case });
            }
        }
    }
}

impl Memory {
    /// Whether it has the shape that the field expects.
    fn fits(&self, field: &Field) -> bool {
        let mut assets = field.assets.iter().enumerate().zip(&self.states);
        let assets_fit = assets.all(|((number, asset), state)| {
            let channels = field.kind_of(number).map_or(0, |kind| kind.channels.len());
            state.lanes().all(|lane| {
                lane.cases.len() == asset.cases.len()
                    && lane.senders.len() == asset.devices.len()
                    && lane.senders.iter().all(|sender| sender.series.len() == channels)
            })
        });
        assets_fit && self.states.len() == field.assets.len() && self.meters.len() == field.devices.len()
    }
}

fn read_head(bytes: &[u8]) -> Result<(Head, &[u8]), RestoreError> {
    let (version, _): (u16, _) = postcard::take_from_bytes(bytes).map_err(damaged)?;
    if version != VERSION {
        return Err(RestoreError::Version { found: version });
    }
    postcard::take_from_bytes(bytes).map_err(damaged)
}

#[expect(clippy::needless_pass_by_value, reason = "handed to map_err")]
fn damaged(error: postcard::Error) -> RestoreError {
    RestoreError::Damaged(error.to_string())
}
