//! The `mqtt` source: a client of the broker that a county already has.
//!
//! ```text
//! broker ──▶ link (rumqttc, polled) ──▶ queue ──▶ journal's inbox ──▶ committed ──▶ PUBACK, in the order received
//!              conversation                         delivery                          delivery, another task
//! ```
//!
//! **Promises.** No PUBACK before the commit; PUBACKs in the order of the messages, none on another connection than
//! the message came by. What the journal cannot take now is not acknowledged, so that the broker keeps it: it sends no
//! more than `receive_maximum` beyond. The session is kept by the broker while we are away, under a client id that is
//! always the same. A connection that breaks is made again, without end, with growing pauses. Nothing is ever published
//! on this connection.
//!
//! **Outside the promise:** what the broker acknowledged to the device and lost or dropped itself. What a subscriber can
//! see of that is counted: sessions that the broker no longer has, and what it says it has dropped.
//!
//! **Never:** looks into a payload, reads the wall clock (time-outs run on the runtime's clock), knows of rumqttc
//! outside of `link`.

mod config;
mod conversation;
mod counters;
mod delivery;
mod link;
mod outstanding;
mod pause;
mod source;
mod version;

pub use config::{BrokerConfig, BrokerLimits, Login};
pub use counters::BrokerCounters;
pub use source::{Broker, RunError, SessionMemory};
