//! Lets time pass: timers in (due, rule, asset) order.

use citywarden_model::{Moment, Span, Timestamp, Transition};

use super::evaluate::Occurrence;
use super::scope::Scope;
use super::shard::States;
use super::timers::Sleeper;

/// The finest step of time.
const TICK: Span = Span::from_nanos(1);

impl Scope<'_> {
    /// Fires every timer that is due at or before `to.at`, each at its own time. How often it is called changes
    /// nothing: [`Self::observe`] and the installers call it themselves.
    pub(crate) fn advance(&mut self, to: Moment, out: &mut Vec<Transition>) {
        self.enter(to);
        if !self.is_due(to.at) {
            return;
        }
        while let Some((due, woken)) = self.wake(to.at) {
            for sleeper in woken {
                match sleeper {
                    Sleeper::Device(device) => self.wake_device(device, due),
                    Sleeper::Case { asset, case } => self.wake_case(asset, case, due),
                }
            }
            self.ask_all(&Occurrence::timer(Moment { offset: to.offset, at: due }), out);
        }
    }

    /// Whether a timer may be due by then.
    pub(crate) fn is_due(&self, to: Timestamp) -> bool {
        self.shards.iter().any(|shard| shard.timers.is_due(to))
    }

    /// The sleepers of the earliest time at or before `to`.
    fn wake(&mut self, to: Timestamp) -> Option<(Timestamp, Vec<Sleeper>)> {
        let due = self.shards.iter_mut().filter_map(|shard| shard.timers.first_due(to)).min()?;
        let mut woken = Vec::new();
        self.shards.iter_mut().for_each(|shard| shard.timers.wake(due, &mut woken));
        Some((due, woken))
    }

    fn wake_case(&mut self, asset: usize, place: usize, due: Timestamp) {
        let rule =
            self.field.assets.get(asset).and_then(|asset| asset.cases.get(place)).map(|case| case.rule);
        let Some((state, timers)) = self.shard_mut(asset).and_then(|shard| shard.sleeper(asset)) else {
            return;
        };
        let Some(case) = state.live.cases.get_mut(place) else { return };
        case.armed = None;
        match (case.due, rule) {
            (Some(time), Some(rule)) if time <= due => self.desk.asked.push((rule, asset, place)),
            (time, _) => timers.arm(&mut case.armed, time, Sleeper::Case { asset, case: place }),
        }
    }

    fn wake_device(&mut self, device: usize, due: Timestamp) {
        if let Some(meter) = self.meter_mut(device) {
            meter.armed = None;
        }
        if self.device_due(device, due - TICK) == Some(due) {
            self.ask_readers(device);
        }
        self.arm_device(device, due);
    }

    /// When the silence of a device next changes what is known, after this time.
    fn device_due(&self, device: usize, after: Timestamp) -> Option<Timestamp> {
        let plan = self.field.devices.get(device)?;
        let sender = self.state(plan.asset)?.live.senders.get(plan.place)?;
        let channels = &self.field.kind_of(plan.asset)?.channels;
        let keep = channels
            .iter()
            .filter(|channel| !channel.readers.is_empty())
            .map(|channel| channel.keep)
            .max()?;
        sender.next_due(plan.interval, keep, after)
    }

    /// Sees to it that a device is looked after when it falls silent.
    pub(crate) fn arm_device(&mut self, device: usize, after: Timestamp) {
        let due = self.device_due(device, after);
        let Some(plan) = self.field.devices.get(device) else { return };
        if let Some((meter, timers)) = self.shard_mut(plan.asset).and_then(|shard| shard.listener(plan.meter))
        {
            timers.arm(&mut meter.armed, due, Sleeper::Device(device));
        }
    }

    /// Notes the cases that read what this device sends.
    fn ask_readers(&mut self, device: usize) {
        let field = self.field;
        let Some(plan) = field.devices.get(device) else { return };
        let Some(asset) = field.assets.get(plan.asset) else { return };
        let state = States::of(self.shards).get(plan.asset);
        let sender = state.and_then(|state| state.live.senders.get(plan.place));
        let Some((kind, sender)) = field.kind_of(plan.asset).zip(sender) else { return };
        let sent = kind.channels.iter().enumerate().filter(|(channel, _)| sender.series(*channel).is_some());
        for local in sent.flat_map(|(_, channel)| &channel.readers) {
            if let Some(case) = asset.cases.get(*local) {
                self.desk.asked.push((case.rule, plan.asset, *local));
            }
        }
    }
}
