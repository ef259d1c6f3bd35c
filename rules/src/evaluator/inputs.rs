//! Reads the inputs of a case: the statistic of each device, and of these the worst.

use citywarden_model::{DailyHours, Span, Timestamp};

use super::calendar::{self, Calendar, Period};
use super::case::Now;
use super::field::{CasePlan, DevicePlan, Field};
use super::fixed;
use super::lane::{AssetState, Lane, Sender};
use super::names::Quantity;
use super::options::EvaluatorOptions;
use super::plan::{InputPlan, RulePlan, Standin, What, span_of};
use super::shard::States;
use super::whereabouts::Crossing;
use super::window::{GateSeries, Measure, Window};
use crate::expression::Scalar;
use crate::rule;

/// What an input gives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Read {
    Value(Scalar),
    /// Fitted, and without a value now.
    Missing,
    /// The asset never sent such a reading.
    NotFitted,
    /// Its gate is shut.
    Shut,
}

/// What is looked at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) options: &'a EvaluatorOptions,
    pub(crate) field: &'a Field,
    pub(crate) calendar: &'a Calendar,
    pub(crate) states: States<'a>,
    pub(crate) asset: usize,
    pub(crate) is_late: bool,
    pub(crate) now: &'a Now,
    /// The zone that was just entered or left.
    pub(crate) crossing: Option<Crossing>,
    pub(crate) plan: &'a RulePlan,
    pub(crate) case: &'a CasePlan,
}

/// A device of the asset with what it sent.
#[derive(Clone, Copy)]
struct Source<'a> {
    device: &'a DevicePlan,
    sender: &'a Sender,
}

impl<'a> View<'a> {
    /// The stretch of the day around this time.
    pub(crate) fn period(&self, hours: DailyHours, at: Timestamp) -> Period {
        self.calendar.period(hours, self.options.local, at)
    }

    fn state(&self) -> Option<&'a AssetState> {
        self.states.get(self.asset)
    }

    fn lane(&self) -> Option<&'a Lane> {
        self.state()?.lane(self.is_late)
    }

    fn sources(&self) -> impl Iterator<Item = Source<'a>> + use<'a> {
        let devices =
            self.field.assets.get(self.asset).map(|asset| asset.devices.as_slice()).unwrap_or_default();
        let senders = self.lane().map(|lane| lane.senders.as_slice()).unwrap_or_default();
        let field = self.field;
        devices
            .iter()
            .zip(senders)
            .filter_map(move |(device, sender)| Some(Source { device: field.devices.get(*device)?, sender }))
    }

    /// Reads an input, or what stands in for it; whether a number stood in.
    pub(crate) fn read(
        &self,
        input: &InputPlan,
        slots: &[Scalar],
        restarted: Option<Timestamp>,
    ) -> (Read, bool) {
        match self.read_itself(input, slots, restarted) {
            Read::NotFitted => self.read_standin(input, slots, restarted),
            read @ (Read::Value(_) | Read::Missing | Read::Shut) => (read, false),
        }
    }

    fn read_standin(
        &self,
        input: &InputPlan,
        slots: &[Scalar],
        restarted: Option<Timestamp>,
    ) -> (Read, bool) {
        match &input.otherwise {
            None => (Read::NotFitted, false),
            Some(Standin::Value(value)) => (Read::Value(*value), matches!(value, Scalar::Number(_))),
            Some(Standin::Input(other)) => match self.read(other, slots, restarted) {
                (Read::Shut, stood_in) => (self.read_selected(other, slots, restarted), stood_in),
                read => read,
            },
        }
    }

    /// As [`Self::read_itself`], where a shut gate only selects.
    fn read_selected(&self, input: &InputPlan, slots: &[Scalar], restarted: Option<Timestamp>) -> Read {
        self.statistic(input, slots, restarted)
    }

    fn read_itself(&self, input: &InputPlan, slots: &[Scalar], restarted: Option<Timestamp>) -> Read {
        if let Some(quantity) = input.quantity()
            && !self.state().is_some_and(|state| state.is_fitted(quantity))
        {
            return Read::NotFitted;
        }
        if let Some((gate, negated)) = input.only_while {
            match self.gate_value(gate) {
                None => return Read::NotFitted,
                Some(value) if (value != 0) == negated => return Read::Shut,
                Some(_) => {}
            }
        }
        self.statistic(input, slots, restarted)
    }

    fn statistic(&self, input: &InputPlan, slots: &[Scalar], restarted: Option<Timestamp>) -> Read {
        let seconds = |since: Timestamp| Some(self.now.at.since(since).max(Span::ZERO).seconds());
        let number =
            |number: Option<f64>| number.map_or(Read::Missing, |number| Read::Value(Scalar::Number(number)));
        let truth =
            |truth: Option<bool>| truth.map_or(Read::Missing, |truth| Read::Value(Scalar::Truth(truth)));
        match &input.what {
            What::Last(quantity) => self.last(*quantity, input),
            What::Over(measure, quantity, window) => {
                number(self.worst(*measure, *quantity, input, span_of(*window, slots), restarted))
            }
            What::Events { name, field, window } => {
                self.events(input, name, field.as_deref(), *window, slots)
            }
            What::Since(quantity) => number(self.since(*quantity)),
            What::Silence(quantity) => number(self.silence(*quantity).and_then(seconds)),
            What::DeviceSilence(kind) => self.device_silence(kind, input.at_zone.as_deref()),
            What::Left(kind) => truth(self.crossed(kind, false)),
            What::Entered(kind) => truth(self.crossed(kind, true)),
            What::Inside(kind) => {
                truth(self.lane().and_then(|lane| lane.whereabouts.is_inside(kind, &self.field.zones)))
            }
            What::Dwell(kind) => number(self.lane().and_then(|lane| {
                let whereabouts = &lane.whereabouts;
                let since = whereabouts.since(kind, &self.field.zones);
                whereabouts.is_known().then(|| since.and_then(seconds).unwrap_or(0.0))
            })),
            What::Permit(kind) => {
                let valid = |permit: &(String, Timestamp, Timestamp)| {
                    permit.0 == *kind && permit.1 <= self.now.judged && self.now.judged < permit.2
                };
                truth(Some(self.case.permits.iter().any(valid)))
            }
            What::LocalTime(from, to) => truth(
                calendar::hours(*from, *to, slots).map(|hours| self.period(hours, self.now.judged).is_in),
            ),
            What::LargestGap { .. } => number(self.largest_gap(input).and_then(Result::ok)),
        }
    }

    /// The value of a gate: that of the newest reading of its quantity.
    fn gate_value(&self, quantity: Quantity) -> Option<i64> {
        let channel = self.field.channel(self.asset, quantity)?;
        let newest = self.sources().filter_map(|source| source.sender.series(channel)?.newest());
        newest.max_by_key(|sample| sample.at).map(|sample| sample.value)
    }

    /// The series of a gate: of the same device where it sends it, or of the first that does.
    fn gate_series(&self, source: Source<'a>, gate: (Quantity, bool)) -> Option<GateSeries<'a>> {
        let channel = self.field.channel(self.asset, gate.0)?;
        let own = source.sender.series(channel);
        let series = own.or_else(|| self.sources().find_map(|other| other.sender.series(channel)))?;
        Some(GateSeries { series, negated: gate.1 })
    }

    fn last(&self, quantity: Quantity, input: &InputPlan) -> Read {
        let Some(channel) = self.field.channel(self.asset, quantity) else { return Read::Missing };
        let holding =
            self.sources().filter(|source| source.sender.holds(source.device.interval, self.now.at));
        let samples = holding.filter_map(|source| source.sender.series(channel)?.newest());
        let Some(newest) = samples.max_by_key(|sample| sample.at) else { return Read::Missing };
        Read::Value(if input.is_truth {
            Scalar::Truth(newest.value != 0)
        } else {
            Scalar::Number(fixed::to_number(newest.value))
        })
    }

    /// The statistic of each device's window, and of these the worst: the least of a minimum, else the greatest.
    fn worst(
        &self,
        measure: Measure,
        quantity: Quantity,
        input: &InputPlan,
        width: Span,
        restarted: Option<Timestamp>,
    ) -> Option<f64> {
        let channel = self.field.channel(self.asset, quantity)?;
        let values = self.sources().filter_map(|source| {
            let window = self.window(source, channel, input, width, restarted)?;
            window.measure(measure)
        });
        values.reduce(|one, other| if measure == Measure::Min { one.min(other) } else { one.max(other) })
    }

    fn window(
        &self,
        source: Source<'a>,
        channel: usize,
        input: &InputPlan,
        width: Span,
        restarted: Option<Timestamp>,
    ) -> Option<Window<'a>> {
        let series = source.sender.series(channel)?;
        let to = source.sender.anchor(source.device.interval, self.now.at)?;
        let gate = match input.only_while {
            Some(gate) => Some(self.gate_series(source, gate)?),
            None => None,
        };
        let begins = to - width;
        let from = restarted.map_or(begins, |restarted| restarted.max(begins));
        let coverage_min = self.case.coverage_min;
        Some(Window { series, interval: source.device.interval, gate, begins, from, to, coverage_min })
    }

    /// How long a state has been false on the device on which it has been so longest, by the journal's clock.
    fn since(&self, quantity: Quantity) -> Option<f64> {
        let channel = self.field.channel(self.asset, quantity)?;
        let runs = self.sources().filter_map(|source| source.sender.series(channel)?.run());
        let seconds = runs.map(|run| {
            let lasted = self.now.at.since(run.received).max(Span::ZERO);
            if run.value == 0 { lasted.seconds() } else { 0.0 }
        });
        seconds.reduce(f64::max)
    }

    /// When a reading of the quantity last arrived.
    fn silence(&self, quantity: Quantity) -> Option<Timestamp> {
        let channel = self.field.channel(self.asset, quantity)?;
        let newest = self.sources().filter_map(|source| source.sender.series(channel)?.newest());
        newest.map(|sample| sample.received).max()
    }

    fn device_silence(&self, kind: &str, at_zone: Option<&str>) -> Read {
        let asset = match at_zone {
            None => self.asset,
            Some(zone) => match self.owner(zone) {
                Ok(owner) => owner,
                Err(read) => return read,
            },
        };
        let view = Self { asset, ..*self };
        let heard = view
            .sources()
            .filter(|source| source.device.kind == kind)
            .filter_map(|source| source.sender.silent_since)
            .max();
        heard.map_or(Read::NotFitted, |heard| {
            Read::Value(Scalar::Number(self.now.at.since(heard).max(Span::ZERO).seconds()))
        })
    }

    /// The asset that owns the zone of this kind that was just entered or left. Beside the live state another asset's
    /// memory of that time may be gone: there nothing is known.
    fn owner(&self, kind: &str) -> Result<usize, Read> {
        let crossing = self.crossing.filter(|_| !self.is_late).ok_or(Read::Missing)?;
        let zone = self.field.zones.areas.get(crossing.zone).filter(|zone| zone.kind == kind);
        let zone = zone.ok_or(Read::Missing)?;
        zone.asset.as_deref().and_then(|asset| self.field.asset_of(asset)).ok_or(Read::NotFitted)
    }

    fn crossed(&self, kind: &str, entered: bool) -> Option<bool> {
        let is_known = self.lane()?.whereabouts.is_known();
        let zones = &self.field.zones.areas;
        let fits = |crossing: Crossing| {
            crossing.entered == entered && zones.get(crossing.zone).is_some_and(|zone| zone.kind == kind)
        };
        is_known.then(|| self.crossing.is_some_and(fits))
    }

    fn events(
        &self,
        input: &InputPlan,
        name: &str,
        field: Option<&str>,
        window: rule::Window,
        slots: &[Scalar],
    ) -> Read {
        let own_id = self.field.assets.get(self.asset).map(|asset| asset.id.as_str()).unwrap_or_default();
        let (lane, to) = match &input.at_zone {
            None => (self.lane(), self.events_reach()),
            Some(kind) => match (self.owner(kind), self.crossing) {
                (Ok(owner), Some(crossing)) => {
                    (self.states.get(owner).map(|state| &state.live), crossing.stamp)
                }
                (Ok(_), None) => return Read::Missing,
                (Err(read), _) => return read,
            },
        };
        let from = to - span_of(window, slots);
        let is_here = input.at_zone.is_none();
        let happenings = lane.map(|lane| lane.events.iter()).into_iter().flatten().filter(|one| {
            let concerns = one.concerns.as_deref();
            let is_meant = concerns == Some(own_id) || concerns.is_none() && one.is_own;
            one.name == name && from < one.at && one.at <= to && is_meant && (is_here || one.is_own)
        });
        let value = match field {
            None => fixed::ratio(happenings.count() as i128, 1),
            Some(field) => fixed::sum(
                happenings
                    .flat_map(|one| one.fields.iter().filter(|(name, _)| name == field))
                    .map(|(_, value)| i128::from(*value))
                    .sum(),
            ),
        };
        Read::Value(Scalar::Number(value))
    }

    /// Where a window of events ends: at the time judged; where no reading asks, at the newest reading, moved on by the
    /// journal's clock since that arrived. The devices' clocks may be others than ours.
    fn events_reach(&self) -> Timestamp {
        let anchors = self.sources().filter_map(|source| {
            let newest = source.sender.newest?;
            Some((newest.received, source.sender.anchor(source.device.interval, self.now.at)?))
        });
        let newest = if self.now.by_reading { None } else { anchors.max() };
        newest.map_or(self.now.judged, |(_, anchor)| anchor)
    }

    /// The gap of the register's line, by what works; the error says why it cannot be told.
    pub(crate) fn largest_gap(&self, input: &InputPlan) -> Option<Result<f64, String>> {
        let place = self.plan.inputs.iter().position(|other| std::ptr::eq(other, input))?;
        let (_, line) = self.case.lines.iter().find(|(input, _)| *input == place)?;
        let line = match line {
            Ok(line) => line,
            Err(why) => return Some(Err(why.clone())),
        };
        let arrays = self.sources().flat_map(|source| source.sender.arrays.iter());
        let works = input.only_where.and_then(|quantity| {
            arrays.filter(|array| array.quantity == quantity).max_by_key(|array| array.at)
        });
        Some(line.largest_gap(works.map(|array| array.states.as_slice())))
    }

    /// When an input that runs with the journal's clock was last 0; `None` where it is not running.
    pub(crate) fn running_since(&self, input: &InputPlan) -> Option<Timestamp> {
        input.and_standins().filter_map(|one| self.began(one)).min()
    }

    fn began(&self, input: &InputPlan) -> Option<Timestamp> {
        if let What::Since(quantity) = &input.what {
            let channel = self.field.channel(self.asset, *quantity)?;
            let runs = self.sources().filter_map(|source| source.sender.series(channel)?.run());
            runs.filter(|run| run.value == 0).map(|run| run.received).min()
        } else if let What::Silence(quantity) = &input.what {
            self.silence(*quantity)
        } else if let What::Dwell(kind) = &input.what {
            self.lane()?.whereabouts.since(kind, &self.field.zones)
        } else if let (What::DeviceSilence(kind), None) = (&input.what, &input.at_zone) {
            let of_kind = self.sources().filter(|source| source.device.kind == *kind);
            of_kind.filter_map(|source| source.sender.silent_since).max()
        } else {
            None
        }
    }

    /// Whether a device with an interval sends this quantity: then its next reading tells, and no timer has to.
    pub(crate) fn has_rhythm(&self, quantity: Quantity) -> bool {
        let Some(channel) = self.field.channel(self.asset, quantity) else { return false };
        self.sources()
            .any(|source| source.device.interval.is_some() && source.sender.series(channel).is_some())
    }
}
