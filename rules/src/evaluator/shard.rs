//! The assets, dealt out to shards. Of what changes with every message each shard has its own, so that shards can be judged
//! side by side; together they are the whole county. Which asset is in which shard follows from its number alone, and the
//! number of shards is the same on every machine: what floods in one takes memory from nobody in another.

use super::field::{DevicePlan, Field};
use super::lane::AssetState;
use super::meter::Meter;
use super::names::Counts;
use super::standing::Standing;
use super::surplus::Surplus;
use super::tally::Tally;
use super::timers::Timers;

/// How many there are. Part of what a verdict under a flood depends on: see [`Surplus`].
pub(crate) const SHARDS: usize = 2;

/// What is remembered of some of the assets. No line of memory is of two of them: another thread writes to the next.
#[derive(Debug, Default)]
#[repr(align(128))]
pub(crate) struct Shard {
    pub(crate) number: usize,
    /// By asset, of those that are in it.
    states: Vec<AssetState>,
    /// By device, of those of its assets.
    meters: Vec<Meter>,
    pub(crate) timers: Timers,
    pub(crate) tally: Tally,
    pub(crate) standing: Standing,
    pub(crate) surplus: Surplus,
    pub(crate) counts: Counts,
}

/// The shard of an asset.
pub(crate) const fn shard_of(asset: usize) -> usize {
    asset % SHARDS
}

/// Its place among the assets of its shard.
const fn place_of(asset: usize) -> usize {
    asset / SHARDS
}

/// Shards without anything in them.
pub(crate) fn empty_shards() -> Vec<Shard> {
    (0..SHARDS).map(|number| Shard { number, ..Shard::default() }).collect()
}

impl Shard {
    pub(crate) fn state(&self, asset: usize) -> Option<&AssetState> {
        self.states.get(place_of(asset))
    }

    pub(crate) fn state_mut(&mut self, asset: usize) -> Option<&mut AssetState> {
        self.states.get_mut(place_of(asset))
    }

    /// By the number that the field gives a device among those of its shard.
    pub(crate) fn meter(&self, place: usize) -> Option<&Meter> {
        self.meters.get(place)
    }

    pub(crate) fn meter_mut(&mut self, place: usize) -> Option<&mut Meter> {
        self.meters.get_mut(place)
    }

    /// What it holds, by the numbers of the assets.
    pub(crate) fn numbered(&self) -> impl Iterator<Item = (usize, &AssetState)> {
        self.states.iter().enumerate().map(|(place, state)| (place * SHARDS + self.number, state))
    }

    /// As [`Self::numbered`].
    pub(crate) fn numbered_mut(&mut self) -> impl Iterator<Item = (usize, &mut AssetState)> {
        let number = self.number;
        self.states.iter_mut().enumerate().map(move |(place, state)| (place * SHARDS + number, state))
    }

    /// A state to change, with what is counted along.
    pub(crate) fn keep(&mut self, asset: usize) -> Option<(&mut AssetState, &mut Surplus, &mut Tally)> {
        Some((self.states.get_mut(place_of(asset))?, &mut self.surplus, &mut self.tally))
    }

    /// A state whose cases may have to be woken.
    pub(crate) fn sleeper(&mut self, asset: usize) -> Option<(&mut AssetState, &mut Timers)> {
        Some((self.states.get_mut(place_of(asset))?, &mut self.timers))
    }

    /// A device's meter, where its silence may have to be noticed.
    pub(crate) fn listener(&mut self, place: usize) -> Option<(&mut Meter, &mut Timers)> {
        Some((self.meters.get_mut(place)?, &mut self.timers))
    }

    pub(crate) fn meters_mut(&mut self) -> impl Iterator<Item = &mut Meter> {
        self.meters.iter_mut()
    }
}

/// The states of some neighbouring shards.
#[derive(Debug, Clone, Copy)]
pub(crate) struct States<'e> {
    shards: &'e [Shard],
}

impl<'e> States<'e> {
    pub(crate) fn of(shards: &'e [Shard]) -> Self {
        Self { shards }
    }

    /// The state of an asset; `None` where it is in none of these shards.
    pub(crate) fn get(self, asset: usize) -> Option<&'e AssetState> {
        shard_with(self.shards, asset)?.state(asset)
    }

    /// All of them, by asset, where these are all shards.
    pub(crate) fn all(self) -> impl Iterator<Item = &'e AssetState> {
        (0..).map_while(move |asset| self.get(asset))
    }
}

/// The one of these neighbours that has this asset; `None` where none of them has.
pub(crate) fn shard_with(shards: &[Shard], asset: usize) -> Option<&Shard> {
    shards.get(place_in(shards, asset)?)
}

/// As [`shard_with`].
pub(crate) fn shard_with_mut(shards: &mut [Shard], asset: usize) -> Option<&mut Shard> {
    let place = place_in(shards, asset)?;
    shards.get_mut(place)
}

fn place_in(shards: &[Shard], asset: usize) -> Option<usize> {
    shard_of(asset).checked_sub(shards.first()?.number)
}

/// What is remembered by asset and by device, in their order: what an installation changes.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    pub(crate) states: Vec<AssetState>,
    pub(crate) meters: Vec<Meter>,
}

impl Memory {
    /// Takes it out of all shards, in the order of this field.
    pub(crate) fn gather(shards: &mut [Shard], field: &Field) -> Self {
        let mut state = |asset| {
            let shard = shard_with_mut(shards, asset);
            shard.and_then(|shard| shard.state_mut(asset)).map(std::mem::take).unwrap_or_default()
        };
        let states = (0..field.assets.len()).map(&mut state).collect();
        let meter = |device: &DevicePlan| {
            let shard = shard_with_mut(shards, device.asset);
            shard.and_then(|shard| shard.meter_mut(device.meter)).map(std::mem::take).unwrap_or_default()
        };
        let meters = field.devices.iter().map(meter).collect();
        Self { states, meters }
    }

    /// Deals it out to the shards, as this field has it.
    pub(crate) fn deal(self, shards: &mut [Shard], field: &Field) {
        for shard in &mut *shards {
            shard.states.clear();
            shard.meters.clear();
        }
        for (asset, state) in self.states.into_iter().enumerate() {
            if let Some(shard) = shard_with_mut(shards, asset) {
                shard.states.push(state);
            }
        }
        // the field numbers the devices of a shard in this order
        for (device, meter) in field.devices.iter().zip(self.meters) {
            if let Some(shard) = shard_with_mut(shards, device.asset) {
                shard.meters.push(meter);
            }
        }
    }
}
