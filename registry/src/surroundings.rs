//! The neighbourhood of a registry: what lies far outside of it is a slip of the fingers.

use citywarden_model::{Geometry, Point};

/// A county is smaller than this across.
const FAR_KM: f64 = 200.0;
/// Fewer points have no middle worth trusting.
const MIN_POINTS: usize = 3;

/// The middle of all points of a registry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Surroundings(Option<Point>);

impl Surroundings {
    pub(crate) fn of(points: impl Iterator<Item = Point>) -> Self {
        let (mut lats, mut lons): (Vec<f64>, Vec<f64>) = points.map(|point| (point.lat, point.lon)).unzip();
        if lats.len() < MIN_POINTS {
            return Self(None);
        }
        Self(middle(&mut lats).zip(middle(&mut lons)).and_then(|(lat, lon)| Point::new(lat, lon)))
    }
    /// What to say where this point is far from the others.
    pub(crate) fn warning(self, point: Point) -> Option<String> {
        let (east, north) = point.metres_from(self.0?);
        let km = east.hypot(north) / 1000.0;
        (km > FAR_KM)
            .then(|| format!("{point} is {km:.0} km from the middle of the others; are lat and lon right?"))
    }
}

/// The first point of a shape.
pub(crate) fn first_point(geometry: &Geometry) -> Option<Point> {
    match geometry {
        Geometry::Polygons(polygons) => polygons.first()?.first()?.first().copied(),
        Geometry::Lines(lines) => lines.first()?.first().copied(),
    }
}

fn middle(numbers: &mut [f64]) -> Option<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers.get(numbers.len() / 2).copied()
}
