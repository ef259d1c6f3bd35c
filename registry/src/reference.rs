//! What one row says of another: kept where nobody has it, with a warning.

use std::collections::{BTreeMap, BTreeSet};

use citywarden_model::{Asset, AssetId, Unit, Zone, ZoneId};

/// A cell that names something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Reference<'r> {
    pub(crate) column: &'static str,
    pub(crate) to: Target,
    pub(crate) id: &'r str,
}

/// What kind of thing it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target {
    Asset,
    Grid,
    Receiver,
}

impl Reference<'_> {
    /// The warning, where nobody has it.
    pub(crate) fn unknown(&self) -> String {
        let id = self.id;
        match self.to {
            Target::Asset => format!("asset `{id}` is in no line of assets.csv"),
            Target::Grid => format!("grid `{id}` is no zone of kind `grid` and no unit's area"),
            Target::Receiver => format!("receiver `{id}` is not in the configuration"),
        }
    }
}

/// What there is to be named.
#[derive(Debug)]
pub(crate) struct Known<'k> {
    assets: &'k BTreeMap<AssetId, Asset>,
    grids: BTreeSet<&'k str>,
    receivers: Option<&'k [String]>,
    warned_grids: BTreeSet<String>,
}

impl<'k> Known<'k> {
    /// `receivers`: `None` where they are not known here.
    pub(crate) fn new(
        assets: &'k BTreeMap<AssetId, Asset>,
        zones: &'k BTreeMap<ZoneId, Zone>,
        units: &'k BTreeMap<String, Unit>,
        receivers: Option<&'k [String]>,
    ) -> Self {
        let zones = zones.values().filter(|zone| zone.kind == "grid").map(|zone| zone.id.as_str());
        let areas = units.values().map(|unit| unit.area.as_str());
        Self { assets, grids: zones.chain(areas).collect(), receivers, warned_grids: BTreeSet::new() }
    }
    /// Whether somebody has it. An unknown grid is told once: hundreds of assets share one.
    pub(crate) fn has(&mut self, reference: &Reference<'_>) -> bool {
        let id = reference.id;
        match reference.to {
            Target::Asset => self.assets.contains_key(id),
            Target::Receiver => self.receivers.is_none_or(|names| names.iter().any(|name| name == id)),
            Target::Grid => self.grids.contains(id) || !self.warned_grids.insert(id.to_owned()),
        }
    }
}
