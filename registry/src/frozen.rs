//! A registry as one text, for the content-addressed store.
//!
//! What is stored is the version *in force*, not the files it came from: it may hold rows of versions before. The
//! registry's digest is the digest of this text, so that the text behind a journal's `registry {digest}` record is the
//! registry that judged, whole, whatever becomes of the files.

use std::borrow::Cow;
use std::collections::BTreeMap;

use citywarden_model::{
    Asset, AssetId, Device, DeviceId, Digest, JudgingTerms, Permit, RegionId, Registry, TopicMapping, Unit,
    Zone, ZoneId,
};
use serde::{Deserialize, Serialize};

/// The version of the text's layout; a later one reads this one too.
const FORMAT: u32 = 1;

/// The text, members in this order, objects in the order of their ids: one registry has one text.
#[derive(Serialize, Deserialize)]
struct Frozen<'r> {
    format: u32,
    region: Cow<'r, RegionId>,
    assets: Cow<'r, BTreeMap<AssetId, Asset>>,
    devices: Cow<'r, BTreeMap<DeviceId, Device>>,
    zones: Cow<'r, BTreeMap<ZoneId, Zone>>,
    permits: Cow<'r, BTreeMap<String, Permit>>,
    units: Cow<'r, BTreeMap<String, Unit>>,
    /// Left out where there are none: the text of a registry without them is what it was before there could be any.
    #[serde(default, skip_serializing_if = "<[_]>::is_empty")]
    topics: Cow<'r, [TopicMapping]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    terms: Option<Cow<'r, JudgingTerms>>,
}

/// A text that is no frozen registry.
#[derive(Debug, thiserror::Error)]
pub enum ThawError {
    /// Not its form.
    #[error("not a registry's text")]
    Form(#[from] serde_json::Error),
    /// Written by a later release.
    #[error("a registry's text of format {0}; expected {FORMAT}: written by a later release")]
    Later(u32),
}

/// The registry as text. Its digest is [`Registry::digest`] of a registry that [`crate::read`] returned.
///
/// # Panics
/// Never: ids are texts, and every number of a registry is finite.
pub fn freeze(registry: &Registry) -> String {
    let frozen = Frozen {
        format: FORMAT,
        region: Cow::Borrowed(&registry.region),
        assets: Cow::Borrowed(&registry.assets),
        devices: Cow::Borrowed(&registry.devices),
        zones: Cow::Borrowed(&registry.zones),
        permits: Cow::Borrowed(&registry.permits),
        units: Cow::Borrowed(&registry.units),
        topics: Cow::Borrowed(&registry.topics),
        terms: registry.terms.as_ref().map(Cow::Borrowed),
    };
    serde_json::to_string(&frozen).expect("maps have text keys, and there is no value that JSON cannot write")
}

/// The registry that was frozen.
pub fn thaw(text: &str) -> Result<Registry, ThawError> {
    let frozen: Frozen<'_> = serde_json::from_str(text)?;
    if frozen.format != FORMAT {
        return Err(ThawError::Later(frozen.format));
    }
    Ok(Registry {
        region: frozen.region.into_owned(),
        digest: Digest::of(text.as_bytes()),
        devices: frozen.devices.into_owned(),
        assets: frozen.assets.into_owned(),
        zones: frozen.zones.into_owned(),
        permits: frozen.permits.into_owned(),
        units: frozen.units.into_owned(),
        topics: frozen.topics.into_owned(),
        terms: frozen.terms.map(Cow::into_owned),
    })
}

/// The registry with these mappings of topics, under the digest that this version of it has.
#[must_use]
pub fn with_topics(registry: Registry, topics: Vec<TopicMapping>) -> Registry {
    let mut registry = Registry { topics, ..registry };
    registry.digest = Digest::of(freeze(&registry).as_bytes());
    registry
}

/// The registry with these terms of judging, under the digest that this version of it has.
#[must_use]
pub fn with_terms(registry: Registry, terms: JudgingTerms) -> Registry {
    let mut registry = Registry { terms: Some(terms), ..registry };
    registry.digest = Digest::of(freeze(&registry).as_bytes());
    registry
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mappings_of_topics_are_part_of_the_version_and_none_change_nothing() {
        let empty = Registry::empty("330624".into());
        let before = with_topics(empty.clone(), Vec::new());
        assert!(!freeze(&before).contains("topics"));
        let mapping = TopicMapping {
            source: "mqtt".into(),
            filter: "legacy/+/up".to_owned(),
            device_level: 2,
            format: "json".to_owned(),
        };
        let mapped = with_topics(empty, vec![mapping]);
        assert_ne!(mapped.digest, before.digest);
        assert_eq!(thaw(&freeze(&mapped)).unwrap(), mapped);
        assert_eq!(thaw(&freeze(&before)).unwrap(), before);
    }

    #[test]
    fn terms_of_judging_are_part_of_the_version_and_none_change_nothing() {
        let before = with_topics(Registry::empty("330624".into()), Vec::new());
        assert!(!freeze(&before).contains("terms"));
        let minutes = citywarden_model::Span::from_mins;
        let terms = |late| JudgingTerms {
            timezone: "Asia/Shanghai".to_owned(),
            late_after: minutes(late),
            future_skew: minutes(5),
            duplicate_within: minutes(1),
            coverage_min: 750_000,
        };
        let (ten, twenty) = (with_terms(before.clone(), terms(10)), with_terms(before.clone(), terms(20)));
        assert!(ten.digest != before.digest && twenty.digest != ten.digest);
        assert_eq!(thaw(&freeze(&twenty)).unwrap(), twenty);
    }
}
