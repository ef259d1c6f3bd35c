//! Puts rules and a registry in force, and carries over what still belongs to somebody.

use std::sync::Arc;

use citywarden_model::{AlertKind, AssetId, Change, Moment, Registry, RuleId, Transition};

use super::case::{Case, Outcome, Stage};
use super::evaluate::Occurrence;
use super::field::Field;
use super::lane::{AssetState, Lane, Sender};
use super::meter::Meter;
use super::scope::Scope;
use super::shard::Memory;
use super::tally::Fresh;
use super::{Evaluator, clock_finding};
use crate::rule::RuleSet;

impl Evaluator {
    /// Puts a registry in force at this moment. Devices keep their series as long as they stay with their asset;
    /// cases keep their state; the alerts of assets that are gone are removed.
    pub fn install_registry(&mut self, at: Moment, registry: Arc<Registry>, out: &mut Vec<Transition>) {
        let rules = Arc::clone(&self.field.rules);
        self.install(at, registry, rules, out);
    }

    /// Puts rules in force at this moment. Series stay, so that a changed rule starts with warm windows; rules that
    /// keep their id keep what is pending and firing; the alerts of rules that are gone are removed. A rule whose
    /// trial ends, or begins, starts anew.
    pub fn install_rules(&mut self, at: Moment, rules: Arc<RuleSet>, out: &mut Vec<Transition>) {
        let registry = Arc::clone(&self.field.registry);
        self.install(at, registry, rules, out);
    }

    fn install(
        &mut self,
        at: Moment,
        registry: Arc<Registry>,
        rules: Arc<RuleSet>,
        out: &mut Vec<Transition>,
    ) {
        self.advance(at, out);
        let old = Arc::clone(&self.field);
        self.shards
            .iter_mut()
            .for_each(|shard| shard.tally.settle(old.plans.iter().map(|plan| &plan.rule.id)));
        self.field = Arc::new(self.make_field(registry, rules));
        self.installation.0 += 1;
        let mut memory = Memory::gather(&mut self.shards, &old);
        let gone = memory.carry_over(&old, &self.field, at);
        memory.deal(&mut self.shards, &self.field);
        for shard in &mut self.shards {
            shard.tally.fresh = vec![Fresh::default(); self.field.plans.len()];
            shard.begin_surplus(&self.field);
            shard.timers.clear();
        }
        self.count_standing();
        let mut scope = self.scope();
        for (rule, asset, kind, change) in gone {
            scope.emit(at, (rule, asset, kind), change, out);
        }
        scope.begin_anew(at, out);
    }

    pub(crate) fn make_field(&mut self, registry: Arc<Registry>, rules: Arc<RuleSet>) -> Field {
        if let Some(terms) = &registry.terms {
            self.options.take(terms);
        }
        Field::new(
            registry,
            rules,
            Arc::make_mut(&mut self.names),
            self.options.late_after,
            self.options.coverage_min,
        )
    }
}

impl Scope<'_> {
    /// Where no timer waits: looks after every device, and asks every case.
    pub(crate) fn begin_anew(&mut self, at: Moment, out: &mut Vec<Transition>) {
        for device in 0..self.field.devices.len() {
            self.arm_device(device, at.at);
        }
        for (number, asset) in self.field.assets.iter().enumerate() {
            let cases = asset.cases.iter().enumerate();
            self.desk.asked.extend(cases.map(|(place, case)| (case.rule, number, place)));
        }
        self.ask_all(&Occurrence::timer(at), out);
    }
}

impl Memory {
    /// Moves states and meters to where the new field expects them; what ends with what is gone, in order.
    fn carry_over(
        &mut self,
        old: &Field,
        new: &Field,
        at: Moment,
    ) -> Vec<(RuleId, AssetId, AlertKind, Change)> {
        let mut before = std::mem::take(&mut self.states);
        let mut meters = std::mem::take(&mut self.meters);
        let mut gone = Vec::new();
        for (number, asset) in old.assets.iter().enumerate() {
            let still = new.asset_of(asset.id.as_str());
            let Some(state) = before.get(number) else { continue };
            for (place, case) in state.live.cases.iter().enumerate() {
                gone.extend(ended(old, new, number, place, still, case));
            }
            gone.extend(clock_ended(old, new, number, still, &meters));
        }
        gone.sort_by(|one, other| (&one.0, &one.1, one.2).cmp(&(&other.0, &other.1, other.2)));
        self.states = (0..new.assets.len())
            .map(|asset| {
                let from = new.assets.get(asset).and_then(|plan| old.asset_of(plan.id.as_str()));
                let state = from.and_then(|from| Some((from, std::mem::take(before.get_mut(from)?))));
                moved(old, new, asset, state, at)
            })
            .collect();
        self.meters = new
            .devices
            .iter()
            .map(|device| {
                let from =
                    old.device(device.id.as_str()).filter(|from| same_owner(old, new, *from, device.asset));
                let meter = from.and_then(|from| meters.get_mut(from)).map(std::mem::take);
                meter.unwrap_or_default().unarmed()
            })
            .collect();
        gone
    }
}

fn same_owner(old: &Field, new: &Field, device: usize, asset: usize) -> bool {
    let before = old.devices.get(device).and_then(|device| old.assets.get(device.asset));
    let now = new.assets.get(asset);
    before.zip(now).is_some_and(|(before, now)| before.id == now.id)
}

/// What ends because the asset, or the rule on it, is gone.
fn ended(
    old: &Field,
    new: &Field,
    asset: usize,
    place: usize,
    still: Option<usize>,
    case: &Case,
) -> Vec<(RuleId, AssetId, AlertKind, Change)> {
    let Some(plan) = old.assets.get(asset) else { return Vec::new() };
    let Some(rule) = plan.cases.get(place).and_then(|case| old.plans.get(case.rule)) else {
        return Vec::new();
    };
    let why = match still {
        None => format!("the asset {} is gone", plan.id),
        Some(still) => match case_of(new, still, old, plan.cases.get(place).map(|case| case.rule)) {
            Some(_) => return Vec::new(),
            None => format!("the rule {} is gone", rule.rule.id),
        },
    };
    let stages = [(case.violation, AlertKind::Violation), (case.warning, AlertKind::EarlyWarning)];
    let firing = stages.into_iter().filter(|(stage, _)| matches!(stage, Stage::Firing(_)));
    firing
        .map(|(_, kind)| (rule.rule.id.clone(), plan.id.clone(), kind, Change::Removed(why.clone())))
        .collect()
}

/// The place of an old rule among the cases of a new asset, where it goes on there.
fn case_of(new: &Field, asset: usize, old: &Field, rule: Option<usize>) -> Option<usize> {
    let before = old.plans.get(rule?)?;
    let now = new.rule_of(&before.rule.id)?;
    let same_status = new.plans.get(now).is_some_and(|plan| plan.rule.status == before.rule.status);
    new.assets.get(asset)?.cases.iter().position(|case| case.rule == now).filter(|_| same_status)
}

/// The finding on an asset's clocks ends with the asset, or with the last device whose clock is wrong.
fn clock_ended(
    old: &Field,
    new: &Field,
    asset: usize,
    still: Option<usize>,
    meters: &[Meter],
) -> Option<(RuleId, AssetId, AlertKind, Change)> {
    let plan = old.assets.get(asset)?;
    let wrong = |device: &&usize| meters.get(**device).is_some_and(|meter| meter.is_wrong);
    plan.devices.iter().find(wrong)?;
    let stays = |device: &usize| {
        let id = old.devices.get(*device).map(|device| &device.id);
        let now = id.and_then(|id| new.device(id.as_str())).and_then(|device| new.devices.get(device));
        now.is_some_and(|now| Some(now.asset) == still)
    };
    let change = match still {
        None => Change::Removed(format!("the asset {} is gone", plan.id)),
        Some(_) if plan.devices.iter().filter(wrong).any(stays) => return None,
        Some(_) => Change::Cleared("the device is gone".to_owned()),
    };
    Some((clock_finding::rule_id(), plan.id.clone(), AlertKind::Device, change))
}

/// An asset's state in the new field.
fn moved(
    old: &Field,
    new: &Field,
    asset: usize,
    state: Option<(usize, AssetState)>,
    at: Moment,
) -> AssetState {
    let Some((from, state)) = state else {
        let mut state = AssetState { live: empty_lane(new, asset), ..AssetState::default() };
        state.live.senders.iter_mut().for_each(|sender| sender.hear(at.at));
        return state;
    };
    let mut live = moved_lane(old, new, from, asset, state.live);
    live.senders.iter_mut().for_each(|sender| {
        if sender.heard.is_none() {
            sender.hear(at.at);
        }
    });
    let late = state.late.map(|lane| Box::new(moved_lane(old, new, from, asset, *lane)));
    AssetState { fitted: state.fitted, live, late }
}

fn empty_lane(field: &Field, asset: usize) -> Lane {
    let plan = field.assets.get(asset);
    let channels = field.kind_of(asset).map_or(0, |kind| kind.channels.len());
    Lane::new(plan.map_or(0, |plan| plan.devices.len()), channels, plan.map_or(0, |plan| plan.cases.len()))
}

fn moved_lane(old: &Field, new: &Field, from: usize, to: usize, mut lane: Lane) -> Lane {
    let mut moved = empty_lane(new, to);
    let Some((old_plan, new_plan)) = old.assets.get(from).zip(new.assets.get(to)) else { return moved };
    for (place, device) in new_plan.devices.iter().enumerate() {
        let id = new.devices.get(*device).map(|device| &device.id);
        let before = id.and_then(|id| old.device(id.as_str())).and_then(|device| old.devices.get(device));
        let Some(before) = before.filter(|before| before.asset == from) else { continue };
        let sender = lane.senders.get_mut(before.place).map(std::mem::take);
        if let Some((there, sender)) = moved.senders.get_mut(place).zip(sender) {
            *there = moved_sender(old, new, from, to, sender);
        }
    }
    for (place, case) in old_plan.cases.iter().enumerate() {
        let Some(there) = case_of(new, to, old, Some(case.rule)) else { continue };
        if let Some((there, before)) = moved.cases.get_mut(there).zip(lane.cases.get_mut(place)) {
            *there = moved_case(old, new, case.rule, std::mem::take(before));
        }
    }
    moved.events = lane.events;
    moved.clock = lane.clock;
    moved.whereabouts = lane.whereabouts;
    moved.whereabouts.renumber(&old.zones, &new.zones);
    moved
}

/// A case whose rule may have another text now: it is asked again at once, and finds its reasons anew.
fn moved_case(old: &Field, new: &Field, rule: usize, case: Case) -> Case {
    let before = old.plans.get(rule).map(|plan| &plan.rule);
    let now = before.and_then(|before| new.plans.get(new.rule_of(&before.id)?)).map(|plan| &plan.rule);
    let same_text = before.zip(now).is_some_and(|(before, now)| before.digest == now.digest);
    let (changed, outcome) =
        if same_text { (case.changed, case.outcome) } else { (Vec::new(), Outcome::Unasked) };
    Case { changed, outcome, due: None, armed: None, ..case }
}

fn moved_sender(old: &Field, new: &Field, from: usize, to: usize, mut sender: Sender) -> Sender {
    let channels = new.kind_of(to).map(|kind| kind.channels.as_slice()).unwrap_or_default();
    let series = channels.iter().map(|channel| {
        let before = old.channel(from, channel.quantity)?;
        let mut series = sender.series.get_mut(before)?.take()?;
        series.set_level(channel.is_level);
        Some(series)
    });
    let series = series.collect();
    Sender { series, ..sender }
}
