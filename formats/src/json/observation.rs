//! One object: what a device says of one moment.

use std::borrow::Cow;
use std::fmt;

use citywarden_model::{Flag, Observation, Reading, Value};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Unexpected, Visitor};

use super::Limits;
use super::event::Events;
use super::member::{Name, Text, once};
use super::position::Position;
use super::reading::Readings;
use super::ts::Ts;

pub(crate) struct ObservationSeed {
    pub(crate) limits: Limits,
}

impl<'de> DeserializeSeed<'de> for ObservationSeed {
    type Value = Observation<'de>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for ObservationSeed {
    type Value = Observation<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut ts, mut readings, mut position, mut events, mut flag) = (None, None, None, None, None);
        while let Some(name) = map.next_key_seed(Name)? {
            match &*name {
                "ts" => once(&mut ts, map.next_value_seed(Ts)?, "ts")?,
                "readings" => {
                    once(
                        &mut readings,
                        map.next_value_seed(Readings { max: self.limits.readings })?,
                        "readings",
                    )?;
                }
                "position" => once(&mut position, map.next_value_seed(Position)?, "position")?,
                "events" => {
                    once(&mut events, map.next_value_seed(Events { max: self.limits.events })?, "events")?;
                }
                "flag" => once(&mut flag, flag_of(map.next_value_seed(Text("flag"))?.as_deref())?, "flag")?,
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let mut observation = Observation {
            observed_at: ts.flatten(),
            readings: readings.unwrap_or_default(),
            fix: position.flatten(),
            events: events.unwrap_or_default(),
            flag: flag.unwrap_or_default(),
        };
        add_speed(&mut observation);
        Ok(observation)
    }
}

fn flag_of<E: Error>(text: Option<&str>) -> Result<Flag, E> {
    let Some(text) = text else { return Ok(Flag::Normal) };
    Flag::parse(text)
        .ok_or_else(|| E::invalid_value(Unexpected::Str(text), &"one letter such as \"N\" for `flag`"))
}

/// The speed that the unit reports with its position is the quantity `speed`, where no reading says otherwise.
fn add_speed(observation: &mut Observation<'_>) {
    let Some(speed) = observation.fix.filter(|fix| fix.valid).and_then(|fix| fix.speed_kmh) else { return };
    if !observation.readings.iter().any(|reading| reading.quantity == "speed") {
        let quantity = Cow::Borrowed("speed");
        observation.readings.push(Reading { quantity, value: Value::Number(speed) });
    }
}
