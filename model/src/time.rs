//! Points and spans of time.

use std::fmt;
use std::ops::{Add, Sub};

use chrono::{DateTime, Offset as _, SecondsFormat, TimeZone, Timelike, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time: nanoseconds since 1970-01-01T00:00:00Z. Reaches from the year 1677 to 2262.
///
/// Written as RFC 3339 in UTC with as many fractional digits (0, 3, 6, 9) as it needs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

/// A span of time in nanoseconds; never negative where it is a window, a duration or a limit.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(i64);

/// A text that is not a point in time or a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TimeError {
    /// Not RFC 3339.
    #[error("`{0}` is no time; expected RFC 3339 such as 2026-11-24T08:00:00+08:00")]
    NotRfc3339(String),
    /// Not a duration.
    #[error("`{0}` is no duration; write 20s, 5m, 1h")]
    NotDuration(String),
    /// Outside the years this type reaches.
    #[error("`{0}` is outside the years 1678 to 2261")]
    OutOfRange(String),
}

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const EPOCH: Self = Self(0);
    /// The latest point that can be written.
    pub const MAX: Self = Self(i64::MAX);

    /// From nanoseconds since the epoch.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }
    /// From milliseconds since the epoch; `None` where that is out of reach.
    pub fn from_millis(millis: i64) -> Option<Self> {
        millis.checked_mul(1_000_000).map(Self)
    }
    /// Nanoseconds since the epoch.
    pub const fn nanos(self) -> i64 {
        self.0
    }
    /// Reads RFC 3339 with any offset.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let parsed =
            DateTime::parse_from_rfc3339(text).map_err(|_| TimeError::NotRfc3339(text.to_owned()))?;
        parsed.timestamp_nanos_opt().map(Self).ok_or_else(|| TimeError::OutOfRange(text.to_owned()))
    }
    /// The span from `earlier` to here; negative where `earlier` is later.
    pub const fn since(self, earlier: Self) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
    fn utc(self) -> DateTime<Utc> {
        DateTime::from_timestamp_nanos(self.0)
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.utc().to_rfc3339_opts(SecondsFormat::AutoSi, true))
    }
}
impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl Add<Span> for Timestamp {
    type Output = Self;
    fn add(self, span: Span) -> Self {
        Self(self.0.saturating_add(span.0))
    }
}
impl Sub<Span> for Timestamp {
    type Output = Self;
    fn sub(self, span: Span) -> Self {
        Self(self.0.saturating_sub(span.0))
    }
}
impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if serializer.is_human_readable() {
            serializer.collect_str(self)
        } else {
            self.0.serialize(serializer)
        }
    }
}
impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if deserializer.is_human_readable() {
            Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
        } else {
            Ok(Self(i64::deserialize(deserializer)?))
        }
    }
}

impl Span {
    /// No time.
    pub const ZERO: Self = Self(0);

    /// From nanoseconds.
    pub const fn from_nanos(nanos: i64) -> Self {
        Self(nanos)
    }
    /// From milliseconds.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis.saturating_mul(1_000_000))
    }
    /// From seconds.
    pub const fn from_secs(secs: i64) -> Self {
        Self(secs.saturating_mul(1_000_000_000))
    }
    /// From minutes.
    pub const fn from_mins(mins: i64) -> Self {
        Self::from_secs(mins.saturating_mul(60))
    }
    /// Nanoseconds.
    pub const fn nanos(self) -> i64 {
        self.0
    }
    /// Seconds, as a number that an expression can compare.
    #[expect(clippy::cast_precision_loss, reason = "spans of interest are far below 2^53 ms")]
    pub fn seconds(self) -> f64 {
        (self.0 / 1_000_000) as f64 / 1000.0
    }
    /// As the standard library writes it; no time where it is negative.
    pub fn duration(self) -> std::time::Duration {
        std::time::Duration::from_nanos(u64::try_from(self.0).unwrap_or(0))
    }
    /// Reads `500ms`, `20s`, `5m`, `12h`, `30d`: digits and one unit, nothing else.
    pub fn parse(text: &str) -> Result<Self, TimeError> {
        let error = || TimeError::NotDuration(text.to_owned());
        let split = text.find(|c: char| !c.is_ascii_digit()).ok_or_else(error)?;
        let (digits, unit) = text.split_at(split);
        let count: i64 = digits.parse().map_err(|_| error())?;
        let unit_ms: i64 = match unit {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(error()),
        };
        count.checked_mul(unit_ms).and_then(|ms| ms.checked_mul(1_000_000)).map(Self).ok_or_else(error)
    }
}
impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.duration(), f)
    }
}
impl Add for Span {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }
}
impl Sub for Span {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

/// The region's local time, for nights, days and permits: Asia/Shanghai unless configured, never the host's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LocalClock(chrono_tz::Tz);

impl Default for LocalClock {
    fn default() -> Self {
        Self(chrono_tz::Asia::Shanghai)
    }
}

impl LocalClock {
    /// The zone of this IANA name, such as `Asia/Shanghai`; `None` where there is none of that name.
    pub fn named(name: &str) -> Option<Self> {
        name.parse().ok().map(Self)
    }
    /// Its IANA name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }
    /// Seconds since local midnight.
    pub fn second_of_day(self, at: Timestamp) -> u32 {
        self.0.from_utc_datetime(&at.utc().naive_utc()).num_seconds_from_midnight()
    }
    /// RFC 3339 in local time, for people.
    pub fn write(self, at: Timestamp) -> String {
        self.0.from_utc_datetime(&at.utc().naive_utc()).to_rfc3339_opts(SecondsFormat::AutoSi, false)
    }
    /// Local time without an offset (`2026-11-24 08:00:00`, `2026-11-24T08:00`) as a point in time; the earlier of
    /// two where a clock is set back, `None` where the text is no local time.
    pub fn parse(self, text: &str) -> Option<Timestamp> {
        let naive = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M"]
            .iter()
            .find_map(|format| chrono::NaiveDateTime::parse_from_str(text, format).ok())?;
        let local = self.0.from_local_datetime(&naive).earliest()?;
        local.timestamp_nanos_opt().map(Timestamp)
    }
    /// Seconds that local time is ahead of UTC at that moment.
    pub fn offset_seconds(self, at: Timestamp) -> i32 {
        self.0.offset_from_utc_datetime(&at.utc().naive_utc()).fix().local_minus_utc()
    }
}
