//! `[limit]`: the parameters of a rule.

use citywarden_model::{DailyHours, Span};
use citywarden_problems::{Key, Section};
use toml::de::DeValue;

use super::declared::{Declared, span};
use super::head::required;
use crate::expression::{Compiler, Kind, SlotUse};
use crate::rule::{Limit, LimitValue};

/// Share of a window's readings that must be there, where a rule declares a limit of this name.
pub(crate) const MIN_COVERAGE: &str = "min_coverage";

/// Reads the limits and declares their names.
pub(crate) fn read<'d>(root: &Section<'d, '_>, compiler: &Compiler, declared: &mut Declared<'d>) {
    let Some(section) = root.section("limit") else { return };
    for key in section.entries() {
        let limit = one(&section, &key);
        let slot_use = limit.as_ref().map_or(SlotUse::Unclear, |limit| slot_use(limit.value));
        declared.declare(&section, compiler, &key, slot_use);
        declared.limits.push(limit);
    }
    declared.names.limits = declared.limits.len();
}

const fn slot_use(value: LimitValue) -> SlotUse {
    match value {
        LimitValue::Number(_) | LimitValue::Duration(_) => SlotUse::Value(Kind::Number),
        LimitValue::Switch(_) => SlotUse::Value(Kind::Truth),
        LimitValue::TimeOfDay(_) => SlotUse::TimeOfDay,
    }
}

fn one(section: &Section<'_, '_>, key: &Key<'_, '_>) -> Option<Limit> {
    let Some(fields) = section.section_of(key) else {
        section.error(
            &key.span(),
            format!("write {} = {{ value = …, unit = \"…\", source = \"…\" }}", key.name),
        );
        return None;
    };
    let value = value(&fields, key);
    let unit = required(&fields, "unit", "\"dB(A)\"");
    let source = required(&fields, "source", "the standard and clause, or \"engineering choice\"");
    fields.finish();
    let value = value?;
    Some(Limit { name: key.name.to_owned(), value, unit: unit?.to_owned(), source: source?.to_owned() })
}

fn value(fields: &Section<'_, '_>, limit: &Key<'_, '_>) -> Option<LimitValue> {
    let Some(key) = fields.take("value") else {
        fields.error(
            &limit.span(),
            "`value` is missing; write a number with a point, true or false, a duration or a time of day",
        );
        return None;
    };
    let value = parse(key.value()).and_then(|value| plausible(limit.name, value));
    value.map_err(|message| fields.error(&key.span(), message)).ok()
}

fn parse(value: &DeValue<'_>) -> Result<LimitValue, String> {
    match value {
        DeValue::Float(number) => finite(number.as_str()),
        DeValue::Boolean(switch) => Ok(LimitValue::Switch(*switch)),
        DeValue::String(text) => text_value(text),
        DeValue::Integer(number) => Err(format!("write {}.0: limits carry a decimal point", number.as_str())),
        DeValue::Datetime(_) => Err("write a time of day in quotes: \"22:00\"".to_owned()),
        DeValue::Array(_) | DeValue::Table(_) => {
            Err("expected a number with a point, true or false, a duration or a time of day".to_owned())
        }
    }
}

fn finite(digits: &str) -> Result<LimitValue, String> {
    let number = digits.replace('_', "").parse().ok().filter(|number: &f64| number.is_finite());
    number.map(LimitValue::Number).ok_or_else(|| format!("`{digits}` is no finite number"))
}

fn text_value(text: &str) -> Result<LimitValue, String> {
    if let Ok(number) = text.trim().parse::<f64>() {
        return Err(format!("\"{text}\" is a text; write {number:?} without quotes"));
    }
    if text.contains([':', '：']) {
        return time_of_day(text).map(LimitValue::TimeOfDay);
    }
    span(text).map(LimitValue::Duration)
}

fn time_of_day(text: &str) -> Result<Span, String> {
    DailyHours::parse_time(text).ok_or_else(|| format!("`{text}` is no time of day; write 22:00"))
}

fn plausible(name: &str, value: LimitValue) -> Result<LimitValue, String> {
    let fits = match value {
        LimitValue::Number(share) => (0.0..=1.0).contains(&share),
        LimitValue::Switch(_) | LimitValue::Duration(_) | LimitValue::TimeOfDay(_) => false,
    };
    if name == MIN_COVERAGE && !fits {
        return Err(format!(
            "`{MIN_COVERAGE}` is the share of readings that must be there; write 0.0 to 1.0"
        ));
    }
    Ok(value)
}
