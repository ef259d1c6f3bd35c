//! The client of a broker: against a broker made by hand, which does what no good one would, and against mosquitto.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "clippy knows the functions marked as tests, not those they call"
)]

#[path = "../support/mod.rs"]
mod support;

mod fake;
mod full;
mod mosquitto;
mod rig;
mod sessions;
mod traps;
mod versions;
