//! GeoJSON coordinates as shapes.

use citywarden_model::{Crs, Geometry, Point};
use serde::de::DeserializeOwned;

/// The most points of one zone: every position of every vehicle is compared with them.
const MAX_POINTS: usize = 20_000;
/// Rings of more points are not searched for crossings: the search takes the square of their number.
const MAX_CROSSING_POINTS: usize = 500;

/// A shape, and what somebody should look at.
#[derive(Debug, PartialEq)]
pub(crate) struct Shape {
    pub(crate) geometry: Geometry,
    pub(crate) warnings: Vec<String>,
}

type Position = Vec<f64>;
type Line = Vec<Position>;

/// Reads the coordinates of a geometry; positions are longitude first, as GeoJSON has them.
pub(crate) fn read(kind: &str, coordinates: &str, crs: Crs) -> Result<Shape, String> {
    let mut reader = ShapeReader { kind, coordinates, crs, points: 0, warnings: Vec::new() };
    let geometry = match kind {
        "Polygon" => {
            Geometry::Polygons(vec![reader.rings(&reader.parse::<Vec<Line>>("[[[lon, lat], …]]")?)?])
        }
        "MultiPolygon" => {
            let polygons: Vec<Vec<Line>> = reader.parse("[[[[lon, lat], …]]]")?;
            Geometry::Polygons(polygons.iter().map(|rings| reader.rings(rings)).collect::<Result<_, _>>()?)
        }
        "LineString" => Geometry::Lines(vec![reader.line(&reader.parse::<Line>("[[lon, lat], …]")?)?]),
        "MultiLineString" => {
            let lines: Vec<Line> = reader.parse("[[[lon, lat], …]]")?;
            Geometry::Lines(lines.iter().map(|line| reader.line(line)).collect::<Result<_, _>>()?)
        }
        "Point" => Geometry::Lines(vec![reader.points(&[reader.parse("[lon, lat]")?])?]),
        _ => {
            return Err(format!(
                "a {kind}; expected Polygon, MultiPolygon, LineString, MultiLineString or Point"
            ));
        }
    };
    if reader.points == 0 {
        return Err(format!("a {kind} without a point"));
    }
    Ok(Shape { geometry, warnings: reader.warnings })
}

struct ShapeReader<'s> {
    kind: &'s str,
    coordinates: &'s str,
    crs: Crs,
    points: usize,
    warnings: Vec<String>,
}

impl ShapeReader<'_> {
    fn parse<T: DeserializeOwned>(&self, form: &str) -> Result<T, String> {
        serde_json::from_str(self.coordinates)
            .map_err(|_| format!("these are no coordinates of a {}; expected {form}", self.kind))
    }
    fn points(&mut self, positions: &[Position]) -> Result<Vec<Point>, String> {
        self.points += positions.len();
        if self.points > MAX_POINTS {
            return Err(format!("more than {MAX_POINTS} points"));
        }
        positions.iter().map(|position| read_point(position, self.crs)).collect()
    }
    fn line(&mut self, positions: &[Position]) -> Result<Vec<Point>, String> {
        if positions.len() < 2 {
            return Err(format!("a line of {} points; expected 2 or more", positions.len()));
        }
        self.points(positions)
    }
    fn rings(&mut self, rings: &[Line]) -> Result<Vec<Vec<Point>>, String> {
        if rings.is_empty() {
            return Err("a polygon without a ring".to_owned());
        }
        rings.iter().map(|ring| self.ring(ring)).collect()
    }
    fn ring(&mut self, positions: &[Position]) -> Result<Vec<Point>, String> {
        let mut ring = self.points(positions)?;
        if let (Some(first), Some(last)) = (ring.first().copied(), ring.last().copied())
            && (first != last || ring.len() == 1)
        {
            self.warnings
                .push("the ring is not closed; taken as if its first point were repeated".to_owned());
            ring.push(first);
        }
        if ring.len() < 4 {
            return Err("a ring of fewer than 3 corners".to_owned());
        }
        if let Some(at) = crossing(&ring) {
            self.warnings.push(format!("the ring crosses itself near {at}"));
        }
        Ok(ring)
    }
}

fn read_point(position: &[f64], crs: Crs) -> Result<Point, String> {
    let &[lon, lat, ..] = position else {
        return Err(format!("a position of {} numbers; expected [lon, lat]", position.len()));
    };
    Point::new(lat, lon).map(|point| point.from_crs(crs)).ok_or_else(|| {
        let swapped = if Point::new(lon, lat).is_some() {
            "; are they swapped? GeoJSON has longitude first"
        } else {
            ""
        };
        format!("no position: longitude {lon}, latitude {lat}{swapped}")
    })
}

/// Where two sides of the ring cross, if they do.
fn crossing(ring: &[Point]) -> Option<Point> {
    if ring.len() > MAX_CROSSING_POINTS {
        return None;
    }
    let sides: Vec<(Point, Point)> = ring.iter().copied().zip(ring.iter().copied().skip(1)).collect();
    let crossed = |(at, side): (usize, &(Point, Point))| {
        sides.iter().skip(at + 2).find(|other| cross(*side, **other)).map(|other| other.0)
    };
    sides.iter().enumerate().find_map(crossed)
}

/// Whether the sides cross at a point that is an end of neither.
fn cross(a: (Point, Point), b: (Point, Point)) -> bool {
    let apart =
        |line: (Point, Point), ends: (Point, Point)| side_of(line, ends.0) * side_of(line, ends.1) < 0.0;
    apart(a, b) && apart(b, a)
}

/// Positive on the left of the line, negative on its right.
fn side_of((from, to): (Point, Point), point: Point) -> f64 {
    (to.lon - from.lon) * (point.lat - from.lat) - (to.lat - from.lat) * (point.lon - from.lon)
}
