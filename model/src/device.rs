//! A device: something that sends messages.

use serde::{Deserialize, Serialize};

use crate::{AssetId, Attributes, Crs, DeviceId, Span, Timestamp};

/// A line of `devices.csv`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Device {
    /// Its id: the third level of its topic.
    pub id: DeviceId,
    /// What it is, free text: `dust_monitor`, `wash_bay`, ….
    pub kind: String,
    /// The asset whose readings it sends.
    pub asset: AssetId,
    /// The time between two of its readings; `None`: it reports on change, its last value holds until the next.
    pub interval: Option<Span>,
    /// The datum of its positions.
    pub crs: Crs,
    /// Every other column.
    pub attributes: Attributes,
}

impl Device {
    /// Whether an alert from it is evidence, not a lead only: it has passed review (行政处罚法 art. 41: legal and
    /// technical review), that is, the attribute `review` is there and `verified_until` is not past at that moment.
    pub fn is_reviewed(&self, at: Timestamp) -> bool {
        self.attributes.text("review").is_some()
            && self.attributes.text("verified_until").is_none_or(|until| !is_past(until, at))
    }
}

/// A date `YYYY-MM-DD` holds to the end of that day in UTC+8, the zone of every certificate (China has one).
fn is_past(until: &str, at: Timestamp) -> bool {
    let end =
        Timestamp::parse(&format!("{until}T23:59:59.999999999+08:00")).or_else(|_| Timestamp::parse(until));
    end.map_or(true, |end| at > end)
}
