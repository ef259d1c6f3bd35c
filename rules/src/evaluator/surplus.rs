//! What series hold beyond their rhythm. Whoever keeps it is never cut; those who send more share a memory of fixed size,
//! as long as there is a share for each: beyond it, who holds more than an equal share loses two samples for each that comes.

use super::Evaluator;
use super::field::Field;
use super::lane::{AssetState, Lane};
use super::options::{EvaluatorOptions, READINGS_MIN, regular_readings};
use super::series::Series;

/// How much is held beyond rhythms. A function of the series: no snapshot holds it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Surplus {
    /// Samples of all series beyond what is regular of each.
    samples: usize,
    /// Series there are.
    series: usize,
}

impl Surplus {
    /// A series begins.
    pub(crate) fn begin(&mut self) {
        self.series += 1;
    }

    /// Takes note of what came into a series, which had `before` beyond its rhythm, and bounds it: by itself, and where
    /// all together have more than they may by its share.
    pub(crate) fn bound(&mut self, series: &mut Series, before: usize, options: &EvaluatorOptions) {
        let held = series.surplus();
        if held == 0 && before == 0 {
            return;
        }
        let others = self.samples.saturating_sub(before);
        let mut allowed = READINGS_MIN.saturating_sub(series.regular());
        let most = options.readings_surplus_max;
        if others + held > most {
            let share = (most / self.series.max(1)).max(options.readings_share_min);
            allowed = allowed.min(share.max(held.saturating_sub(2)));
        }
        if held > allowed {
            series.keep_at_most(series.regular() + allowed);
        }
        self.samples = others + series.surplus();
    }

    fn add(&mut self, lane: &Lane) {
        for series in lane.senders.iter().flat_map(|sender| &sender.series).flatten() {
            self.series += 1;
            self.samples += series.surplus();
        }
    }

    /// A lane goes, with all that is in it.
    pub(crate) fn leave(&mut self, lane: &Lane) {
        let mut gone = Self::default();
        gone.add(lane);
        self.series = self.series.saturating_sub(gone.series);
        self.samples = self.samples.saturating_sub(gone.samples);
    }
}

impl Evaluator {
    /// Says anew what is regular for each series, and counts what is beyond.
    pub(crate) fn count_surplus(&mut self) {
        self.surplus = Surplus::default();
        for (asset, state) in self.states.iter_mut().enumerate() {
            let AssetState { live, late, .. } = state;
            for lane in std::iter::once(live).chain(late.as_deref_mut()) {
                tell_rhythm(&self.field, asset, lane);
                self.surplus.add(lane);
            }
        }
    }
}

fn tell_rhythm(field: &Field, asset: usize, lane: &mut Lane) {
    let Some((plan, kind)) = field.assets.get(asset).zip(field.kind_of(asset)) else { return };
    for (device, sender) in plan.devices.iter().zip(&mut lane.senders) {
        let interval = field.devices.get(*device).and_then(|device| device.interval);
        for (channel, series) in kind.channels.iter().zip(&mut sender.series) {
            if let Some(series) = series {
                series.set_regular(regular_readings(channel.keep, interval));
            }
        }
    }
}
