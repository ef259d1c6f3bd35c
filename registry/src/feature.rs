//! `zones.geojson`: where things are.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use citywarden_model::{AssetId, Crs, DailyHours, Zone, ZoneId};
use citywarden_problems::{Level, Problems, Source, did_you_mean};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::asset::{known_kind, read_crs};
use crate::keep::Rows;
use crate::record::check_id;
use crate::shape;
use crate::table::Refused;

/// What a zone can be.
const ZONE_KINDS: &[&str] = &[
    "site",
    "site_exit",
    "disposal_site",
    "restricted_road",
    "road",
    "route",
    "sensitive",
    "control_point",
    "grid",
];
/// The properties of a feature that are read; others are passed over.
const PROPERTIES: &[&str] = &["id", "kind", "asset", "from", "to", "crs"];

/// A parsed collection.
pub(crate) struct Features<'t, 'p> {
    source: Source<'t>,
    items: Vec<&'t RawValue>,
    problems: &'p Problems,
}

/// Where the parts of a zone stand that other files or zones are compared with.
#[derive(Debug, Clone)]
pub(crate) struct ZonePlace {
    pub(crate) asset: Range<usize>,
    pub(crate) coordinates: Range<usize>,
}

/// The zones of the file, and where they stand.
pub(crate) struct ZoneRows {
    pub(crate) rows: Rows<ZoneId, Zone>,
    pub(crate) places: BTreeMap<ZoneId, ZonePlace>,
}

#[derive(Deserialize)]
struct RawCollection<'t> {
    #[serde(rename = "type")]
    kind: Option<Cow<'t, str>>,
    #[serde(borrow)]
    features: Option<Vec<&'t RawValue>>,
    crs: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct RawFeature<'t> {
    #[serde(borrow)]
    id: Option<&'t RawValue>,
    #[serde(borrow)]
    properties: Option<BTreeMap<String, &'t RawValue>>,
    #[serde(borrow)]
    geometry: Option<&'t RawValue>,
}

#[derive(Deserialize)]
struct RawGeometry<'t> {
    #[serde(rename = "type")]
    kind: Cow<'t, str>,
    #[serde(borrow)]
    coordinates: Option<&'t RawValue>,
}

impl<'t, 'p> Features<'t, 'p> {
    /// `None`, and an error, where the file as a whole cannot be read.
    pub(crate) fn parse(source: Source<'t>, problems: &'p Problems) -> Option<Self> {
        let text = source.text.strip_prefix('\u{feff}').unwrap_or(source.text);
        let mut found = Self { source: Source { text, ..source }, items: Vec::new(), problems };
        let collection: RawCollection<'t> = found.parse_json(text, 0).ok()?;
        let Some(features) =
            collection.features.filter(|_| collection.kind.as_deref() == Some("FeatureCollection"))
        else {
            found.error(
                &(0..0),
                "no FeatureCollection; expected {\"type\": \"FeatureCollection\", \"features\": […]}",
            );
            return None;
        };
        if let Some(name) = collection.crs.as_ref().and_then(foreign_datum) {
            found.error(&(0..0), format!("coordinates in {name}; expected WGS-84 (EPSG:4326)"));
            return None;
        }
        found.items = features;
        Some(found)
    }
    /// Every zone of it.
    pub(crate) fn read_all(&self) -> ZoneRows {
        let mut zones = ZoneRows { rows: Rows::new(), places: BTreeMap::new() };
        for raw in &self.items {
            self.read_into(&mut zones, raw);
        }
        zones
    }
    fn read_into(&self, zones: &mut ZoneRows, raw: &'t RawValue) {
        let Ok(feature) = self.parse_json::<RawFeature<'t>>(raw.get(), self.start(raw)) else { return };
        let properties = feature.properties.unwrap_or_default();
        let reader = FeatureReader { file: self, span: self.span(raw), properties };
        let Ok(id) = reader.id(feature.id) else { return };
        if zones.rows.holds(&id) {
            self.error(&reader.place("id"), format!("`{id}` is there twice; the first feature stands"));
            return;
        }
        match reader.zone(id.clone(), feature.geometry) {
            Ok((zone, place)) => {
                zones.rows.good.insert(id.clone(), zone);
                zones.places.insert(id, place);
            }
            Err(Refused) => drop(zones.rows.refused.insert(id)),
        }
    }
    /// Parses a part of the text; what is wrong with it is reported at its place.
    fn parse_json<T: Deserialize<'t>>(&self, text: &'t str, start: usize) -> Result<T, Refused> {
        serde_json::from_str(text).map_err(|error| {
            let at = start + byte_of(text, error.line(), error.column());
            let message = error.to_string();
            let message = message.rsplit_once(" at line ").map_or(message.as_str(), |(what, _)| what);
            self.error(&(at..at), message)
        })
    }
    fn start(&self, raw: &RawValue) -> usize {
        // a raw value borrows from the text it was parsed from
        raw.get().as_ptr().addr() - self.source.text.as_ptr().addr()
    }
    fn span(&self, raw: &RawValue) -> Range<usize> {
        let start = self.start(raw);
        start..start + raw.get().len()
    }
    fn error(&self, at: &Range<usize>, message: impl Into<String>) -> Refused {
        self.problems.push(self.source.problem(Level::Error, at, message));
        Refused
    }
    pub(crate) fn warning(&self, at: &Range<usize>, message: impl Into<String>) {
        self.problems.push(self.source.problem(Level::Warning, at, message));
    }
}

/// One feature being read.
struct FeatureReader<'a, 't> {
    file: &'a Features<'t, 'a>,
    span: Range<usize>,
    properties: BTreeMap<String, &'t RawValue>,
}

impl<'t> FeatureReader<'_, 't> {
    /// The property `id`, or else the feature's own.
    fn id(&self, own: Option<&'t RawValue>) -> Result<ZoneId, Refused> {
        let id = match self.text("id")? {
            None => own.and_then(|raw| serde_json::from_str::<String>(raw.get()).ok()),
            id => id,
        };
        let Some(id) = id else { return Err(self.file.error(&self.span, "`id` is missing")) };
        check_id(&id).map_err(|message| self.file.error(&self.place("id"), message))?;
        Ok(ZoneId::from(id))
    }
    fn zone(&self, id: ZoneId, geometry: Option<&'t RawValue>) -> Result<(Zone, ZonePlace), Refused> {
        self.check_spelling();
        let kind = self.kind();
        let asset = self.text("asset");
        let closed = self.closed();
        let crs = self.crs();
        let shape = self.shape(geometry, crs?);
        let (geometry, coordinates) = shape?;
        let zone = Zone { id, kind: kind?, asset: asset?.map(AssetId::from), geometry, closed: closed? };
        Ok((zone, ZonePlace { asset: self.place("asset"), coordinates }))
    }
    fn kind(&self) -> Result<String, Refused> {
        let Some(kind) = self.text("kind")? else {
            return Err(self.file.error(&self.span, "`kind` is missing"));
        };
        known_kind(&kind, "kind of zone", ZONE_KINDS)
            .map_err(|message| self.file.error(&self.place("kind"), message))
    }
    fn crs(&self) -> Result<Crs, Refused> {
        let Some(crs) = self.text("crs")? else { return Ok(Crs::default()) };
        read_crs(&crs).map_err(|message| self.file.error(&self.place("crs"), message))
    }
    fn closed(&self) -> Result<Option<DailyHours>, Refused> {
        match (self.time("from")?, self.time("to")?) {
            (None, None) => Ok(None),
            (Some(from), Some(to)) if from == to => Err(self
                .file
                .error(&self.place("to"), "`from` and `to` are the same; leave both out for all day")),
            (Some(from), Some(to)) => Ok(Some(DailyHours { from, to })),
            (Some(_), None) => Err(self.file.error(&self.place("from"), "`from` without `to`")),
            (None, Some(_)) => Err(self.file.error(&self.place("to"), "`to` without `from`")),
        }
    }
    fn time(&self, name: &str) -> Result<Option<citywarden_model::Span>, Refused> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let time = DailyHours::parse_time(&text);
        time.map(Some).ok_or_else(|| {
            self.file.error(&self.place(name), format!("`{name}` is `{text}`; expected a time such as 07:00"))
        })
    }
    fn shape(
        &self,
        geometry: Option<&'t RawValue>,
        crs: Crs,
    ) -> Result<(citywarden_model::Geometry, Range<usize>), Refused> {
        let Some(raw) = geometry else { return Err(self.file.error(&self.span, "`geometry` is missing")) };
        let geometry: RawGeometry<'t> = self.file.parse_json(raw.get(), self.file.start(raw))?;
        let Some(coordinates) = geometry.coordinates else {
            return Err(self.file.error(&self.file.span(raw), "`coordinates` are missing"));
        };
        let span = self.file.span(coordinates);
        let shape = shape::read(&geometry.kind, coordinates.get(), crs)
            .map_err(|message| self.file.error(&span, message))?;
        for warning in shape.warnings {
            self.file.warning(&span, warning);
        }
        Ok((shape.geometry, span))
    }
    /// The text of a property, where it holds anything.
    fn text(&self, name: &str) -> Result<Option<String>, Refused> {
        let Some(raw) = self.properties.get(name) else { return Ok(None) };
        match serde_json::from_str::<Option<String>>(raw.get()) {
            Ok(text) => Ok(text.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())),
            Err(_) => Err(self
                .file
                .error(&self.file.span(raw), format!("`{name}` is no text; expected a text in quotes"))),
        }
    }
    fn place(&self, name: &str) -> Range<usize> {
        self.properties.get(name).map_or_else(|| self.span.clone(), |raw| self.file.span(raw))
    }
    fn check_spelling(&self) {
        for (name, raw) in self.properties.iter().filter(|(name, _)| !PROPERTIES.contains(&name.as_str())) {
            let near = did_you_mean(name, PROPERTIES.iter().copied().filter(|known| known.len() > 3));
            if let Some(near) = near.filter(|near| !self.properties.contains_key(*near)) {
                let message = format!("property `{name}` is passed over, did you mean `{near}`");
                self.file.warning(&self.file.span(raw), message);
            }
        }
    }
}

/// The datum of a collection that names one (as GeoJSON did before RFC 7946), where it is not WGS-84 or its equal
/// CGCS2000.
fn foreign_datum(crs: &serde_json::Value) -> Option<&str> {
    let name = crs.get("properties")?.get("name")?.as_str()?;
    let same = ["CRS84", "4326", "4490"].iter().any(|known| name.ends_with(known));
    (!same).then_some(name)
}

/// The byte of a line and column (both from 1, the column in bytes) as `serde_json` counts them.
fn byte_of(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    (start + column.saturating_sub(1)).min(text.len())
}
