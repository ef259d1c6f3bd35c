//! What stands at a building site: dust and noise monitors, and the spraying along its fence.

use super::{Model, Moment, Said};
use crate::script::{
    DUST_HIGH, DUST_LATE, DUST_LATE_BY_S, DUST_WARNING, FOG, FOG_DUST, NOISE_HIGH, NOZZLE_CLOGGED,
    NOZZLE_CLOGGED_BRIEFLY, NOZZLES_OFF, WIND_NOISE, WIND_STRONG, plays,
};

/// The nozzles along a fence; the same number at both sites.
pub(crate) const NOZZLES: usize = 40;
/// The one that clogs, from 0.
pub(crate) const CLOGS: usize = 12;
/// Of a hundred messages of the dusty site's monitor, so many come twice.
const TWICE_PERCENT: u32 = 3;

/// µg/m³: below everything, between warning and limit, above the limit.
const DUST_LOW: f64 = 70.0;
const DUST_WARNS: f64 = 135.0;
const DUST_VIOLATES: f64 = 200.0;

/// The monitor of the site whose dust rises from the start; some of its messages come twice.
pub(crate) fn dusty() -> Model {
    Box::new(|moment| {
        let pm10 = if plays(&DUST_HIGH, moment.second) {
            DUST_VIOLATES
        } else if plays(&DUST_WARNING, moment.second) {
            DUST_WARNS
        } else {
            DUST_LOW
        };
        let message = dust(moment, pm10, 55.0);
        if moment.dice.happens(TWICE_PERCENT) { Said::Twice(message) } else { Said::Now(message) }
    })
}

/// The monitor of the site that behaves: fog makes it over-read, and some of its messages come late.
pub(crate) fn clean_dust() -> Model {
    Box::new(|moment| {
        let second = moment.second;
        let pm10 = if plays(&FOG_DUST, second) { 210.0 } else { 80.0 };
        let humidity = if plays(&FOG, second) { 96.0 } else { 58.0 };
        let message = dust(moment, pm10, humidity);
        let every_other = second.rem_euclid(60) == 0;
        if plays(&DUST_LATE, second) && every_other {
            Said::Late(message, DUST_LATE_BY_S)
        } else {
            Said::Now(message)
        }
    })
}

fn dust(moment: &mut Moment<'_>, pm10: f64, humidity: f64) -> String {
    let pm10 = moment.dice.around(pm10, 4.0);
    moment
        .payload()
        .number("pm10", pm10, 1)
        .number("pm25", pm10 * 0.45, 1)
        .number("tsp", pm10 * 1.6, 1)
        .number("temperature", moment.dice.around(14.0, 0.5), 1)
        .number("humidity", moment.dice.around(humidity, 1.5), 1)
        .flag('N')
        .finish()
}

/// The site that is too loud, in still air.
pub(crate) fn noisy() -> Model {
    Box::new(|moment| {
        let level = if plays(&NOISE_HIGH, moment.second) { 78.0 } else { 50.0 };
        Said::Now(noise(moment, level, 1.4))
    })
}

/// The site that behaves; strong wind makes its microphone loud, and no measurement.
pub(crate) fn clean_noise() -> Model {
    Box::new(|moment| {
        let level = if plays(&WIND_NOISE, moment.second) { 75.0 } else { 50.0 };
        let wind = if plays(&WIND_STRONG, moment.second) { 7.5 } else { 1.2 };
        Said::Now(noise(moment, level, wind))
    })
}

fn noise(moment: &mut Moment<'_>, level: f64, wind: f64) -> String {
    let level = moment.dice.around(level, 0.8);
    moment
        .payload_millis()
        .number("sound_level", level, 1)
        .number("sound_level_max", level + 6.0, 1)
        .number("wind_speed", moment.dice.around(wind, 0.6), 1)
        .flag('N')
        .finish()
}

/// The spraying with a nozzle that clogs for long.
pub(crate) fn leaky_spray() -> Model {
    Box::new(|moment| {
        let clogged = plays(&NOZZLE_CLOGGED, moment.second);
        Said::Now(spray(moment, true, clogged))
    })
}

/// The spraying that is soon mended, and off for a while.
pub(crate) fn clean_spray() -> Model {
    Box::new(|moment| {
        let on = !plays(&NOZZLES_OFF, moment.second);
        let clogged = plays(&NOZZLE_CLOGGED_BRIEFLY, moment.second);
        Said::Now(spray(moment, on, clogged))
    })
}

fn spray(moment: &mut Moment<'_>, on: bool, clogged: bool) -> String {
    let nozzles: Vec<bool> = (0..NOZZLES).map(|nozzle| on && !(clogged && nozzle == CLOGS)).collect();
    let pressure = if on { 0.5 } else { 0.02 };
    moment
        .payload()
        .state("spraying", on)
        .states("nozzles", &nozzles)
        .number("pump_pressure", moment.dice.around(pressure, 0.01), 2)
        .flag('N')
        .finish()
}
