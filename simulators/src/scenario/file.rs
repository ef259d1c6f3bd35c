//! A scenario's file: TOML, every key named here.

use std::collections::BTreeMap;

use citywarden_model::{AlertKind, Span, TimeError};
use serde::{Deserialize, Deserializer, de::Error as _};

/// The whole file.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScenarioFile {
    /// One line of what is staged.
    pub(crate) title: String,
    /// The rule it is about.
    pub(crate) about: String,
    #[serde(deserialize_with = "span")]
    pub(crate) lasts: Span,
    #[serde(default, rename = "asset")]
    pub(crate) assets: Vec<AssetLine>,
    #[serde(default, rename = "device")]
    pub(crate) devices: Vec<DeviceLine>,
    #[serde(default, rename = "zone")]
    pub(crate) zones: Vec<ZoneLine>,
    #[serde(default, rename = "permit")]
    pub(crate) permits: Vec<PermitLine>,
    #[serde(default, rename = "truth")]
    pub(crate) truths: Vec<TruthLine>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct AssetLine {
    pub(crate) id: String,
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) name: String,
    /// Metres east and north of the county's middle.
    #[serde(default)]
    pub(crate) at: Option<[f64; 2]>,
    #[serde(default)]
    pub(crate) attributes: BTreeMap<String, String>,
}

/// What the device's messages are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Speech {
    #[default]
    Json,
    /// Uploads of minute data; readings are named by the codes of their factors.
    Hj212,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeviceLine {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) asset: String,
    /// Between two of its messages.
    #[serde(deserialize_with = "span")]
    pub(crate) every: Span,
    /// Its `interval_s` is empty.
    #[serde(default)]
    pub(crate) on_change: bool,
    /// Without a review its alerts are leads.
    #[serde(default)]
    pub(crate) unreviewed: bool,
    /// Reports in GCJ-02.
    #[serde(default)]
    pub(crate) gcj02: bool,
    #[serde(default)]
    pub(crate) speaks: Speech,
    #[serde(default)]
    pub(crate) attributes: BTreeMap<String, String>,
    #[serde(default, rename = "act")]
    pub(crate) acts: Vec<Act>,
}

/// Something a device does for a while. Acts at the same time are merged, later ones over earlier ones.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Act {
    /// From the start of the scenario.
    #[serde(default, deserialize_with = "span")]
    pub(crate) from: Span,
    /// The end of the scenario, where it is absent.
    #[serde(default, deserialize_with = "some_span")]
    pub(crate) to: Option<Span>,
    #[serde(default)]
    pub(crate) say: BTreeMap<String, Say>,
    /// Where it goes, metres east and north, evenly over the time of the act; one spot: where it stands.
    #[serde(default)]
    pub(crate) way: Vec<[f64; 2]>,
    /// The speed it reports, km/h; absent: that of its way.
    #[serde(default)]
    pub(crate) speed: Option<f64>,
    /// What happens in the act's first message.
    #[serde(default)]
    pub(crate) event: Option<EventLine>,
    #[serde(default)]
    pub(crate) flag: Option<char>,
    /// Messages arrive so much later.
    #[serde(default, deserialize_with = "some_span")]
    pub(crate) late: Option<Span>,
    /// The device's clock is so far ahead.
    #[serde(default, deserialize_with = "some_span")]
    pub(crate) clock_ahead: Option<Span>,
    /// Messages come twice.
    #[serde(default)]
    pub(crate) twice: bool,
    /// Nothing is sent.
    #[serde(default)]
    pub(crate) silent: bool,
}

/// What is said of one quantity.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(untagged)]
pub(crate) enum Say {
    State(bool),
    Number(f64),
    Word(String),
    /// Anywhere from the first to the second.
    Between([f64; 2]),
    States(Vec<bool>),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct EventLine {
    pub(crate) washed: String,
    pub(crate) seconds: i64,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ZoneLine {
    pub(crate) id: String,
    pub(crate) kind: String,
    #[serde(default)]
    pub(crate) asset: String,
    /// West, south, east and north edge, metres from the county's middle.
    pub(crate) block: [f64; 4],
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct PermitLine {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) asset: String,
}

/// A part of the day that a truth holds in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum PartOfDay {
    Day,
    Night,
}

/// What has to be raised, once, from `from` to `to`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct TruthLine {
    pub(crate) rule: String,
    pub(crate) asset: String,
    #[serde(default = "violation")]
    pub(crate) kind: AlertKind,
    #[serde(deserialize_with = "span")]
    pub(crate) from: Span,
    #[serde(deserialize_with = "span")]
    pub(crate) to: Span,
    /// Only by day (06:00 to 22:00) or by night; absent: always.
    #[serde(default)]
    pub(crate) only: Option<PartOfDay>,
}

const fn violation() -> AlertKind {
    AlertKind::Violation
}

fn span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Span, D::Error> {
    let text = String::deserialize(deserializer)?;
    sum(&text).map_err(D::Error::custom)
}

/// `90s`, `2m30s`: durations one behind the other.
fn sum(text: &str) -> Result<Span, TimeError> {
    let is_end = |(_, pair): &(usize, &[u8])| matches!(pair, [unit, digit] if !unit.is_ascii_digit() && digit.is_ascii_digit());
    let end = text.as_bytes().windows(2).enumerate().find(is_end).map_or(text.len(), |(place, _)| place + 1);
    let (first, rest) = text.split_at_checked(end).unwrap_or((text, ""));
    let first = Span::parse(first)?;
    if rest.is_empty() { Ok(first) } else { Ok(first + sum(rest)?) }
}

fn some_span<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Span>, D::Error> {
    span(deserializer).map(Some)
}
