//! The sprinkler truck: its chime is too loud once a cycle.

use citywarden_model::Crs;

use super::{Model, Moment, Said};
use crate::place::{ROUND, along, length};
use crate::script::{CHIME_DROWNED, CHIME_LOUD, CHIME_OFF_AT_FIRST, STREET_LOUD_CHIME_OFF, plays};

/// One round takes so many seconds: about 14 km/h, at work.
const ROUND_S: u16 = 700;

pub(crate) fn sprinkler() -> Model {
    Box::new(|moment| Said::Now(message(moment)))
}

fn message(moment: &mut Moment<'_>) -> String {
    let (sound, background, chime) = sound(moment.second);
    let sound = moment.dice.around(sound, 0.3);
    let background = moment.dice.around(background, 0.3);
    let speed = moment.dice.around(length(ROUND) / f64::from(ROUND_S) * 3.6, 1.0);
    let into_round = moment.second.rem_euclid(i64::from(ROUND_S));
    let share = f64::from(u16::try_from(into_round).unwrap_or(0)) / f64::from(ROUND_S);
    let (spot, heading) = along(ROUND, share);
    moment
        .payload()
        .number("sound_level", sound, 1)
        .number("background_level", background, 1)
        .state("chime", chime)
        .number("water_flow", moment.dice.around(3.2, 0.2), 2)
        .position(spot.point(), Crs::Wgs84, speed, heading)
        .flag('N')
        .finish()
}

/// dB(A) with the chime and of the street, and whether the chime is on.
fn sound(second: i64) -> (f64, f64, bool) {
    if plays(&CHIME_LOUD, second) {
        (58.0, 46.0, true)
    } else if plays(&CHIME_DROWNED, second) {
        (56.2, 54.5, true)
    } else if plays(&STREET_LOUD_CHIME_OFF, second) || plays(&CHIME_OFF_AT_FIRST, second) {
        (66.0, 46.0, false)
    } else {
        (48.5, 43.5, true)
    }
}
