//! Sources of messages: how readings come in, and when they are acknowledged.
//!
//! * [`codec`]: MQTT 3.1.1 and 5 as a server for publishers speaks it.
//! * [`endpoint`]: the `mqtt-endpoint` source, to which devices connect without a broker in between.
//! * [`broker`]: the `mqtt` source, a client of the broker that a county already has.
//!
//! **Promises:** no acknowledgement before the message is committed to the journal; acknowledgements in the order of
//! the messages; what cannot be journalled now is not read, so that the device keeps it.
//! **Knows:** the model and the journal's inbox. **Never:** judges, decodes a payload, drops a message silently.
#![deny(clippy::indexing_slicing)]

pub mod broker;
pub mod codec;
pub mod endpoint;
