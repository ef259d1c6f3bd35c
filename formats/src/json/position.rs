//! Where the unit says it is.

use std::fmt;

use citywarden_model::{Fix, Point};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, Visitor};

use super::member::{Name, Number, Switch, once};

/// A position, or nothing where it is null.
pub(crate) struct Position;

impl<'de> DeserializeSeed<'de> for Position {
    type Value = Option<Fix>;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Position {
    type Value = Option<Fix>;
    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `lat` and `lon` for `position`")
    }
    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let (mut lat, mut lon, mut speed, mut heading, mut valid) = (None, None, None, None, None);
        while let Some(name) = map.next_key_seed(Name)? {
            match &*name {
                "lat" => once(&mut lat, map.next_value_seed(Number("position.lat"))?, "position.lat")?,
                "lon" => once(&mut lon, map.next_value_seed(Number("position.lon"))?, "position.lon")?,
                "speed" => {
                    once(&mut speed, map.next_value_seed(Number("position.speed"))?, "position.speed")?;
                }
                "heading" => {
                    once(&mut heading, map.next_value_seed(Number("position.heading"))?, "position.heading")?;
                }
                "valid" => {
                    once(&mut valid, map.next_value_seed(Switch("position.valid"))?, "position.valid")?;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        let valid = valid.flatten().unwrap_or(true);
        let Some(reported) = point(lat.flatten(), lon.flatten(), valid)? else { return Ok(None) };
        Ok(Some(Fix { reported, valid, speed_kmh: speed.flatten(), heading_deg: heading.flatten() }))
    }
}

/// A unit without a fix may leave its numbers out; what it sends must be on the earth all the same.
fn point<E: Error>(lat: Option<f64>, lon: Option<f64>, valid: bool) -> Result<Option<Point>, E> {
    match (lat, lon) {
        (Some(lat), Some(lon)) => Point::new(lat, lon).map(Some).ok_or_else(|| {
            E::custom(format_args!(
                "`position` is {lat},{lon}, expected `lat` from -90 to 90 and `lon` from -180 to 180"
            ))
        }),
        _ if !valid => Ok(None),
        (None, _) => Err(E::custom("`position` has no `lat`, expected a number")),
        (_, None) => Err(E::custom("`position` has no `lon`, expected a number")),
    }
}
