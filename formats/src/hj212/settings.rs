//! What the register says of a device that speaks HJ 212.

use citywarden_model::Span;

use super::crc::Crc;
use super::factor::{self, unit_of};
use super::unit::{EXPECTED, Unit};
use crate::{DecodeError, Profile};

/// The interval of minute data, where the register names none.
const MINUTE: Span = Span::from_secs(60);

/// The two uploads that describe the same minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Upload {
    /// 2011: a point in time.
    RealTime,
    /// 2051: an interval.
    Minute,
}

impl Upload {
    /// The upload of this command.
    pub(crate) fn of(command: &str) -> Option<Self> {
        match command {
            "2011" => Some(Self::RealTime),
            "2051" => Some(Self::Minute),
            _ => None,
        }
    }
    /// What is added to a quantity's name where this upload is for display only.
    pub(crate) const fn suffix(self) -> &'static str {
        match self {
            Self::RealTime => "_realtime",
            Self::Minute => "_minute",
        }
    }
}

/// The attributes of one device, read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Settings<'d> {
    profile: Profile<'d>,
    pub(crate) crc: Crc,
    /// The upload that is judged; `None`: both.
    judged: Option<Upload>,
    /// How long after `DataTime` the interval of minute data ends.
    pub(crate) minute_ends_after: Span,
    /// Whose packets these have to be.
    pub(crate) mn: Option<&'d str>,
}

/// What a factor means for one device.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Meaning<'d> {
    /// Its place in the table; what the register names comes before the table.
    pub(crate) rank: usize,
    pub(crate) quantity: &'d str,
    /// The power of ten that leads to the quantity's unit.
    pub(crate) power: i32,
}

impl<'d> Settings<'d> {
    pub(crate) fn of(profile: Profile<'d>) -> Result<Self, DecodeError> {
        let word = |name, expected, words: &[&str]| word(profile, name, expected, words);
        let crc = match word("crc", "hj212, modbus or ignore", &["hj212", "modbus", "ignore"])? {
            Some(1) => Crc::Modbus,
            Some(2) => Crc::Ignore,
            _ => Crc::Hj212,
        };
        let judged = match word("use", "2051, 2011 or both", &["2051", "2011", "both"])? {
            Some(0) => Some(Upload::Minute),
            Some(1) => Some(Upload::RealTime),
            _ => None,
        };
        let minute_ends_after = match word("datatime", "start or end", &["start", "end"])? {
            Some(1) => Span::ZERO,
            _ => profile.interval().unwrap_or(MINUTE),
        };
        Ok(Self { profile, crc, judged, minute_ends_after, mn: profile.text("mn") })
    }

    /// Whether readings of this upload keep the names that rules know.
    pub(crate) fn judges(&self, upload: Upload) -> bool {
        self.judged.is_none_or(|judged| judged == upload)
    }

    /// What a factor means; `None` where nobody knows.
    pub(crate) fn meaning(&self, code: &str) -> Result<Option<Meaning<'d>>, DecodeError> {
        let standard = factor::standard(code);
        let (rank, quantity): (usize, &'d str) = match (self.profile.text_of("factor", code), standard) {
            (Some(named), _) => (0, named),
            (None, Some(standard)) => (standard.rank + 1, standard.quantity),
            (None, None) => return Ok(None),
        };
        let power = if let Some(text) = self.profile.text_of("unit", code) {
            power_to_quantity(code, text, quantity)?
        } else {
            let sent = standard.and_then(|standard| standard.unit);
            sent.and_then(|unit| unit.power_to(Unit::parse(unit_of(quantity))?)).unwrap_or(0)
        };
        Ok(Some(Meaning { rank, quantity, power }))
    }
}

fn power_to_quantity(code: &str, text: &str, quantity: &str) -> Result<i32, DecodeError> {
    let own = unit_of(quantity);
    if text == own {
        return Ok(0);
    }
    let power = Unit::parse(text).zip(Unit::parse(own)).and_then(|(from, to)| from.power_to(to));
    power.ok_or_else(|| wrong(&format!("unit.{code}"), text, &format!("{EXPECTED}, and one of `{quantity}`")))
}

/// Which of the words an attribute is; `None` where it is absent.
fn word(
    profile: Profile<'_>,
    name: &str,
    expected: &str,
    words: &[&str],
) -> Result<Option<usize>, DecodeError> {
    let Some(text) = profile.text(name) else { return Ok(None) };
    let place = words.iter().position(|word| word.eq_ignore_ascii_case(text));
    place.map(Some).ok_or_else(|| wrong(name, text, expected))
}

fn wrong(name: &str, text: &str, expected: &str) -> DecodeError {
    DecodeError::malformed(0, format!("the device's attribute `{name}` is `{text}`, expected {expected}"))
}
