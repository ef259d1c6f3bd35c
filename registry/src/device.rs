//! `devices.csv`: who sends.

use std::time::Duration;

use citywarden_model::{AssetId, Device, DeviceId, Span};

use crate::asset::read_crs;
use crate::attribute::DEVICE_ATTRIBUTES;
use crate::files::DEVICES;
use crate::record::{Locality, Record};
use crate::reference::{Reference, Target};
use crate::table::{Columns, Line, Refused};

/// The longest time between two readings that is taken for one: beyond, it is a slip of the fingers.
const MAX_INTERVAL: Duration = Duration::from_hours(31 * 24);

impl Record for Device {
    type Id = DeviceId;
    const FILE: &'static str = DEVICES;
    const COLUMNS: Columns = Columns {
        required: &["id", "kind", "asset", "interval_s"],
        optional: &["crs"],
        attributes: DEVICE_ATTRIBUTES,
    };

    fn read(id: DeviceId, line: &Line<'_, '_>, _: Locality<'_>) -> Result<Self, Refused> {
        let kind = line.need("kind", |text| Ok(text.to_owned()));
        let asset = line.need("asset", |text| Ok(AssetId::from(text)));
        let interval = line.read("interval_s", read_interval);
        let crs = line.read("crs", read_crs);
        let attributes = line.attributes();
        Ok(Self {
            id,
            kind: kind?,
            asset: asset?,
            interval: interval?,
            crs: crs?.unwrap_or_default(),
            attributes,
        })
    }
    fn references(&self) -> Vec<Reference<'_>> {
        vec![Reference { column: "asset", to: Target::Asset, id: self.asset.as_str() }]
    }
}

fn read_interval(text: &str) -> Result<Span, String> {
    let interval = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    interval
        .filter(|interval| !interval.is_zero() && *interval <= MAX_INTERVAL)
        .and_then(|interval| Some(Span::from_nanos(i64::try_from(interval.as_nanos()).ok()?)))
        .ok_or_else(|| format!("`{text}` is no interval; expected seconds above 0, or an empty cell for a device that reports on change"))
}
