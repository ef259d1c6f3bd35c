//! The registry files that describe a scenario's county.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use citywarden_model::{LocalClock, Span, Timestamp};

use super::file::ScenarioFile;
use crate::county::REGION;
use crate::place::{ORIGIN, spot};
use crate::registry::RegistryTexts;

/// Permits hold from an hour before the start to a week after it.
const PERMIT_BEFORE: Span = Span::from_mins(60);
const PERMIT_AFTER: Span = Span::from_mins(7 * 24 * 60);

pub(super) fn texts(file: &ScenarioFile, start: Timestamp) -> RegistryTexts {
    RegistryTexts {
        assets: assets(file),
        devices: devices(file),
        zones: zones(file),
        permits: permits(file, start),
        units: "id,name,area,receiver\n".to_owned(),
    }
}

/// One line of a sheet; cells with commas or quotation marks are quoted.
fn row(cells: &[&str]) -> String {
    let quoted = cells.iter().map(|cell| {
        if cell.contains([',', '"', '\n']) {
            format!("\"{}\"", cell.replace('"', "\"\""))
        } else {
            (*cell).to_owned()
        }
    });
    quoted.collect::<Vec<_>>().join(",") + "\n"
}

fn assets(file: &ScenarioFile) -> String {
    let more: BTreeSet<&str> =
        file.assets.iter().flat_map(|asset| asset.attributes.keys()).map(String::as_str).collect();
    let fixed = ["id", "kind", "name", "region", "lat", "lon"];
    let mut text = row(&[&fixed[..], &more.iter().copied().collect::<Vec<_>>()].concat());
    for asset in &file.assets {
        let point = asset.at.map_or(ORIGIN, |[east, north]| spot(east, north).point());
        let (lat, lon) = (format!("{:.6}", point.lat), format!("{:.6}", point.lon));
        let name = if asset.name.is_empty() { &asset.id } else { &asset.name };
        let mut cells = vec![asset.id.as_str(), &asset.kind, name, REGION, &lat, &lon];
        cells.extend(more.iter().map(|column| asset.attributes.get(*column).map_or("", String::as_str)));
        text += &row(&cells);
    }
    text
}

fn devices(file: &ScenarioFile) -> String {
    let more: BTreeSet<&str> =
        file.devices.iter().flat_map(|device| device.attributes.keys()).map(String::as_str).collect();
    let fixed = ["id", "kind", "asset", "interval_s", "crs", "review", "verified_until"];
    let mut text = row(&[&fixed[..], &more.iter().copied().collect::<Vec<_>>()].concat());
    for device in &file.devices {
        let interval = if device.on_change { String::new() } else { device.every.seconds().to_string() };
        let crs = if device.gcj02 { "gcj02" } else { "wgs84" };
        let (review, until) = if device.unreviewed { ("", "") } else { ("SIM-2026-001", "2099-12-31") };
        let mut cells = vec![device.id.as_str(), &device.kind, &device.asset, &interval, crs, review, until];
        cells.extend(more.iter().map(|column| device.attributes.get(*column).map_or("", String::as_str)));
        text += &row(&cells);
    }
    text
}

fn zones(file: &ScenarioFile) -> String {
    let features = file.zones.iter().map(|zone| {
        let [west, south, east, north] = zone.block;
        let ring = [(west, south), (east, south), (east, north), (west, north), (west, south)];
        let points = ring.map(|(east, north)| {
            let point = spot(east, north).point();
            format!("[{:.6},{:.6}]", point.lon, point.lat)
        });
        let asset = if zone.asset.is_empty() { String::new() } else { format!(",\"asset\":\"{}\"", zone.asset) };
        format!(
            "{{\"type\":\"Feature\",\"properties\":{{\"id\":\"{}\",\"kind\":\"{}\"{asset}}},\"geometry\":{{\"type\":\
             \"Polygon\",\"coordinates\":[[{}]]}}}}",
            zone.id,
            zone.kind,
            points.join(",")
        )
    });
    let features = features.collect::<Vec<_>>().join(",\n");
    format!("{{\"type\":\"FeatureCollection\",\"features\":[\n{features}\n]}}\n")
}

fn permits(file: &ScenarioFile, start: Timestamp) -> String {
    let local = LocalClock::default();
    let mut text = "id,kind,asset,from,to\n".to_owned();
    let (from, to) = (local.write(start - PERMIT_BEFORE), local.write(start + PERMIT_AFTER));
    for permit in &file.permits {
        writeln!(text, "{},{},{},{from},{to}", permit.id, permit.kind, permit.asset)
            .expect("a string takes every text");
    }
    text
}
