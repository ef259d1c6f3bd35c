//! The county of the world: its rules, its registry, and what its devices report, staged so that the violations are
//! known before anything runs.

use std::sync::Arc;

use citywarden_model::{LocalClock, RegionId, Registry, Span, Timestamp};
use citywarden_problems::Problems;
use citywarden_registry::{Options, RegistryFiles, read};
use citywarden_rules::{RuleFile, RuleSet, load};

use crate::random::Dice;
use crate::time::BEGINNING;

/// The region of the world.
pub(crate) const REGION: &str = "330624";
/// The rule on the newest value: held for 20 s.
pub(crate) const DUST: &str = "world-dust";
/// The rule on a sum of events: what is counted twice violates it.
pub(crate) const OPENED: &str = "world-opened";

/// Between two readings of a device.
pub(crate) const INTERVAL: Span = Span::from_secs(5);
/// An opening of each reading.
const OPENING_S: u32 = 10;
/// One that is too long, with the others of its minute.
const LONG_OPENING_S: u32 = 100;
/// In the first minute not even that is too long.
const FIRST_LONG: usize = 13;

/// The versions of the rules, one of which is in force at a time. What is staged is the same by all of them.
#[derive(Debug, Clone)]
pub struct Rulebook(Arc<Vec<Arc<RuleSet>>>);

impl Rulebook {
    /// How many there are.
    pub(crate) const VERSIONS: u64 = 3;

    /// The version of this number.
    pub(crate) fn version(&self, number: usize) -> Option<&Arc<RuleSet>> {
        self.0.get(number)
    }
    pub(crate) fn versions(&self) -> impl Iterator<Item = &Arc<RuleSet>> {
        self.0.iter()
    }
}

/// The rules, loaded once for any number of worlds.
pub fn rules() -> Rulebook {
    let mean = include_str!("../rules/mean.toml");
    let dust = include_str!("../rules/dust.toml");
    let stricter = mean.replace("value = 75.0", "value = 60.0");
    let milder = mean.replace("value = 75.0", "value = 90.0");
    let dust_again = dust.replace("Dust", "Dust again");
    let versions = [(dust, mean), (dust, &*stricter), (&*dust_again, &*milder)];
    Rulebook(Arc::new(versions.map(|(dust, mean)| Arc::new(load_rules(dust, mean))).to_vec()))
}

fn load_rules(dust: &str, mean: &str) -> RuleSet {
    let texts = [
        ("burst.toml", include_str!("../rules/burst.toml")),
        ("dust.toml", dust),
        ("mean.toml", mean),
        ("opened.toml", include_str!("../rules/opened.toml")),
        ("silent.toml", include_str!("../rules/silent.toml")),
    ];
    let files: Vec<RuleFile> = texts
        .iter()
        .map(|(name, text)| RuleFile { name: (*name).to_owned(), text: (*text).to_owned() })
        .collect();
    let problems = Problems::new();
    let rules = load(&files, LocalClock::default(), &problems);
    let problems = problems.into_sorted();
    assert!(rules.rules.len() == texts.len(), "the world's own rules are right: {problems:?}");
    rules
}

/// A registry of so many sites with a device each.
pub(crate) fn registry(sites: usize) -> Arc<Registry> {
    let mut assets = "id,kind,name,region,grid,lat,lon\n".to_owned();
    let mut devices = "id,kind,asset,interval_s,review\n".to_owned();
    for site in 0..sites {
        assets.extend([&*asset_id(site), ",construction_site,Site,", REGION, ",,29.5,120.9\n"]);
        let interval = (INTERVAL.nanos() / Span::from_secs(1).nanos()).to_string();
        devices.extend([&*device_id(site), ",dust,", &asset_id(site), ",", &interval, ",yes\n"]);
    }
    let files = RegistryFiles::new("registry").with("assets.csv", assets).with("devices.csv", devices);
    let region = RegionId::from(REGION);
    let options = Options { region: &region, clock: LocalClock::default(), receivers: None, max_loss: None };
    let reading = read(&files, options, None);
    assert!(reading.registry.devices.len() == sites, "the world's registry is right: {:?}", reading.problems);
    Arc::new(reading.registry)
}

/// The device of this site.
pub(crate) fn device_id(site: usize) -> String {
    format!("dust-{site}")
}
/// The site of this number.
pub(crate) fn asset_id(site: usize) -> String {
    format!("site-{site}")
}
/// The topic that the device of this site publishes to.
pub(crate) fn topic(site: usize) -> String {
    format!("citywarden/{REGION}/{}/json", device_id(site))
}

/// What one device reports, from the first reading to the last.
#[derive(Debug, Clone)]
pub(crate) struct Script {
    pub(crate) site: usize,
    first_at: Timestamp,
    readings: Vec<Reading>,
    /// Messages for a reading: the reading, and what the device chats behind it.
    per_reading: usize,
}

#[derive(Debug, Clone, Copy)]
struct Reading {
    pm10: u32,
    pm25: u32,
    opened_s: u32,
}

/// A violation that a script holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Staged {
    pub(crate) rule: &'static str,
    pub(crate) site: usize,
    /// The numbers of the readings that violate, first and last.
    pub(crate) readings: (usize, usize),
    pub(crate) began_at: Timestamp,
    pub(crate) ended_at: Timestamp,
}

impl Script {
    /// So many readings of the device of a site, drawn at random, each with so much chatter behind it; a last violation
    /// begins at the reading `fresh_from`.
    pub(crate) fn draw(site: usize, fresh_from: usize, chatter: usize, dice: &mut Dice) -> Self {
        let first_at = BEGINNING + dice.millis(200, 4_800);
        let mut script = Self { site, first_at, readings: Vec::new(), per_reading: chatter + 1 };
        while script.readings.len() + 30 < fresh_from {
            script.calm(dice);
            if dice.percent(70) {
                script.dusty(dice);
            }
        }
        script.readings.truncate(fresh_from);
        while script.readings.len() < fresh_from {
            script.push(dice, false);
        }
        script.dusty(dice);
        script.push(dice, false);
        script.stage_openings(dice);
        script
    }
    fn push(&mut self, dice: &mut Dice, is_dusty: bool) {
        let pm10 = if is_dusty { dice.between(160, 400) } else { dice.between(20, 140) };
        let pm25 = if is_dusty { dice.between(60, 120) } else { dice.between(5, 60) };
        let number = |value: u64| u32::try_from(value).unwrap_or(0);
        self.readings.push(Reading { pm10: number(pm10), pm25: number(pm25), opened_s: OPENING_S });
    }
    fn calm(&mut self, dice: &mut Dice) {
        for _ in 0..dice.between(2, 15) {
            self.push(dice, false);
        }
    }
    /// Long enough to be raised, whatever stretches of it the device is cut off in.
    fn dusty(&mut self, dice: &mut Dice) {
        for _ in 0..dice.between(15, 22) {
            self.push(dice, true);
        }
        self.push(dice, false);
    }
    fn stage_openings(&mut self, dice: &mut Dice) {
        let mut at = FIRST_LONG + usize::try_from(dice.below(20)).unwrap_or(0);
        while let Some(reading) = self.readings.get_mut(at) {
            reading.opened_s = LONG_OPENING_S;
            at += usize::try_from(dice.between(16, 40)).unwrap_or(16);
        }
    }

    /// How many messages there are.
    pub(crate) const fn len(&self) -> usize {
        self.readings.len() * self.per_reading
    }
    /// Which reading this message is; [`None`] where it is chatter.
    pub(crate) const fn reading_of(&self, message: usize) -> Option<usize> {
        if message.is_multiple_of(self.per_reading) { Some(message / self.per_reading) } else { None }
    }
    /// When the device makes this message, and the time it gives it.
    pub(crate) fn at(&self, message: usize) -> Timestamp {
        let number = |count: usize| i64::try_from(count).unwrap_or(i64::MAX);
        let interval = INTERVAL.nanos() / number(self.per_reading);
        self.first_at + Span::from_nanos(interval.saturating_mul(number(message)))
    }
    /// The bytes of a message: no two are alike.
    pub(crate) fn payload(&self, message: usize) -> Vec<u8> {
        let ts = self.at(message).nanos() / 1_000_000;
        let reading = self.reading_of(message).and_then(|reading| self.readings.get(reading));
        let Some(Reading { pm10, pm25, opened_s }) = reading else {
            return format!(r#"{{"ts":{ts},"readings":{{"humidity":{}}}}}"#, message % 100).into_bytes();
        };
        format!(
            r#"{{"ts":{ts},"readings":{{"pm10":{pm10},"pm25":{pm25}}},"events":[{{"name":"opened","seconds":{opened_s}}}],"flag":"N"}}"#
        )
        .into_bytes()
    }

    /// The violations it holds.
    pub(crate) fn staged(&self) -> Vec<Staged> {
        let mut staged = Vec::new();
        let numbered: Vec<_> = self.readings.iter().enumerate().collect();
        for run in numbered.chunk_by(|(_, a), (_, b)| (a.pm10 > 150) == (b.pm10 > 150)) {
            if let (Some((first, reading)), Some((last, _))) = (run.first(), run.last())
                && reading.pm10 > 150
            {
                staged.push(self.stage(DUST, *first, *last));
            }
        }
        let long = numbered.iter().filter(|(_, reading)| reading.opened_s == LONG_OPENING_S);
        staged.extend(long.map(|(number, _)| self.stage(OPENED, *number, *number)));
        staged
    }
    fn stage(&self, rule: &'static str, first: usize, last: usize) -> Staged {
        let (began_at, ended_at) = (self.at(first * self.per_reading), self.at(last * self.per_reading));
        Staged { rule, site: self.site, readings: (first, last), began_at, ended_at }
    }
}
