//! What series hold beyond their rhythm. Whoever keeps it is never cut; those of a shard who send more share a memory of
//! fixed size, as long as there is a share for each: beyond it, who holds more than an equal share loses two samples for each that comes.
//! Who fell silent sends nothing that could cut it: as long as there is too much, all series are gone through once a minute,
//! and whenever an eighth more came.

use citywarden_model::{Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::field::Field;
use super::lane::Lane;
use super::options::{EvaluatorOptions, READINGS_MIN, regular_readings};
use super::series::Series;
use super::shard::Shard;

/// How often, by the journal's clock, all series are gone through while there is too much.
const SWEEP_EVERY: Span = Span::from_secs(60);

/// What comes beyond the greatest number before all are gone through, as a part of it.
const SWEEP_AFTER: usize = 8;

/// How much is held beyond rhythms: a function of the series, of which a snapshot holds the last sweep alone.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Surplus {
    /// Samples of all series beyond what is regular of each.
    samples: usize,
    /// Series there are.
    series: usize,
    pub(crate) last: Sweep,
}

/// When all series were gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Sweep {
    /// By the journal's clock.
    at: Timestamp,
    /// What was left beyond rhythms.
    left: usize,
}

impl Default for Sweep {
    fn default() -> Self {
        Self { at: Timestamp::from_nanos(i64::MIN), left: 0 }
    }
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
        let mut allowed = READINGS_MIN;
        if others + held > options.readings_surplus_max {
            allowed = allowed.min(self.share(options).max(held.saturating_sub(2)));
        }
        keep_beyond_rhythm(series, allowed);
        self.samples = others + series.surplus();
    }

    /// Whether all together have more than they may, and it is time to look who can do without.
    pub(crate) fn is_sweep_due(&self, options: &EvaluatorOptions, now: Timestamp) -> bool {
        let most = options.readings_surplus_max;
        self.samples > most
            && (now - SWEEP_EVERY >= self.last.at
                || self.samples > self.last.left.max(most) + most / SWEEP_AFTER)
    }

    fn share(&self, options: &EvaluatorOptions) -> usize {
        (options.readings_surplus_max / self.series.max(1)).max(options.readings_share_min)
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

impl Shard {
    /// After an installation or a restart: says what is regular for each series, and counts what is beyond.
    pub(crate) fn begin_surplus(&mut self, field: &Field) {
        self.numbered_mut().for_each(|(asset, state)| {
            state.lanes_mut().for_each(|lane| tell_rhythm(field, asset, lane));
        });
        self.count_surplus();
    }

    fn count_surplus(&mut self) {
        let mut surplus = Surplus { last: self.surplus.last, ..Surplus::default() };
        self.numbered().flat_map(|(_, state)| state.lanes()).for_each(|lane| surplus.add(lane));
        self.surplus = surplus;
    }

    /// Forgets what no window can reach any more, of devices that fell silent too; where there is still too much, cuts
    /// everybody to a share.
    pub(crate) fn sweep(&mut self, field: &Field, options: &EvaluatorOptions, now: Timestamp) {
        self.numbered_mut().for_each(|(asset, state)| forget_unreached(field, asset, &mut state.live, now));
        self.count_surplus();
        if self.surplus.samples > options.readings_surplus_max {
            let share = self.surplus.share(options);
            self.numbered_mut().flat_map(|(_, state)| state.lanes_mut()).for_each(|lane| cut(lane, share));
            self.count_surplus();
        }
        self.surplus.last = Sweep { at: now, left: self.surplus.samples };
    }
}

/// By the clock of each device: what it sends next is of the time since it sent last.
fn forget_unreached(field: &Field, asset: usize, lane: &mut Lane, now: Timestamp) {
    let Some(kind) = field.kind_of(asset) else { return };
    for sender in &mut lane.senders {
        let Some(newest) = sender.newest else { continue };
        let its_now = newest.observed + now.since(newest.received).max(Span::ZERO);
        for (channel, series) in kind.channels.iter().zip(&mut sender.series) {
            if let Some(series) = series {
                series.forget(its_now - channel.keep);
            }
        }
    }
}

fn cut(lane: &mut Lane, share: usize) {
    for series in lane.senders.iter_mut().flat_map(|sender| &mut sender.series).flatten() {
        keep_beyond_rhythm(series, share);
    }
}

/// Leaves a series so many samples beyond its rhythm, and no more than it may have alone.
fn keep_beyond_rhythm(series: &mut Series, allowed: usize) {
    let regular = series.regular();
    let most = regular + allowed.min(READINGS_MIN.saturating_sub(regular));
    if series.samples().len() > most {
        series.keep_at_most(most);
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
