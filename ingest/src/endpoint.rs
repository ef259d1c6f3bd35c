//! The `mqtt-endpoint` source: devices connect here, with no broker in between, and PUBACK means on disk.
//!
//! It is an MQTT server for publishers, not a broker. Messages of `QoS` 0 and 1 are journalled and, with `QoS` 1,
//! acknowledged once committed, in the order they came; `QoS` 2 ends the connection, subscriptions are refused, wills
//! are ignored and said so. Sessions outlive connection and restart, so that clients keep what was not acknowledged.
//!
//! **Promises.** No PUBACK before the commit. What cannot be journalled now is not read: the device keeps it, and pings
//! are still answered. Nothing is read for a device that the client's credentials do not name, but as a dead letter.
//! Every buffer, wait and table is bounded by [`Limits`].
//!
//! **Never:** looks into a payload, reads the wall clock (time-outs run on the runtime's clock, sessions on a
//! [`Clock`](citywarden_model::Clock) that is handed in), listens beyond loopback without users or client certificates.
//!
//! [`Endpoint`] accepts; a connection is greeted (`handshake`), then served (`connection`), its packets taken in by its
//! `session`; what outlives the connection is in `sessions`.

mod clients;
mod config;
mod connection;
mod counters;
mod door;
mod flag;
mod glob;
mod handshake;
mod intake;
mod listener;
mod login;
mod outgoing;
mod read_buffer;
mod rights;
mod session;
mod sessions;
mod shared;
mod tls;
mod topics;
mod users;

pub use config::{EndpointConfig, Limits};
pub use counters::{Counter, Counters};
pub use door::{Door, Socket};
pub use glob::DeviceGlob;
pub use listener::{BindError, Endpoint, RunError};
pub use sessions::SessionStore;
pub use tls::{Tls, TlsError};
pub use topics::TopicMap;
pub use users::Users;
