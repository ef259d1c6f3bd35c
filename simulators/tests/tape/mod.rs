//! What a county says, decoded and kept by device, and plain arithmetic over it.

#![allow(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    dead_code,
    reason = "a wrong place in a test fails the test"
)]

use std::collections::BTreeMap;

use citywarden_formats::json;
use citywarden_model::{Crs, Flag, Observation, Point, Span, Timestamp, Value};
use citywarden_simulators::County;

/// What one device says of one moment.
pub(crate) struct Entry {
    /// Seconds since the start.
    pub(crate) second: i64,
    pub(crate) values: BTreeMap<String, f64>,
    /// True is 1, false is 0.
    pub(crate) nozzles: Vec<bool>,
    /// As reported.
    pub(crate) fix: Option<Point>,
    /// Trucks washed, and for how many seconds.
    pub(crate) washed: Vec<(String, f64)>,
}

impl Entry {
    /// Whether it says so.
    pub(crate) fn is(&self, quantity: &str) -> bool {
        self.values.get(quantity).is_some_and(|state| *state > 0.5)
    }
}

/// All normal readings of a county up to some moment, by device, in the order of their own time, each once.
pub(crate) struct Tape(BTreeMap<String, BTreeMap<i64, Entry>>);

impl Tape {
    pub(crate) fn of(county: County, start: Timestamp, hours: i64) -> Self {
        let until = start + Span::from_mins(hours * 60);
        let mut tape: BTreeMap<String, BTreeMap<i64, Entry>> = BTreeMap::new();
        for message in county.take_while(|message| message.at < until) {
            let mut observations = Vec::new();
            json::decode(&message.payload, &mut observations).expect("every message is decodable");
            for observation in observations.iter().filter(|observation| observation.flag == Flag::Normal) {
                let entry = entry(observation, start);
                tape.entry(message.device.to_string()).or_default().insert(entry.second, entry);
            }
        }
        Self(tape)
    }
    pub(crate) fn entries(&self, device: &str) -> impl Iterator<Item = &Entry> {
        self.0.get(device).into_iter().flat_map(BTreeMap::values)
    }
    /// One quantity of a device.
    pub(crate) fn series(&self, device: &str, quantity: &str) -> Series {
        let pairs =
            self.entries(device).filter_map(|entry| Some((entry.second, *entry.values.get(quantity)?)));
        Series(pairs.collect())
    }
    /// One quantity of a device while another one is on.
    pub(crate) fn series_while(&self, device: &str, quantity: &str, gate: &str) -> Series {
        let open = self.entries(device).filter(|entry| entry.is(gate));
        Series(open.filter_map(|entry| Some((entry.second, *entry.values.get(quantity)?))).collect())
    }
}

fn entry(observation: &Observation<'_>, start: Timestamp) -> Entry {
    let at = observation.observed_at.expect("every device sends its time");
    let mut values = BTreeMap::new();
    let mut nozzles = Vec::new();
    for reading in &observation.readings {
        let number = match &reading.value {
            Value::Number(number) => *number,
            Value::Bool(on) => f64::from(u8::from(*on)),
            Value::Bools(states) => {
                nozzles.clone_from(states);
                continue;
            }
            Value::Text(text) => panic!("{} is the text {text}", reading.quantity),
        };
        values.insert(reading.quantity.to_string(), number);
    }
    let washes = observation.events.iter().filter(|event| event.name == "washed").map(|event| {
        let seconds = event.fields.iter().find(|(name, _)| name == "seconds").map_or(0.0, |(_, n)| *n);
        (event.asset.as_deref().unwrap_or_default().to_owned(), seconds)
    });
    Entry {
        second: at.since(start).nanos() / 1_000_000_000,
        values,
        nozzles,
        fix: observation.fix.map(|fix| fix.reported),
        washed: washes.collect(),
    }
}

/// Numbers by the second.
pub(crate) struct Series(pub(crate) BTreeMap<i64, f64>);

impl Series {
    /// At each reading what `fold` makes of the readings of the `window_s` seconds before it, where three quarters
    /// of those that an interval of `interval_s` promises are there.
    pub(crate) fn windows(&self, window_s: i64, interval_s: i64, fold: fn(&[f64]) -> f64) -> Self {
        let folded = self.0.keys().filter_map(|second| {
            let numbers: Vec<f64> = self.0.range(second - window_s + 1..=*second).map(|(_, n)| *n).collect();
            let there = i64::try_from(numbers.len()).expect("not that many") * interval_s;
            (there * 4 >= window_s * 3).then(|| (*second, fold(&numbers)))
        });
        Self(folded.collect())
    }
    pub(crate) fn get(&self, second: i64) -> Option<f64> {
        self.0.get(&second).copied()
    }
    /// When a rule would raise: the condition (`None`: undecided) holds for `lasting_s` without a break; once a break.
    pub(crate) fn raised(&self, lasting_s: i64, condition: impl Fn(i64, f64) -> Option<bool>) -> Vec<i64> {
        let mut raised = Vec::new();
        let mut since = None;
        let mut done = false;
        for (second, number) in &self.0 {
            if condition(*second, *number) == Some(true) {
                let began = *since.get_or_insert(*second);
                if !done && *second - began >= lasting_s {
                    raised.push(*second);
                    done = true;
                }
            } else {
                since = None;
                done = false;
            }
        }
        raised
    }
}

#[expect(clippy::cast_precision_loss, reason = "windows are short")]
pub(crate) fn mean(numbers: &[f64]) -> f64 {
    numbers.iter().sum::<f64>() / numbers.len() as f64
}

pub(crate) fn max(numbers: &[f64]) -> f64 {
    numbers.iter().copied().fold(f64::MIN, f64::max)
}

/// The level of the mean energy, dB.
pub(crate) fn laeq(numbers: &[f64]) -> f64 {
    let energies: Vec<f64> = numbers.iter().map(|db| energy(*db)).collect();
    level(mean(&energies))
}

pub(crate) fn energy(db: f64) -> f64 {
    libm::pow(10.0, db / 10.0)
}

pub(crate) fn level(energy: f64) -> f64 {
    10.0 * libm::log10(energy)
}

/// The registry as its texts say: rows of a file by id, and the corners of each zone.
pub(crate) struct Map {
    pub(crate) assets: BTreeMap<String, BTreeMap<String, String>>,
    pub(crate) devices: BTreeMap<String, BTreeMap<String, String>>,
    zones: BTreeMap<String, Vec<Point>>,
}

impl Map {
    pub(crate) fn of(county: &County) -> Self {
        let texts = county.registry();
        let collection: serde_json::Value = serde_json::from_str(&texts.zones).expect("it is JSON");
        let features = collection["features"].as_array().expect("it is a collection");
        let zones = features.iter().map(|feature| {
            let id = feature["properties"]["id"].as_str().expect("a zone has an id").to_owned();
            (id, corners(&feature["geometry"]))
        });
        Self { zones: zones.collect(), assets: rows(&texts.assets), devices: rows(&texts.devices) }
    }
    /// Whether a reported fix of a device lies in the upright rectangle of that zone, in metres beyond its edge.
    pub(crate) fn holds(&self, zone: &str, device: &str, reported: Point) -> bool {
        let crs: Crs = self.devices[device]["crs"].parse().expect("it is a datum");
        let point = reported.from_crs(crs);
        let corners = &self.zones[zone];
        let inside = |of: fn(&Point) -> f64| {
            let least = corners.iter().map(of).fold(f64::MAX, f64::min);
            let most = corners.iter().map(of).fold(f64::MIN, f64::max);
            (least..=most).contains(&of(&point))
        };
        inside(|point| point.lat) && inside(|point| point.lon)
    }
}

fn corners(geometry: &serde_json::Value) -> Vec<Point> {
    let coordinates = &geometry["coordinates"];
    let line = if geometry["type"] == "Polygon" { &coordinates[0] } else { coordinates };
    let point = |pair: &serde_json::Value| {
        let number = |place: usize| pair[place].as_f64().expect("a coordinate is a number");
        Point::new(number(1), number(0)).expect("it is on the earth")
    };
    line.as_array().expect("a line of points").iter().map(point).collect()
}

/// Rows of a CSV file by their `id`.
pub(crate) fn rows(text: &str) -> BTreeMap<String, BTreeMap<String, String>> {
    csv::Reader::from_reader(text.as_bytes())
        .deserialize::<BTreeMap<String, String>>()
        .map(|row| row.expect("every row has every column"))
        .map(|row| (row["id"].clone(), row))
        .collect()
}
