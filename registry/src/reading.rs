//! All files, read as one version.

use std::collections::BTreeMap;

use citywarden_model::{
    Asset, AssetId, Device, Digest, LocalClock, Permit, RegionId, Registry, Unit, Zone, ZoneId,
};
use citywarden_problems::{Problem, Problems};

use crate::feature::{Features, ZonePlace, ZoneRows};
use crate::files::{ASSETS, DEVICES, Opened, RegistryFiles, ZONES};
use crate::frozen::freeze;
use crate::keep::{LossLimit, Rows, Settled};
use crate::record::{Locality, Record, check_references, open, read_all};
use crate::reference::{Known, Reference, Target};
use crate::surroundings::{Surroundings, first_point};
use crate::table::Table;

/// What reading needs besides the files.
#[derive(Debug, Clone, Copy)]
pub struct Options<'o> {
    /// The region the registry is for: the default of the column, and what each row must belong to.
    pub region: &'o RegionId,
    /// The zone of local times.
    pub clock: LocalClock,
    /// The configured receivers' names, where they are known.
    pub receivers: Option<&'o [String]>,
    /// The share of its rows that a file may lose against the version before (0.2 by default); `None` where a person
    /// has accepted the loss.
    pub max_loss: Option<f64>,
}

/// What came of reading.
#[derive(Debug)]
pub struct Reading {
    /// The version to be in force.
    pub registry: Registry,
    /// Every problem found, by file and place.
    pub problems: Vec<Problem>,
}

/// Reads the files. `previous` is the version in force until now; refused lines and files keep its rows.
pub fn read(files: &RegistryFiles, options: Options<'_>, previous: Option<&Registry>) -> Reading {
    let problems = Problems::new();
    let registry = Reader { files, options, problems: &problems }.read(previous);
    Reading { registry, problems: problems.into_sorted() }
}

struct Reader<'r> {
    files: &'r RegistryFiles,
    options: Options<'r>,
    problems: &'r Problems,
}

/// The rows of one file in force, and the table they were read from where they are new.
struct InForce<'r, R: Record> {
    rows: BTreeMap<R::Id, R>,
    table: Option<Table<'r, 'r>>,
}

/// The zones in force, and where they stand where they are new.
struct ZonesInForce<'r> {
    rows: BTreeMap<ZoneId, Zone>,
    read: Option<(Features<'r, 'r>, BTreeMap<ZoneId, ZonePlace>)>,
}

impl<'r> Reader<'r> {
    fn read(&self, previous: Option<&Registry>) -> Registry {
        let assets = self.records::<Asset>(previous.map(|registry| &registry.assets));
        let devices = self.records::<Device>(previous.map(|registry| &registry.devices));
        let zones = self.zones(previous.map(|registry| &registry.zones));
        let permits = self.records::<Permit>(previous.map(|registry| &registry.permits));
        let units = self.records::<Unit>(previous.map(|registry| &registry.units));
        let mut known = Known::new(&assets.rows, &zones.rows, &units.rows, self.options.receivers);
        assets.check_references(&mut known);
        devices.check_references(&mut known);
        permits.check_references(&mut known);
        units.check_references(&mut known);
        zones.check_references(&mut known);
        check_surroundings(&assets, &zones);
        let region = self.options.region.clone();
        let mut registry = Registry {
            devices: devices.rows,
            assets: assets.rows,
            zones: zones.rows,
            permits: permits.rows,
            units: units.rows,
            ..Registry::empty(region)
        };
        registry.digest = Digest::of(freeze(&registry).as_bytes());
        registry
    }
    fn records<R: Record + 'static>(&self, previous: Option<&BTreeMap<R::Id, R>>) -> InForce<'r, R> {
        let locality = Locality { region: self.options.region, clock: self.options.clock };
        let opened = open::<R>(self.files, self.problems);
        let rows = self.rows_or_none(R::FILE, &opened, |table| read_all(table, locality));
        let (rows, is_new) = self.settle(R::FILE, rows, previous);
        let table = if let Opened::Read(table) = opened { Some(table).filter(|_| is_new) } else { None };
        InForce { rows, table }
    }
    fn zones(&self, previous: Option<&BTreeMap<ZoneId, Zone>>) -> ZonesInForce<'r> {
        let opened = self.files.open(ZONES, self.problems);
        let opened = opened.and_then(|source| Features::parse(source, self.problems));
        let mut places = BTreeMap::new();
        let rows = self.rows_or_none(ZONES, &opened, |features| {
            let ZoneRows { rows, places: found } = features.read_all();
            places = found;
            rows
        });
        let (rows, is_new) = self.settle(ZONES, rows, previous);
        let read = if let Opened::Read(features) = opened { Some((features, places)) } else { None };
        ZonesInForce { rows, read: read.filter(|_| is_new) }
    }
    /// The rows of a file; `None` where the rows before stay whatever they are.
    fn rows_or_none<T, K: Ord + Clone, V: Clone>(
        &self,
        name: &str,
        opened: &Opened<T>,
        read: impl FnOnce(&T) -> Rows<K, V>,
    ) -> Option<Rows<K, V>> {
        match opened {
            Opened::Read(found) => Some(read(found)),
            Opened::Unreadable => None,
            Opened::Absent if name == ASSETS || name == DEVICES => {
                self.files.report(name, self.problems, "the file is missing");
                None
            }
            Opened::Absent => Some(Rows::new()),
        }
    }
    /// The rows in force, and whether they are those of the file.
    fn settle<K: Ord + Clone, V: Clone>(
        &self,
        name: &str,
        rows: Option<Rows<K, V>>,
        previous: Option<&BTreeMap<K, V>>,
    ) -> (BTreeMap<K, V>, bool) {
        let Some(rows) = rows else { return (previous.cloned().unwrap_or_default(), false) };
        match rows.settle(previous, LossLimit { share: self.options.max_loss }) {
            Settled::New(rows) => (rows, true),
            Settled::Lost { kept, lost, before } => {
                let message = format!(
                    "{lost} of {before} rows are gone; the file is refused and the rows before stay in force; \
                     `citywarden check --accept` takes it as it is"
                );
                self.files.report(name, self.problems, message);
                (kept, false)
            }
        }
    }
}

impl<R: Record> InForce<'_, R> {
    fn check_references(&self, known: &mut Known<'_>) {
        if let Some(table) = &self.table {
            check_references(table, &self.rows, |reference| known.has(reference));
        }
    }
}

impl ZonesInForce<'_> {
    fn check_references(&self, known: &mut Known<'_>) {
        let Some((features, places)) = &self.read else { return };
        for (zone, place) in places.iter().filter_map(|(id, place)| Some((self.rows.get(id)?, place))) {
            let asset = zone.asset.as_ref().map(AssetId::as_str);
            let reference = asset.map(|id| Reference { column: "asset", to: Target::Asset, id });
            if let Some(reference) = reference.filter(|reference| !known.has(reference)) {
                features.warning(&place.asset, reference.unknown());
            }
        }
    }
}

fn check_surroundings(assets: &InForce<'_, Asset>, zones: &ZonesInForce<'_>) {
    let positions = assets.rows.values().filter_map(|asset| asset.position);
    let corners = zones.rows.values().filter_map(|zone| first_point(&zone.geometry));
    let surroundings = Surroundings::of(positions.chain(corners));
    for line in assets.table.iter().flat_map(Table::lines) {
        let asset = line.text("id").and_then(|id| assets.rows.get(id));
        let warning = asset.and_then(|asset| surroundings.warning(asset.position?));
        if let Some((warning, cell)) = warning.zip(line.cell("lat")) {
            line.warning(&cell.span, warning);
        }
    }
    let Some((features, places)) = &zones.read else { return };
    for (id, place) in places {
        let zone = zones.rows.get(id);
        if let Some(warning) = zone.and_then(|zone| surroundings.warning(first_point(&zone.geometry)?)) {
            features.warning(&place.coordinates, warning);
        }
    }
}
