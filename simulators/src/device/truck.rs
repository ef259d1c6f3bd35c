//! Muck trucks: load at the site, are washed, cover, drive to the disposal site, tip, and come back.

use citywarden_model::Crs;

use super::{Model, Moment, Said, skips_wash};
use crate::place::{Site, Spot, along, length, spot};
use crate::script::{
    BACK_AT, BAY_FROM, COVERED_AT_LAST, DUMP_FROM, DUMP_OPEN, DUMP_UNTIL, EMPTY_FROM, EXIT_AT,
    HURRIED_BAY_FROM, HURRIED_LOADING_UNTIL, LOADED_FROM, LOADING_UNTIL, NO_NETWORK, TRIP_S, TRIPS_PER_CYCLE,
};

/// How a driver keeps to the rules, and when the trips begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Conduct {
    /// Seconds of the first trip that have passed at the start.
    pub(crate) ahead_s: i64,
    /// Drives off with an open cover on the first trip of each cycle, half open in every second cycle.
    pub(crate) leaves_open: bool,
    /// Skips the wash on the first trip of every eighth cycle, or washes too short.
    pub(crate) skips_wash: bool,
    /// Has no network on a part of the way back.
    pub(crate) loses_network: bool,
}

/// What covers the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cover {
    Closed,
    Open,
    Half,
}

impl Conduct {
    /// The trip that a second since the start belongs to, and the second within it.
    pub(crate) const fn in_trip(self, second: i64) -> (i64, i64) {
        let since_first = second + self.ahead_s;
        (since_first.div_euclid(TRIP_S), since_first.rem_euclid(TRIP_S))
    }
    const fn hurries(self, trip: i64) -> bool {
        self.skips_wash && skips_wash(trip)
    }
    /// How long the bay washes it on that trip; the minute that the rule asks for, and more, where it behaves.
    pub(crate) const fn wash_seconds(self, trip: i64) -> Option<i64> {
        if !self.hurries(trip) {
            return Some(70 + trip.rem_euclid(3) * 5);
        }
        // every second time it is washed, and too short
        let stage = trip.div_euclid(TRIPS_PER_CYCLE * crate::script::UNWASHED_EVERY_CYCLES);
        if stage.rem_euclid(2) == 1 { Some(25) } else { None }
    }
    const fn opens(self, trip: i64) -> bool {
        self.leaves_open && trip.rem_euclid(TRIPS_PER_CYCLE) == 0
    }
    fn cover(self, trip: i64, second: i64) -> Cover {
        let half = trip.div_euclid(TRIPS_PER_CYCLE).rem_euclid(2) == 1;
        let closed_from = if self.opens(trip) { COVERED_AT_LAST } else { BAY_FROM };
        if second >= BAY_FROM && second < closed_from && half {
            Cover::Half
        } else if second < closed_from || (DUMP_OPEN..DUMP_UNTIL).contains(&second) {
            Cover::Open
        } else {
            Cover::Closed
        }
    }
}

/// A truck, the site it works for, and the datum of its unit.
pub(crate) struct Truck {
    pub(crate) site: &'static Site,
    pub(crate) conduct: Conduct,
    pub(crate) crs: Crs,
}

impl Truck {
    pub(crate) fn model(self) -> Model {
        let mut kept = Vec::new();
        Box::new(move |moment| {
            let message = self.message(moment);
            let (_, second) = self.conduct.in_trip(moment.second);
            if self.conduct.loses_network && NO_NETWORK.contains(&second) {
                kept.push(message);
                return Said::Nothing;
            }
            if kept.is_empty() {
                return Said::Now(message);
            }
            kept.push(message);
            Said::Now(format!("[{}]", std::mem::take(&mut kept).join(",")))
        })
    }

    fn message(&self, moment: &mut Moment<'_>) -> String {
        let (trip, second) = self.conduct.in_trip(moment.second);
        let (place, heading, metres_a_second) = self.drive(trip, second);
        let (east, north) = (moment.dice.around(0.0, 1.5), moment.dice.around(0.0, 1.5));
        let drift = if metres_a_second > 0.0 { 1.2 } else { 0.4 };
        let speed = (metres_a_second * 3.6 + moment.dice.around(0.0, drift)).max(0.0);
        let payload = moment.payload().state("loaded", (LOADED_FROM..EMPTY_FROM).contains(&second));
        let payload = match self.conduct.cover(trip, second) {
            Cover::Closed => payload.state("cover_closed", true),
            Cover::Open => payload.state("cover_closed", false),
            Cover::Half => payload.word("cover_closed", "half"),
        };
        payload
            .state("acc", true)
            .position(spot(place.east + east, place.north + north).point(), self.crs, speed, heading)
            .flag('N')
            .finish()
    }

    /// Where it is, where it points, and how fast it goes there.
    fn drive(&self, trip: i64, second: i64) -> (Spot, f64, f64) {
        let site = self.site;
        let in_site = [site.loading, site.bay];
        let (leaves, arrives) = if self.conduct.hurries(trip) {
            (HURRIED_LOADING_UNTIL, HURRIED_BAY_FROM)
        } else {
            (LOADING_UNTIL, BAY_FROM)
        };
        let stand = |here: Spot| (here, 0.0, 0.0);
        let disposal = site.way_out.last().copied().unwrap_or(site.bay);
        if second < leaves {
            stand(site.loading)
        } else if second < arrives {
            go(&in_site, second - leaves, arrives - leaves)
        } else if second < EXIT_AT {
            stand(site.bay)
        } else if second < DUMP_FROM {
            go(site.way_out, second - EXIT_AT, DUMP_FROM - EXIT_AT)
        } else if second < DUMP_UNTIL {
            stand(disposal)
        } else if second < BACK_AT {
            go(site.way_back, second - DUMP_UNTIL, BACK_AT - DUMP_UNTIL)
        } else {
            stand(site.loading)
        }
    }
}

fn go(way: &[Spot], passed_s: i64, whole_s: i64) -> (Spot, f64, f64) {
    let seconds = |span: i64| f64::from(i32::try_from(span).unwrap_or(i32::MAX));
    let (here, heading) = along(way, seconds(passed_s) / seconds(whole_s));
    (here, heading, length(way) / seconds(whole_s))
}
