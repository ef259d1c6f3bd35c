//! Things that happened.

use std::borrow::Cow;
use std::fmt;

use citywarden_model::Event;
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::member::{Name, Number, Text, float, once, signed_float, twice};

/// All events of an object; none where it is null.
pub(crate) struct Events {
    pub(crate) max: usize,
}

impl<'de> DeserializeSeed<'de> for Events {
    type Value = Vec<Event<'de>>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Events {
    type Value = Vec<Event<'de>>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of objects for `events`")
    }
    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut events = Vec::new();
        while let Some(event) = seq.next_element_seed(One { max: self.max })? {
            if events.len() == self.max {
                return Err(A::Error::custom(format_args!("`events` has more than {}", self.max)));
            }
            events.push(event);
        }
        Ok(events)
    }
}

struct One {
    max: usize,
}

impl<'de> DeserializeSeed<'de> for One {
    type Value = Event<'de>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for One {
    type Value = Event<'de>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with a `name` in `events`")
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut name, mut asset) = (None, None);
        let mut fields: Vec<(Cow<'de, str>, f64)> = Vec::new();
        while let Some(member) = map.next_key_seed(Name)? {
            match &*member {
                "name" => once(&mut name, map.next_value_seed(Text("events.name"))?, "events.name")?,
                "asset" => once(&mut asset, map.next_value_seed(Text("events.asset"))?, "events.asset")?,
                _ => {
                    let Some(number) = field(&mut map, &member)? else { continue };
                    if fields.iter().any(|(seen, _)| *seen == member) {
                        return Err(twice(&format!("events.{member}")));
                    }
                    if fields.len() == self.max {
                        return Err(A::Error::custom(format_args!(
                            "an event has more than {} numbers",
                            self.max
                        )));
                    }
                    fields.push((member, number));
                }
            }
        }
        let name =
            name.flatten().ok_or_else(|| A::Error::custom("an event has no `name`, expected a text"))?;
        Ok(Event { name, asset: asset.flatten(), fields })
    }
}

/// How long it took is known to be a number: as a text it would be a wash that never was.
fn field<'de, A: MapAccess<'de>>(map: &mut A, member: &str) -> Result<Option<f64>, A::Error> {
    if member == "seconds" {
        map.next_value_seed(Number("events.seconds"))
    } else {
        map.next_value_seed(IfNumber)
    }
}

/// A number; anything else is nothing.
struct IfNumber;

impl<'de> DeserializeSeed<'de> for IfNumber {
    type Value = Option<f64>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for IfNumber {
    type Value = Option<f64>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }
    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Some(number))
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(float(number)))
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(signed_float(number)))
    }
    fn visit_bool<E: Error>(self, _: bool) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_str<E: Error>(self, _: &str) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(None)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(None)
    }
}
