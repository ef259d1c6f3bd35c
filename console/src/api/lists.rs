//! What is shown beside the alerts.

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use citywarden_model::Verdict;
use serde::Serialize;

use super::query::Parameters;
use crate::Console;
use crate::problem::Problem;
use crate::reads::{RuleSummary, VerdictFilter};
use crate::wire::{Assets, DeadDeliveryJson, DeadLettersJson, DeviceJson, Devices, VerdictJson, VerdictPage};

const VERDICTS_MAX: usize = 10_000;

pub(super) async fn verdicts(
    State(console): State<Console>,
    mut parameters: Parameters,
) -> Result<Response, Problem> {
    let filter = VerdictFilter {
        asset: parameters.text("asset")?,
        rule: parameters.text("rule")?,
        verdict: parameters.value(
            "verdict",
            "compliant, early_warning, violation, undecided or fault",
            |text| Verdict::WORDS.iter().copied().find(|word| *word == text),
        )?,
    };
    parameters.finish()?;
    let lines = console.reads.verdicts(&filter);
    let verdicts = lines.iter().take(VERDICTS_MAX).map(VerdictJson::of).collect();
    Ok(Json(VerdictPage { verdicts, truncated: lines.len() > VERDICTS_MAX }).into_response())
}

pub(super) async fn assets(State(console): State<Console>) -> Response {
    Json(Assets { assets: console.reads.assets() }).into_response()
}

pub(super) async fn devices(State(console): State<Console>) -> Response {
    let devices = console.reads.devices();
    Json(Devices { devices: devices.iter().map(DeviceJson::of).collect() }).into_response()
}

#[derive(Serialize)]
struct Rules {
    rules: Vec<RuleSummary>,
}

pub(super) async fn rules(State(console): State<Console>) -> Response {
    Json(Rules { rules: console.reads.rules() }).into_response()
}

pub(super) async fn dead_letters(State(console): State<Console>) -> Response {
    let standing = console.alerting.standing();
    let notifications = standing.dead.iter().rev().map(DeadDeliveryJson::of).collect();
    Json(DeadLettersJson { messages: console.reads.dead_letters(), notifications }).into_response()
}
