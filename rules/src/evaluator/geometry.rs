//! Zones on the map: which of them a point is in, and whether it is well out of one.

use std::collections::BTreeMap;

use citywarden_model::{Geometry, Point, Registry, Zone};
use geo::{Coord, Intersects, LineString, Polygon};

use super::options::LEAVE_BEYOND_M;

/// The zones whose kinds a rule looks at.
#[derive(Debug, Default)]
pub(crate) struct Zones {
    /// By id.
    pub(crate) areas: Vec<Area>,
    /// Zones by the cells of a coarse grid that their boxes touch.
    cells: BTreeMap<(i32, i32), Vec<usize>>,
    /// Zones that touch too many cells.
    everywhere: Vec<usize>,
}

/// A zone with an inside.
#[derive(Debug)]
pub(crate) struct Area {
    pub(crate) id: String,
    pub(crate) kind: String,
    /// The asset it belongs to, as the registry writes it.
    pub(crate) asset: Option<String>,
    polygons: Vec<Polygon<f64>>,
    low: Point,
    high: Point,
}

/// Cells a degree: about 1.1 km in the north-south direction.
const CELLS_A_DEGREE: f64 = 100.0;
/// A zone that touches more cells than this is looked at for each point.
const CELLS_MAX: i64 = 1_024;

impl Zones {
    pub(crate) fn new<'a>(registry: &Registry, kinds: impl Iterator<Item = &'a str>) -> Self {
        let kinds: Vec<&str> = kinds.collect();
        let watched = registry.zones.values().filter(|zone| kinds.contains(&zone.kind.as_str()));
        let mut zones = Self { areas: watched.filter_map(Area::new).collect(), ..Self::default() };
        for number in 0..zones.areas.len() {
            zones.index(number);
        }
        zones
    }

    fn index(&mut self, number: usize) {
        let Some(area) = self.areas.get(number) else { return };
        let ((low_x, low_y), (high_x, high_y)) = (cell(area.low), cell(area.high));
        let count = (i64::from(high_x) - i64::from(low_x) + 1) * (i64::from(high_y) - i64::from(low_y) + 1);
        if count > CELLS_MAX {
            self.everywhere.push(number);
            return;
        }
        for x in low_x..=high_x {
            for y in low_y..=high_y {
                self.cells.entry((x, y)).or_default().push(number);
            }
        }
    }

    /// The zones this point is in, their boundary included, ascending.
    pub(crate) fn around(&self, point: Point) -> Vec<usize> {
        let near = self.cells.get(&cell(point)).into_iter().flatten();
        let mut found: Vec<usize> = near.chain(&self.everywhere).copied().collect();
        found.retain(|number| self.areas.get(*number).is_some_and(|area| area.contains(point)));
        found.sort_unstable();
        found
    }
}

#[expect(clippy::cast_possible_truncation, reason = "degrees are within ±180, cells within ±18 000")]
fn cell(point: Point) -> (i32, i32) {
    let part = |degrees: f64| libm::floor(degrees * CELLS_A_DEGREE) as i32;
    (part(point.lon), part(point.lat))
}

impl Area {
    fn new(zone: &Zone) -> Option<Self> {
        let Geometry::Polygons(polygons) = &zone.geometry else { return None };
        let mut points = polygons.iter().flatten().flatten();
        let first = *points.next()?;
        let (low, high) = points.fold((first, first), |(low, high), point| {
            (
                Point { lat: low.lat.min(point.lat), lon: low.lon.min(point.lon) },
                Point { lat: high.lat.max(point.lat), lon: high.lon.max(point.lon) },
            )
        });
        Some(Self {
            id: zone.id.as_str().to_owned(),
            kind: zone.kind.clone(),
            asset: zone.asset.as_ref().map(|asset| asset.as_str().to_owned()),
            polygons: polygons.iter().map(|rings| polygon(rings)).collect(),
            low,
            high,
        })
    }

    pub(crate) fn contains(&self, point: Point) -> bool {
        let in_box = (self.low.lat..=self.high.lat).contains(&point.lat)
            && (self.low.lon..=self.high.lon).contains(&point.lon);
        in_box && self.polygons.iter().any(|polygon| polygon.intersects(&coord(point)))
    }

    /// Whether a point is outside and no part of the boundary is nearer than 10 m.
    pub(crate) fn is_well_outside(&self, point: Point) -> bool {
        !self.contains(point)
            && self.rings().all(|ring| {
                ring.lines().all(|line| {
                    let from = Point { lat: line.start.y, lon: line.start.x }.metres_from(point);
                    let to = Point { lat: line.end.y, lon: line.end.x }.metres_from(point);
                    squared_distance(from, to) >= LEAVE_BEYOND_M * LEAVE_BEYOND_M
                })
            })
    }

    fn rings(&self) -> impl Iterator<Item = &LineString<f64>> {
        self.polygons.iter().flat_map(|polygon| [polygon.exterior()].into_iter().chain(polygon.interiors()))
    }
}

/// The squared distance of the origin from a stretch.
fn squared_distance(from: (f64, f64), to: (f64, f64)) -> f64 {
    let along = (to.0 - from.0, to.1 - from.1);
    let length = along.0 * along.0 + along.1 * along.1;
    let place = if length > 0.0 { -(from.0 * along.0 + from.1 * along.1) / length } else { 0.0 };
    let place = place.clamp(0.0, 1.0);
    let (east, north) = (from.0 + place * along.0, from.1 + place * along.1);
    east * east + north * north
}

fn polygon(rings: &[Vec<Point>]) -> Polygon<f64> {
    let mut rings =
        rings.iter().map(|ring| ring.iter().map(|point| coord(*point)).collect::<LineString<f64>>());
    let outer = rings.next().unwrap_or_else(|| LineString::new(Vec::new()));
    Polygon::new(outer, rings.collect())
}

fn coord(point: Point) -> Coord<f64> {
    Coord { x: point.lon, y: point.lat }
}
