//! Fume meters behind the purifiers of two kitchens.

use super::{Model, Moment, Said};
use crate::script::{FAN_OFF, FUME_HIGH, FUME_MAINTENANCE, FUME_PEAK, plays};

/// mg/m³ of a purifier that works, of one that does not, and of span gas.
const CLEAN: f64 = 0.8;
const HIGH: f64 = 4.0;
const SPAN_GAS: f64 = 8.0;

/// Its purifier loses its current for 40 min a cycle.
pub(crate) fn first_kitchen() -> Model {
    Box::new(|moment| {
        let high = plays(&FUME_HIGH, moment.second);
        let (fume, current) = if high { (HIGH, 0.1) } else { (CLEAN, 3.1) };
        Said::Now(message(moment, fume, current, true, 'N'))
    })
}

/// Behaves: a short peak, a meter in maintenance, and a fan that rests.
pub(crate) fn second_kitchen() -> Model {
    Box::new(|moment| {
        let second = moment.second;
        let fan = !plays(&FAN_OFF, second);
        let (fume, flag) = if plays(&FUME_MAINTENANCE, second) {
            (SPAN_GAS, 'M')
        } else if plays(&FUME_PEAK, second) {
            (HIGH, 'N')
        } else {
            (if fan { CLEAN } else { 0.1 }, 'N')
        };
        let current = if fan { 2.9 } else { 0.0 };
        Said::Now(message(moment, fume, current, fan, flag))
    })
}

fn message(moment: &mut Moment<'_>, fume: f64, current: f64, fan: bool, flag: char) -> String {
    moment
        .payload()
        .number("fume", moment.dice.around(fume, fume / 20.0), 2)
        .state("fan_running", fan)
        .state("purifier_running", fan)
        .number("purifier_current", moment.dice.around(current, current / 30.0), 2)
        .flag(flag)
        .finish()
}
