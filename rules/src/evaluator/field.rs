//! The registry made ready for the way of a reading: who sends for whom, and which rules watch whom.

use std::collections::BTreeMap;
use std::sync::Arc;

use citywarden_model::{
    Asset, AssetId, Crs, DailyHours, DeviceId, Offset, Registry, RuleId, Span, Timestamp,
};

use super::directory::Directory;
use super::geometry::Zones;
use super::names::{Names, Quantity};
use super::plan::{self, RulePlan, What};
use super::register::{self, Line};
use super::shard::{SHARDS, shard_of};
use crate::expression::{Interpreter, Scalar};
use crate::rule::{Limit, LimitValue, RuleSet};

/// Everything that changes only with the registry or the rules.
#[derive(Debug)]
pub(crate) struct Field {
    pub(crate) registry: Arc<Registry>,
    pub(crate) rules: Arc<RuleSet>,
    /// By rule id.
    pub(crate) plans: Vec<RulePlan>,
    pub(crate) kinds: Vec<KindPlan>,
    /// By asset id.
    pub(crate) assets: Vec<AssetPlan>,
    /// By device id.
    pub(crate) devices: Vec<DevicePlan>,
    /// Their places by id.
    directory: Directory,
    pub(crate) zones: Zones,
    /// What fixes are counted as.
    pub(crate) position: Quantity,
    pub(crate) speed: Quantity,
    /// Overrides that could not be read, and the like: kept with their default.
    pub(crate) problems: Vec<String>,
}

/// What all assets of a kind have in common.
#[derive(Debug)]
pub(crate) struct KindPlan {
    pub(crate) name: String,
    /// The rules that watch this kind, by id.
    pub(crate) rules: Vec<usize>,
    /// What is kept of their devices' readings, by quantity.
    pub(crate) channels: Vec<Channel>,
    /// Their places, by the number of the quantity.
    places: Vec<Option<usize>>,
    /// How long events are kept.
    pub(crate) keep_events: Span,
    /// A rule of it looks at assets that own zones.
    pub(crate) looks_across: bool,
}

/// A quantity of a kind of asset whose readings are kept.
#[derive(Debug)]
pub(crate) struct Channel {
    pub(crate) quantity: Quantity,
    /// For how long.
    pub(crate) keep: Span,
    pub(crate) is_level: bool,
    /// The cases to ask when a reading of it arrives.
    pub(crate) readers: Vec<usize>,
}

/// An asset.
#[derive(Debug)]
pub(crate) struct AssetPlan {
    pub(crate) id: AssetId,
    pub(crate) kind: usize,
    pub(crate) devices: Vec<usize>,
    /// One for each rule of its kind. Assets of which the registry says nothing of their own share them: what is looked
    /// at with every message then stays near the processor.
    pub(crate) cases: Arc<[CasePlan]>,
}

/// A rule on an asset.
#[derive(Debug, PartialEq)]
pub(crate) struct CasePlan {
    pub(crate) rule: usize,
    /// The slots before anything is read: the limits, as the registry has them for this asset.
    pub(crate) slots: Vec<Scalar>,
    /// The least coverage of its windows, in millionths.
    pub(crate) coverage_min: i64,
    /// For inputs that grow by one a second: when they change a condition.
    pub(crate) crossings: Vec<Crossings>,
    /// For `largest_gap`: the line as the register has it, by input.
    pub(crate) lines: Vec<(usize, Result<Line, String>)>,
    /// For `permit`: kind and validity.
    pub(crate) permits: Vec<(String, Timestamp, Timestamp)>,
}

/// The values at which a running input changes a condition.
#[derive(Debug, PartialEq)]
pub(crate) struct Crossings {
    pub(crate) input: usize,
    pub(crate) at: Vec<Span>,
    /// Used in other ways too: ask each second.
    pub(crate) each_second: bool,
}

/// A device.
#[derive(Debug)]
pub(crate) struct DevicePlan {
    pub(crate) id: DeviceId,
    pub(crate) asset: usize,
    /// Its place among the devices of the asset.
    pub(crate) place: usize,
    /// The place of its meter among those of the asset's shard.
    pub(crate) meter: usize,
    pub(crate) kind: String,
    pub(crate) interval: Option<Span>,
    pub(crate) crs: Crs,
    /// The cases of its asset that wait for a sign of life of its kind: rule and place.
    pub(crate) waiting: Vec<(usize, usize)>,
}

impl Field {
    pub(crate) fn new(
        registry: Arc<Registry>,
        rules: Arc<RuleSet>,
        names: &mut Names,
        slack: Span,
        coverage_min: i64,
    ) -> Self {
        let mut sorted = rules.rules.clone();
        sorted.sort_by(|one, other| one.id.cmp(&other.id));
        let plans: Vec<RulePlan> = sorted.into_iter().map(|rule| RulePlan::new(rule, names)).collect();
        let mut field = Self {
            zones: Zones::new(&registry, plans.iter().flat_map(RulePlan::zone_kinds)),
            kinds: kinds(&registry, &plans),
            registry,
            rules,
            plans,
            assets: Vec::new(),
            devices: Vec::new(),
            directory: Directory::default(),
            position: names.declare(plan::POSITION),
            speed: names.declare(plan::SPEED),
            problems: Vec::new(),
        };
        let mut interpreter = Interpreter::new();
        let registry = Arc::clone(&field.registry);
        let mut usual = vec![Vec::new(); field.kinds.len()];
        for asset in registry.assets.values() {
            let mut plan = field.asset(asset, coverage_min, &mut interpreter);
            if let Some(usual) = usual.get_mut(plan.kind) {
                share(&mut plan.cases, usual);
            }
            field.assets.push(plan);
        }
        field.place_devices();
        field.open_channels(slack);
        field
    }

    pub(crate) fn device(&self, id: &str) -> Option<usize> {
        self.directory.find(id)
    }

    pub(crate) fn asset_of(&self, id: &str) -> Option<usize> {
        self.assets.binary_search_by(|asset| asset.id.as_str().cmp(id)).ok()
    }

    pub(crate) fn rule_of(&self, id: &RuleId) -> Option<usize> {
        self.plans.binary_search_by(|plan| plan.rule.id.cmp(id)).ok()
    }

    pub(crate) fn kind_of(&self, asset: usize) -> Option<&KindPlan> {
        self.assets.get(asset).and_then(|asset| self.kinds.get(asset.kind))
    }

    /// The place of a quantity among the channels of an asset's kind.
    pub(crate) fn channel(&self, asset: usize, quantity: Quantity) -> Option<usize> {
        self.kind_of(asset)?.channel(quantity)
    }

    fn asset(&mut self, asset: &Asset, coverage_min: i64, interpreter: &mut Interpreter) -> AssetPlan {
        let kind = self.kinds.iter().position(|kind| kind.name == asset.kind).unwrap_or_default();
        let rules = self.kinds.get(kind).map(|kind| kind.rules.clone()).unwrap_or_default();
        let cases = rules.into_iter().filter_map(|rule| {
            let plan = self.plans.get(rule)?;
            Some(CasePlan::new(
                rule,
                plan,
                asset,
                &self.registry,
                coverage_min,
                interpreter,
                &mut self.problems,
            ))
        });
        AssetPlan { id: asset.id.clone(), kind, devices: Vec::new(), cases: cases.collect() }
    }

    fn place_devices(&mut self) {
        let mut meters = [0; SHARDS];
        for device in self.registry.devices.values() {
            let Some(asset) = self.asset_of(device.asset.as_str()) else { continue };
            let Some(plan) = self.assets.get_mut(asset) else { continue };
            let cases = plan.cases.iter().enumerate().map(|(place, case)| (case.rule, place));
            let waits = |case: &(usize, usize)| {
                self.plans.get(case.0).is_some_and(|plan| plan.reads_kind(&device.kind))
            };
            let Some(meter) = meters.get_mut(shard_of(asset)) else { continue };
            self.devices.push(DevicePlan {
                id: device.id.clone(),
                asset,
                place: plan.devices.len(),
                meter: *meter,
                kind: device.kind.clone(),
                interval: device.interval.filter(|interval| *interval > Span::ZERO),
                crs: device.crs,
                waiting: cases.filter(waits).collect(),
            });
            *meter += 1;
            plan.devices.push(self.devices.len() - 1);
        }
        self.directory = Directory::new(self.devices.iter().map(|device| device.id.as_str()));
    }

    /// Says what is kept for each kind, and for how long.
    fn open_channels(&mut self, slack: Span) {
        let mut reach: BTreeMap<(usize, usize), Span> = BTreeMap::new();
        for asset in &self.assets {
            for case in asset.cases.iter() {
                let Some(plan) = self.plans.get(case.rule) else { continue };
                let span = reach.entry((asset.kind, case.rule)).or_default();
                *span = plan.reach(&case.slots).max(*span);
            }
        }
        let longest = reach.values().copied().max().unwrap_or_default();
        for (number, kind) in self.kinds.iter_mut().enumerate() {
            kind.keep_events = longest + slack;
            for (local, rule) in kind.rules.iter().enumerate() {
                let Some(plan) = self.plans.get(*rule) else { continue };
                let keep = reach.get(&(number, *rule)).copied().unwrap_or_default() + slack;
                for quantity in &plan.evidence {
                    let reader = plan.reads.contains(quantity).then_some(local);
                    add_channel(&mut kind.channels, *quantity, keep, reader);
                }
                for quantity in plan.levels() {
                    kind.channels
                        .iter_mut()
                        .filter(|one| one.quantity == quantity)
                        .for_each(|one| one.is_level = true);
                }
            }
            kind.note_places();
        }
    }
}

/// So many different cases are remembered of a kind; assets that stand out keep their own.
const USUAL_MAX: usize = 8;

/// Takes cases that are already there instead of equal ones.
fn share(cases: &mut Arc<[CasePlan]>, usual: &mut Vec<Arc<[CasePlan]>>) {
    match usual.iter().find(|known| *known == cases) {
        Some(known) => *cases = Arc::clone(known),
        None if usual.len() < USUAL_MAX => usual.push(Arc::clone(cases)),
        None => {}
    }
}

fn add_channel(channels: &mut Vec<Channel>, quantity: Quantity, keep: Span, reader: Option<usize>) {
    let place = match channels.binary_search_by(|channel| channel.quantity.cmp(&quantity)) {
        Ok(place) => place,
        Err(place) => {
            channels.insert(place, Channel { quantity, keep, is_level: false, readers: Vec::new() });
            place
        }
    };
    if let Some(channel) = channels.get_mut(place) {
        channel.keep = channel.keep.max(keep);
        channel.readers.extend(reader);
    }
}

fn kinds(registry: &Registry, plans: &[RulePlan]) -> Vec<KindPlan> {
    let mut kinds: Vec<String> = registry.assets.values().map(|asset| asset.kind.clone()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    let plan = |name: String| {
        let watches = |plan: &RulePlan| plan.rule.watches.contains(&name);
        let rules =
            plans.iter().enumerate().filter(|(_, plan)| watches(plan)).map(|(rule, _)| rule).collect();
        let looks_across = plans.iter().filter(|plan| watches(plan)).any(RulePlan::looks_across);
        KindPlan {
            name,
            rules,
            channels: Vec::new(),
            places: Vec::new(),
            keep_events: Span::ZERO,
            looks_across,
        }
    };
    kinds.into_iter().map(plan).collect()
}

impl KindPlan {
    pub(crate) fn channel(&self, quantity: Quantity) -> Option<usize> {
        *self.places.get(quantity.0 as usize)?
    }

    fn note_places(&mut self) {
        for (place, channel) in self.channels.iter().enumerate() {
            let number = channel.quantity.0 as usize;
            if self.places.len() <= number {
                self.places.resize(number + 1, None);
            }
            if let Some(slot) = self.places.get_mut(number) {
                *slot = Some(place);
            }
        }
    }
}

impl CasePlan {
    fn new(
        rule: usize,
        plan: &RulePlan,
        asset: &Asset,
        registry: &Registry,
        coverage_min: i64,
        interpreter: &mut Interpreter,
        problems: &mut Vec<String>,
    ) -> Self {
        let mut slots = plan::empty_slots(&plan.rule);
        for (limit, slot) in plan.rule.limits.iter().zip(slots.iter_mut()) {
            let column = format!("limit.{}.{}", plan.rule.id, limit.name);
            let Some(text) = asset.attributes.text(&column) else { continue };
            match overridden(limit, text.trim()) {
                Some(value) => *slot = plan::scalar_of(value),
                None => problems.push(format!(
                    "asset {}, {column}: `{text}` is no {}; the rule's own value holds",
                    asset.id,
                    kind_of(limit)
                )),
            }
        }
        let coverage_min = match plan.coverage_slot.and_then(|slot| slots.get(slot)) {
            Some(Scalar::Number(share)) => super::fixed::from_number(*share).unwrap_or(coverage_min),
            Some(Scalar::Truth(_) | Scalar::Missing) | None => coverage_min,
        };
        Self {
            rule,
            crossings: crossings(plan, &slots, interpreter),
            lines: lines(plan, asset),
            permits: permits(asset, registry),
            slots,
            coverage_min,
        }
    }
}

fn overridden(limit: &Limit, text: &str) -> Option<LimitValue> {
    match limit.value {
        LimitValue::Number(_) => {
            text.parse().ok().filter(|number: &f64| number.is_finite()).map(LimitValue::Number)
        }
        LimitValue::Switch(_) => match text {
            "true" | "TRUE" | "yes" | "1" | "是" => Some(LimitValue::Switch(true)),
            "false" | "FALSE" | "no" | "0" | "否" => Some(LimitValue::Switch(false)),
            _ => None,
        },
        LimitValue::Duration(_) => Span::parse(text).ok().map(LimitValue::Duration),
        LimitValue::TimeOfDay(_) => DailyHours::parse_time(text).map(LimitValue::TimeOfDay),
    }
}

fn kind_of(limit: &Limit) -> &'static str {
    match limit.value {
        LimitValue::Number(_) => "number",
        LimitValue::Switch(_) => "switch (true or false)",
        LimitValue::Duration(_) => "duration (20s, 5m, 1h)",
        LimitValue::TimeOfDay(_) => "time of day (HH:MM)",
    }
}

fn lines(plan: &RulePlan, asset: &Asset) -> Vec<(usize, Result<Line, String>)> {
    let line = |(place, input): (usize, &plan::InputPlan)| {
        let What::LargestGap { chainages, length, closed } = &input.what else { return None };
        Some((place, register::Line::read(&asset.attributes, chainages, length, closed)))
    };
    plan.inputs.iter().enumerate().filter_map(line).collect()
}

fn permits(asset: &Asset, registry: &Registry) -> Vec<(String, Timestamp, Timestamp)> {
    let own = registry.permits.values().filter(|permit| permit.asset == asset.id);
    own.map(|permit| (permit.kind.clone(), permit.from, permit.to)).collect()
}

fn crossings(plan: &RulePlan, slots: &[Scalar], interpreter: &mut Interpreter) -> Vec<Crossings> {
    let first = plan.rule.limits.len();
    let running =
        plan.inputs.iter().enumerate().filter(|(_, input)| input.and_standins().any(plan::InputPlan::runs));
    running.map(|(input, _)| crossings_of(plan, input, first + input, slots, interpreter)).collect()
}

fn crossings_of(
    plan: &RulePlan,
    input: usize,
    slot: usize,
    slots: &[Scalar],
    interpreter: &mut Interpreter,
) -> Crossings {
    let mut found = Crossings { input, at: Vec::new(), each_second: false };
    for expression in plan::expressions(&plan.rule) {
        let Some(thresholds) = expression.thresholds_of(slot) else {
            found.each_second |= expression.reads().contains(&slot);
            continue;
        };
        found.each_second |= !thresholds.complete;
        for crossing in &thresholds.crossings {
            match interpreter.evaluate(&crossing.limit, slots) {
                Ok(Scalar::Number(seconds)) => found.at.push(plan::span_of_seconds(seconds)),
                Ok(Scalar::Truth(_) | Scalar::Missing) | Err(_) => found.each_second = true,
            }
        }
    }
    found.at.sort_unstable();
    found.at.dedup();
    found
}

/// The first and the last of these offsets.
pub(crate) fn journal_range(offsets: &[Offset], otherwise: Offset) -> citywarden_model::JournalRange {
    citywarden_model::JournalRange {
        first: offsets.first().copied().unwrap_or(otherwise),
        last: offsets.last().copied().unwrap_or(otherwise),
    }
}
