//! Where things are: metres east and north of the county's middle.

use citywarden_model::Point;

/// The middle of the county (Xinchang), WGS-84.
pub(crate) const ORIGIN: Point = Point { lat: 29.4990, lon: 120.9036 };

/// Metres east and north of [`ORIGIN`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spot {
    pub(crate) east: f64,
    pub(crate) north: f64,
}

pub(crate) const fn spot(east: f64, north: f64) -> Spot {
    Spot { east, north }
}

impl Spot {
    pub(crate) fn point(self) -> Point {
        ORIGIN.moved(self.east, self.north)
    }
    fn distance(self, to: Self) -> f64 {
        libm::hypot(to.east - self.east, to.north - self.north)
    }
    /// Degrees clockwise from north.
    fn heading(self, to: Self) -> f64 {
        let degrees = libm::atan2(to.east - self.east, to.north - self.north).to_degrees();
        if degrees < 0.0 { degrees + 360.0 } else { degrees }
    }
}

/// An upright rectangle.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Block {
    pub(crate) south_west: Spot,
    pub(crate) north_east: Spot,
}

const fn block(west: f64, south: f64, east: f64, north: f64) -> Block {
    Block { south_west: spot(west, south), north_east: spot(east, north) }
}

impl Block {
    /// Its corners against the clock, the first one again at the end.
    pub(crate) fn ring(self) -> [Spot; 5] {
        let (sw, ne) = (self.south_west, self.north_east);
        [sw, spot(ne.east, sw.north), ne, spot(sw.east, ne.north), sw]
    }
}

/// A building site as trucks see it. The exit with its wash bay is on the east side, the entry on the west side, so
/// that nobody crosses the exit on the way in.
pub(crate) struct Site {
    pub(crate) ground: Block,
    pub(crate) exit: Block,
    pub(crate) loading: Spot,
    pub(crate) bay: Spot,
    /// From the bay to the disposal site.
    pub(crate) way_out: &'static [Spot],
    /// From the disposal site to the loading place.
    pub(crate) way_back: &'static [Spot],
}

pub(crate) const SITE_A: Site = Site {
    ground: block(-990.0, 530.0, -810.0, 670.0),
    exit: block(-850.0, 585.0, -810.0, 615.0),
    loading: spot(-940.0, 620.0),
    bay: spot(-830.0, 600.0),
    way_out: &[
        spot(-830.0, 600.0),
        spot(-760.0, 600.0),
        spot(-760.0, 200.0),
        spot(1_000.0, 200.0),
        spot(2_400.0, 800.0),
        spot(2_550.0, 1_480.0),
    ],
    way_back: &[
        spot(2_550.0, 1_480.0),
        spot(2_400.0, 800.0),
        spot(1_000.0, 200.0),
        spot(-1_100.0, 200.0),
        spot(-1_100.0, 560.0),
        spot(-990.0, 560.0),
        spot(-940.0, 620.0),
    ],
};

pub(crate) const SITE_B: Site = Site {
    ground: block(1_120.0, -760.0, 1_280.0, -640.0),
    exit: block(1_240.0, -715.0, 1_280.0, -685.0),
    loading: spot(1_160.0, -680.0),
    bay: spot(1_260.0, -700.0),
    way_out: &[
        spot(1_260.0, -700.0),
        spot(1_340.0, -700.0),
        spot(1_340.0, 200.0),
        spot(2_400.0, 800.0),
        spot(2_550.0, 1_480.0),
    ],
    way_back: &[
        spot(2_550.0, 1_480.0),
        spot(2_400.0, 800.0),
        spot(1_340.0, 200.0),
        spot(1_000.0, 200.0),
        spot(1_000.0, -730.0),
        spot(1_120.0, -730.0),
        spot(1_160.0, -680.0),
    ],
};

/// Where the muck goes.
pub(crate) const DISPOSAL: Block = block(2_450.0, 1_380.0, 2_750.0, 1_620.0);
/// The halves of the town, as cells of the grid.
pub(crate) const GRID_WEST: Block = block(-3_000.0, -3_000.0, 0.0, 3_000.0);
pub(crate) const GRID_EAST: Block = block(0.0, -3_000.0, 3_000.0, 3_000.0);
/// The road works.
pub(crate) const WORKS: &[Spot] = &[spot(-400.0, -900.0), spot(500.0, -900.0)];
pub(crate) const KITCHEN_1: Spot = spot(-220.0, -40.0);
pub(crate) const KITCHEN_2: Spot = spot(260.0, -60.0);
/// The round of the sprinkler truck.
pub(crate) const ROUND: &[Spot] = &[
    spot(-400.0, -300.0),
    spot(600.0, -300.0),
    spot(600.0, 100.0),
    spot(-400.0, 100.0),
    spot(-400.0, -300.0),
];

/// Where somebody is who has gone that share (0 to 1) of a way, and the direction there.
pub(crate) fn along(way: &[Spot], share: f64) -> (Spot, f64) {
    let mut left = length(way) * share.clamp(0.0, 1.0);
    let mut here = (way.first().copied().unwrap_or(spot(0.0, 0.0)), 0.0);
    for (from, to) in way.iter().zip(way.iter().skip(1)) {
        let stretch = from.distance(*to);
        let part = if stretch > 0.0 { (left / stretch).min(1.0) } else { 1.0 };
        here = (
            spot(from.east + (to.east - from.east) * part, from.north + (to.north - from.north) * part),
            from.heading(*to),
        );
        left -= stretch;
        if left <= 0.0 {
            break;
        }
    }
    here
}

/// Metres of a way.
pub(crate) fn length(way: &[Spot]) -> f64 {
    way.iter().zip(way.iter().skip(1)).map(|(from, to)| from.distance(*to)).sum()
}
