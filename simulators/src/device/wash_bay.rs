//! A wash bay at a site's exit: it says that it is there, and which truck it has washed.

use super::truck::Conduct;
use super::{Model, Moment, Said};
use crate::script::{BAY_FROM, EXIT_AT, WASHED_AT};

/// It says that it is there once in so many seconds.
const HEARTBEAT_S: i64 = 60;

/// A bay and the trucks that pass it.
pub(crate) struct WashBay {
    pub(crate) trucks: Vec<(&'static str, Conduct)>,
}

impl WashBay {
    pub(crate) fn model(self) -> Model {
        Box::new(move |moment| self.say(moment))
    }
    fn say(&self, moment: &mut Moment<'_>) -> Said {
        let washed = self.trucks.iter().find_map(|(truck, conduct)| {
            let (trip, second) = conduct.in_trip(moment.second);
            let seconds = conduct.wash_seconds(trip).filter(|_| second == WASHED_AT)?;
            Some((*truck, seconds))
        });
        if washed.is_none() && moment.second.rem_euclid(HEARTBEAT_S) != 0 {
            return Said::Nothing;
        }
        let flow = if washed.is_some() || self.is_washing(moment.second) { 6.0 } else { 0.0 };
        let mut payload = moment.payload().number("water_flow", moment.dice.around(flow, flow / 20.0), 2);
        if let Some((truck, seconds)) = washed {
            payload = payload.washed(truck, seconds);
        }
        Said::Now(payload.flag('N').finish())
    }
    fn is_washing(&self, second: i64) -> bool {
        self.trucks.iter().any(|(_, conduct)| {
            let (trip, second) = conduct.in_trip(second);
            conduct.wash_seconds(trip).is_some_and(|seconds| {
                (BAY_FROM.max(WASHED_AT - seconds)..EXIT_AT.min(WASHED_AT)).contains(&second)
            })
        })
    }
}
