//! The nouns of the field, shared by every stage: ids, time, quantities, readings, devices, assets, zones, the
//! registry, verdicts, transitions, alerts.
//!
//! **Knows:** nothing else in this workspace.
//! **Never:** does I/O, reads a clock, is async. The trait [`Clock`] stands here so that every stage can be
//! handed one; the clock that reads the machine's time lives in the binary.

mod alert;
mod asset;
mod clock;
mod dead_letter;
mod device;
mod digest;
mod geodesy;
mod id;
mod observation;
mod quantity;
mod registry;
mod time;
mod topic;
mod transition;
mod verdict;
mod zone;

pub use alert::{
    Alert, AlertState, AssetSummary, Clause, Condition, Evidence, JournalRange, LeadReason, PointJson,
};
pub use asset::{ASSET_KINDS, Asset, Attributes, Permit, Unit};
pub use clock::Clock;
pub use dead_letter::DeadLetterReason;
pub use device::Device;
pub use digest::{Digest, Hasher};
pub use geodesy::{Crs, Point, UnknownCrs};
pub use id::{
    AlertId, AssetId, DeviceId, GridId, Offset, QuantityName, RegionId, RuleId, SourceName, ZoneId,
};
pub use observation::{Event, Fix, Flag, Observation, Reading, Value};
pub use quantity::{KNOWN_QUANTITIES, KnownQuantity, ValueKind, known_quantity};
pub use registry::{JudgingTerms, Registry};
pub use time::{LocalClock, Span, TimeError, Timestamp};
pub use topic::{ALERT_TOPICS, OWN_TOPICS, TopicMapping, filter_fault, filter_matches, filters_meet};
pub use transition::{Change, Moment, TimeSource, Titles, Transition, ValueMap};
pub use verdict::{AlertKind, Severity, Verdict};
pub use zone::{DailyHours, Geometry, Zone};
