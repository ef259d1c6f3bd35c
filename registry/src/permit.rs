//! `permits.csv`: what is allowed to whom, and when.

use citywarden_model::{AssetId, LocalClock, Permit, Timestamp};

use crate::asset::known_kind;
use crate::files::PERMITS;
use crate::record::{Locality, Record};
use crate::reference::{Reference, Target};
use crate::table::{Columns, Line, Refused};

/// What a permit can allow.
const PERMIT_KINDS: &[&str] = &["night_work", "restricted_road", "silence"];

impl Record for Permit {
    type Id = String;
    const FILE: &'static str = PERMITS;
    const COLUMNS: Columns =
        Columns { required: &["id", "kind", "asset", "from", "to"], optional: &[], attributes: &[] };

    fn read(id: String, line: &Line<'_, '_>, locality: Locality<'_>) -> Result<Self, Refused> {
        let kind = line.need("kind", |text| known_kind(text, "kind of permit", PERMIT_KINDS));
        let asset = line.need("asset", |text| Ok(AssetId::from(text)));
        let from = line.need("from", |text| read_moment(text, locality.clock));
        let to = line.need("to", |text| read_moment(text, locality.clock));
        let (from, to) = (from?, to?);
        if from >= to {
            let span = line.cell("to").map_or(0..0, |cell| cell.span.clone());
            return Err(line.error(&span, "`to` is not after `from`"));
        }
        Ok(Self { id, kind: kind?, asset: asset?, from, to })
    }
    fn references(&self) -> Vec<Reference<'_>> {
        vec![Reference { column: "asset", to: Target::Asset, id: self.asset.as_str() }]
    }
}

/// RFC 3339, or local time as a spreadsheet writes it (`2026/11/24 8:00`).
fn read_moment(text: &str, clock: LocalClock) -> Result<Timestamp, String> {
    Timestamp::parse(text).ok().or_else(|| clock.parse(&text.replace('/', "-"))).ok_or_else(|| {
        format!("`{text}` is no time; expected 2026-11-24 22:00 (local) or 2026-11-24T22:00:00+08:00")
    })
}
