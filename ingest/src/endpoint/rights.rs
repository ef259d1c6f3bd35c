//! For which devices a client may publish.

use std::sync::Arc;

use super::glob::DeviceGlob;
use super::topics::TopicMap;

/// The devices a client may publish for.
#[derive(Debug, Clone)]
pub(crate) enum Rights {
    /// Any: on loopback without users.
    Any,
    /// Those that match one of these.
    Matching(Arc<[DeviceGlob]>),
    /// The one that its certificate names.
    Device(Arc<str>),
}

impl Rights {
    /// Whether a message to this topic may come from this client. Where rights are bounded, a topic that names no
    /// device is nobody's.
    pub(crate) fn permit(&self, topics: &TopicMap, topic: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Matching(globs) => {
                topics.device_of(topic).is_some_and(|device| globs.iter().any(|glob| glob.matches(device)))
            }
            Self::Device(name) => topics.device_of(topic) == Some(name),
        }
    }
    pub(crate) const fn are_bounded(&self) -> bool {
        !matches!(self, Self::Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_speaks_only_for_its_devices() {
        let globs = Rights::Matching([DeviceGlob::parse("dust-*").unwrap()].into());
        let device = Rights::Device("dust-1".into());
        let table = [
            ("citywarden/330624/dust-1/json", [true, true, true]),
            ("citywarden/330624/dust-2/json", [true, true, false]),
            ("citywarden/330624/noise-1/json", [true, false, false]),
            ("elsewhere/dust-1", [true, false, false]),
            ("dust-1", [true, false, false]),
        ];
        for (topic, expected) in table {
            let found =
                [&Rights::Any, &globs, &device].map(|rights| rights.permit(&TopicMap::default(), topic));
            assert_eq!(found, expected, "{topic}");
        }
    }
}
