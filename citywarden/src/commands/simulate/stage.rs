//! What is played: a built-in scenario, a scenario's file, or the demo's county.

use std::path::Path;

use anyhow::Context as _;
use citywarden_model::{Span, Timestamp};
use citywarden_simulators::scenario::{BUILT_IN, Scenario};
use citywarden_simulators::{County, RegistryTexts, TimedMessage, Truth};

/// The name of the demo's county.
pub(super) const COUNTY: &str = "county";

pub(super) struct Stage {
    seed: u64,
    play: Script,
}

enum Script {
    County,
    Scenario(Box<Scenario>),
}

impl Stage {
    /// A built-in name, or else a file.
    pub(super) fn open(name: &str, seed: u64) -> anyhow::Result<Self> {
        let play = match Scenario::built_in(name) {
            _ if name == COUNTY => Script::County,
            Some(scenario) => Script::Scenario(Box::new(scenario?)),
            None => Script::Scenario(Box::new(read(name)?)),
        };
        Ok(Self { seed, play })
    }
    /// How long it takes; `None`: it has no end.
    pub(super) fn lasts(&self) -> Option<Span> {
        match &self.play {
            Script::County => None,
            Script::Scenario(scenario) => Some(scenario.lasts()),
        }
    }
    pub(super) fn registry(&self, start: Timestamp) -> RegistryTexts {
        match &self.play {
            Script::County => County::new(self.seed, start).registry(),
            Script::Scenario(scenario) => scenario.registry(start),
        }
    }
    pub(super) fn truth(&self, start: Timestamp, lasts: Option<Span>) -> anyhow::Result<Vec<Truth>> {
        match &self.play {
            Script::Scenario(scenario) => {
                let mut truths = scenario.truth(start);
                truths.retain(|truth| lasts.is_none_or(|lasts| truth.from < start + lasts));
                Ok(truths)
            }
            Script::County => {
                let lasts =
                    lasts.context("the county has no end: say with --for how long its truth is told")?;
                Ok(County::new(self.seed, start).truth(start + lasts))
            }
        }
    }
    pub(super) fn messages(&self, start: Timestamp) -> Box<dyn Iterator<Item = TimedMessage>> {
        match &self.play {
            Script::County => Box::new(County::new(self.seed, start)),
            Script::Scenario(scenario) => Box::new(scenario.messages(self.seed, start).into_iter()),
        }
    }
}

fn read(path: &str) -> anyhow::Result<Scenario> {
    let names = || BUILT_IN.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    if !Path::new(path).exists() {
        anyhow::bail!("`{path}` is no scenario and no file; expected one of {}, {COUNTY}", names());
    }
    let text = std::fs::read_to_string(path).with_context(|| format!("{path} cannot be read"))?;
    Scenario::read(&text).with_context(|| path.to_owned())
}
