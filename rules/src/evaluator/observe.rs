//! Takes a message in.

use citywarden_model::{AlertKind, Change, Event, Fix, Flag, Moment, Span, Timestamp, Transition};

use super::case::Now;
use super::evaluate::Occurrence;
use super::field::DevicePlan;
use super::lane::{Happening, Lane, StateArray};
use super::meter::Admission;
use super::names::Quantity;
use super::options::{EVENTS_MAX, regular_readings};
use super::recognised::{Named, Observed, Said, Worth};
use super::scope::Scope;
use super::series::{Inserted, Series};
use super::whereabouts::{Crossing, FixAt};
use super::{Arrival, clock_finding, fixed};

impl Scope<'_> {
    /// Takes in what one message of this device said, in the order in which the journal holds it. Lets time pass first.
    pub(crate) fn observe(
        &mut self,
        arrival: &Arrival<'_>,
        number: usize,
        said: Said<'_, '_>,
        out: &mut Vec<Transition>,
    ) {
        self.advance(arrival.moment, out);
        let Some(plan) = self.field.devices.get(number) else { return };
        if !arrival.retained {
            self.hear(plan, arrival.moment.at);
        }
        if said.observations().any(|one| one.observed_at().is_none()) {
            let options = self.options;
            let repeated = self.meter_mut(number).is_some_and(|meter| meter.is_repeated(arrival, options));
            if repeated {
                return self.discard(plan.asset, "duplicate");
            }
        }
        for observed in said.observations() {
            self.take(arrival, number, observed, out);
        }
        if !plan.waiting.is_empty() {
            let waiting = plan.waiting.iter().map(|(rule, case)| (*rule, plan.asset, *case));
            self.desk.asked.extend(waiting);
            self.ask_all(&Occurrence::timer(arrival.moment), out);
        }
        if self.meter(number).is_some_and(|meter| meter.armed.is_none()) {
            self.arm_device(number, arrival.moment.at);
        }
    }

    fn hear(&mut self, plan: &DevicePlan, at: Timestamp) {
        let sender = self.state_mut(plan.asset).and_then(|state| state.live.senders.get_mut(plan.place));
        if let Some(sender) = sender {
            sender.hear(at);
        }
    }

    fn take(
        &mut self,
        arrival: &Arrival<'_>,
        number: usize,
        observed: Observed<'_, '_>,
        out: &mut Vec<Transition>,
    ) {
        let Some(plan) = self.field.devices.get(number) else { return };
        if let Flag::Other(letter) = observed.flag() {
            return self.discard(plan.asset, &format!("flag_{letter}"));
        }
        if arrival.retained && !self.is_newer(plan, observed.observed_at()) {
            return self.discard(plan.asset, "retained");
        }
        let options = self.options;
        let Some(meter) = self.meter_mut(number) else { return };
        let admission = meter.admit(observed.observed_at(), arrival.moment.at, options);
        if !admission.is_late {
            self.note_clock(number, admission.wrong_by, arrival.moment, out);
        }
        let moment = if admission.is_late {
            self.enter_late_lane(plan, admission.observed);
            Moment { offset: arrival.moment.offset, at: admission.observed }
        } else {
            arrival.moment
        };
        let crossings = self.keep(plan, observed, admission, moment);
        let Some(lane) = self.state(plan.asset).and_then(|state| state.lane(admission.is_late)) else {
            return;
        };
        let newest = lane.senders.get(plan.place).and_then(|sender| sender.newest);
        let judged = newest.map_or(admission.observed, |newest| newest.observed);
        let at = if admission.is_late { lane.clock.unwrap_or(judged) } else { arrival.moment.at };
        let occurrence = Occurrence {
            cause: arrival.moment,
            now: Now { at, judged, by_reading: true },
            is_late: admission.is_late,
            crossing: crossings.first().map(|crossing| (plan.asset, *crossing)),
            source: admission.source,
            is_lead: admission.is_lead,
        };
        self.ask_all(&occurrence, out);
        for crossing in crossings.into_iter().skip(1) {
            self.ask_position_readers(plan.asset);
            self.ask_all(&Occurrence { crossing: Some((plan.asset, crossing)), ..occurrence }, out);
        }
    }

    fn is_newer(&self, plan: &DevicePlan, observed: Option<Timestamp>) -> bool {
        let sender = self.state(plan.asset).and_then(|state| state.live.senders.get(plan.place));
        let newest = sender.and_then(|sender| sender.newest);
        observed.is_some_and(|observed| newest.is_none_or(|newest| newest.observed < observed))
    }

    /// Notes cases that look at zones.
    fn ask_position_readers(&mut self, asset: usize) {
        if let Some(channel) = self.field.channel(asset, self.field.position) {
            self.ask_channel(asset, channel);
        }
    }

    fn ask_channel(&mut self, asset: usize, channel: usize) {
        let field = self.field;
        let Some(channel) = field.kind_of(asset).and_then(|kind| kind.channels.get(channel)) else { return };
        let Some(plan) = field.assets.get(asset) else { return };
        let cases =
            channel.readers.iter().filter_map(|local| Some((plan.cases.get(*local)?.rule, asset, *local)));
        self.desk.asked.extend(cases);
    }

    /// A late lane to put a reading of this time into: a new one where it belongs to another stretch of history.
    fn enter_late_lane(&mut self, plan: &DevicePlan, observed: Timestamp) {
        let field = self.field;
        let Some(kind) = field.kind_of(plan.asset) else { return };
        let Some(asset) = field.assets.get(plan.asset) else { return };
        let Some((state, surplus, _)) = self.shard_mut(plan.asset).and_then(|shard| shard.keep(plan.asset))
        else {
            return;
        };
        let reach = kind.keep_events;
        let belongs = state
            .late
            .as_ref()
            .and_then(|lane| lane.clock)
            .is_some_and(|clock| observed.since(clock).nanos().saturating_abs() <= reach.nanos());
        if !belongs {
            let lane = Lane::new(asset.devices.len(), kind.channels.len(), asset.cases.len());
            if let Some(gone) = state.late.replace(Box::new(lane)) {
                surplus.leave(&gone);
            }
        }
    }

    /// Puts what was observed into its lane, and notes the cases to ask; the zones that were entered and left.
    fn keep(
        &mut self,
        plan: &DevicePlan,
        observed: Observed<'_, '_>,
        admission: Admission,
        moment: Moment,
    ) -> Vec<Crossing> {
        let keeping = Keeping { plan, admission, moment };
        for sent in observed.readings() {
            let quantity = match sent.quantity {
                Named::Known(quantity) => Some(quantity),
                Named::Unseen(place) => observed.name(place).and_then(|name| self.meet(name)),
            };
            self.count(plan.asset, quantity);
            match quantity {
                Some(quantity) => self.keep_value(keeping, quantity, sent.value, observed),
                None => self.discard(plan.asset, "unknown_quantity"),
            }
        }
        let crossings = observed.fix().map(|fix| self.keep_fix(keeping, &fix, observed));
        for event in observed.events() {
            self.keep_event(keeping, event);
        }
        crossings.unwrap_or_default()
    }

    fn keep_value(
        &mut self,
        keeping: Keeping<'_>,
        quantity: Quantity,
        value: Worth,
        observed: Observed<'_, '_>,
    ) {
        match value {
            Worth::Number(value) => self.keep_number(keeping, quantity, value),
            Worth::Array(place) => self.keep_array(keeping, quantity, observed.array(place)),
            Worth::Text => self.discard(keeping.plan.asset, "text"),
            Worth::OutOfRange => self.discard(keeping.plan.asset, "out_of_range"),
        }
    }

    fn keep_number(&mut self, keeping: Keeping<'_>, quantity: Quantity, value: i64) {
        let Keeping { plan, admission, moment } = keeping;
        let (field, options, now) = (self.field, self.options, self.desk.moment.at);
        let Some(kind) = field.kind_of(plan.asset) else { return };
        let Some(shard) = self.shard_mut(plan.asset) else { return };
        let Some((state, surplus, tally)) = shard.keep(plan.asset) else { return };
        let is_new_kind = state.fit(quantity);
        let Some(lane) = state.lane_mut(admission.is_late) else { return };
        lane.advance_clock(admission.observed);
        let Some(sender) = lane.senders.get_mut(plan.place) else { return };
        sender.see(admission.observed, moment.at);
        let Some(place) = kind.channel(quantity) else { return };
        let Some((channel, slot)) = kind.channels.get(place).zip(sender.series.get_mut(place)) else {
            return;
        };
        let series = slot.get_or_insert_with(|| {
            surplus.begin();
            let mut series = Series::new(channel.is_level);
            series.set_regular(regular_readings(channel.keep, plan.interval));
            series
        });
        let before = series.surplus();
        match series.insert(admission.observed, moment.at, value, moment.offset) {
            Inserted::Same if !is_new_kind => return tally.discard("duplicate"),
            Inserted::TooOld => return tally.discard("too_old"),
            Inserted::Same | Inserted::Changed => {}
        }
        if let Some(newest) = sender.newest {
            series.forget(newest.observed - channel.keep);
        }
        surplus.bound(series, before, options);
        if surplus.is_sweep_due(options, now) {
            shard.sweep(field, options, now);
        }
        self.ask_channel(plan.asset, place);
    }

    fn keep_array(&mut self, keeping: Keeping<'_>, quantity: Quantity, states: &[bool]) {
        let Keeping { plan, admission, moment } = keeping;
        let Some(state) = self.state_mut(plan.asset) else { return };
        state.fit(quantity);
        let Some(sender) =
            state.lane_mut(admission.is_late).and_then(|lane| lane.senders.get_mut(plan.place))
        else {
            return;
        };
        sender.see(admission.observed, moment.at);
        let there = sender.arrays.iter_mut().find(|array| array.quantity == quantity);
        let array =
            StateArray { quantity, at: admission.observed, states: states.to_vec(), offset: moment.offset };
        let is_changed = match there {
            Some(there) if array.at < there.at => false,
            Some(there) => {
                std::mem::replace(&mut there.states, array.states.clone()) != array.states && {
                    (there.at, there.offset) = (array.at, array.offset);
                    true
                }
            }
            None => {
                sender.arrays.push(array);
                true
            }
        };
        if let Some(channel) = self.field.channel(plan.asset, quantity).filter(|_| is_changed) {
            self.ask_channel(plan.asset, channel);
        }
    }

    /// Keeps a fix; speed over ground is a reading where the message has no other.
    fn keep_fix(&mut self, keeping: Keeping<'_>, fix: &Fix, observed: Observed<'_, '_>) -> Vec<Crossing> {
        let Keeping { plan, admission, moment } = keeping;
        let field = self.field;
        if let Some(speed) = fix.speed_kmh.filter(|_| fix.valid)
            && !observed.readings().iter().any(|sent| sent.quantity == Named::Known(field.speed))
        {
            self.count(plan.asset, Some(field.speed));
            self.keep_value(keeping, field.speed, Worth::of(speed), observed);
        }
        if !fix.valid {
            self.discard(plan.asset, "no_fix");
            return Vec::new();
        }
        self.keep_number(keeping, field.position, 0);
        let point = fix.reported.from_crs(plan.crs);
        let fix = FixAt { at: admission.observed, received: moment.at, point };
        let lane = self.state_mut(plan.asset).and_then(|state| state.lane_mut(admission.is_late));
        lane.map(|lane| lane.whereabouts.take(fix, &field.zones)).unwrap_or_default()
    }

    /// Keeps an event with its sender's asset, and with the asset that it concerns; one that no rule reads is not kept.
    fn keep_event(&mut self, keeping: Keeping<'_>, event: &Event<'_>) {
        let Keeping { plan, admission, moment } = keeping;
        let field = self.field;
        if !field.plans.iter().any(|rule| rule.reads_event(&event.name)) {
            return;
        }
        let value = |(name, number): &(std::borrow::Cow<'_, str>, f64)| {
            Some((name.clone().into_owned(), fixed::from_number(*number)?))
        };
        let happening = Happening {
            name: event.name.clone().into_owned(),
            at: admission.observed,
            offset: moment.offset,
            is_own: true,
            concerns: event.asset.as_ref().map(|asset| asset.clone().into_owned()),
            fields: event.fields.iter().filter_map(value).collect(),
        };
        let concerned = event.asset.as_ref().and_then(|asset| field.asset_of(asset));
        if let Some(other) = concerned.filter(|other| *other != plan.asset && !admission.is_late) {
            self.note_event(other, Happening { is_own: false, ..happening.clone() }, false);
        }
        self.note_event(plan.asset, happening, admission.is_late);
    }

    fn note_event(&mut self, asset: usize, happening: Happening, is_late: bool) {
        let field = self.field;
        let keep = field.kind_of(asset).map_or(Span::ZERO, |kind| kind.keep_events);
        let name = happening.name.clone();
        let lane = self.state_mut(asset).and_then(|state| state.lane_mut(is_late));
        if !lane.is_some_and(|lane| lane.note(happening, keep, EVENTS_MAX)) {
            return self.discard(asset, "duplicate");
        }
        let Some(plan) = field.assets.get(asset) else { return };
        for (place, case) in plan.cases.iter().enumerate() {
            if field.plans.get(case.rule).is_some_and(|rule| rule.reads_event(&name)) {
                self.desk.asked.push((case.rule, asset, place));
            }
        }
    }

    /// Raises and clears the finding that a clock is wrong: one an asset, however many of its devices.
    fn note_clock(&mut self, number: usize, wrong_by: Option<i64>, cause: Moment, out: &mut Vec<Transition>) {
        let field = self.field;
        let Some(meter) = self.meter_mut(number) else { return };
        if std::mem::replace(&mut meter.is_wrong, wrong_by.is_some()) == wrong_by.is_some() {
            return;
        }
        let Some(plan) = field.devices.get(number) else { return };
        let Some(asset) = field.assets.get(plan.asset) else { return };
        let others = asset.devices.iter().filter(|other| **other != number);
        if others.filter_map(|other| self.meter(*other)).any(|meter| meter.is_wrong) {
            return;
        }
        let registry = &field.registry;
        let Some((device, owner)) = registry.devices.get(&plan.id).zip(registry.assets.get(&asset.id)) else {
            return;
        };
        let change = match wrong_by {
            Some(nanos) => {
                let seconds = Span::from_nanos(nanos).seconds();
                let alert =
                    clock_finding::draft(owner, device, seconds, cause, field.rules.digest, self.options);
                Change::Raised {
                    alert: Box::new(alert),
                    reopen_window: Span::from_mins(30),
                    evidence: vec![cause.offset],
                }
            }
            None => Change::Cleared("the clock is right again".to_owned()),
        };
        self.emit(cause, (clock_finding::rule_id(), asset.id.clone(), AlertKind::Device), change, out);
    }
}

/// What is being kept: of whom, and when.
#[derive(Clone, Copy)]
struct Keeping<'a> {
    plan: &'a DevicePlan,
    admission: Admission,
    /// The record, and the time of arrival; in a late lane its own time.
    moment: Moment,
}
