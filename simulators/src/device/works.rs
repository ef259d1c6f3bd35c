//! The spraying of the road works, which stops once a cycle for too long and once for a moment.

use super::{Model, Said};
use crate::script::{WORKS_DRY, WORKS_DRY_BRIEFLY, plays};

pub(crate) fn works() -> Model {
    Box::new(|moment| {
        let spraying = !plays(&WORKS_DRY, moment.second) && !plays(&WORKS_DRY_BRIEFLY, moment.second);
        let (flow, pressure) = if spraying { (2.4, 0.45) } else { (0.0, 0.05) };
        let payload = moment
            .payload()
            .state("spraying", spraying)
            .number("water_flow", moment.dice.around(flow, flow / 20.0), 2)
            .number("pump_pressure", moment.dice.around(pressure, 0.01), 2);
        Said::Now(payload.flag('N').finish())
    })
}
