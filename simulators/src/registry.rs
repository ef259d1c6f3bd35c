//! The county's registry files, as an operator would write them.

use std::fmt::Write as _;

use citywarden_model::{LocalClock, Point, Span, Timestamp};

use crate::county::{DEVICES, REGION, SITE_A_ID, SITE_B_ID};
use crate::device::NOZZLES;
use crate::place::{
    Block, DISPOSAL, GRID_EAST, GRID_WEST, KITCHEN_1, KITCHEN_2, ROUND, SITE_A, SITE_B, Spot, WORKS,
};

/// The files of a registry directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryTexts {
    /// `assets.csv`
    pub assets: String,
    /// `devices.csv`
    pub devices: String,
    /// `zones.geojson`
    pub zones: String,
    /// `permits.csv`
    pub permits: String,
    /// `units.csv`
    pub units: String,
}

impl RegistryTexts {
    /// Each file's name and text.
    pub fn files(&self) -> [(&'static str, &str); 5] {
        [
            ("assets.csv", &self.assets),
            ("devices.csv", &self.devices),
            ("zones.geojson", &self.zones),
            ("permits.csv", &self.permits),
            ("units.csv", &self.units),
        ]
    }
}

pub(crate) fn texts(start: Timestamp) -> RegistryTexts {
    RegistryTexts {
        assets: assets(),
        devices: devices(),
        zones: zones(),
        permits: permits(start),
        units: units(),
    }
}

const WEST: &str = "330624-01";
const EAST: &str = "330624-02";

fn assets() -> String {
    let mut text = String::from(
        "id,kind,name,region,grid,lat,lon,perimeter_m,closed_loop,gate_spans_m,nozzle_chainage_m,plate\n",
    );
    let mut asset = |id: &str, kind: &str, name: &str, grid: &str, place: Option<Point>, rest: &str| {
        let place = place.map_or(",".to_owned(), |p| format!("{:.6},{:.6}", p.lat, p.lon));
        line(&mut text, format_args!("{id},{kind},{name},{REGION},{grid},{place},{rest}"));
    };
    let fence_a = format!("200,true,,{},", chainages(None));
    // the gate is wider than the spacing allows, and left out of it
    let fence_b = format!("203,true,100-108,{},", chainages(Some((100, 8))));
    asset(SITE_A_ID, "construction_site", "城西示范工地（模拟）", WEST, middle(SITE_A.ground), &fence_a);
    asset(SITE_B_ID, "construction_site", "城东示范工地（模拟）", EAST, middle(SITE_B.ground), &fence_b);
    asset(
        "works-01",
        "linear_works",
        "环城南路改造工程（模拟）",
        EAST,
        WORKS.first().map(|s| s.point()),
        ",,,,",
    );
    asset("kitchen-01", "restaurant", "示范餐馆一（模拟）", WEST, Some(KITCHEN_1.point()), ",,,,");
    asset("kitchen-02", "restaurant", "示范餐馆二（模拟）", EAST, Some(KITCHEN_2.point()), ",,,,");
    asset("sprinkler-01", "sprinkler_truck", "洒水车一号（模拟）", WEST, None, ",,,,浙D·模拟01");
    asset("muck-01", "muck_truck", "渣土车一号（模拟）", WEST, None, ",,,,浙D·模拟11");
    asset("muck-02", "muck_truck", "渣土车二号（模拟）", WEST, None, ",,,,浙D·模拟12");
    asset("muck-03", "muck_truck", "渣土车三号（模拟）", EAST, None, ",,,,浙D·模拟13");
    text
}

fn middle(block: Block) -> Option<Point> {
    let (sw, ne) = (block.south_west.point(), block.north_east.point());
    Point::new(f64::midpoint(sw.lat, ne.lat), f64::midpoint(sw.lon, ne.lon))
}

/// A nozzle every 5 m; where a gate begins after that many metres, the rest lies behind it.
fn chainages(gate: Option<(usize, usize)>) -> String {
    let mut chainage = 0;
    let mut all = Vec::with_capacity(NOZZLES);
    for _ in 0..NOZZLES {
        all.push(chainage.to_string());
        chainage += match gate {
            Some((begins, width)) if chainage == begins => width,
            _ => 5,
        };
    }
    all.join(";")
}

fn devices() -> String {
    let mut text = String::from("id,kind,asset,interval_s,crs,review,verified_until\n");
    for device in DEVICES {
        let crs = match device.crs {
            citywarden_model::Crs::Wgs84 => "wgs84",
            citywarden_model::Crs::Gcj02 => "gcj02",
        };
        let until = if device.review.is_empty() { "" } else { "2099-12-31" };
        line(
            &mut text,
            format_args!(
                "{},{},{},{},{crs},{},{until}",
                device.id, device.kind, device.asset, device.interval_s, device.review
            ),
        );
    }
    text
}

fn zones() -> String {
    let features = [
        polygon("zone-site-a", "site", SITE_A_ID, SITE_A.ground),
        polygon("zone-exit-a", "site_exit", SITE_A_ID, SITE_A.exit),
        polygon("zone-site-b", "site", SITE_B_ID, SITE_B.ground),
        polygon("zone-exit-b", "site_exit", SITE_B_ID, SITE_B.exit),
        polygon("zone-disposal", "disposal_site", "", DISPOSAL),
        polygon(WEST, "grid", "", GRID_WEST),
        polygon(EAST, "grid", "", GRID_EAST),
        polyline("zone-works", "road", "works-01", WORKS),
        polyline("zone-round", "route", "sprinkler-01", ROUND),
    ];
    format!("{{\"type\":\"FeatureCollection\",\"features\":[\n{}\n]}}\n", features.join(",\n"))
}

fn polygon(id: &str, kind: &str, asset: &str, block: Block) -> String {
    feature(id, kind, asset, "Polygon", &format!("[[{}]]", coordinates(&block.ring())))
}

fn polyline(id: &str, kind: &str, asset: &str, way: &[Spot]) -> String {
    feature(id, kind, asset, "LineString", &format!("[{}]", coordinates(way)))
}

fn coordinates(spots: &[Spot]) -> String {
    let pairs: Vec<String> = spots
        .iter()
        .map(|spot| spot.point())
        .map(|point| format!("[{:.6},{:.6}]", point.lon, point.lat))
        .collect();
    pairs.join(",")
}

fn feature(id: &str, kind: &str, asset: &str, shape: &str, coordinates: &str) -> String {
    let asset = if asset.is_empty() { String::new() } else { format!(",\"asset\":\"{asset}\"") };
    format!(
        "{{\"type\":\"Feature\",\"properties\":{{\"id\":\"{id}\",\"kind\":\"{kind}\"{asset}}},\"geometry\":{{\"type\":\
         \"{shape}\",\"coordinates\":{coordinates}}}}}"
    )
}

/// The quiet site may work at night for a week; that allows the work, not the level.
fn permits(start: Timestamp) -> String {
    let until = start + Span::from_mins(7 * 24 * 60);
    let local = LocalClock::default();
    format!(
        "id,kind,asset,from,to\npermit-2026-001,night_work,{SITE_B_ID},{},{}\n",
        local.write(start),
        local.write(until)
    )
}

fn units() -> String {
    format!(
        "id,name,area,receiver\nhousing,建设局,,\ntransport,交通运输局,,\nmarket,市场监督管理局,,\n\
         town-west,城西街道（模拟）,{WEST},\ntown-east,城东街道（模拟）,{EAST},\n"
    )
}

/// Writing to a `String` cannot fail.
fn line(text: &mut String, words: std::fmt::Arguments<'_>) {
    writeln!(text, "{words}").expect("a string takes every text");
}
