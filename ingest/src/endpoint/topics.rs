//! Which device a topic speaks for.

use citywarden_model::{OWN_TOPICS, TopicMapping};

/// The level of our own topics that names the device.
const OWN_DEVICE_LEVEL: usize = 3;

/// The topics that are mapped, and our own, which need no mapping.
#[derive(Debug, Clone)]
pub struct TopicMap(Vec<TopicMapping>);

impl Default for TopicMap {
    /// `citywarden/{region}/{device}/{format}`.
    fn default() -> Self {
        Self::new(Vec::new())
    }
}

impl TopicMap {
    /// These mappings, the first that matches a topic counts; our own topics come first and need not be among them.
    pub fn new(mappings: Vec<TopicMapping>) -> Self {
        let own = TopicMapping {
            source: "".into(),
            filter: OWN_TOPICS.to_owned(),
            device_level: OWN_DEVICE_LEVEL,
            format: String::new(),
        };
        Self(std::iter::once(own).chain(mappings).collect())
    }
    /// The device that a topic names.
    pub(crate) fn device_of<'t>(&self, topic: &'t str) -> Option<&'t str> {
        TopicMapping::find(&self.0, "", topic)?.device_of(topic)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_of_ours_needs_no_mapping_and_any_other_does() {
        let mapping = |filter: &str, device_level| TopicMapping {
            source: "s".into(),
            filter: filter.to_owned(),
            device_level,
            format: "json".to_owned(),
        };
        let map = TopicMap::new(vec![mapping("legacy/+/up", 2), mapping("hj/#", 3), mapping("#", 1)]);
        for (topic, device) in [
            ("citywarden/330624/dust-1/json", Some("dust-1")),
            ("citywarden/330624//json", None),
            ("citywarden/330624/dust-1", Some("citywarden")),
            ("legacy/7/up", Some("7")),
            ("hj/a/mn-1/2011", Some("mn-1")),
            ("hj", None),
            ("x/y", Some("x")),
            ("/y", None),
        ] {
            assert_eq!(map.device_of(topic), device, "{topic}");
        }
        assert_eq!(TopicMap::default().device_of("legacy/7/up"), None);
    }
}
