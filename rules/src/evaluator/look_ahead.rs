//! Looks at what the next messages will need. A county does not fit into a processor's caches, and each device is heard
//! seldom: judged one by one, every message would wait for memory some dozens of times in a row. Here nothing depends on
//! what is found, so the waits for many messages pass at the same time. It changes nothing.

use std::hint::black_box;

use super::case::Case;
use super::field::{AssetPlan, DevicePlan, Field};
use super::lane::{AssetState, Sender};
use super::meter::Meter;
use super::series::{Sample, Series};
use super::shard::{Shard, States, shard_with};
use super::{DeviceNumber, Evaluator};

impl Evaluator {
    /// Looks at what messages of these devices will need; worth it for some dozens at a time, right before they are
    /// observed.
    pub fn look_ahead(&self, devices: impl IntoIterator<Item = DeviceNumber>) {
        look_ahead(&self.field, &self.shards, devices);
    }
}

/// As [`Evaluator::look_ahead`]. Each round needs only what the ones before have brought near, and looks at nothing before
/// it has found all that it will look at: so no decision stands between one wait and the next.
pub(crate) fn look_ahead(field: &Field, shards: &[Shard], devices: impl IntoIterator<Item = DeviceNumber>) {
    let numbers: Vec<usize> = devices.into_iter().map(|device| device.place).collect();
    let devices = found(&numbers, |number| field.devices.get(*number));
    look(&devices, DevicePlan::glance);
    look(&found(&devices, |device| shard_with(shards, device.asset)?.meter(device.meter)), Meter::glance);
    let plans = found(&devices, |device| field.assets.get(device.asset));
    look(&plans, AssetPlan::glance);
    let states = found(&devices, |device| States::of(shards).get(device.asset));
    look(&states, AssetState::glance);
    let senders: Vec<&Sender> = devices
        .iter()
        .zip(&states)
        .filter_map(|(device, state)| state.live.senders.get(device.place))
        .collect();
    look(&senders, Sender::glance);
    look(&found(&plans, |plan| plan.devices.first()), |first| count(*first));
    let cases = all(&states, |state| &state.live.cases);
    look(&cases, Case::glance);
    let series = all(&senders, |sender| &sender.series);
    look(&series, |series| series.as_ref().map_or(0, Series::glance));
    let mut samples: Vec<&Sample> = Vec::with_capacity(2 * series.len());
    series.iter().copied().flatten().for_each(|series| series.next_samples(&mut samples));
    look(&samples, |sample| sample.offset.0);
}

fn found<'e, K, T>(keys: &[K], find: impl Fn(&K) -> Option<&'e T>) -> Vec<&'e T> {
    keys.iter().filter_map(find).collect()
}

/// What mostly belongs to one thing: room for it is made at once.
const USUAL_PARTS: usize = 4;

fn all<'e, K, T>(things: &[&'e K], parts: impl Fn(&'e K) -> &'e [T]) -> Vec<&'e T> {
    let mut all = Vec::with_capacity(things.len() * USUAL_PARTS);
    for thing in things {
        all.extend(parts(thing));
    }
    all
}

/// `glance` reads something of each line of memory that a thing has.
fn look<T>(things: &[&T], glance: impl Fn(&T) -> u64) {
    black_box(things.iter().fold(0, |seen, thing| seen ^ glance(thing)));
}

impl DevicePlan {
    fn glance(&self) -> u64 {
        count(self.asset ^ self.waiting.len()) ^ u64::from(self.interval.is_some())
    }
}

impl AssetPlan {
    fn glance(&self) -> u64 {
        count(self.kind ^ self.cases.len())
    }
}

impl AssetState {
    fn glance(&self) -> u64 {
        let live = &self.live;
        count(live.senders.len() ^ live.cases.len())
            ^ u64::from(self.fitted.is_empty())
            ^ u64::from(live.clock.is_some())
            ^ u64::from(self.late.is_some())
    }
}

impl Sender {
    fn glance(&self) -> u64 {
        count(self.series.len()) ^ u64::from(self.heard.is_some()) ^ u64::from(self.newest.is_some())
    }
}

impl Case {
    fn glance(&self) -> u64 {
        count(self.changed.len() ^ self.outcome.word())
            ^ u64::from(self.due.is_some() || self.armed.is_some())
            ^ u64::from(self.violation.is_firing())
            ^ u64::from(self.warning.is_firing())
    }
}

impl Meter {
    fn glance(&self) -> u64 {
        u64::from(self.is_wrong) ^ u64::from(self.armed.is_some())
    }
}

fn count(length: usize) -> u64 {
    length as u64
}
