//! The readings of one device and quantity, for a chart or for another program.

use axum::Json;
use axum::extract::State;
use citywarden_archive::{ReadingsQuery, Sample};
use citywarden_model::{DeviceId, QuantityName, Span, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::asked::{Asked, Bound, Name, Step};
use crate::Console;
use crate::history::unit_of;
use crate::problem::Problem;

/// How far back is looked where nothing is said.
const LATELY: Span = Span::from_mins(60);

/// How much of the past one answer looks through; what is asked beyond that is on the next page.
const LOOK: Span = Span::from_mins(366 * 24 * 60);

/// Which readings are wanted.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WantedReadings {
    /// The id of a device.
    #[param(value_type = String, min_length = 1, max_length = 256, example = "sprinkler-07")]
    device: Name,
    /// What it measures; of positions `latitude`, `longitude`, `heading`, `fix_valid`.
    #[param(value_type = String, min_length = 1, max_length = 256, example = "sound_level")]
    quantity: Name,
    /// Observed at or after this moment; an hour before `to` where nothing is said.
    #[param(value_type = Option<String>, format = DateTime)]
    from: Option<Bound>,
    /// Observed before this moment; now, where nothing is said.
    #[param(value_type = Option<String>, format = DateTime)]
    to: Option<Bound>,
    /// One sample for each step from `from` on, of normal readings only, as `30s`, `5m`, `1h`, `1d`: 1 s to 31 days.
    /// Without it each reading as it is.
    #[param(value_type = Option<String>, pattern = "^[1-9][0-9]{0,3}(s|m)$|^([1-9]|1[0-9]|2[0-9])(h|d)$", example = "5m")]
    step: Option<Step>,
}

/// Readings in order of time, at most 10 000.
#[derive(Serialize, ToSchema)]
pub(super) struct Readings {
    #[schema(value_type = String)]
    device: DeviceId,
    #[schema(value_type = String)]
    quantity: QuantityName,
    /// In which the values are; null: not known, or none.
    #[schema(required, value_type = Option<String>)]
    unit: Option<&'static str>,
    #[schema(value_type = String, format = DateTime)]
    from: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    to: Timestamp,
    samples: Vec<SampleJson>,
    /// The `from` of the next page; null: these are all.
    #[schema(required, value_type = Option<String>, format = DateTime)]
    next: Option<Timestamp>,
}

/// One reading, or those of a step.
#[derive(Serialize, ToSchema)]
#[schema(as = Sample)]
struct SampleJson {
    /// When it was observed, or where the step begins.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The value or the mean: of sound levels that of the energies, of directions that of the vectors; true is 1, false
    /// 0; null where it is a text.
    #[schema(required)]
    value: Option<f64>,
    #[schema(required)]
    min: Option<f64>,
    #[schema(required)]
    max: Option<f64>,
    /// How many readings it is of.
    count: u64,
    /// The value, where it is a text; an array of booleans as `1` and `0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The data flag, `N` for normal.
    #[schema(value_type = String)]
    flag: char,
}

impl From<Sample> for SampleJson {
    fn from(sample: Sample) -> Self {
        let Sample { at, value, min, max, count, text, flag } = sample;
        Self { at, value, min, max, count, text, flag }
    }
}

impl WantedReadings {
    fn query(self, now: Timestamp) -> ReadingsQuery {
        let to = self.to.map_or(now, |bound| bound.0);
        let from = self.from.map_or(to - LATELY, |bound| bound.0);
        ReadingsQuery {
            device: DeviceId::from(self.device.0),
            quantity: QuantityName::from(self.quantity.0),
            from,
            to,
            step: self.step.map(|step| step.0),
        }
    }
}

/// The moment up to which is looked at once: a whole number of steps away.
fn end_of_look(query: &ReadingsQuery) -> Timestamp {
    let step = query.step.map_or(1, Span::nanos);
    query.to.min(query.from + Span::from_nanos(LOOK.nanos() / step * step))
}

/// The readings of one device and quantity, from the archive.
#[utoipa::path(
    get, path = "/api/v1/readings", tag = "readings", operation_id = "listReadings", params(WantedReadings),
    responses((status = 200, description = "A page of them.", body = Readings))
)]
pub(super) async fn readings(
    State(console): State<Console>,
    Asked(wanted): Asked<WantedReadings>,
) -> Result<Json<Readings>, Problem> {
    let wanted = wanted.query(console.clock.now());
    let end = end_of_look(&wanted);
    let page = console.past.readings(ReadingsQuery { to: end, ..wanted.clone() }).await?;
    let ReadingsQuery { device, quantity, from, to, .. } = wanted;
    let next = page.next.or((end < to).then_some(end));
    let samples = page.samples.into_iter().map(SampleJson::from).collect();
    Ok(Json(Readings { unit: unit_of(&quantity), device, quantity, from, to, samples, next }))
}
