//! Points on the earth and the two datums that units report in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A point in WGS-84, degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Latitude, −90 to 90, north positive.
    pub lat: f64,
    /// Longitude, −180 to 180, east positive.
    pub lon: f64,
}

/// The datum of the positions that a device reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Crs {
    /// WGS-84, equal to CGCS2000 within centimetres.
    #[default]
    Wgs84,
    /// GCJ-02, the shifted datum of Chinese map services: about 490 m away from WGS-84 in Xinchang.
    Gcj02,
}

/// A text that names no datum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no datum; expected wgs84 or gcj02")]
pub struct UnknownCrs(pub String);

impl std::str::FromStr for Crs {
    type Err = UnknownCrs;
    fn from_str(text: &str) -> Result<Self, UnknownCrs> {
        match text {
            "wgs84" => Ok(Self::Wgs84),
            "gcj02" => Ok(Self::Gcj02),
            _ => Err(UnknownCrs(text.to_owned())),
        }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.6},{:.6}", self.lat, self.lon)
    }
}

/// Mean radius of the earth in metres (IUGG), for distances of up to some kilometres.
const EARTH_RADIUS_M: f64 = 6_371_008.8;

impl Point {
    /// A point, where both numbers are finite and in range.
    pub fn new(lat: f64, lon: f64) -> Option<Self> {
        ((-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon)).then_some(Self { lat, lon })
    }
    /// The WGS-84 point that a device with this datum means by these numbers.
    #[must_use]
    pub fn from_crs(self, crs: Crs) -> Self {
        match crs {
            Crs::Wgs84 => self,
            Crs::Gcj02 => gcj02_to_wgs84(self),
        }
    }
    /// Metres east and north of `origin`, on the plane that touches the earth there: exact to centimetres within
    /// some kilometres.
    pub fn metres_from(self, origin: Self) -> (f64, f64) {
        let north = (self.lat - origin.lat).to_radians() * EARTH_RADIUS_M;
        let east = (self.lon - origin.lon).to_radians() * EARTH_RADIUS_M * libm::cos(origin.lat.to_radians());
        (east, north)
    }
    /// The point that lies that many metres east and north of this one.
    #[must_use]
    pub fn moved(self, east_m: f64, north_m: f64) -> Self {
        Self {
            lat: self.lat + (north_m / EARTH_RADIUS_M).to_degrees(),
            lon: self.lon + (east_m / (EARTH_RADIUS_M * libm::cos(self.lat.to_radians()))).to_degrees(),
        }
    }
}

/// Krasovsky 1940 semi-major axis and first eccentricity squared, as the published GCJ-02 formula uses them.
const GCJ_A: f64 = 6_378_245.0;
const GCJ_EE: f64 = 0.006_693_421_622_965_943;
/// Each round shrinks the error of the inverse about a thousandfold; three reach well below a millimetre.
const GCJ_INVERSE_ROUNDS: usize = 4;

/// The GCJ-02 numbers for a WGS-84 point (the published formula; there is no official one).
pub(crate) fn wgs84_to_gcj02(p: Point) -> Point {
    use std::f64::consts::PI;
    let (x, y) = (p.lon - 105.0, p.lat - 35.0);
    let root = libm::sqrt(x.abs());
    let waves = |v: f64, scale: f64, big: f64| {
        (20.0 * libm::sin(v * PI) + 40.0 * libm::sin(v / 3.0 * PI)) * scale
            + (big * libm::sin(v / 12.0 * PI)) * scale
    };
    let ripple = (20.0 * libm::sin(6.0 * x * PI) + 20.0 * libm::sin(2.0 * x * PI)) * 2.0 / 3.0;
    let d_lat = -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * root
        + ripple
        + waves(y, 2.0 / 3.0, 160.0)
        + 320.0 * libm::sin(y * PI / 30.0) * 2.0 / 3.0;
    let d_lon = 300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * root
        + ripple
        + waves(x, 2.0 / 3.0, 150.0)
        + 300.0 * libm::sin(x / 30.0 * PI) * 2.0 / 3.0;
    let phi = p.lat / 180.0 * PI;
    let sine = libm::sin(phi);
    let magic = 1.0 - GCJ_EE * sine * sine;
    let root_magic = libm::sqrt(magic);
    let lat = d_lat * 180.0 / ((GCJ_A * (1.0 - GCJ_EE)) / (magic * root_magic) * PI);
    let lon = d_lon * 180.0 / (GCJ_A / root_magic * libm::cos(phi) * PI);
    Point { lat: p.lat + lat, lon: p.lon + lon }
}

fn gcj02_to_wgs84(p: Point) -> Point {
    let mut guess = p;
    for _ in 0..GCJ_INVERSE_ROUNDS {
        let there = wgs84_to_gcj02(guess);
        guess = Point { lat: guess.lat + p.lat - there.lat, lon: guess.lon + p.lon - there.lon };
    }
    guess
}

impl Crs {
    /// The numbers that a device with this datum reports when it stands at this WGS-84 point.
    #[must_use]
    pub fn reported(self, at: Point) -> Point {
        match self {
            Self::Wgs84 => at,
            Self::Gcj02 => wgs84_to_gcj02(at),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_check_value_of_gcj02_is_met() {
        let there = wgs84_to_gcj02(Point { lat: 31.280_844, lon: 120.596_931 });
        assert!((there.lat - 31.278_648_6).abs() < 1e-7, "{there}");
        assert!((there.lon - 120.601_100_0).abs() < 1e-7, "{there}");
    }

    #[test]
    fn gcj02_in_xinchang_is_493_m_away_and_comes_back() {
        let wgs = Point { lat: 29.4990, lon: 120.9036 };
        let gcj = Crs::Gcj02.reported(wgs);
        let (east, north) = gcj.metres_from(wgs);
        let distance = libm::sqrt(east * east + north * north);
        assert!((distance - 493.0).abs() < 1.0, "{distance} m, {east} east, {north} north");
        let (east, north) = gcj.from_crs(Crs::Gcj02).metres_from(wgs);
        assert!(east.abs() < 0.001 && north.abs() < 0.001, "{east} {north}");
    }
}
