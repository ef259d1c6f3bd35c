//! From what a message says to rows. A pure function: the same message and the same registry give the same rows.

use std::borrow::Cow;

use citywarden_model::{
    AssetId, Device, DeviceId, Digest, Event, Flag, Observation, Offset, Span, Timestamp, Value,
};

use crate::row::{Cell, Row};
use crate::table::Table;

/// Names that a device gives (quantities, events, assets) are cut to so many bytes, and end in a digest of the whole:
/// a database indexes them.
const NAME_BYTES_MAX: usize = 200;

/// How messages become rows.
#[derive(Debug, Clone, Copy)]
pub struct Projection {
    /// A time further ahead of arrival than this cannot be true: the part stands under its arrival.
    pub future_skew: Span,
    /// A part without a time, delivered again within this span, counts once.
    pub duplicate_within: Span,
}

impl Default for Projection {
    fn default() -> Self {
        Self { future_skew: Span::from_mins(5), duplicate_within: Span::from_secs(60) }
    }
}

/// What the journal says of a message.
#[derive(Debug, Clone, Copy)]
pub struct Arrival<'a> {
    /// Its record.
    pub offset: Offset,
    /// When it entered the journal.
    pub received_at: Timestamp,
    /// Sent again by a sender that saw no acknowledgement.
    pub duplicate: bool,
    /// A broker's stored copy.
    pub retained: bool,
    /// The bytes as sent.
    pub payload: &'a [u8],
}

/// What a message becomes.
#[derive(Debug, Clone, PartialEq)]
pub struct Projected {
    /// Its rows: of each part one of the family, then its narrow ones.
    pub rows: Vec<Row>,
    /// How many parts of the message they are of.
    pub parts: u32,
    /// If the archive has this already, the message is a second delivery and none of its rows count.
    pub repeat: Option<Repeat>,
}

/// How a second delivery of a message without a time is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repeat {
    /// The family.
    pub table: Table,
    /// The device.
    pub device: DeviceId,
    /// The beginning of the payload's digest.
    pub sum: i64,
    /// Received at or after.
    pub from: Timestamp,
    /// Received before or at.
    pub to: Timestamp,
}

/// What all rows of one message share.
struct Origin<'a> {
    arrival: &'a Arrival<'a>,
    device: &'a Device,
    table: Table,
    sum: i64,
}

impl Projection {
    /// The rows of a message. `asset_kind` is the kind of the device's asset.
    pub fn project(
        &self,
        arrival: &Arrival<'_>,
        device: &Device,
        asset_kind: &str,
        observations: &[Observation<'_>],
    ) -> Projected {
        let has_untimed = observations.iter().any(|one| self.time_of(arrival, one).is_none());
        let sum = if has_untimed { sum_of(arrival.payload) } else { 0 };
        let origin = Origin { arrival, device, table: Table::of_asset(asset_kind), sum };
        let (mut rows, mut parts) = (Vec::with_capacity(observations.len()), 0);
        for (observation, part) in observations.iter().zip(0u32..) {
            // a broker's stored copy without a time says nothing of now
            if arrival.retained && observation.observed_at.is_none() {
                continue;
            }
            parts += 1;
            self.take_part(&origin, observation, part, &mut rows);
        }
        let repeat = (arrival.duplicate && has_untimed && parts > 0).then(|| Repeat {
            table: origin.table,
            device: device.id.clone(),
            sum,
            from: whole_micros(arrival.received_at - self.duplicate_within),
            to: whole_micros(arrival.received_at),
        });
        Projected { rows, parts, repeat }
    }

    /// The device's time, where it gave one that can be true.
    fn time_of(&self, arrival: &Arrival<'_>, observation: &Observation<'_>) -> Option<Timestamp> {
        observation.observed_at.filter(|at| *at <= arrival.received_at + self.future_skew)
    }

    fn take_part(&self, origin: &Origin<'_>, observation: &Observation<'_>, part: u32, rows: &mut Vec<Row>) {
        let timed = self.time_of(origin.arrival, observation);
        let stamp = Stamp {
            observed_at: whole_micros(timed.unwrap_or(origin.arrival.received_at)),
            flag: match observation.flag {
                Flag::Normal => 'N',
                // PostgreSQL takes every character but this one
                Flag::Other('\0') => '?',
                Flag::Other(letter) => letter,
            },
            part,
        };
        let mut row = stamp.row(origin, origin.table, "", origin.device.asset.clone());
        row.claimed_at = if timed.is_some() { None } else { observation.observed_at.map(whole_micros) };
        row.untimed_sum = timed.is_none().then_some(origin.sum);
        let mut others = Vec::new();
        for (quantity, value) in values_of(observation, origin.device) {
            // a value of another kind than its column's, or a second one, goes beside
            match origin.table.column(&quantity).filter(|(_, kind)| kind.takes(&value)) {
                Some((place, _)) if row.cells.get(place) == Some(&Cell::Absent) => {
                    if let Some(cell) = row.cells.get_mut(place) {
                        *cell = cell_of(&value);
                    }
                }
                Some(_) | None => others.push(stamp.narrow(origin, &quantity, &value)),
            }
        }
        rows.push(row);
        rows.append(&mut others);
        rows.extend(observation.events.iter().map(|event| stamp.event(origin, event)));
    }
}

/// What all rows of one part share.
struct Stamp {
    observed_at: Timestamp,
    flag: char,
    part: u32,
}

impl Stamp {
    fn row(&self, origin: &Origin<'_>, table: Table, name: &str, asset: AssetId) -> Row {
        Row {
            table,
            device: origin.device.id.clone(),
            observed_at: self.observed_at,
            flag: self.flag,
            name: name.to_owned(),
            asset,
            received_at: whole_micros(origin.arrival.received_at),
            offset: origin.arrival.offset,
            part: self.part,
            claimed_at: None,
            untimed_sum: None,
            cells: vec![Cell::Absent; table.columns().len()],
            history: Vec::new(),
        }
    }
    fn narrow(&self, origin: &Origin<'_>, quantity: &str, value: &Value<'_>) -> Row {
        let row = self.row(origin, Table::Values, &bounded(quantity), origin.device.asset.clone());
        let cell = match value {
            // the narrow table has a number and a text
            Value::Bool(state) => Cell::Number(f64::from(u8::from(*state))),
            Value::Number(_) | Value::Text(_) | Value::Bools(_) => cell_of(value),
        };
        Row { cells: vec![cell], ..row }
    }
    fn event(&self, origin: &Origin<'_>, event: &Event<'_>) -> Row {
        let asset = event.asset.as_ref().map(|asset| AssetId::from(&*bounded(asset)));
        let asset = asset.unwrap_or_else(|| origin.device.asset.clone());
        let fields: serde_json::Map<_, _> = event
            .fields
            .iter()
            .map(|(name, number)| (without_nul(name).into_owned(), (*number).into()))
            .collect();
        let fields = serde_json::Value::Object(fields).to_string();
        let row = self.row(origin, Table::Events, &bounded(&event.name), asset);
        Row { cells: vec![Cell::Text(fields)], ..row }
    }
}

/// The values of a part, a position's parts among them as quantities, in WGS-84.
fn values_of<'o>(
    observation: &'o Observation<'_>,
    device: &Device,
) -> Vec<(Cow<'o, str>, Cow<'o, Value<'o>>)> {
    let readings = observation.readings.iter();
    let mut values: Vec<(Cow<'o, str>, Cow<'o, Value<'o>>)> =
        readings.map(|reading| (Cow::Borrowed(&*reading.quantity), Cow::Borrowed(&reading.value))).collect();
    let Some(fix) = &observation.fix else { return values };
    let has_speed = values.iter().any(|(quantity, _)| quantity == "speed");
    let point = fix.reported.from_crs(device.crs);
    let number = |name: &'static str, number: f64| (Cow::Borrowed(name), Cow::Owned(Value::Number(number)));
    values.push(number("latitude", point.lat));
    values.push(number("longitude", point.lon));
    values.push((Cow::Borrowed("fix_valid"), Cow::Owned(Value::Bool(fix.valid))));
    values.extend(fix.speed_kmh.filter(|_| !has_speed).map(|speed| number("speed", speed)));
    values.extend(fix.heading_deg.map(|heading| number("heading", heading)));
    values
}

fn cell_of(value: &Value<'_>) -> Cell {
    match value {
        Value::Number(number) => Cell::Number(*number),
        Value::Bool(state) => Cell::Bool(*state),
        Value::Text(text) => Cell::Text(without_nul(text).into_owned()),
        Value::Bools(states) => {
            Cell::Text(states.iter().map(|state| if *state { '1' } else { '0' }).collect())
        }
    }
}

/// What PostgreSQL can hold, for both databases alike.
fn whole_micros(at: Timestamp) -> Timestamp {
    Timestamp::from_nanos(at.nanos() - at.nanos().rem_euclid(1_000))
}

fn sum_of(payload: &[u8]) -> i64 {
    let digest = Digest::of(payload);
    digest.as_bytes().first_chunk().map_or(0, |first| i64::from_be_bytes(*first))
}

fn without_nul(text: &str) -> Cow<'_, str> {
    if text.contains('\0') { Cow::Owned(text.replace('\0', "\u{fffd}")) } else { Cow::Borrowed(text) }
}

fn bounded(name: &str) -> Cow<'_, str> {
    if name.len() <= NAME_BYTES_MAX {
        return without_nul(name);
    }
    let whole = Digest::of(name.as_bytes()).hex();
    let kept = name.get(..name.floor_char_boundary(NAME_BYTES_MAX - 17)).unwrap_or_default();
    Cow::Owned(format!("{}~{}", without_nul(kept), whole.get(..16).unwrap_or_default()))
}
