//! Device models: each says what it publishes at a second of the virtual clock.

mod kitchen;
mod site;
mod sprinkler;
mod truck;
mod wash_bay;
mod works;

use citywarden_model::Timestamp;

use crate::dice::Dice;
use crate::message::Payload;
use crate::script::UNWASHED_EVERY_CYCLES;

pub(crate) use kitchen::{first_kitchen, second_kitchen};
pub(crate) use site::{NOZZLES, clean_dust, clean_noise, clean_spray, dusty, leaky_spray, noisy};
pub(crate) use sprinkler::sprinkler;
pub(crate) use truck::{Conduct, Truck};
pub(crate) use wash_bay::WashBay;
pub(crate) use works::works;

/// A moment of a device's life, and its chance.
pub(crate) struct Moment<'d> {
    /// Whole seconds since the start of the county.
    pub(crate) second: i64,
    /// The same by the virtual clock.
    pub(crate) now: Timestamp,
    pub(crate) dice: &'d mut Dice,
}

impl Moment<'_> {
    pub(crate) fn payload(&self) -> Payload {
        Payload::at(self.now)
    }
    pub(crate) fn payload_millis(&self) -> Payload {
        Payload::at_millis(self.now)
    }
}

/// What a device hands to the network.
pub(crate) enum Said {
    /// Nothing now.
    Nothing,
    /// A message, now.
    Now(String),
    /// A message that arrives that many seconds late.
    Late(String, i64),
    /// A message, and the same bytes once more.
    Twice(String),
}

/// A device: asked at every step of its own, it says something or nothing.
pub(crate) type Model = Box<dyn FnMut(&mut Moment<'_>) -> Said + Send>;

/// Whether the truck that skips washes does so on this trip.
pub(crate) const fn skips_wash(trip: i64) -> bool {
    trip.rem_euclid(crate::script::TRIPS_PER_CYCLE * UNWASHED_EVERY_CYCLES) == 0
}
