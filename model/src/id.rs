//! Identifiers. Each kind is its own type, so that a device's id is never handed where an asset's is wanted.

use std::borrow::Borrow;
use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

macro_rules! text_id {
    ($($(#[$doc:meta])* $name:ident;)+) => {$(
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// The id as it is written.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self(Arc::from(text))
            }
        }
        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self(Arc::from(text))
            }
        }
        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&*self.0, f)
            }
        }
    )+};
}

text_id! {
    /// An administrative division code (GB/T 2260), such as `330624`: the unit of partition.
    RegionId;
    /// A device that sends messages, as `devices.csv` names it.
    DeviceId;
    /// A thing that is watched: a site, a truck, a kitchen.
    AssetId;
    /// A polygon or line of `zones.geojson`.
    ZoneId;
    /// A cell of the four-level grid (county, town, community, grid).
    GridId;
    /// A rule; never reused for another meaning.
    RuleId;
    /// An alert: derived from what it is about, never drawn (see [`AlertId::derive`]).
    AlertId;
    /// What a reading measures, such as `sound_level`.
    QuantityName;
    /// A configured source of messages, such as `mqtt-endpoint`.
    SourceName;
}

impl AlertId {
    /// The first 26 characters of base32 (RFC 4648) of the SHA-256 over region, rule, asset, kind and `began_at`,
    /// each as it is written in the alert object and followed by one newline.
    pub fn derive(
        region: &RegionId,
        rule: &RuleId,
        asset: &AssetId,
        kind: crate::AlertKind,
        began_at: crate::Timestamp,
    ) -> Self {
        let mut hasher = crate::Hasher::new();
        for part in [region.as_str(), rule.as_str(), asset.as_str(), kind.as_str(), &began_at.to_string()] {
            hasher.update(part.as_bytes());
            hasher.update(b"\n");
        }
        let mut text = data_encoding::BASE32_NOPAD.encode(hasher.finish().as_bytes());
        text.truncate(26);
        Self::from(text)
    }
}

/// The place of a record in the journal: 0 for the first ever, one more for each. Never reused.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Offset(pub u64);

impl Offset {
    /// The offset after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
