//! What is shown beside the alerts.

use axum::Json;
use axum::extract::State;
use citywarden_model::DeadLetterReason;
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::asked::{Asked, Name, Next, Number, Place};
use crate::Console;
use crate::problem::Problem;
use crate::reads::{VerdictFilter, VerdictLine};
use crate::schema::DeadLetterReasonSchema;
use crate::wire::{
    Assets, DeadDeliveryJson, DeadLettersJson, DeviceJson, Devices, PermitJson, Permits, Rules, Silences,
    VerdictJson, VerdictPage,
};

const VERDICTS: u16 = 1000;
/// The kind of permit that keeps an asset's alerts quiet.
const SILENCE: &str = "silence";

/// What a rule says of an asset, as a word.
#[derive(Clone, Copy, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = Verdict)]
enum VerdictWord {
    Compliant,
    EarlyWarning,
    Violation,
    Undecided,
    Fault,
}

impl VerdictWord {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Compliant => "compliant",
            Self::EarlyWarning => "early_warning",
            Self::Violation => "violation",
            Self::Undecided => "undecided",
            Self::Fault => "fault",
        }
    }
}

/// Which verdicts are wanted: those that fit everything that is named.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WantedVerdicts {
    /// The id of an asset.
    #[param(value_type = Option<String>, min_length = 1, max_length = 256)]
    asset: Option<Name>,
    /// The id of a rule.
    #[param(value_type = Option<String>, min_length = 1, max_length = 256)]
    rule: Option<Name>,
    #[param(inline)]
    verdict: Option<VerdictWord>,
    /// The `next` of the page before.
    #[param(value_type = Option<String>, pattern = "^[a-z0-9-]+/[a-z0-9-]+$")]
    cursor: Option<Next<VerdictPlace>>,
    /// At most so many; 1000 where nothing is said.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 10000)]
    limit: Option<Number<1, 10_000>>,
}

/// A place in the list of verdicts.
#[derive(Debug, Clone)]
struct VerdictPlace {
    rule: String,
    asset: String,
}

impl Place for VerdictPlace {
    fn read(text: &str) -> Option<Self> {
        let (rule, asset) = text.split_once('/')?;
        Some(Self { rule: rule.to_owned(), asset: asset.to_owned() })
    }
}

impl VerdictPlace {
    fn of(line: &VerdictLine) -> String {
        format!("{}/{}", line.rule, line.asset)
    }
    fn is_reached(&self, line: &VerdictLine) -> bool {
        (line.rule.as_str(), line.asset.as_str()) >= (self.rule.as_str(), self.asset.as_str())
    }
}

/// What the rules say of the assets now, by rule and asset.
#[utoipa::path(
    get, path = "/api/v1/verdicts", tag = "county", operation_id = "listVerdicts", params(WantedVerdicts),
    responses((status = 200, description = "A page of them.", body = VerdictPage))
)]
pub(super) async fn verdicts(
    State(console): State<Console>,
    Asked(wanted): Asked<WantedVerdicts>,
) -> Result<Json<VerdictPage>, Problem> {
    let filter = VerdictFilter {
        asset: wanted.asset.map(|name| name.0),
        rule: wanted.rule.map(|name| name.0),
        verdict: wanted.verdict.map(VerdictWord::as_str),
    };
    let limit = usize::from(wanted.limit.map_or(VERDICTS, |limit| limit.0));
    let from = wanted.cursor.map(|cursor| cursor.0);
    let lines = console.reads.verdicts(&filter)?;
    let mut lines = lines.iter().filter(|line| from.as_ref().is_none_or(|from| from.is_reached(line)));
    let verdicts = lines.by_ref().take(limit).map(VerdictJson::of).collect();
    Ok(Json(VerdictPage { verdicts, next: lines.next().map(VerdictPlace::of) }))
}

/// Whose lines are wanted.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct OfAsset {
    /// The id of an asset.
    #[param(value_type = Option<String>, min_length = 1, max_length = 256)]
    asset: Option<Name>,
}

impl OfAsset {
    fn admits(&self, asset: &citywarden_model::AssetId) -> bool {
        self.asset.as_ref().is_none_or(|name| name.0 == asset.as_str())
    }
}

/// The assets of the registry.
#[utoipa::path(
    get, path = "/api/v1/assets", tag = "county", operation_id = "listAssets", params(OfAsset),
    responses((status = 200, description = "All of them, or the one that is named.", body = Assets))
)]
pub(super) async fn assets(
    State(console): State<Console>,
    Asked(wanted): Asked<OfAsset>,
) -> Result<Json<Assets>, Problem> {
    let mut assets = console.reads.assets()?;
    assets.retain(|asset| wanted.admits(&asset.id));
    Ok(Json(Assets { assets }))
}

/// The devices of the registry, and when they were heard.
#[utoipa::path(
    get, path = "/api/v1/devices", tag = "county", operation_id = "listDevices", params(OfAsset),
    responses((status = 200, description = "All of them, or those of one asset.", body = Devices))
)]
pub(super) async fn devices(
    State(console): State<Console>,
    Asked(wanted): Asked<OfAsset>,
) -> Result<Json<Devices>, Problem> {
    let devices = console.reads.devices()?.into_iter();
    let devices = devices.filter(|line| wanted.admits(&line.device.asset)).map(DeviceJson::of).collect();
    Ok(Json(Devices { devices }))
}

/// The rules in force.
#[utoipa::path(
    get, path = "/api/v1/rules", tag = "county", operation_id = "listRules",
    responses((status = 200, description = "All of them.", body = Rules))
)]
pub(super) async fn rules(State(console): State<Console>) -> Result<Json<Rules>, Problem> {
    Ok(Json(Rules { rules: console.reads.rules()? }))
}

/// The permits of the registry, silences among them.
#[utoipa::path(
    get, path = "/api/v1/permits", tag = "county", operation_id = "listPermits", params(OfAsset),
    responses((status = 200, description = "All of them, or those of one asset.", body = Permits))
)]
pub(super) async fn permits(
    State(console): State<Console>,
    Asked(wanted): Asked<OfAsset>,
) -> Result<Json<Permits>, Problem> {
    Ok(Json(Permits { permits: lines_of_permits(&console, &wanted)? }))
}

/// The silences of the registry: permits of kind `silence`.
#[utoipa::path(
    get, path = "/api/v1/silences", tag = "county", operation_id = "listSilences", params(OfAsset),
    responses((status = 200, description = "All of them, or those of one asset.", body = Silences))
)]
pub(super) async fn silences(
    State(console): State<Console>,
    Asked(wanted): Asked<OfAsset>,
) -> Result<Json<Silences>, Problem> {
    let mut silences = lines_of_permits(&console, &wanted)?;
    silences.retain(|permit| permit.kind == SILENCE);
    Ok(Json(Silences { silences }))
}

fn lines_of_permits(console: &Console, wanted: &OfAsset) -> Result<Vec<PermitJson>, Problem> {
    let now = console.clock.now();
    let permits = console.reads.permits()?.into_iter();
    Ok(permits
        .filter(|permit| wanted.admits(&permit.asset))
        .map(|permit| PermitJson::of(permit, now))
        .collect())
}

/// Which dead letters are wanted.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct WantedLetters {
    #[param(inline, value_type = Option<DeadLetterReasonSchema>)]
    reason: Option<DeadLetterReason>,
}

/// What could not be decoded or matched, and what receivers did not take: how many, and the latest of them.
#[utoipa::path(
    get, path = "/api/v1/deadletters", tag = "readings", operation_id = "listDeadLetters", params(WantedLetters),
    responses((status = 200, description = "Newest first.", body = DeadLettersJson))
)]
pub(super) async fn dead_letters(
    State(console): State<Console>,
    Asked(wanted): Asked<WantedLetters>,
) -> Result<Json<DeadLettersJson>, Problem> {
    let mut messages = console.reads.dead_letters()?;
    if let Some(reason) = wanted.reason {
        messages.recent.retain(|letter| letter.reason == reason);
        messages.counts.retain(|known, _| *known == reason);
    }
    let standing = console.alerting.standing();
    let notifications = standing.dead.iter().rev().map(DeadDeliveryJson::of).collect();
    Ok(Json(DeadLettersJson { messages, notifications }))
}
