//! `assets.csv`: what is watched.

use citywarden_model::{ASSET_KINDS, Asset, AssetId, Attributes, Crs, GridId, Point, RegionId};
use citywarden_problems::did_you_mean;

use crate::attribute::ASSET_ATTRIBUTES;
use crate::files::ASSETS;
use crate::record::{Locality, Record};
use crate::reference::{Reference, Target};
use crate::table::{Columns, Line, Refused};

impl Record for Asset {
    type Id = AssetId;
    const FILE: &'static str = ASSETS;
    const COLUMNS: Columns = Columns {
        required: &["id", "kind"],
        optional: &["name", "region", "grid", "lat", "lon", "crs"],
        attributes: ASSET_ATTRIBUTES,
    };

    fn read(id: AssetId, line: &Line<'_, '_>, locality: Locality<'_>) -> Result<Self, Refused> {
        let kind = line.need("kind", |text| known_kind(text, "kind of asset", ASSET_KINDS));
        let region = line.read("region", |text| read_region(text, locality.region));
        let position = read_position(line);
        let attributes: Attributes = line.attributes();
        Ok(Self {
            name: line.text("name").unwrap_or(id.as_str()).to_owned(),
            id,
            kind: kind?,
            region: region?.unwrap_or_else(|| locality.region.clone()),
            grid: line.text("grid").map(GridId::from),
            position: position?,
            attributes,
        })
    }
    fn references(&self) -> Vec<Reference<'_>> {
        let grid = self.grid.as_ref();
        grid.map(|grid| Reference { column: "grid", to: Target::Grid, id: grid.as_str() })
            .into_iter()
            .collect()
    }
}

/// A word of a list; the message names the nearest, or all.
pub(crate) fn known_kind(text: &str, what: &str, kinds: &[&'static str]) -> Result<String, String> {
    if kinds.contains(&text) {
        return Ok(text.to_owned());
    }
    let hint = did_you_mean(text, kinds.iter().copied()).map_or_else(
        || format!("; expected {}", kinds.join(", ")),
        |near| format!(", did you mean `{near}`"),
    );
    Err(format!("unknown {what} `{text}`{hint}"))
}

/// The region itself, or a division inside it: the longer codes of towns and communities begin with the county's.
fn read_region(text: &str, region: &RegionId) -> Result<RegionId, String> {
    if text.starts_with(region.as_str()) {
        return Ok(RegionId::from(text));
    }
    Err(format!(
        "region `{text}`; expected {region}, the region of this configuration, or a division inside it"
    ))
}

/// `crs` says the datum the numbers were read off in: map services draw in GCJ-02, half a kilometre away.
fn read_position(line: &Line<'_, '_>) -> Result<Option<Point>, Refused> {
    let lat = line.read("lat", |text| read_degrees(text, "latitude", 90.0));
    let lon = line.read("lon", |text| read_degrees(text, "longitude", 180.0));
    let crs = line.read("crs", read_crs)?.unwrap_or_default();
    match (lat?, lon?) {
        (Some(lat), Some(lon)) => Ok(Point::new(lat, lon).map(|point| point.from_crs(crs))),
        (None, None) => Ok(None),
        (Some(_), None) => Err(lone(line, "lat", "lon")),
        (None, Some(_)) => Err(lone(line, "lon", "lat")),
    }
}

fn lone(line: &Line<'_, '_>, there: &str, missing: &str) -> Refused {
    let span = line.cell(there).map_or(0..0, |cell| cell.span.clone());
    line.error(&span, format!("`{there}` without `{missing}`; expected both or neither"))
}

pub(crate) fn read_crs(text: &str) -> Result<Crs, String> {
    text.to_ascii_lowercase().parse().map_err(|_| format!("`{text}` is no datum; expected wgs84 or gcj02"))
}

fn read_degrees(text: &str, what: &str, limit: f64) -> Result<f64, String> {
    let degrees: f64 =
        text.parse().map_err(|_| format!("`{text}` is no {what}; expected degrees such as 29.4990"))?;
    if (-limit..=limit).contains(&degrees) {
        return Ok(degrees);
    }
    let swapped =
        if what == "latitude" && degrees.abs() <= 180.0 { "; are lat and lon swapped?" } else { "" };
    Err(format!("{what} {text} is outside -{limit} to {limit}{swapped}"))
}
