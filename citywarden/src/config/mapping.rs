//! `[[source.topic]]`: topics of others' making, and what their messages are.

use citywarden_formats::Format;
use citywarden_model::{SourceName, TopicMapping, filter_fault};
use citywarden_problems::did_you_mean;

use super::broker::keep_off_alerts;
use super::fields::{Fields, Text};

/// No topic has more levels.
const LEVELS_MAX: usize = 128;

/// The mappings of a source, in the order in which they are looked at.
pub(super) fn read_all(fields: &Fields<'_, '_>, source: &SourceName) -> Vec<TopicMapping> {
    let read = fields.tables("topic").into_iter().filter_map(|table| {
        let mapping = read(&table, source);
        table.finish();
        mapping
    });
    read.collect()
}

fn read(fields: &Fields<'_, '_>, source: &SourceName) -> Option<TopicMapping> {
    let filter = fields.required("filter").filter(|filter| is_filter(fields, filter));
    let format = fields.required("format").and_then(|text| format(fields, &text));
    if fields.place("device_level").is_none() {
        fields.error(
            &fields.at(),
            "`device_level` is missing: which level of the topic names the device, from 1",
        );
    }
    let device_level = fields.count("device_level", 1, 1..=LEVELS_MAX);
    let filter = filter?;
    if let Some(at) = fields.place("device_level")
        && let Some(fault) = level_fault(&filter.value, device_level)
    {
        fields.error(&at, fault);
    }
    Some(TopicMapping {
        source: source.clone(),
        filter: filter.value,
        device_level,
        format: format?.to_string(),
    })
}

fn is_filter(fields: &Fields<'_, '_>, filter: &Text) -> bool {
    if let Some(fault) = filter_fault(&filter.value) {
        fields.error(&filter.at, format!("`{}` is no topic filter: {fault}", filter.value));
        return false;
    }
    keep_off_alerts(fields, &filter.value, &filter.at);
    true
}

fn format(fields: &Fields<'_, '_>, text: &Text) -> Option<Format> {
    let found = Format::parse(&text.value);
    if found.is_none() {
        let names = Format::ALL.iter().map(|format| format.as_str());
        let near = did_you_mean(&text.value, names.clone());
        let hint = near.map_or_else(
            || format!("; expected one of {}", names.collect::<Vec<_>>().join(", ")),
            |near| format!(", did you mean `{near}`"),
        );
        fields.error(&text.at, format!("unknown format `{}`{hint}", text.value));
    }
    found
}

/// The level of the device has to be a wildcard, or every message would be of the same device.
fn level_fault(filter: &str, device_level: usize) -> Option<String> {
    let levels: Vec<&str> = filter.split('/').collect();
    match levels.get(device_level - 1) {
        Some(&("+" | "#")) => None,
        Some(fixed) => {
            Some(format!("level {device_level} of `{filter}` is always `{fixed}`; expected one that is `+`"))
        }
        None if levels.last() == Some(&"#") => None,
        None => Some(format!("`{filter}` has {} levels; expected one of them", levels.len())),
    }
}
