//! Topics: filters, and which level of a topic is the device.

use serde::{Deserialize, Serialize};

use crate::SourceName;

/// The filter of the topics that need no mapping: `citywarden/{region}/{device}/{format}`.
pub const OWN_TOPICS: &str = "citywarden/+/+/+";
/// The filter of the topics that alerts are published to. Never a source's.
pub const ALERT_TOPICS: &str = "citywarden-alerts/#";

/// Topics of somebody else's making: what their messages are. Part of a registry's version, so that the journal says
/// which mapping a message was read by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicMapping {
    /// The source whose messages it is for.
    pub source: SourceName,
    /// An MQTT topic filter: `+` is one level, `#` at the end all that follow.
    pub filter: String,
    /// Which level of the topic names the device, counted from 1.
    pub device_level: usize,
    /// The format of the payloads, as the last level of our own topics names it.
    pub format: String,
}

impl TopicMapping {
    /// The id of the device that a topic names; `None` where the filter does not match it, or the level is empty.
    pub fn device_of<'t>(&self, topic: &'t str) -> Option<&'t str> {
        let level = self.device_level.checked_sub(1)?;
        let device = topic.split('/').nth(level).filter(|device| !device.is_empty())?;
        filter_matches(&self.filter, topic).then_some(device)
    }
    /// The mapping that an id of a device and a topic are read by: the first of this source that matches. Where a
    /// message names no source, as in a recording, those of all sources count.
    pub fn find<'m>(mappings: &'m [Self], source: &str, topic: &str) -> Option<&'m Self> {
        let of_source = |mapping: &&Self| source.is_empty() || mapping.source.as_str() == source;
        mappings.iter().filter(of_source).find(|mapping| filter_matches(&mapping.filter, topic))
    }
}

/// Whether a topic matches a filter. Wildcards at the beginning do not match topics that begin with `$`.
pub fn filter_matches(filter: &str, topic: &str) -> bool {
    if topic.starts_with('$') && filter.starts_with(['+', '#']) {
        return false;
    }
    let (mut filter, mut topic) = (filter.split('/'), topic.split('/'));
    loop {
        match (filter.next(), topic.next()) {
            (None, None) | (Some("#"), _) => return true,
            (Some("+"), Some(_)) => {}
            (Some(expected), Some(found)) if expected == found => {}
            _ => return false,
        }
    }
}

/// Whether there is a topic that matches both filters.
pub fn filters_meet(one: &str, other: &str) -> bool {
    let (mut one, mut other) = (one.split('/'), other.split('/'));
    loop {
        match (one.next(), other.next()) {
            (None, None) | (Some("#"), _) | (_, Some("#")) => return true,
            (Some("+"), Some(_)) | (Some(_), Some("+")) => {}
            (Some(left), Some(right)) if left == right => {}
            _ => return false,
        }
    }
}

/// What is wrong with a topic filter; `None` where it is one.
pub fn filter_fault(filter: &str) -> Option<&'static str> {
    if filter.is_empty() || filter.len() > usize::from(u16::MAX) {
        return Some("a filter has 1 to 65535 bytes");
    }
    if filter.contains('\0') {
        return Some("a filter holds no NUL");
    }
    let levels = filter.split('/').count();
    filter.split('/').enumerate().find_map(|(at, level)| match level {
        "#" if at + 1 < levels => Some("`#` stands only at the end of a filter"),
        "#" | "+" => None,
        level if level.contains(['#', '+']) => Some("`+` and `#` stand for whole levels"),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_device_is_the_level_that_the_mapping_names() {
        for (filter, device_level, topic, device) in [
            (OWN_TOPICS, 3, "citywarden/330624/dust-1/json", Some("dust-1")),
            (OWN_TOPICS, 3, "citywarden/330624//json", None),
            (OWN_TOPICS, 3, "citywarden/330624/dust-1", None),
            (OWN_TOPICS, 3, "citywarden/330624/dust-1/json/more", None),
            ("legacy/+/up", 2, "legacy/7/up", Some("7")),
            ("legacy/+/up", 2, "legacy/7/down", None),
            ("hj/#", 3, "hj/a/mn-1/2011", Some("mn-1")),
            ("hj/#", 3, "hj", None),
            ("hj/#", 0, "hj/a", None),
            ("+/x", 1, "$SYS/x", None),
            ("x/y", 6, "x/y", None),
        ] {
            let mapping = mapping("s", filter, device_level);
            assert_eq!(mapping.device_of(topic), device, "{filter} {device_level} {topic}");
        }
    }

    fn mapping(source: &str, filter: &str, device_level: usize) -> TopicMapping {
        let (source, filter) = (SourceName::from(source), filter.to_owned());
        TopicMapping { source, filter, device_level, format: "json".to_owned() }
    }

    #[test]
    fn the_first_mapping_of_the_source_counts_and_any_where_no_source_is_named() {
        let mappings = [mapping("a", "up/+", 2), mapping("b", "up/#", 3), mapping("b", "up/+", 2)];
        for (source, found) in [("a", Some(0)), ("b", Some(1)), ("c", None), ("", Some(0))] {
            let wanted = found.map(|at: usize| &mappings[at]);
            assert_eq!(TopicMapping::find(&mappings, source, "up/7"), wanted, "{source}");
        }
    }

    #[test]
    fn filters_meet_where_a_topic_matches_both() {
        for (one, other, meet) in [
            ("#", ALERT_TOPICS, true),
            ("+/+/+", ALERT_TOPICS, true),
            ("citywarden-alerts/330624/+", ALERT_TOPICS, true),
            ("citywarden/#", ALERT_TOPICS, false),
            ("+/up", "legacy/+", true),
            ("+/up", "legacy/+/x", false),
            ("a/b", "a/b", true),
            ("a", "a/#", true),
        ] {
            assert_eq!(filters_meet(one, other), meet, "{one} {other}");
            assert_eq!(filters_meet(other, one), meet, "{other} {one}");
        }
    }

    #[test]
    fn what_is_no_filter_is_said() {
        for filter in ["", "a/#/b", "a+/b", "#a", "a\0"] {
            assert!(filter_fault(filter).is_some(), "{filter:?}");
        }
        for filter in ["#", "+", "a/+/#", "/", "citywarden/+/+/+"] {
            assert_eq!(filter_fault(filter), None, "{filter}");
        }
    }
}
