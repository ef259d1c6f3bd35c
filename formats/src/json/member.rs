//! Names and texts, borrowed where nothing in them is escaped.

use std::borrow::Cow;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, Visitor};

/// A text, or nothing where it is null. It holds the name of the member, for its messages.
pub(crate) struct Text(pub(crate) &'static str);

impl<'de> Visitor<'de> for Text {
    type Value = Option<Cow<'de, str>>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a text for `{}`", self.0)
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Borrowed(text)))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Cow::Owned(text.to_owned())))
    }
    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

impl<'de> DeserializeSeed<'de> for Text {
    type Value = Option<Cow<'de, str>>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// The name of a member.
pub(crate) struct Name;

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the name of a member")
    }
    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(text))
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(text.to_owned()))
    }
}

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

/// A number, or nothing where it is null. It holds the name of the member, for its messages.
pub(crate) struct Number<'n>(pub(crate) &'n str);

impl Visitor<'_> for Number<'_> {
    type Value = Option<f64>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a number for `{}`", self.0)
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
    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

impl<'de> DeserializeSeed<'de> for Number<'_> {
    type Value = Option<f64>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// A boolean, or nothing where it is null. It holds the name of the member, for its messages.
pub(crate) struct Switch(pub(crate) &'static str);

impl Visitor<'_> for Switch {
    type Value = Option<bool>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "true or false for `{}`", self.0)
    }
    fn visit_bool<E: Error>(self, state: bool) -> Result<Self::Value, E> {
        Ok(Some(state))
    }
    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

impl<'de> DeserializeSeed<'de> for Switch {
    type Value = Option<bool>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

/// The float nearest to an integer: readings are floats, and none of interest is beyond 2^53.
#[expect(clippy::cast_precision_loss, reason = "a reading is a float; the raw bytes keep every digit")]
pub(crate) const fn float(number: u64) -> f64 {
    number as f64
}
#[expect(clippy::cast_precision_loss, reason = "a reading is a float; the raw bytes keep every digit")]
pub(crate) const fn signed_float(number: i64) -> f64 {
    number as f64
}

/// Puts a value where none was; refuses the second.
pub(crate) fn once<T, E: Error>(slot: &mut Option<T>, value: T, member: &str) -> Result<(), E> {
    if slot.replace(value).is_some() {
        return Err(twice(member));
    }
    Ok(())
}

pub(crate) fn twice<E: Error>(member: &str) -> E {
    E::custom(format_args!("`{member}` is there twice, expected once"))
}
