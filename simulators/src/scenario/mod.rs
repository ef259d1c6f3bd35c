//! Scenarios: small counties in which one rule is broken, its clean twin beside it, and what looks like a violation and
//! is none. Each is a TOML file that a person can read, copy and change; those of `scenarios/` are built in.

mod file;
mod register;
mod staging;

use citywarden_model::{LocalClock, Span, Timestamp};

use crate::message::TimedMessage;
use crate::registry::RegistryTexts;
use crate::truth::Truth;
use file::{PartOfDay, ScenarioFile};

macro_rules! built_in {
    ($($name:literal)+) => {
        /// The built-in scenarios: name and text.
        pub const BUILT_IN: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../scenarios/", $name, ".toml"))),)+];
    };
}

built_in! {
    "construction-noise" "fume-concentration" "linear-works-spraying" "muck-truck-uncovered"
    "nozzle-spacing" "site-dust" "sprinkler-chime-loudness" "truck-leaves-unwashed"
}

/// The longest scenario.
const LASTS_MAX: Span = Span::from_mins(48 * 60);
/// The most messages of a scenario.
const MESSAGES_MAX: i64 = 1_000_000;

/// A text that is no scenario.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// Not the TOML that is expected; the message names line and column.
    #[error("{0}")]
    Toml(String),
    /// It cannot be played.
    #[error("{0}")]
    Impossible(String),
}

/// A scenario that can be played.
#[derive(Debug, Clone)]
pub struct Scenario(ScenarioFile);

impl Scenario {
    /// The built-in scenario of this name.
    pub fn built_in(name: &str) -> Option<Result<Self, ScenarioError>> {
        BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| Self::read(text))
    }

    /// Reads a scenario's file.
    pub fn read(text: &str) -> Result<Self, ScenarioError> {
        let file: ScenarioFile = toml::from_str(text)
            .map_err(|error| ScenarioError::Toml(error.to_string().trim_end().to_owned()))?;
        check(&file).map_err(ScenarioError::Impossible)?;
        Ok(Self(file))
    }

    /// One line of what is staged.
    pub fn title(&self) -> &str {
        &self.0.title
    }
    /// The rule it is about.
    pub fn about(&self) -> &str {
        &self.0.about
    }
    /// How long it takes.
    pub fn lasts(&self) -> Span {
        self.0.lasts
    }
    /// The registry files of its county.
    pub fn registry(&self, start: Timestamp) -> RegistryTexts {
        register::texts(&self.0, start)
    }
    /// All its messages, in the order in which they arrive. The same seed and start give the same messages.
    pub fn messages(&self, seed: u64, start: Timestamp) -> Vec<TimedMessage> {
        staging::messages(&self.0, seed, start)
    }
    /// What has to be raised, and nothing else may be. Where night begins or ends while it plays, a truth that holds by
    /// day or by night only is told for the part of the day it begins in.
    pub fn truth(&self, start: Timestamp) -> Vec<Truth> {
        let lines = self
            .0
            .truths
            .iter()
            .filter(|line| line.only.is_none_or(|part| part == part_of_day(start + line.from)));
        let mut truths: Vec<Truth> = lines
            .map(|line| Truth {
                rule: line.rule.clone(),
                asset: line.asset.clone(),
                kind: line.kind,
                from: start + line.from,
                to: start + line.to,
            })
            .collect();
        truths.sort_by(|a, b| (a.from, &a.rule, &a.asset, a.kind).cmp(&(b.from, &b.rule, &b.asset, b.kind)));
        truths
    }
}

/// Night is from 22:00 to 06:00.
fn part_of_day(at: Timestamp) -> PartOfDay {
    const HOUR_S: u32 = 3_600;
    match LocalClock::default().second_of_day(at) / HOUR_S {
        6..22 => PartOfDay::Day,
        _ => PartOfDay::Night,
    }
}

fn check(file: &ScenarioFile) -> Result<(), String> {
    if file.lasts <= Span::ZERO || file.lasts > LASTS_MAX {
        return Err(format!("`lasts` is {:?}, expected up to {LASTS_MAX:?}", file.lasts));
    }
    let mut messages = 0;
    for device in &file.devices {
        if device.every < Span::from_secs(1) {
            return Err(format!(
                "device `{}`: `every` is {:?}, expected 1s or more",
                device.id, device.every
            ));
        }
        messages += file.lasts.nanos() / device.every.nanos();
        if let Some(act) = device.acts.iter().find(|act| act.to.is_some_and(|to| to <= act.from)) {
            return Err(format!(
                "device `{}`: an act ends at {:?}, where it begins or before",
                device.id, act.to
            ));
        }
        if !file.assets.iter().any(|asset| asset.id == device.asset) {
            return Err(format!("device `{}`: its asset `{}` is not here", device.id, device.asset));
        }
    }
    if messages > MESSAGES_MAX {
        return Err(format!("{messages} messages, expected up to {MESSAGES_MAX}"));
    }
    match file.truths.iter().find(|truth| !file.assets.iter().any(|asset| asset.id == truth.asset)) {
        Some(truth) => Err(format!("truth of `{}`: its asset `{}` is not here", truth.rule, truth.asset)),
        None => Ok(()),
    }
}
