//! The messages of a scenario: each device asked at each of its moments what its acts make it say.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use citywarden_formats::hj212;
use citywarden_model::{Crs, DeviceId, LocalClock, Span, Timestamp};

use super::file::{Act, DeviceLine, Say, ScenarioFile, Speech};
use crate::county::REGION;
use crate::dice::Dice;
use crate::message::{Payload, TimedMessage};
use crate::place::{Spot, along, length, spot};

/// On its way from the device a message takes from the first to the sum of both, in milliseconds.
const ON_ITS_WAY_MS: (i64, u32) = (50, 550);
/// A message that comes twice comes so long after the first.
const AGAIN_AFTER: Span = Span::from_millis(1_500);

/// All messages, in the order in which they arrive.
pub(super) fn messages(file: &ScenarioFile, seed: u64, start: Timestamp) -> Vec<TimedMessage> {
    let mut all: Vec<TimedMessage> =
        file.devices.iter().flat_map(|device| of_device(device, file.lasts, seed, start)).collect();
    // stable: what one device sends at one moment stays in order
    all.sort_by(|a, b| (a.at, &a.device).cmp(&(b.at, &b.device)));
    all
}

fn of_device(line: &DeviceLine, lasts: Span, seed: u64, start: Timestamp) -> Vec<TimedMessage> {
    let id = DeviceId::from(line.id.as_str());
    let format = match line.speaks {
        Speech::Json => "json",
        Speech::Hj212 => "hj212",
    };
    let topic: Arc<str> = Arc::from(format!("citywarden/{REGION}/{id}/{format}"));
    let mut dice = Dice::of(seed, &line.id);
    let mut messages = Vec::new();
    let mut passed = line.every;
    while passed < lasts {
        let scene = Scene::at(line, passed, lasts);
        let payload = scene.payload(line, start + passed, &mut dice);
        let (least, spread) = ON_ITS_WAY_MS;
        let on_its_way = Span::from_millis(least + i64::from(dice.below(spread)));
        let at = start + passed + on_its_way + scene.late;
        if let Some(payload) = payload {
            let message = TimedMessage { at, device: id.clone(), topic: Arc::clone(&topic), payload };
            if scene.twice {
                messages.push(TimedMessage { at: at + AGAIN_AFTER, ..message.clone() });
            }
            messages.push(message);
        }
        passed = passed + line.every;
    }
    messages.retain(|message| message.at < start + lasts);
    messages
}

/// What a device's acts come to at one moment.
#[derive(Default)]
struct Scene<'s> {
    says: BTreeMap<&'s str, &'s Say>,
    moves: Option<(Spot, f64, f64)>,
    event: Option<(&'s str, i64)>,
    flag: Option<char>,
    late: Span,
    ahead: Span,
    twice: bool,
    silent: bool,
}

impl<'s> Scene<'s> {
    fn at(line: &'s DeviceLine, passed: Span, lasts: Span) -> Self {
        let mut scene = Self::default();
        for act in &line.acts {
            let until = act.to.unwrap_or(lasts);
            if act.from <= passed && passed < until {
                scene.add(act, passed, until, line.every);
            }
        }
        scene
    }

    fn add(&mut self, act: &'s Act, passed: Span, until: Span, every: Span) {
        self.says.extend(act.say.iter().map(|(quantity, say)| (quantity.as_str(), say)));
        if let Some(moves) = moves(act, passed, until) {
            self.moves = Some(moves);
        }
        let is_first = passed - every < act.from;
        if let Some(event) = act.event.as_ref().filter(|_| is_first) {
            self.event = Some((&event.washed, event.seconds));
        }
        self.flag = act.flag.or(self.flag);
        self.late = act.late.unwrap_or(self.late);
        self.ahead = act.clock_ahead.unwrap_or(self.ahead);
        self.twice |= act.twice;
        self.silent |= act.silent;
    }

    fn payload(&self, line: &DeviceLine, now: Timestamp, dice: &mut Dice) -> Option<Vec<u8>> {
        let observed = now + self.ahead;
        let nothing = self.says.is_empty() && self.moves.is_none() && self.event.is_none();
        if self.silent || nothing {
            return None;
        }
        match line.speaks {
            Speech::Json => Some(self.json(line, observed, dice).into_bytes()),
            Speech::Hj212 => self.hj212(observed - line.every, dice),
        }
    }

    fn json(&self, line: &DeviceLine, observed: Timestamp, dice: &mut Dice) -> String {
        let mut payload = Payload::at(observed);
        for (quantity, say) in &self.says {
            payload = match say {
                Say::State(on) => payload.state(quantity, *on),
                Say::Number(number) => payload.reading(quantity, &number.to_string()),
                Say::Word(word) => payload.word(quantity, word),
                Say::Between(bounds) => payload.number(quantity, between(*bounds, dice), 2),
                Say::States(states) => payload.states(quantity, states),
            };
        }
        if let Some((here, speed, heading)) = self.moves {
            let crs = if line.gcj02 { Crs::Gcj02 } else { Crs::Wgs84 };
            payload = payload.position(here.point(), crs, speed, heading);
        }
        if let Some((asset, seconds)) = self.event {
            payload = payload.washed(asset, seconds);
        }
        if let Some(letter) = self.flag {
            payload = payload.flag(letter);
        }
        payload.finish()
    }

    /// An upload of minute data that began at that moment.
    fn hj212(&self, begun: Timestamp, dice: &mut Dice) -> Option<Vec<u8>> {
        let local = LocalClock::default().write(begun);
        let digits: String = local.chars().filter(char::is_ascii_digit).take(14).collect();
        let mut segment = format!(
            "QN={digits}000;ST=39;CN=2051;PW=123456;MN=SIMULATED000000000000001;Flag=5;CP=&&DataTime={digits}"
        );
        let flag = self.flag.unwrap_or('N');
        for (code, say) in &self.says {
            let value = match say {
                Say::Number(number) => number.to_string(),
                Say::Between(bounds) => format!("{:.3}", between(*bounds, dice)),
                Say::State(_) | Say::Word(_) | Say::States(_) => continue,
            };
            write!(segment, ";{code}-Avg={value},{code}-Flag={flag}").expect("a string takes every text");
        }
        segment.push_str("&&");
        hj212::frame(segment.as_bytes())
    }
}

fn between([least, most]: [f64; 2], dice: &mut Dice) -> f64 {
    dice.around(f64::midpoint(least, most), (most - least) / 2.0)
}

/// Where it is, how fast (km/h) and in which direction.
fn moves(act: &Act, passed: Span, until: Span) -> Option<(Spot, f64, f64)> {
    let way: Vec<Spot> = act.way.iter().map(|[east, north]| spot(*east, *north)).collect();
    let first = *way.first()?;
    let takes = (until - act.from).seconds();
    let (here, heading) = match way.len() {
        1 => (first, 0.0),
        _ => along(&way, (passed - act.from).seconds() / takes),
    };
    let speed = act.speed.unwrap_or(length(&way) / takes * 3.6);
    Some((here, speed, heading))
}
