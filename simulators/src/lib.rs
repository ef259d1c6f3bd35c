//! Devices that do not exist: a small county with its ground truth, a player that publishes it as devices would,
//! and a load for measuring.
//!
//! ```text
//! County (seed, start) ─▶ TimedMessage … ─▶ play() ─▶ MQTT, one connection a device
//!        ├─▶ registry(): the files that describe it
//!        └─▶ truth(): what must be raised, and when; nothing else may be
//! Load ─▶ run() ─▶ MQTT, N connections × W in flight ─▶ counts and latencies
//! ```
//!
//! **Promises:** the same seed and start give the same messages, byte for byte, on any machine. Each staged violation
//! exceeds what its rule needs, and each has a clean twin. Every message is sent until it is acknowledged.
//! **Knows:** the nouns of `model/`, and the wire shape of the formats.
//! **Never:** reaches into the pipeline, or reads a clock that it was not handed.

mod county;
mod device;
mod dice;
pub mod load;
mod message;
mod place;
pub mod play;
mod registry;
mod script;
mod truth;

pub use county::{County, REGION};
pub use message::TimedMessage;
pub use registry::RegistryTexts;
pub use truth::Truth;
