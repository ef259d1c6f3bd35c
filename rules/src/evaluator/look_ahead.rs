//! Looks at what the next messages will need. A county does not fit into a processor's caches, and each device is heard
//! seldom: judged one by one, every message would wait for memory some dozens of times in a row. Here nothing depends on
//! what is found, so the waits for many messages pass at the same time. It changes nothing.

use std::hint::black_box;

use super::field::{AssetPlan, DevicePlan};
use super::lane::{AssetState, Sender};
use super::meter::Meter;
use super::series::Series;
use super::{DeviceNumber, Evaluator};

/// A device, and what is kept for it.
struct Visit<'e> {
    meter: &'e Meter,
    device: &'e DevicePlan,
    plan: &'e AssetPlan,
    state: &'e AssetState,
}

impl Evaluator {
    /// Looks at what messages of these devices will need; worth it for some dozens at a time, right before they are
    /// observed.
    pub fn look_ahead(&self, devices: impl IntoIterator<Item = DeviceNumber>) {
        let visits: Vec<Visit<'_>> = devices.into_iter().filter_map(|device| self.visit(device)).collect();
        // each round needs only what the ones before have brought near
        for look in [Visit::see_state, Visit::see_lane, Visit::see_series, Visit::see_samples] {
            black_box(visits.iter().fold(0, |seen, visit| seen ^ look(visit)));
        }
    }

    fn visit(&self, device: DeviceNumber) -> Option<Visit<'_>> {
        let number = device.place;
        let device = self.field.devices.get(number)?;
        Some(Visit {
            meter: self.meters.get(number)?,
            device,
            plan: self.field.assets.get(device.asset)?,
            state: self.states.get(device.asset)?,
        })
    }
}

impl Visit<'_> {
    fn see_state(&self) -> u64 {
        let live = &self.state.live;
        count(live.senders.len() ^ live.cases.len())
            ^ u64::from(self.state.fitted.is_empty())
            ^ u64::from(live.clock.is_some())
            ^ u64::from(self.state.late.is_some())
            ^ u64::from(self.meter.is_wrong || self.meter.armed.is_some())
            ^ count(self.device.place ^ self.device.waiting.len())
            ^ u64::from(self.device.interval.is_some())
            ^ count(self.plan.devices.first().copied().unwrap_or_default())
    }

    fn see_lane(&self) -> u64 {
        let sender = self.sender().map_or(0, |sender| {
            count(sender.series.len())
                ^ u64::from(sender.heard.is_some())
                ^ u64::from(sender.newest.is_some())
        });
        let cases = self.state.live.cases.iter().fold(0, |seen, case| {
            seen ^ count(case.changed.len() ^ case.outcome.word())
                ^ u64::from(case.due.is_some() || case.armed.is_some())
                ^ u64::from(case.violation.is_firing())
                ^ u64::from(case.warning.is_firing())
        });
        sender ^ cases
    }

    fn see_series(&self) -> u64 {
        self.series().fold(0, |seen, series| seen ^ series.see_itself())
    }

    fn see_samples(&self) -> u64 {
        self.series().fold(0, |seen, series| seen ^ series.see_samples())
    }

    fn series(&self) -> impl Iterator<Item = &Series> {
        let sender = self.state.live.senders.get(self.device.place);
        sender.into_iter().flat_map(|sender| sender.series.iter().flatten())
    }

    fn sender(&self) -> Option<&Sender> {
        self.state.live.senders.get(self.device.place)
    }
}

fn count(length: usize) -> u64 {
    length as u64
}
