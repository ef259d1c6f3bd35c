//! Measured values by the name of what was measured.

use std::borrow::Cow;
use std::fmt;

use citywarden_model::{Reading, Value};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::member::{Name, float, signed_float, twice};

/// Room for what most devices send, without growing on the way.
pub(super) const USUAL_READINGS: usize = 6;

/// All readings of an object; none where it is null.
pub(crate) struct Readings {
    pub(crate) max: usize,
}

impl<'de> DeserializeSeed<'de> for Readings {
    type Value = Vec<Reading<'de>>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Readings {
    type Value = Vec<Reading<'de>>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object for `readings`")
    }
    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(Vec::new())
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut readings = Vec::with_capacity(USUAL_READINGS);
        let mut closed = None;
        while let Some(quantity) = map.next_key_seed(Name)? {
            let value = map.next_value_seed(ValueOf(&quantity))?;
            if readings.iter().any(|seen: &Reading<'_>| seen.quantity == quantity) {
                return Err(twice(&format!("readings.{quantity}")));
            }
            let Some(value) = value else { continue };
            if readings.len() == self.max {
                return Err(A::Error::custom(format_args!("`readings` has more than {}", self.max)));
            }
            let value = if quantity == "cover_closed" { cover(value, &mut closed) } else { value };
            readings.push(Reading { quantity, value });
        }
        if let Some(closed) = closed {
            add_cover_half(&mut readings, closed)?;
        }
        Ok(readings)
    }
}

/// Whether what this quantity says depends on what else is said.
pub(super) fn is_of_a_cover(quantity: &str) -> bool {
    quantity == "cover_closed" || quantity == "cover_half"
}

/// What the unit says of its cover beside closed or not.
#[derive(Clone, Copy)]
enum Cover {
    /// Half open, which is not closed.
    Half,
    /// One of the two states.
    Plain,
}

fn cover<'a>(value: Value<'a>, said: &mut Option<Cover>) -> Value<'a> {
    match value {
        Value::Text(text) if text == "half" => {
            *said = Some(Cover::Half);
            Value::Bool(false)
        }
        Value::Bool(closed) => {
            *said = Some(Cover::Plain);
            Value::Bool(closed)
        }
        other @ (Value::Number(_) | Value::Text(_) | Value::Bools(_)) => other,
    }
}

fn add_cover_half<E: Error>(readings: &mut Vec<Reading<'_>>, cover: Cover) -> Result<(), E> {
    let sent = readings.iter().any(|reading| reading.quantity == "cover_half");
    let half = match cover {
        Cover::Half if sent => return Err(twice("readings.cover_half")),
        Cover::Plain if sent => return Ok(()),
        Cover::Half => true,
        Cover::Plain => false,
    };
    readings.push(Reading { quantity: Cow::Borrowed("cover_half"), value: Value::Bool(half) });
    Ok(())
}

/// The value of the quantity of this name, or nothing where it is null.
struct ValueOf<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for ValueOf<'_> {
    type Value = Option<Value<'de>>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueOf<'_> {
    type Value = Option<Value<'de>>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a number, true or false, a text or an array of booleans for `readings.{:.64}`", self.0)
    }
    fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Some(Value::Number(number)))
    }
    fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Some(Value::Number(float(number))))
    }
    fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Some(Value::Number(signed_float(number))))
    }
    fn visit_bool<E: Error>(self, state: bool) -> Result<Self::Value, E> {
        Ok(Some(Value::Bool(state)))
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Value::Text(Cow::Borrowed(text))))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Value::Text(Cow::Owned(text.to_owned()))))
    }
    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        let mut states = Vec::new();
        while let Some(state) = seq.next_element_seed(StateOf(self.0))? {
            states.push(state);
        }
        Ok(Some(Value::Bools(states)))
    }
}

/// One boolean in the array of the quantity of this name.
struct StateOf<'n>(&'n str);

impl<'de> DeserializeSeed<'de> for StateOf<'_> {
    type Value = bool;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl Visitor<'_> for StateOf<'_> {
    type Value = bool;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "only true and false in the array `readings.{:.64}`", self.0)
    }
    fn visit_bool<E: Error>(self, state: bool) -> Result<bool, E> {
        Ok(state)
    }
}
