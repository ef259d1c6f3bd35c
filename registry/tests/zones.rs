//! `zones.geojson` through the public door.

use citywarden_model::{Crs, Geometry, LocalClock, Point, RegionId, Zone};
use citywarden_registry::{Options, RegistryFiles, read};

const ASSETS: &str = "id,kind,lat,lon\nsite-1,construction_site,29.50,120.90\nsite-2,construction_site,29.51,120.91\nsite-3,venue,29.52,120.92\n";
const SQUARE: &str = "[[120.90,29.50],[120.91,29.50],[120.91,29.51],[120.90,29.51],[120.90,29.50]]";

fn read_zones(text: &str) -> (Vec<Zone>, Vec<String>) {
    let files = RegistryFiles::new("")
        .with("assets.csv", ASSETS)
        .with("devices.csv", "id,kind,asset,interval_s\n")
        .with("zones.geojson", text);
    let region = RegionId::from("330624");
    let options =
        Options { region: &region, clock: LocalClock::default(), receivers: None, max_loss: Some(0.2) };
    let reading = read(&files, options, None);
    (
        reading.registry.zones.into_values().collect(),
        reading.problems.iter().map(ToString::to_string).collect(),
    )
}

/// A collection with one feature, on its second line.
fn feature(properties: &str, geometry: &str) -> String {
    format!(
        "{{\"type\":\"FeatureCollection\",\"features\":[\n{{\"type\":\"Feature\",\"properties\":{{{properties}}},\n\"geometry\":{{{geometry}}}}}]}}"
    )
}

fn polygon(ring: &str) -> String {
    format!("\"type\":\"Polygon\",\"coordinates\":[{ring}]")
}

#[test]
fn shapes_are_read_with_longitude_first() {
    let point = |lat, lon| Point { lat, lon };
    for (geometry, expected) in [
        (
            "\"type\":\"Point\",\"coordinates\":[120.9,29.5,8.0]",
            Geometry::Lines(vec![vec![point(29.5, 120.9)]]),
        ),
        (
            "\"type\":\"LineString\",\"coordinates\":[[120.9,29.5],[120.91,29.5]]",
            Geometry::Lines(vec![vec![point(29.5, 120.9), point(29.5, 120.91)]]),
        ),
        (
            "\"type\":\"MultiLineString\",\"coordinates\":[[[120.9,29.5],[120.91,29.5]]]",
            Geometry::Lines(vec![vec![point(29.5, 120.9), point(29.5, 120.91)]]),
        ),
    ] {
        let (zones, problems) = read_zones(&feature("\"id\":\"z\",\"kind\":\"road\"", geometry));
        assert_eq!(problems, Vec::<String>::new());
        assert_eq!(zones[0].geometry, expected, "{geometry}");
    }
    for geometry in
        [polygon(SQUARE), format!("\"type\":\"MultiPolygon\",\"coordinates\":[[{SQUARE}],[{SQUARE}]]")]
    {
        let (zones, problems) = read_zones(&feature("\"id\":\"z\",\"kind\":\"site\"", &geometry));
        assert_eq!(problems, Vec::<String>::new());
        let Geometry::Polygons(polygons) = &zones[0].geometry else { panic!("{:?}", zones[0]) };
        assert_eq!(polygons[0][0].len(), 5);
        assert_eq!(polygons[0][0][1], point(29.5, 120.91));
    }
}

#[test]
fn each_mistake_in_properties_is_reported_at_its_place() {
    for (properties, expected) in [
        ("\"kind\":\"site\"", "zones.geojson:2:1: `id` is missing"),
        ("\"id\":\"z\"", "zones.geojson:2:1: `kind` is missing"),
        ("\"id\":7,\"kind\":\"site\"", "zones.geojson:2:38: `id` is no text; expected a text in quotes"),
        (
            "\"id\":\"z\",\"kind\":\"sites\"",
            "zones.geojson:2:49: unknown kind of zone `sites`, did you mean `site`",
        ),
        (
            "\"id\":\"z\",\"kind\":\"road\",\"from\":\"7:00\",\"to\":\"09:00\"",
            "zones.geojson:2:63: `from` is `7:00`; expected a time such as 07:00",
        ),
        ("\"id\":\"z\",\"kind\":\"road\",\"from\":\"07:00\"", "zones.geojson:2:63: `from` without `to`"),
        (
            "\"id\":\"z\",\"kind\":\"road\",\"form\":\"07:00\"",
            "zones.geojson:2:63: warning: property `form` is passed over, did you mean `from`",
        ),
        (
            "\"id\":\"z\",\"kind\":\"site\",\"asset\":\"site-9\"",
            "zones.geojson:2:64: warning: asset `site-9` is in no line of assets.csv",
        ),
    ] {
        let (_, problems) = read_zones(&feature(properties, &polygon(SQUARE)));
        assert_eq!(problems, [expected], "{properties}");
    }
}

#[test]
fn each_mistake_in_a_shape_is_reported_at_its_coordinates() {
    for (geometry, expected) in [
        (
            "\"type\":\"Circle\",\"coordinates\":[]".to_owned(),
            "zones.geojson:3:43: a Circle; expected Polygon, MultiPolygon, LineString, MultiLineString or Point",
        ),
        ("\"type\":\"Polygon\"".to_owned(), "zones.geojson:3:12: `coordinates` are missing"),
        (
            polygon("[120.9,29.5]"),
            "zones.geojson:3:44: these are no coordinates of a Polygon; expected [[[lon, lat], …]]",
        ),
        (
            polygon("[[29.5,120.9],[29.5,120.91],[29.51,120.9],[29.5,120.9]]"),
            "zones.geojson:3:44: no position: longitude 29.5, latitude 120.9; are they swapped? GeoJSON has longitude first",
        ),
        (
            polygon("[[120.9,29.5],[120.91,29.5],[120.9,29.5]]"),
            "zones.geojson:3:44: a ring of fewer than 3 corners",
        ),
        (
            polygon("[[120.9,29.5],[120.91,29.5],[120.91,29.51]]"),
            "zones.geojson:3:44: warning: the ring is not closed; taken as if its first point were repeated",
        ),
        (
            polygon("[[120.9,29.5],[120.91,29.51],[120.91,29.5],[120.9,29.51],[120.9,29.5]]"),
            "zones.geojson:3:44: warning: the ring crosses itself near 29.500000,120.910000",
        ),
        (
            polygon("[[29.5,20.9],[29.5,20.91],[29.51,20.9],[29.5,20.9]]"),
            "zones.geojson:3:44: warning: 20.900000,29.500000 is 8897 km from the middle of the others; are lat and lon right?",
        ),
    ] {
        let (_, problems) = read_zones(&feature("\"id\":\"z\",\"kind\":\"site\"", &geometry));
        assert_eq!(problems, [expected], "{geometry}");
    }
}

#[test]
fn what_is_no_collection_is_refused_whole() {
    for (text, expected) in [
        ("{\"type\":\"FeatureCollection\",\n\"features\":[}", "zones.geojson:2:13: expected value"),
        (
            "{\"type\":\"Feature\"}",
            "zones.geojson:1:1: no FeatureCollection; expected {\"type\": \"FeatureCollection\", \"features\": […]}",
        ),
        (
            "{\"type\":\"FeatureCollection\",\"features\":[],\"crs\":{\"type\":\"name\",\"properties\":{\"name\":\"urn:ogc:def:crs:EPSG::4549\"}}}",
            "zones.geojson:1:1: coordinates in urn:ogc:def:crs:EPSG::4549; expected WGS-84 (EPSG:4326)",
        ),
    ] {
        assert_eq!(read_zones(text), (vec![], vec![expected.to_owned()]));
    }
}

#[test]
fn a_fence_drawn_on_a_shifted_map_is_moved_once() {
    let here = Point { lat: 29.4990, lon: 120.9036 };
    let drawn = Crs::Gcj02.reported(here);
    let geometry = format!("\"type\":\"Point\",\"coordinates\":[{},{}]", drawn.lon, drawn.lat);
    let (zones, _) =
        read_zones(&feature("\"id\":\"z\",\"kind\":\"control_point\",\"crs\":\"gcj02\"", &geometry));
    let Geometry::Lines(lines) = &zones[0].geometry else { panic!("{:?}", zones[0]) };
    let (east, north) = lines[0][0].metres_from(here);
    assert!(east.abs() < 0.01 && north.abs() < 0.01, "{east} {north}");
}
