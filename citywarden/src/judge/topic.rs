//! Topics: which device a message is from and which format it is in.
//!
//! Our own topics say both themselves. Those of others' making are read by the mappings of the registry in force, so that
//! the journal alone says how a message was read.

use citywarden_journal::Message;
use citywarden_model::{DeadLetterReason, RegionId, TopicMapping};

/// What a topic says of its message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TopicParts<'t> {
    /// The device's id.
    pub(crate) device: &'t str,
    /// The format's name.
    pub(crate) format: &'t str,
}

/// Takes a message's topic apart; a reason where it is neither of this region nor mapped.
pub(crate) fn read_topic<'t>(
    message: &Message<'t>,
    region: &RegionId,
    mappings: &'t [TopicMapping],
) -> Result<TopicParts<'t>, DeadLetterReason> {
    let Some((named, parts)) = own(message.topic) else {
        return mapped(message, mappings).ok_or(DeadLetterReason::UnknownTopic);
    };
    if named != region.as_str() {
        return Err(DeadLetterReason::ForeignRegion);
    }
    Ok(parts)
}

/// The region and the parts of a topic of our own: `citywarden/{region}/{device}/{format}`.
fn own(topic: &str) -> Option<(&str, TopicParts<'_>)> {
    let (region, rest) = topic.strip_prefix("citywarden/")?.split_once('/')?;
    let (device, format) = rest.split_once('/')?;
    (!format.contains('/')).then_some((region, TopicParts { device, format }))
}

fn mapped<'t>(message: &Message<'t>, mappings: &'t [TopicMapping]) -> Option<TopicParts<'t>> {
    let mapping = TopicMapping::find(mappings, message.source, message.topic)?;
    Some(TopicParts { device: mapping.device_of(message.topic)?, format: &mapping.format })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_names_its_region_device_and_format_or_is_mapped_or_refused_with_a_reason() {
        let region = RegionId::from("330624");
        let mapping = |source: &str, filter: &str, device_level, format: &str| TopicMapping {
            source: source.into(),
            filter: filter.to_owned(),
            device_level,
            format: format.to_owned(),
        };
        let mappings = [mapping("broker", "hj/+/data", 2, "hj212"), mapping("other", "#", 1, "json")];
        let parts = |device, format| Ok(TopicParts { device, format });
        for (source, topic, expected) in [
            ("broker", "citywarden/330624/sprinkler-07/json", parts("sprinkler-07", "json")),
            ("broker", "citywarden/330681/sprinkler-07/json", Err(DeadLetterReason::ForeignRegion)),
            ("broker", "citywarden/330624/sprinkler-07", Err(DeadLetterReason::UnknownTopic)),
            ("broker", "citywarden/330624/sprinkler-07/json/more", Err(DeadLetterReason::UnknownTopic)),
            ("broker", "other/330624/sprinkler-07/json", Err(DeadLetterReason::UnknownTopic)),
            ("broker", "hj/mn-1/data", parts("mn-1", "hj212")),
            ("broker", "hj//data", Err(DeadLetterReason::UnknownTopic)),
            ("other", "hj/mn-1/data", parts("hj", "json")),
            ("other", "citywarden/330624/sprinkler-07/json", parts("sprinkler-07", "json")),
            ("third", "hj/mn-1/data", Err(DeadLetterReason::UnknownTopic)),
            // a recording names no source
            ("", "hj/mn-1/data", parts("mn-1", "hj212")),
            ("broker", "", Err(DeadLetterReason::UnknownTopic)),
        ] {
            let message = Message {
                source,
                topic,
                identity: "",
                qos: 1,
                retained: false,
                duplicate: false,
                refused: None,
                payload: b"",
                full: None,
            };
            assert_eq!(read_topic(&message, &region, &mappings), expected, "{source} {topic}");
        }
    }
}
