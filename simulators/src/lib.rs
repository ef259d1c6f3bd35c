//! Devices that do not exist: a small county and scenarios with their ground truth, a player that publishes them as
//! devices would, a recorder and a player of what was recorded, and a load for measuring.
//!
//! ```text
//! County (seed, start) ─▶ TimedMessage … ─▶ play() ─▶ MQTT, one connection a device
//!        ├─▶ registry(): the files that describe it
//!        └─▶ truth(): what must be raised, and when; nothing else may be
//! Scenario (a file) ─▶ the same three
//! record() ─▶ JSON lines ─▶ Replay ─▶ TimedMessage … ─▶ play()
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
pub mod record;
pub mod recording;
mod registry;
pub mod replay;
mod retime;
pub mod scenario;
mod script;
mod timeline;
mod truth;

pub use county::{County, REGION};
pub use message::TimedMessage;
pub use registry::RegistryTexts;
pub use retime::retime;
pub use timeline::Timeline;
pub use truth::Truth;
