//! Tests of the whole system, through its public doors: the real binary, real MQTT clients, a real HTTP receiver; and
//! the house rules that tools can hold.
//!
//! **Knows:** the commands, files, topics and formats that the outside relies on. **Never:** reaches into a stage.

#![expect(
    clippy::missing_panics_doc,
    clippy::indexing_slicing,
    reason = "a test's tools panic: that is how they report"
)]

pub mod alert;
pub mod broken;
pub mod browser;
pub mod client;
pub mod county;
pub mod database;
pub mod fleet;
pub mod left_out;
pub mod moment;
pub mod mosquitto;
pub mod pack;
pub mod receiver;
pub mod recording;
pub mod scenario;
pub mod service;
pub mod small_disk;
pub mod stubborn;
pub mod wire;
