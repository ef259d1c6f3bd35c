//! The readings of one device and quantity, for a chart or for another program.

use axum::Json;
use axum::extract::State;
use citywarden_archive::{ReadingsPage, ReadingsQuery, Sample};
use citywarden_model::{DeviceId, QuantityName, Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::asked::{Asked, Name, Step};
use crate::Console;
use crate::history::{check_span, unit_of};
use crate::problem::Problem;

/// How far back is looked where nothing is said.
const LATELY: Span = Span::from_mins(60);

/// Which readings are wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct WantedReadings {
    device: Name,
    quantity: Name,
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    step: Option<Step>,
}

#[derive(Serialize)]
pub(super) struct Readings {
    device: DeviceId,
    quantity: QuantityName,
    unit: Option<&'static str>,
    from: Timestamp,
    to: Timestamp,
    samples: Vec<SampleJson>,
    next: Option<Timestamp>,
}

#[derive(Serialize)]
struct SampleJson {
    at: Timestamp,
    value: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
    count: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    flag: char,
}

impl From<Sample> for SampleJson {
    fn from(sample: Sample) -> Self {
        let Sample { at, value, min, max, count, text, flag } = sample;
        Self { at, value, min, max, count, text, flag }
    }
}

impl WantedReadings {
    fn query(self, now: Timestamp) -> Result<ReadingsQuery, Problem> {
        let to = self.to.unwrap_or(now);
        let from = self.from.unwrap_or(to - LATELY);
        check_span(from, to)?;
        Ok(ReadingsQuery {
            device: DeviceId::from(self.device.0),
            quantity: QuantityName::from(self.quantity.0),
            from,
            to,
            step: self.step.map(|step| step.0),
        })
    }
}

pub(super) async fn readings(
    State(console): State<Console>,
    Asked(wanted): Asked<WantedReadings>,
) -> Result<Json<Readings>, Problem> {
    let query = wanted.query(console.clock.now())?;
    let ReadingsPage { samples, next } = console.past.readings(query.clone()).await?;
    let ReadingsQuery { device, quantity, from, to, .. } = query;
    let samples = samples.into_iter().map(SampleJson::from).collect();
    Ok(Json(Readings { unit: unit_of(&quantity), device, quantity, from, to, samples, next }))
}
