//! The device's time: RFC 3339, or milliseconds since 1970-01-01T00:00:00Z.

use std::fmt;

use citywarden_model::Timestamp;
use serde::de::{DeserializeSeed, Deserializer, Error, Unexpected, Visitor};

pub(crate) struct Ts;

impl Visitor<'_> for Ts {
    type Value = Option<Timestamp>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RFC 3339 such as 2026-11-24T08:00:00+08:00, or Unix milliseconds, for `ts`")
    }
    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Timestamp::parse(text)
            .map(Some)
            .map_err(|_| E::invalid_value(Unexpected::Str(text.get(..64).unwrap_or(text)), &self))
    }
    fn visit_i64<E: Error>(self, millis: i64) -> Result<Self::Value, E> {
        Timestamp::from_millis(millis).map(Some).ok_or_else(|| {
            E::invalid_value(
                Unexpected::Signed(millis),
                &"Unix milliseconds within the years 1678 to 2261 for `ts`",
            )
        })
    }
    fn visit_u64<E: Error>(self, millis: u64) -> Result<Self::Value, E> {
        i64::try_from(millis).map_or_else(
            |_| {
                Err(E::invalid_value(
                    Unexpected::Unsigned(millis),
                    &"Unix milliseconds within the years 1678 to 2261 for `ts`",
                ))
            },
            |millis| self.visit_i64(millis),
        )
    }
    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
}

impl<'de> DeserializeSeed<'de> for Ts {
    type Value = Option<Timestamp>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}
