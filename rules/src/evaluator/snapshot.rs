//! Everything that is remembered, as bytes: a restart from them goes on as if nothing had happened.

use std::sync::Arc;

use citywarden_model::{Digest, Moment, Registry};
use serde::{Deserialize, Serialize};

use super::lane::AssetState;
use super::meter::Meter;
use super::names::Names;
use super::surplus::Sweep;
use super::tally::Tally;
use super::timers::{Sleeper, Timers};
use super::{Evaluator, EvaluatorOptions};
use crate::rule::RuleSet;

/// Rises with every change of what is kept; older ones are made again from the journal.
const VERSION: u16 = 6;

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
    states: &'a [AssetState],
    meters: &'a [Meter],
    tally: &'a Tally,
    moment: Moment,
    index: u32,
    swept: Sweep,
}

#[derive(Deserialize)]
struct Loaded {
    names: Names,
    states: Vec<AssetState>,
    meters: Vec<Meter>,
    tally: Tally,
    moment: Moment,
    index: u32,
    swept: Sweep,
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
            states: &self.states,
            meters: &self.meters,
            tally: &self.tally,
            moment: self.moment,
            index: self.index,
            swept: self.surplus.last,
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
        evaluator.names = loaded.names;
        evaluator.field = Arc::new(evaluator.make_field(registry, rules));
        evaluator.states = loaded.states;
        evaluator.meters = loaded.meters;
        evaluator.tally = loaded.tally;
        evaluator.moment = loaded.moment;
        evaluator.index = loaded.index;
        evaluator.surplus.last = loaded.swept;
        evaluator.fits()?;
        evaluator.count_standing();
        evaluator.begin_surplus();
        evaluator.rearm();
        Ok(evaluator)
    }

    /// The digests of the rules and of the registry that a snapshot needs.
    pub fn snapshot_needs(bytes: &[u8]) -> Result<(Digest, Digest), RestoreError> {
        let (head, _) = read_head(bytes)?;
        Ok((head.rules, head.registry))
    }

    /// Whether what was loaded has the shape that the field expects.
    fn fits(&self) -> Result<(), RestoreError> {
        let field = &self.field;
        let assets = field.assets.iter().enumerate().zip(&self.states).all(|((number, asset), state)| {
            let channels = field.kind_of(number).map_or(0, |kind| kind.channels.len());
            state.lanes().all(|lane| {
                lane.cases.len() == asset.cases.len()
                    && lane.senders.len() == asset.devices.len()
                    && lane.senders.iter().all(|sender| sender.series.len() == channels)
            })
        });
        let counts = self.states.len() == field.assets.len()
            && self.meters.len() == field.devices.len()
            && self.tally.fresh.len() == field.plans.len();
        if assets && counts {
            Ok(())
        } else {
            Err(RestoreError::Damaged("it has another shape than its rules and registry".to_owned()))
        }
    }

    /// Timers again, from what each sleeper waits for.
    fn rearm(&mut self) {
        let mut timers = Timers::default();
        for (device, meter) in self.meters.iter_mut().enumerate() {
            let due = meter.armed.take();
            timers.arm(&mut meter.armed, due, Sleeper::Device(device));
        }
        for (asset, state) in self.states.iter_mut().enumerate() {
            for (case, there) in state.live.cases.iter_mut().enumerate() {
                let due = there.armed.take();
                timers.arm(&mut there.armed, due, Sleeper::Case { asset, case });
            }
        }
        self.timers = timers;
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
