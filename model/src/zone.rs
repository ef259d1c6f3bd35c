//! Zones: polygons and lines on the map.

use serde::{Deserialize, Serialize};

use crate::{AssetId, Point, Span, ZoneId};

/// A feature of `zones.geojson`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Zone {
    /// Its id.
    pub id: ZoneId,
    /// `site`, `site_exit`, `disposal_site`, `restricted_road`, `road`, `route`, `sensitive`, `control_point`, `grid`.
    pub kind: String,
    /// The asset it belongs to.
    pub asset: Option<AssetId>,
    /// Its shape.
    pub geometry: Geometry,
    /// The hours of the day in which it is closed to trucks (restricted roads).
    pub closed: Option<DailyHours>,
}

/// The shape of a zone, in WGS-84.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Geometry {
    /// Polygons, each an outer ring and its holes; rings are closed (first point repeated last).
    Polygons(Vec<Vec<Vec<Point>>>),
    /// Lines, or single points as lines of one.
    Lines(Vec<Vec<Point>>),
}

/// Hours of the local day; across midnight where `from` is later than `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DailyHours {
    /// Since local midnight: included.
    pub from: Span,
    /// Since local midnight: not included.
    pub to: Span,
}

impl DailyHours {
    /// Whether this second of the local day is among them.
    pub fn contains(self, second_of_day: u32) -> bool {
        let now = Span::from_secs(i64::from(second_of_day));
        if self.from <= self.to {
            self.from <= now && now < self.to
        } else {
            self.from <= now || now < self.to
        }
    }
    /// Reads a time of day `HH:MM` as the span since midnight; 24:00 is the end of the day.
    pub fn parse_time(text: &str) -> Option<Span> {
        let (hours, minutes) = text.split_once(':')?;
        if hours.len() != 2 || minutes.len() != 2 {
            return None;
        }
        let (hours, minutes): (i64, i64) = (hours.parse().ok()?, minutes.parse().ok()?);
        let valid = (0..24).contains(&hours) && (0..60).contains(&minutes) || (hours, minutes) == (24, 0);
        valid.then(|| Span::from_mins(hours * 60 + minutes))
    }
}
