//! The registry that an example plays on.

use std::collections::{BTreeMap, BTreeSet};

use citywarden_model::{
    Asset, AssetId, Attributes, Crs, Device, DeviceId, Geometry, Permit, Point, QuantityName, Registry, Span,
    Timestamp, Zone, ZoneId,
};

use crate::example::{Example, Fact, Given};
use crate::rule::{Gate, Input, Otherwise, Rule, Statistic};

/// Where an example plays, and who takes part.
#[derive(Debug)]
pub(crate) struct Stage {
    pub(crate) registry: Registry,
    pub(crate) asset: AssetId,
    /// The devices that send the asset's quantities, by quantity.
    pub(crate) senders: BTreeMap<QuantityName, DeviceId>,
    /// The device that sends its position.
    pub(crate) tracker: DeviceId,
    /// The device that sends events.
    pub(crate) events: DeviceId,
    /// Devices that only show a sign of life, by kind.
    pub(crate) kinds: BTreeMap<String, DeviceId>,
    /// Kinds of zone, each the bit of its place.
    pub(crate) zones: Vec<String>,
    /// Whether the rule looks at positions at all.
    pub(crate) is_moving: bool,
}

const ASSET: &str = "example";
const OWNER: &str = "example-owner";
/// Somewhere in the county; nothing depends on where.
const ORIGIN: Point = Point { lat: 29.5, lon: 120.9 };
/// Cells are so far apart, and half as wide: m.
const CELL_M: f64 = 400.0;
/// More kinds of zone than a rule looks at: 16 cells.
const ZONES_MAX: usize = 4;

impl Stage {
    pub(crate) fn new(rule: &Rule, example: &Example, midnight: Timestamp) -> Self {
        let zones = zone_kinds(rule, example);
        let mut stage = Self {
            registry: Registry::empty("example".into()),
            asset: ASSET.into(),
            senders: BTreeMap::new(),
            tracker: "tracker".into(),
            events: "events".into(),
            kinds: BTreeMap::new(),
            is_moving: !zones.is_empty(),
            zones,
        };
        let kind = rule.watches.first().cloned().unwrap_or_default();
        stage.add_asset(ASSET, &kind, attributes(example));
        stage.add_asset(OWNER, "construction_site", Attributes::default());
        stage.add_zones();
        stage.add_permits(example, midnight);
        stage.add_senders(example);
        stage.add_kinds(rule, example);
        stage
    }

    /// The middle of the cell that lies in exactly these zones.
    pub(crate) fn place(&self, zones: &BTreeSet<String>) -> Point {
        let bits = self.zones.iter().enumerate().filter(|(_, kind)| zones.contains(*kind));
        middle(bits.map(|(bit, _)| 1 << bit).sum())
    }

    fn add_asset(&mut self, id: &str, kind: &str, attributes: Attributes) {
        let id = AssetId::from(id);
        let asset = Asset {
            id: id.clone(),
            kind: kind.to_owned(),
            name: id.to_string(),
            region: self.registry.region.clone(),
            grid: None,
            position: None,
            attributes,
        };
        self.registry.assets.insert(id, asset);
    }

    fn add_device(&mut self, id: &str, kind: &str, asset: &str, interval: Option<Span>) -> DeviceId {
        let id = DeviceId::from(id);
        let device = Device {
            id: id.clone(),
            kind: kind.to_owned(),
            asset: asset.into(),
            interval,
            crs: Crs::Wgs84,
            attributes: Attributes::default(),
        };
        self.registry.devices.insert(id.clone(), device);
        id
    }

    fn add_zones(&mut self) {
        let cells: u32 = 1 << self.zones.len();
        for (bit, kind) in self.zones.iter().enumerate() {
            let own = (0..cells).filter(|cell| cell & (1 << bit) != 0);
            let id = ZoneId::from(format!("zone-{kind}"));
            let zone = Zone {
                id: id.clone(),
                kind: kind.clone(),
                asset: Some(OWNER.into()),
                geometry: Geometry::Polygons(own.map(|cell| vec![square(cell)]).collect()),
                closed: None,
            };
            self.registry.zones.insert(id, zone);
        }
    }

    fn add_permits(&mut self, example: &Example, midnight: Timestamp) {
        const DAY: Span = Span::from_secs(86_400);
        for given in &example.given {
            let Given::Permit { kind, hours } = given else { continue };
            let Some((from, to)) = hours else {
                self.add_permit(kind, Timestamp::EPOCH, Timestamp::MAX);
                continue;
            };
            let to = if to <= from { *to + DAY } else { *to };
            let mut day = midnight - DAY;
            for _ in 0..4 {
                self.add_permit(kind, day + *from, day + to);
                day = day + DAY;
            }
        }
    }

    fn add_permit(&mut self, kind: &str, from: Timestamp, to: Timestamp) {
        let id = format!("{kind}-{}", self.registry.permits.len());
        let permit = Permit { id: id.clone(), kind: kind.to_owned(), asset: ASSET.into(), from, to };
        self.registry.permits.insert(id, permit);
    }

    /// One device for each interval; the position comes from the one with the shortest.
    fn add_senders(&mut self, example: &Example) {
        let mut intervals: BTreeMap<QuantityName, Option<Span>> = BTreeMap::new();
        for step in &example.steps {
            for fact in &step.facts {
                let Fact::Reading { quantity, .. } = fact else { continue };
                let known = intervals.entry(quantity.clone()).or_insert(step.every);
                *known = known.iter().chain(&step.every).min().copied();
            }
        }
        for (quantity, interval) in intervals {
            let id = match interval {
                Some(interval) => format!("every-{}ms", interval.nanos() / 1_000_000),
                None => "on-change".to_owned(),
            };
            let device = self.add_device(&id, "example", ASSET, interval);
            self.senders.insert(quantity, device);
        }
        let intervals = self.registry.devices.values().filter(|device| device.interval.is_some());
        let fastest = intervals.min_by_key(|device| device.interval).map(|device| device.id.clone());
        self.tracker = match fastest {
            Some(fastest) => fastest,
            None => self.add_device("tracker", "example", ASSET, None),
        };
    }

    fn add_kinds(&mut self, rule: &Rule, example: &Example) {
        let facts = || example.steps.iter().flat_map(|step| &step.facts);
        let owner_of = |at_zone: bool| if at_zone { OWNER } else { ASSET };
        let silent = rule.inputs.iter().flat_map(and_others).find_map(|input| {
            let Statistic::DeviceSilence(kind) = &input.statistic else { return None };
            Some((kind.clone(), is_at_zone(input)))
        });
        let paired = rule.inputs.iter().flat_map(and_others).any(is_at_zone);
        for fact in facts() {
            match fact {
                Fact::Device { kind } => {
                    let at_zone = silent.as_ref().is_some_and(|(named, at_zone)| named == kind && *at_zone);
                    let device = self.add_device(kind, kind, owner_of(at_zone), None);
                    self.kinds.insert(kind.clone(), device);
                }
                Fact::Event { .. } => {
                    let kind = silent.as_ref().map_or("example", |(kind, _)| kind.as_str());
                    self.events = self.add_device(kind, kind, owner_of(paired), None);
                }
                Fact::Reading { .. } | Fact::Zone { .. } => {}
            }
        }
    }
}

fn and_others(input: &Input) -> impl Iterator<Item = &Input> {
    std::iter::successors(Some(input), |input| match &input.otherwise {
        Some(Otherwise::Input(other)) => Some(&**other),
        Some(Otherwise::Number(_) | Otherwise::Truth(_)) | None => None,
    })
}

fn is_at_zone(input: &Input) -> bool {
    input.gates.iter().any(|gate| matches!(gate, Gate::AtZone(_)))
}

fn attributes(example: &Example) -> Attributes {
    let given = example.given.iter().filter_map(|given| match given {
        Given::Attribute { name, text } => Some((name.clone(), text.clone())),
        Given::Permit { .. } => None,
    });
    given.collect()
}

fn zone_kinds(rule: &Rule, example: &Example) -> Vec<String> {
    let read = rule.inputs.iter().flat_map(and_others).filter_map(|input| {
        let (Statistic::Left(kind)
        | Statistic::Entered(kind)
        | Statistic::Inside(kind)
        | Statistic::Dwell(kind)) = &input.statistic
        else {
            return None;
        };
        Some(kind.clone())
    });
    let told = example.steps.iter().flat_map(|step| &step.facts).filter_map(|fact| match fact {
        Fact::Zone { kind, .. } => Some(kind.clone()),
        Fact::Reading { .. } | Fact::Event { .. } | Fact::Device { .. } => None,
    });
    let kinds: BTreeSet<String> = read.chain(told).collect();
    kinds.into_iter().take(ZONES_MAX).collect()
}

fn middle(cell: u32) -> Point {
    ORIGIN.moved(f64::from(cell) * CELL_M, 0.0)
}

fn square(cell: u32) -> Vec<Point> {
    let (middle, half) = (middle(cell), CELL_M / 4.0);
    [(-half, -half), (half, -half), (half, half), (-half, half), (-half, -half)]
        .map(|(east, north)| middle.moved(east, north))
        .to_vec()
}
