//! Topics: which device a message is from and which format it is in.

use citywarden_model::{DeadLetterReason, RegionId};

/// The parts of a topic `citywarden/{region}/{device}/{format}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TopicParts<'t> {
    /// The device's id.
    pub(crate) device: &'t str,
    /// The format's name.
    pub(crate) format: &'t str,
}

/// Takes a topic apart; a reason where it is none of this region's.
pub(crate) fn read_topic<'t>(topic: &'t str, region: &RegionId) -> Result<TopicParts<'t>, DeadLetterReason> {
    let mut levels = topic.split('/');
    let parts = [levels.next(), levels.next(), levels.next(), levels.next(), levels.next()];
    let [Some("citywarden"), Some(named), Some(device), Some(format), None] = parts else {
        return Err(DeadLetterReason::UnknownTopic);
    };
    if named != region.as_str() {
        return Err(DeadLetterReason::ForeignRegion);
    }
    Ok(TopicParts { device, format })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_topic_names_its_region_device_and_format_or_is_refused_with_a_reason() {
        let region = RegionId::from("330624");
        let parts = |device, format| Ok(TopicParts { device, format });
        for (topic, expected) in [
            ("citywarden/330624/sprinkler-07/json", parts("sprinkler-07", "json")),
            ("citywarden/330681/sprinkler-07/json", Err(DeadLetterReason::ForeignRegion)),
            ("citywarden/330624/sprinkler-07", Err(DeadLetterReason::UnknownTopic)),
            ("citywarden/330624/sprinkler-07/json/more", Err(DeadLetterReason::UnknownTopic)),
            ("other/330624/sprinkler-07/json", Err(DeadLetterReason::UnknownTopic)),
            ("", Err(DeadLetterReason::UnknownTopic)),
        ] {
            assert_eq!(read_topic(topic, &region), expected, "{topic}");
        }
    }
}
