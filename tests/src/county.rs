//! A small county in a directory of its own: configuration, registry, rules.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use citywarden_model::Point;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::moment::{now, zone_where_it_is_noon};
use crate::pack::Pack;
use crate::receiver::{ENFORCEMENT, OPERATOR, SECRET};

/// The region of all tests: Xinchang.
pub const REGION: &str = "330624";
/// Where the county is.
pub const CENTRE: Point = Point { lat: 29.499, lon: 120.9036 };

/// A county: fill it, then write it.
#[derive(Debug)]
pub struct County {
    dir: TempDir,
    /// The rules in force: the built-in pack, exported.
    pub pack: Pack,
    /// The server that alerts are posted to; `None`: nobody is told.
    pub webhook: Option<String>,
    /// The endpoint's address.
    pub mqtt: String,
    /// What else the configuration says: whole tables.
    pub more: String,
    assets: Vec<Row>,
    devices: Vec<Row>,
    zones: Vec<Value>,
}

type Row = BTreeMap<String, String>;

impl County {
    /// A county with nothing in it, the built-in rules, and local noon: no night falls while a test runs.
    ///
    /// Its directory goes with it, unless `CITYWARDEN_KEEP` is set.
    pub fn new() -> Self {
        let keeps = std::env::var_os("CITYWARDEN_KEEP").is_some();
        let mut dir = TempDir::new().expect("there is room for a directory");
        dir.disable_cleanup(keeps);
        let pack = Pack::export(&dir.path().join("rules"));
        let mqtt = "127.0.0.1:0".to_owned();
        let (assets, devices, zones) = (Vec::new(), Vec::new(), Vec::new());
        Self { dir, pack, webhook: None, mqtt, more: String::new(), assets, devices, zones }
    }

    /// Its directory.
    pub fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// A file of it.
    pub fn file(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Adds an asset that stands at the centre, with attributes.
    pub fn asset(&mut self, id: &str, kind: &str, attributes: &[(&str, &str)]) {
        let name = format!("{kind} {id}");
        let (lat, lon) = (CENTRE.lat.to_string(), CENTRE.lon.to_string());
        let columns =
            [("id", id), ("kind", kind), ("name", &name), ("region", REGION), ("lat", &lat), ("lon", &lon)];
        self.assets.push(row(&columns, attributes));
    }

    /// Adds a reviewed device `<asset>-unit` of an asset; no interval: it reports on change.
    pub fn device(&mut self, asset: &str, kind: &str, interval_s: Option<u32>, attributes: &[(&str, &str)]) {
        let id = unit_of(asset);
        let interval = interval_s.map(|seconds| seconds.to_string()).unwrap_or_default();
        let columns = [("id", &*id), ("kind", kind), ("asset", asset), ("interval_s", &interval)];
        let mut device = row(&columns, attributes);
        device.insert("review".to_owned(), "reviewed 2026-01".to_owned());
        self.devices.push(device);
    }

    /// Adds a square zone around a point.
    pub fn zone(&mut self, kind: &str, asset: &str, centre: Point, half_m: f64) {
        let corner = |east: f64, north: f64| {
            let point = centre.moved(east * half_m, north * half_m);
            json!([point.lon, point.lat])
        };
        let ring = json!([
            corner(-1.0, -1.0),
            corner(1.0, -1.0),
            corner(1.0, 1.0),
            corner(-1.0, 1.0),
            corner(-1.0, -1.0)
        ]);
        let id = format!("{kind}-{}", self.zones.len());
        self.zones.push(json!({"type": "Feature", "properties": {"id": id, "kind": kind, "asset": asset},
            "geometry": {"type": "Polygon", "coordinates": [ring]}}));
    }

    /// Writes configuration and registry, and gives the directory in which the service is to run.
    pub fn write(&self) -> &Path {
        fs::create_dir_all(self.file("secrets")).expect("the directory can be made");
        self.put("secrets/webhook", SECRET);
        self.put("citywarden.toml", &self.config());
        self.write_registry();
        self.dir()
    }

    /// Writes the registry alone.
    pub fn write_registry(&self) {
        fs::create_dir_all(self.file("registry")).expect("the directory can be made");
        self.put("registry/assets.csv", &csv(&self.assets, "id,kind,name,region,lat,lon"));
        self.put("registry/devices.csv", &csv(&self.devices, "id,kind,asset,interval_s"));
        let zones = json!({"type": "FeatureCollection", "features": self.zones});
        self.put("registry/zones.geojson", &zones.to_string());
    }

    /// Writes a file of it; what is under `secrets` only its owner can read.
    pub fn put(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::write(self.file(name), text).unwrap_or_else(|error| panic!("{name}: {error}"));
        if name.starts_with("secrets/") {
            let mode = fs::Permissions::from_mode(0o600);
            fs::set_permissions(self.file(name), mode).expect("it is our own file");
        }
    }

    fn config(&self) -> String {
        let zone = zone_where_it_is_noon(now());
        let mqtt = &self.mqtt;
        let mut config = format!(
            "region = \"{REGION}\"\ndata_dir = \"data\"\ntimezone = \"{zone}\"\n\n[registry]\ndir = \"registry\"\n\n\
             [rules]\ndir = \"rules\"\n\n[[source]]\ntype = \"mqtt-endpoint\"\nlisten = \"{mqtt}\"\n\n\
             [http]\nlisten = \"127.0.0.1:0\"\n"
        );
        if let Some(webhook) = &self.webhook {
            for (name, path) in [("enforcement", ENFORCEMENT), ("operator", OPERATOR)] {
                write!(
                    config,
                    "\n[[receiver]]\nname = \"{name}\"\ntype = \"webhook\"\nurl = \"{webhook}{path}\"\n\
                     secret_file = \"secrets/webhook\"\n"
                )
                .expect("a text takes all");
            }
            config += "\n[route]\nreceiver = \"enforcement\"\ngroup_by = [\"asset\"]\ngroup_wait = \"100ms\"\n\
                 [[route.routes]]\nmatch = { kind = \"early_warning\" }\nreceiver = \"operator\"\n";
        }
        config + &self.more
    }
}

impl Default for County {
    fn default() -> Self {
        Self::new()
    }
}

/// The device of an asset.
pub fn unit_of(asset: &str) -> String {
    format!("{asset}-unit")
}

/// The topic of an asset's device.
pub fn topic_of(asset: &str) -> String {
    format!("citywarden/{REGION}/{}/json", unit_of(asset))
}

fn row(columns: &[(&str, &str)], attributes: &[(&str, &str)]) -> Row {
    columns.iter().chain(attributes).map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
}

/// CSV with these columns first, then every other that a row has.
fn csv(rows: &[Row], first: &str) -> String {
    let mut columns: Vec<&str> = first.split(',').collect();
    for name in rows.iter().flat_map(Row::keys) {
        if !columns.contains(&name.as_str()) {
            columns.push(name);
        }
    }
    let mut text = columns.join(",") + "\n";
    for row in rows {
        let cells: Vec<_> = columns.iter().map(|name| row.get(*name).map_or("", String::as_str)).collect();
        text += &(cells.join(",") + "\n");
    }
    text
}
