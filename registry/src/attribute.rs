//! The forms of attributes that rules read by name. A wrong one is a warning: the row stands, the rule that needs the
//! attribute will say what it misses.

use citywarden_model::{DailyHours, Span};

use crate::table::Refused;

/// Attributes of assets that rules read (besides `limit.<rule>.<name>`).
pub(crate) const ASSET_ATTRIBUTES: &[&str] = &[
    "nozzle_chainage_m",
    "perimeter_m",
    "closed_loop",
    "gate_spans_m",
    "muck_heap",
    "earthwork_from",
    "earthwork_to",
    "speed_limit_kmh",
    "gross_mass_limit_t",
    "axles",
    "plate",
    "cleaning_interval_days",
    "last_cleaned",
    "noise_class",
];
/// Attributes of devices.
pub(crate) const DEVICE_ATTRIBUTES: &[&str] = &["review", "verified_until", "mn", "profile"];

/// Whether the text has the form that the attribute of this name needs; `Err` says what was expected.
pub(crate) fn check(name: &str, text: &str) -> Result<(), &'static str> {
    let (holds, expected) = match name {
        "nozzle_chainage_m" => (is_chainage(text), "ascending metres such as 0;5;10"),
        "gate_spans_m" => (are_spans(text), "spans in metres such as 12-18;40-46"),
        "perimeter_m" | "speed_limit_kmh" | "gross_mass_limit_t" | "cleaning_interval_days" => {
            (number(text).is_some_and(|n| n > 0.0), "a number above 0")
        }
        "axles" => (text.parse::<u8>().is_ok_and(|n| n >= 2), "a whole number from 2"),
        "closed_loop" | "muck_heap" => (is_flag(text), "true or false"),
        "earthwork_from" | "earthwork_to" | "last_cleaned" | "verified_until" => {
            (is_date(text), "a date such as 2026-11-24")
        }
        _ => return check_limit(name, text),
    };
    if holds { Ok(()) } else { Err(expected) }
}

fn check_limit(name: &str, text: &str) -> Result<(), &'static str> {
    let Some(path) = name.strip_prefix("limit.") else { return Ok(()) };
    if path.split('.').filter(|part| !part.is_empty()).count() != 2 {
        return Err("a column named limit.<rule>.<name>");
    }
    let holds = number(text).is_some()
        || is_flag(text)
        || DailyHours::parse_time(text).is_some()
        || Span::parse(text).is_ok();
    if holds { Ok(()) } else { Err("a number, true or false, a time such as 22:00 or a duration such as 5m") }
}

fn number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|number: &f64| number.is_finite())
}

fn is_flag(text: &str) -> bool {
    matches!(text, "true" | "TRUE" | "yes" | "1" | "是" | "false" | "FALSE" | "no" | "0" | "否")
}

fn is_date(text: &str) -> bool {
    citywarden_model::Timestamp::parse(text).is_ok()
        || citywarden_model::Timestamp::parse(&format!("{text}T00:00:00Z")).is_ok()
}

fn numbers(text: &str) -> Result<Vec<f64>, Refused> {
    text.split(';').map(|part| number(part).filter(|n| *n >= 0.0).ok_or(Refused)).collect()
}

fn is_chainage(text: &str) -> bool {
    numbers(text).is_ok_and(|metres| metres.is_sorted_by(|a, b| a < b))
}

fn are_spans(text: &str) -> bool {
    text.split(';').all(|span| {
        span.split_once('-')
            .and_then(|(from, to)| Some((number(from)?, number(to)?)))
            .is_some_and(|(from, to)| 0.0 <= from && from < to)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_that_rules_read_have_their_form() {
        for (name, right, wrong) in [
            ("nozzle_chainage_m", "0;5; 10.5", "0;10;5"),
            ("nozzle_chainage_m", "0", "0,5,10"),
            ("nozzle_chainage_m", "0;5", "-1;5"),
            ("gate_spans_m", "12-18;40-46", "18-12"),
            ("gate_spans_m", "12-18", "12"),
            ("perimeter_m", "120.5", "0"),
            ("perimeter_m", "120.5", "NaN"),
            ("axles", "4", "1"),
            ("closed_loop", "是", "maybe"),
            ("verified_until", "2027-01-31", "2027-02-31"),
            ("earthwork_from", "2026-11-24T08:00:00+08:00", "24/11/2026"),
            ("limit.site-dust.limit_ug_m3", "120.0", "120 µg"),
            ("limit.construction-noise.night_from", "22:00", "25:00"),
            ("limit.linear-works-spraying.rain_excuses", "true", "perhaps"),
            ("limit.muck-truck-uncovered.hold", "15s", "15 s"),
        ] {
            assert_eq!(check(name, right), Ok(()), "{name} {right}");
            assert!(check(name, wrong).is_err(), "{name} {wrong}");
        }
        assert!(check("limit.site-dust", "1").is_err());
        assert_eq!(check("colour", "anything"), Ok(()));
    }
}
