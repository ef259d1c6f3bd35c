//! One upload of data: its items gathered by factor, and told as observations, one for each data flag.

use std::borrow::Cow;

use citywarden_model::{Flag, Observation, Reading, Timestamp, Value};

use super::segment::{Item, Segment};
use super::settings::{Meaning, Settings, Upload};
use super::time;
use crate::DecodeError;

/// Factors of one packet.
const FACTORS_MAX: usize = 256;
/// The flag of data that contradicts itself: a factor sent twice with different values.
const CONTRADICTS: Flag = Flag::Other('?');

/// Everything an upload says of one factor.
#[derive(Debug)]
struct Factor<'a> {
    code: &'a str,
    /// The value, and how far down the list of its attributes it stood.
    value: Option<(usize, &'a str)>,
    min: Option<&'a str>,
    max: Option<&'a str>,
    flag: Option<&'a str>,
    contradicts: bool,
}

impl<'a> Factor<'a> {
    const fn of(code: &'a str) -> Self {
        Self { code, value: None, min: None, max: None, flag: None, contradicts: false }
    }

    fn note(&mut self, attribute: &str, value: &'a str, upload: Upload) {
        // an upload's own attribute first: dust monitors send the mean in real-time data, and noise its -Data
        let values: [&str; 3] = match upload {
            Upload::RealTime => ["rtd", "avg", "data"],
            Upload::Minute => ["avg", "data", "rtd"],
        };
        if let Some(place) = values.iter().position(|name| name.eq_ignore_ascii_case(attribute)) {
            match self.value {
                Some((held, text)) if held == place => self.contradicts |= differ(text, value),
                Some((held, _)) if held < place => {}
                _ => self.value = Some((place, value)),
            }
            return;
        }
        let slot = match attribute.to_ascii_lowercase().as_str() {
            "min" => &mut self.min,
            "max" => &mut self.max,
            "flag" => &mut self.flag,
            _ => return,
        };
        let contradicts = slot.is_some_and(|held| differ(held, value));
        slot.get_or_insert(value);
        self.contradicts |= contradicts;
    }

    fn flag(&self) -> Flag {
        let letter = self.flag.and_then(|text| text.chars().next());
        match letter.map(|letter| letter.to_ascii_uppercase()) {
            _ if self.contradicts => CONTRADICTS,
            None | Some('N') => Flag::Normal,
            Some(letter) if letter.is_ascii_alphanumeric() => Flag::Other(letter),
            Some(_) => CONTRADICTS,
        }
    }
}

/// Appends what an upload says: first its normal readings, then one observation for each other flag.
pub(super) fn read<'a>(
    segment: &Segment<'a>,
    upload: Upload,
    settings: &Settings<'_>,
    into: &mut Vec<Observation<'a>>,
) -> Result<(), DecodeError> {
    let (factors, observed) = gather(segment, upload)?;
    let observed = match upload {
        Upload::RealTime => observed,
        Upload::Minute => observed + settings.minute_ends_after,
    };
    let mut meant = factors
        .into_iter()
        .map(|factor| settings.meaning(factor.code).map(|meaning| (factor, meaning)))
        .collect::<Result<Vec<_>, _>>()?;
    meant.sort_by_key(|(_, meaning)| meaning.map_or(usize::MAX, |meaning| meaning.rank));
    let suffix = if settings.judges(upload) { "" } else { upload.suffix() };
    let mut told = Told::new(observed, suffix);
    for (factor, meaning) in &meant {
        told.add(factor, meaning.as_ref());
    }
    into.append(&mut told.observations);
    Ok(())
}

/// The items by factor, in the order in which they first came, and `DataTime`.
fn gather<'a>(segment: &Segment<'a>, upload: Upload) -> Result<(Vec<Factor<'a>>, Timestamp), DecodeError> {
    let mut factors: Vec<Factor<'a>> = Vec::new();
    let mut observed = None;
    for item in segment.items() {
        let item = item?;
        if item.name.eq_ignore_ascii_case(b"DataTime") {
            observed = Some(data_time(&item)?);
            continue;
        }
        let Some((code, attribute)) = named(&item) else { continue };
        let Some(value) = std::str::from_utf8(item.value).ok().filter(|text| !text.is_empty()) else {
            continue;
        };
        let known = factors.iter().position(|factor| factor.code.eq_ignore_ascii_case(code));
        let place = known.unwrap_or(factors.len());
        if place == FACTORS_MAX {
            return Err(DecodeError::malformed(item.at, format!("more than {FACTORS_MAX} factors")));
        }
        if known.is_none() {
            factors.push(Factor::of(code));
        }
        if let Some(factor) = factors.get_mut(place) {
            factor.note(attribute, value, upload);
        }
    }
    let observed = observed
        .ok_or_else(|| DecodeError::malformed(segment.at, "no DataTime in an upload of data".to_owned()))?;
    Ok((factors, observed))
}

fn data_time(item: &Item<'_>) -> Result<Timestamp, DecodeError> {
    let text = String::from_utf8_lossy(item.value);
    time::read(&text).ok_or_else(|| {
        DecodeError::malformed(
            item.at,
            format!("DataTime is `{text}`, expected YYYYMMDDhhmmss, with or without milliseconds"),
        )
    })
}

/// The factor and its attribute: `a34002-Rtd`, and `LA-Rtd-Rtd` as well. What has no attribute is no factor's.
fn named<'a>(item: &Item<'a>) -> Option<(&'a str, &'a str)> {
    let name = std::str::from_utf8(item.name).ok()?;
    let (code, rest) = name.split_once('-')?;
    let attribute = rest.rsplit('-').next().unwrap_or(rest);
    (!code.is_empty()).then_some((code, attribute))
}

fn differ(one: &str, other: &str) -> bool {
    one != other && (number(one, 0).is_none() || number(one, 0) != number(other, 0))
}

/// What is told of one packet.
struct Told<'a> {
    observations: Vec<Observation<'a>>,
    observed: Timestamp,
    suffix: &'static str,
}

impl<'a> Told<'a> {
    fn new(observed: Timestamp, suffix: &'static str) -> Self {
        // a packet without a reading is still heard from
        let normal = Observation { observed_at: Some(observed), ..Observation::default() };
        Self { observations: vec![normal], observed, suffix }
    }

    fn add(&mut self, factor: &Factor<'a>, meaning: Option<&Meaning<'_>>) {
        let flag = factor.flag();
        let value = factor.value.map(|(_, text)| text);
        for (text, extreme) in [(value, ""), (factor.min, "_min"), (factor.max, "_max")] {
            let Some(text) = text else { continue };
            let quantity = self.name(factor.code, meaning, extreme);
            let power = meaning.map_or(0, |meaning| meaning.power);
            let value = number(text, power).map_or(Value::Text(Cow::Borrowed(text)), Value::Number);
            self.under(flag).readings.push(Reading { quantity, value });
        }
    }

    /// The quantity's name, or the factor's code where there is none, or another factor has said it.
    fn name(&self, code: &'a str, meaning: Option<&Meaning<'_>>, extreme: &str) -> Cow<'a, str> {
        let end = [extreme, self.suffix].concat();
        if let Some(meaning) = meaning {
            let name = [meaning.quantity, &*end].concat();
            if !self.has(&name) {
                return Cow::Owned(name);
            }
        }
        if end.is_empty() && !code.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Cow::Borrowed(code);
        }
        Cow::Owned(code.to_ascii_lowercase() + &end)
    }

    fn has(&self, name: &str) -> bool {
        self.observations
            .iter()
            .flat_map(|observation| &observation.readings)
            .any(|known| known.quantity == name)
    }

    fn under(&mut self, flag: Flag) -> &mut Observation<'a> {
        let known = self.observations.iter().position(|observation| observation.flag == flag);
        let place = known.unwrap_or_else(|| {
            let observed_at = Some(self.observed);
            self.observations.push(Observation { observed_at, flag, ..Observation::default() });
            self.observations.len() - 1
        });
        self.observations.get_mut(place).expect("it was found or pushed")
    }
}

/// A decimal number times a power of ten, rounded once; `None` where the text is none.
fn number(text: &str, power: i32) -> Option<f64> {
    let is_decimal = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'-' | b'+'));
    if !is_decimal {
        return None;
    }
    let parsed: Option<f64> =
        if power == 0 { text.parse().ok() } else { format!("{text}e{power}").parse().ok() };
    parsed.filter(|number| number.is_finite())
}
