//! Registry files through the public door: what is refused, where, and what stays in force.

use citywarden_model::{Crs, LocalClock, RegionId, Registry, Span, Timestamp};
use citywarden_registry::{Options, Reading, RegistryFiles, freeze, read, thaw};

const ASSETS: &str = "id,kind,name,region,grid,lat,lon,nozzle_chainage_m\n\
    site-1,construction_site,工地一,330624,,29.4990,120.9036,0;5;10\n\
    site-2,construction_site,,,,29.5,120.91,\n\
    truck-1,muck_truck,,,,,,\n";
const DEVICES: &str = "id,kind,asset,interval_s,crs,review\n\
    dust-1,dust_monitor,site-1,60,,yes\n\
    gps-1,vehicle_unit,truck-1,,gcj02,\n";

fn read_files(files: &RegistryFiles, previous: Option<&Registry>, max_loss: Option<f64>) -> Reading {
    let region = RegionId::from("330624");
    let receivers = ["police-duty".to_owned()];
    let options =
        Options { region: &region, clock: LocalClock::default(), receivers: Some(&receivers), max_loss };
    read(files, options, previous)
}

fn good_files() -> RegistryFiles {
    RegistryFiles::new("registry").with("assets.csv", ASSETS).with("devices.csv", DEVICES)
}

fn problems_of(reading: &Reading) -> Vec<String> {
    reading.problems.iter().map(ToString::to_string).collect()
}

/// The good files with this one in place of theirs give these problems.
fn check(name: &str, text: &str, expected: &[&str]) {
    let reading = read_files(&good_files().with(name, text), None, Some(0.2));
    assert_eq!(problems_of(&reading), expected, "{name}:\n{text}");
}

#[test]
fn good_files_are_read_whole() {
    let reading = read_files(&good_files(), None, Some(0.2));
    assert_eq!(problems_of(&reading), Vec::<String>::new());
    let registry = reading.registry;
    let site = &registry.assets["site-1"];
    assert_eq!((site.name.as_str(), site.attributes.text("nozzle_chainage_m")), ("工地一", Some("0;5;10")));
    assert_eq!(registry.assets["site-2"].name, "site-2", "an asset without a name is called by its id");
    assert_eq!(
        registry.assets["site-2"].attributes.text("nozzle_chainage_m"),
        None,
        "an empty cell is absent"
    );
    assert_eq!(registry.assets["truck-1"].position, None);
    assert_eq!(registry.devices["dust-1"].interval, Some(Span::from_secs(60)));
    assert!(registry.devices["dust-1"].is_reviewed(Timestamp::EPOCH));
    assert_eq!((registry.devices["gps-1"].interval, registry.devices["gps-1"].crs), (None, Crs::Gcj02));
}

#[test]
fn each_mistake_in_assets_is_reported_at_its_cell() {
    let header = "id,kind,name,region,grid,lat,lon,gate_spans_m\n";
    for (line, expected) in [
        (
            "a/b,venue,,,,,,",
            "registry/assets.csv:2:1: `a/b` cannot be an id; expected a letter or digit, then letters, digits, `.`, `_`, `-`, at most 64",
        ),
        (",venue,,,,,,", "registry/assets.csv:2:1: `id` is empty"),
        ("a,,,,,,,", "registry/assets.csv:2:1: `kind` is empty"),
        (
            "a,muck_truk,,,,,,",
            "registry/assets.csv:2:3: unknown kind of asset `muck_truk`, did you mean `muck_truck`",
        ),
        (
            "工地,venue,,,,,,",
            "registry/assets.csv:2:1: `工地` cannot be an id; expected a letter or digit, then letters, digits, `.`, `_`, `-`, at most 64",
        ),
        (
            "a,venue,,330683,,,,",
            "registry/assets.csv:2:10: region `330683`; expected 330624, the region of this configuration, or a division inside it",
        ),
        (
            "a,venue,工地,,,120.9,29.5,",
            "registry/assets.csv:2:14: latitude 120.9 is outside -90 to 90; are lat and lon swapped?",
        ),
        (
            "a,venue,,,,north,29.5,",
            "registry/assets.csv:2:12: `north` is no latitude; expected degrees such as 29.4990",
        ),
        ("a,venue,,,,NaN,29.5,", "registry/assets.csv:2:12: latitude NaN is outside -90 to 90"),
        ("a,venue,,,,29.5,,", "registry/assets.csv:2:12: `lat` without `lon`; expected both or neither"),
        ("a,venue,,,,,,,surplus", "registry/assets.csv:2:15: 9 cells; the header has 8 columns"),
        ("a,\"venue,,,,,,", "registry/assets.csv:2:3: the quote is never closed"),
        (
            "a,venue,,,,,,18-12",
            "registry/assets.csv:2:14: warning: `gate_spans_m` is `18-12`; expected spans in metres such as 12-18;40-46",
        ),
        (
            "a,venue,,,g-7,,,",
            "registry/assets.csv:2:11: warning: grid `g-7` is no zone of kind `grid` and no unit's area",
        ),
    ] {
        let text = format!("{header}{line}\nsite-1,construction_site,,,,,,\ntruck-1,muck_truck,,,,,,\n");
        check("assets.csv", &text, &[expected]);
    }
}

#[test]
fn each_mistake_of_a_whole_file_is_reported() {
    for (name, text, expected) in [
        ("assets.csv", "", vec!["registry/assets.csv:1:1: the file is empty; expected a header row"]),
        (
            "assets.csv",
            "id;kind\na;venue\n",
            vec![
                "registry/assets.csv:1:1: cells are separated by ';'; expected commas (save as \"CSV UTF-8\")",
            ],
        ),
        ("assets.csv", "id,name\n", vec!["registry/assets.csv:1:1: column `kind` is missing"]),
        ("assets.csv", "id,kind,id\n", vec!["registry/assets.csv:1:9: column `id` is there twice"]),
    ] {
        let lost = [
            "registry/devices.csv:2:21: warning: asset `site-1` is in no line of assets.csv",
            "registry/devices.csv:3:20: warning: asset `truck-1` is in no line of assets.csv",
        ];
        let expected: Vec<&str> = expected.into_iter().chain(lost).collect();
        check(name, text, &expected);
    }
    let reading = read_files(&RegistryFiles::new("").with("assets.csv", ASSETS), None, Some(0.2));
    assert_eq!(problems_of(&reading), ["devices.csv:1:1: the file is missing"]);
}

#[test]
fn texts_that_are_not_utf8_are_named() {
    for (bytes, expected) in [
        (
            b"id,kind,asset,interval_s\na,\xb9\xa4\xb5\xd8,site-1,\n".as_slice(),
            "registry/devices.csv:2:3: not UTF-8 from here on, perhaps GBK; expected UTF-8 (save as \"CSV UTF-8\")",
        ),
        (
            b"\xff\xfei\0d\0".as_slice(),
            "registry/devices.csv:1:1: the file is UTF-16; expected UTF-8 (save as \"CSV UTF-8\")",
        ),
    ] {
        let reading = read_files(&good_files().with("devices.csv", bytes), None, Some(0.2));
        assert_eq!(problems_of(&reading), [expected]);
    }
}

#[test]
fn each_mistake_in_devices_is_reported_at_its_cell() {
    for (name, header, line, expected) in [
        (
            "devices.csv",
            "id,kind,asset,interval_s,crs",
            "d,gps,truck-1,soon,",
            "registry/devices.csv:2:15: `soon` is no interval; expected seconds above 0, or an empty cell for a device that reports on change",
        ),
        (
            "devices.csv",
            "id,kind,asset,interval_s,crs",
            "d,gps,truck-1,0,",
            "registry/devices.csv:2:15: `0` is no interval; expected seconds above 0, or an empty cell for a device that reports on change",
        ),
        (
            "devices.csv",
            "id,kind,asset,interval_s,crs",
            "d,gps,truck-1,,bd09",
            "registry/devices.csv:2:16: `bd09` is no datum; expected wgs84 or gcj02",
        ),
        (
            "devices.csv",
            "id,kind,asset,interval_s,crs",
            "d,gps,truck-9,,",
            "registry/devices.csv:2:7: warning: asset `truck-9` is in no line of assets.csv",
        ),
        ("devices.csv", "id,kind,asset,interval_s", "d,gps,,", "registry/devices.csv:2:1: `asset` is empty"),
        (
            "devices.csv",
            "id,kind,asset,interval_s,verified_until",
            "d,gps,truck-1,,soon",
            "registry/devices.csv:2:16: warning: `verified_until` is `soon`; expected a date such as 2026-11-24",
        ),
        (
            "devices.csv",
            "id,kind,asset,interval_s,verifed_until",
            "d,gps,truck-1,,2027-01-01",
            "registry/devices.csv:1:26: warning: column `verifed_until` is kept as an attribute, did you mean `verified_until`",
        ),
    ] {
        check(name, &format!("{header}\n{line}\n"), &[expected]);
    }
}

#[test]
fn each_mistake_in_permits_and_units_is_reported_at_its_cell() {
    for (name, header, line, expected) in [
        (
            "permits.csv",
            "id,kind,asset,from,to",
            "p,night,site-1,2026-11-24 22:00,2026-11-25 06:00",
            "registry/permits.csv:2:3: unknown kind of permit `night`; expected night_work, restricted_road, silence",
        ),
        (
            "permits.csv",
            "id,kind,asset,from,to",
            "p,night_work,site-1,tonight,2026-11-25 06:00",
            "registry/permits.csv:2:21: `tonight` is no time; expected 2026-11-24 22:00 (local) or 2026-11-24T22:00:00+08:00",
        ),
        (
            "permits.csv",
            "id,kind,asset,from,to",
            "p,night_work,site-1,2026/11/24 22:00,2026-11-24T22:00:00+08:00",
            "registry/permits.csv:2:38: `to` is not after `from`",
        ),
        (
            "units.csv",
            "id,name,area,receiver",
            "police,公安局,,polic-duty",
            "registry/units.csv:2:13: warning: receiver `polic-duty` is not in the configuration",
        ),
    ] {
        check(name, &format!("{header}\n{line}\n"), &[expected]);
    }
}

#[test]
fn permit_times_are_read_as_spreadsheets_and_programs_write_them() {
    let permits = "id,kind,asset,from,to\n\
        a,night_work,site-1,2026-11-24T22:00:00+08:00,2026-11-25T06:00:00+08:00\n\
        b,night_work,site-1,2026/11/24 22:00,2026/11/25 6:00\n";
    let registry = read_files(&good_files().with("permits.csv", permits), None, Some(0.2)).registry;
    let times = |id: &str| (registry.permits[id].from, registry.permits[id].to);
    assert_eq!(times("a"), times("b"));
    assert_eq!(times("a").0.to_string(), "2026-11-24T14:00:00Z");
}

#[test]
fn the_first_of_two_lines_with_one_id_stands() {
    let text = format!("{DEVICES}dust-1,other,site-2,,,\n");
    let reading = read_files(&good_files().with("devices.csv", text), None, Some(0.2));
    assert_eq!(
        problems_of(&reading),
        ["registry/devices.csv:4:1: `dust-1` is there twice; the first line stands"]
    );
    assert_eq!(reading.registry.devices["dust-1"].kind, "dust_monitor");
}

#[test]
fn a_refused_line_keeps_its_last_good_row_and_the_others_change() {
    let before = read_files(&good_files(), None, Some(0.2)).registry;
    let devices = "id,kind,asset,interval_s\ndust-1,dust_monitor,site-1,never\ngps-1,tracker,truck-1,10\n";
    let after = read_files(&good_files().with("devices.csv", devices), Some(&before), Some(0.2));
    assert_eq!(after.problems.len(), 1, "{:?}", after.problems);
    assert_eq!(after.registry.devices["dust-1"], before.devices["dust-1"]);
    assert_eq!(after.registry.devices["gps-1"].kind, "tracker");
    assert_ne!(after.registry.digest, before.digest);
    let alone = read_files(&good_files().with("devices.csv", devices), None, Some(0.2)).registry;
    assert!(!alone.devices.contains_key("dust-1"), "nothing before: left out");
}

#[test]
fn a_file_that_loses_too_many_rows_is_refused_until_a_person_accepts_it() {
    let before = read_files(&good_files(), None, Some(0.2)).registry;
    let fewer = good_files().with("assets.csv", "id,kind\nsite-1,construction_site\ntruck-1,muck_truck\n");
    let refused = read_files(&fewer, Some(&before), Some(0.2));
    assert_eq!(
        problems_of(&refused),
        [
            "registry/assets.csv:1:1: 1 of 3 rows are gone; the file is refused and the rows before stay in force; \
             `citywarden check --accept` takes it as it is"
        ]
    );
    assert_eq!(refused.registry, before);
    let accepted = read_files(&fewer, Some(&before), None);
    assert_eq!((problems_of(&accepted), accepted.registry.assets.len()), (vec![], 2));
}

#[test]
fn a_file_that_is_gone_or_unreadable_keeps_its_rows() {
    let before = read_files(&good_files(), None, Some(0.2)).registry;
    let gone = RegistryFiles::new("registry").with("devices.csv", "id;kind\n");
    let reading = read_files(&gone, Some(&before), Some(0.2));
    assert_eq!(
        problems_of(&reading),
        [
            "registry/assets.csv:1:1: the file is missing",
            "registry/devices.csv:1:1: cells are separated by ';'; expected commas (save as \"CSV UTF-8\")",
        ]
    );
    assert_eq!(reading.registry, before);
}

#[test]
fn a_frozen_registry_thaws_to_itself_with_its_digest() {
    let zones = r#"{"type":"FeatureCollection","features":[{"type":"Feature",
        "properties":{"id":"z","kind":"site","asset":"site-1","from":"22:00","to":"06:00","crs":"gcj02"},
        "geometry":{"type":"Polygon","coordinates":[[[120.9,29.5],[120.91,29.5],[120.91,29.51],[120.9,29.5]]]}}]}"#;
    let permits = "id,kind,asset,from,to\na,night_work,site-1,2026-11-24 22:00,2026-11-25 06:00\n";
    let units = "id,name,area,receiver\npolice,公安局,,police-duty\n";
    let files =
        good_files().with("zones.geojson", zones).with("permits.csv", permits).with("units.csv", units);
    let reading = read_files(&files, None, Some(0.2));
    assert_eq!(problems_of(&reading), Vec::<String>::new());
    let text = freeze(&reading.registry);
    let thawed = thaw(&text).expect("it was just frozen");
    assert_eq!(thawed, reading.registry);
    assert_eq!(freeze(&thawed), text);
    assert_eq!(thawed.zones.len() + thawed.permits.len() + thawed.units.len(), 3);
    assert!(thaw("{}").is_err() && thaw(&text.replacen("\"format\":1", "\"format\":2", 1)).is_err());
}
