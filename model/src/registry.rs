//! The registry: who sends, what is watched, where the zones are.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{Asset, AssetId, Device, DeviceId, Digest, Permit, RegionId, TopicMapping, Unit, Zone, ZoneId};

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
        }
    }
}
