//! The registry: who sends, what is watched, where the zones are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Asset, AssetId, Device, DeviceId, Digest, Permit, RegionId, Span, TopicMapping, Unit, Zone, ZoneId,
};

/// All files of the registry as one version.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Registry {
    /// The region it describes.
    pub region: RegionId,
    /// The digest of the texts it was read from.
    pub digest: Digest,
    /// Devices by id.
    pub devices: BTreeMap<DeviceId, Device>,
    /// Assets by id.
    pub assets: BTreeMap<AssetId, Asset>,
    /// Zones by id.
    pub zones: BTreeMap<ZoneId, Zone>,
    /// Permits by id.
    pub permits: BTreeMap<String, Permit>,
    /// Responsible units by id.
    pub units: BTreeMap<String, Unit>,
    /// How topics of others' making are read, in the order in which they are looked at.
    pub topics: Vec<TopicMapping>,
    /// What a configuration says about judging; `None`: whoever judges has terms of their own.
    pub terms: Option<JudgingTerms>,
}

/// The numbers of a configuration that decide verdicts. They are part of the registry's version, so that the journal
/// says under which of them a reading was judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JudgingTerms {
    /// The IANA name of the local time of nights and permits.
    pub timezone: String,
    /// A reading older than this at its arrival is judged in its own time, ns.
    pub late_after: Span,
    /// A reading further ahead of its arrival than this is judged at its arrival, ns.
    pub future_skew: Span,
    /// Equal messages without a time of their own, sent again within this span, count once, ns.
    pub duplicate_within: Span,
    /// The least coverage with which a window has a value, in millionths.
    pub coverage_min: i64,
}

impl Registry {
    /// A registry with nothing in it.
    pub fn empty(region: RegionId) -> Self {
        Self {
            region,
            digest: Digest::default(),
            devices: BTreeMap::new(),
            assets: BTreeMap::new(),
            zones: BTreeMap::new(),
            permits: BTreeMap::new(),
            units: BTreeMap::new(),
            topics: Vec::new(),
            terms: None,
        }
    }
}
