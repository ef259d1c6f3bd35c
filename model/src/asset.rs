//! Assets, and what else the registry says about them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{AssetId, GridId, Point, RegionId, Timestamp};

/// The kinds of asset there are.
pub const ASSET_KINDS: &[&str] = &[
    "construction_site",
    "linear_works",
    "restaurant",
    "sprinkler_truck",
    "sweeper_truck",
    "garbage_truck",
    "muck_truck",
    "slurry_tanker",
    "river_section",
    "bike_station",
    "venue",
];

/// A line of `assets.csv`: a thing that is watched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Asset {
    /// Its id.
    pub id: AssetId,
    /// One of [`ASSET_KINDS`].
    pub kind: String,
    /// What people call it.
    pub name: String,
    /// The region it belongs to.
    pub region: RegionId,
    /// The grid cell it belongs to.
    pub grid: Option<GridId>,
    /// Where it stands, where it stands still.
    pub position: Option<Point>,
    /// Every other column.
    pub attributes: Attributes,
}

/// Columns of a registry file that have no meaning of their own here: rules and overrides read them by name.
/// An empty cell is an absent attribute.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Attributes(BTreeMap<String, String>);

impl Attributes {
    /// The text of this attribute.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }
    /// The finite number this attribute is.
    pub fn number(&self, name: &str) -> Option<f64> {
        self.text(name)?.trim().parse().ok().filter(|number: &f64| number.is_finite())
    }
    /// Whether this attribute is `true`, `yes` or `1`; absent is `None`.
    pub fn flag(&self, name: &str) -> Option<bool> {
        self.text(name).map(|text| matches!(text.trim(), "true" | "TRUE" | "yes" | "1" | "是"))
    }
    /// All of them, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, text)| (name.as_str(), text.as_str()))
    }
}

impl FromIterator<(String, String)> for Attributes {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(pairs: I) -> Self {
        Self(pairs.into_iter().filter(|(_, text)| !text.trim().is_empty()).collect())
    }
}

/// A line of `permits.csv`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Permit {
    /// Its id.
    pub id: String,
    /// `night_work`, `restricted_road`, `silence`.
    pub kind: String,
    /// The asset it is for.
    pub asset: AssetId,
    /// Valid from this moment.
    pub from: Timestamp,
    /// Valid up to, and not at, this moment.
    pub to: Timestamp,
}

/// A line of `units.csv`: a responsible unit and whom it listens to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unit {
    /// Its id.
    pub id: String,
    /// As the measures write it.
    pub name: String,
    /// What it answers for: a grid's id, or empty.
    pub area: String,
    /// The receiver it listens to; empty: none.
    pub receiver: String,
}
