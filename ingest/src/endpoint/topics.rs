//! Which device a topic speaks for.

/// Topics that are mapped: for each filter, the level that names the device.
#[derive(Debug, Clone)]
pub struct TopicMap(Vec<TopicMapping>);

/// A filter, and which level of the topics it matches is the device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TopicMapping {
    /// An MQTT topic filter: `+` is one level, `#` at the end all that follow.
    pub filter: String,
    /// Counted from 0.
    pub device_level: usize,
}

impl Default for TopicMap {
    /// `citywarden/{region}/{device}/{format}`.
    fn default() -> Self {
        Self(vec![TopicMapping { filter: "citywarden/+/+/+".to_owned(), device_level: 2 }])
    }
}

impl TopicMap {
    /// These mappings, the first that matches a topic counts; the default topic need not be among them.
    pub fn new(mappings: Vec<TopicMapping>) -> Self {
        let mut map = Self(mappings);
        map.0.extend(Self::default().0);
        map
    }
    /// The device that a topic names.
    pub(crate) fn device_of<'t>(&self, topic: &'t str) -> Option<&'t str> {
        let mapping = self.0.iter().find(|mapping| filter_matches(&mapping.filter, topic))?;
        topic.split('/').nth(mapping.device_level).filter(|device| !device.is_empty())
    }
}

fn filter_matches(filter: &str, topic: &str) -> bool {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_device_is_the_level_that_the_mapping_names() {
        let filter = |filter: &str, device_level| TopicMapping { filter: filter.to_owned(), device_level };
        let map = TopicMap::new(vec![filter("legacy/+/up", 1), filter("hj/#", 2), filter("x/y", 5)]);
        let table = [
            ("citywarden/330624/dust-1/json", Some("dust-1")),
            ("citywarden/330624//json", None),
            ("citywarden/330624/dust-1", None),
            ("citywarden/330624/dust-1/json/more", None),
            ("legacy/7/up", Some("7")),
            ("legacy/7/down", None),
            ("hj/a/mn-1/2011", Some("mn-1")),
            ("hj", None),
            ("x/y", None),
        ];
        for (topic, device) in table {
            assert_eq!(map.device_of(topic), device, "{topic}");
        }
    }
}
