//! MQTT 3.1.1 and 5 as a server for publishers hears and speaks it: strict, borrowed, without allocation on the way
//! of a PUBLISH.
//!
//! **Promises.** A packet is accepted only if the standard allows a client to send it. Each field is judged as soon as
//! it begins to arrive: a packet whose bytes so far contradict the standard or its own lengths is refused now, and
//! [`Decoded::Incomplete`] is never the answer to a whole frame. No input panics and nothing is read past the bytes
//! handed in.
//!
//! **Where the standard leaves a choice.** Texts with control characters (U+0001–U+001F, U+007F–U+009F) or
//! non-characters are refused, as both versions permit. A remaining length longer than it has to be is refused in
//! version 5, which forbids it, and read in 3.1.1, which does not. A will whose topic is below `$CONTROL/` is refused.
//!
//! **Never:** does I/O, keeps state between packets (topic aliases and what is in flight are the session's).

mod connect;
mod control;
mod cursor;
mod encode;
mod error;
mod frame;
mod property;
mod publish;
mod reason;
mod subscribe;
mod text;

pub use connect::{Connect, ConnectProperties, Will, claimed_version};
pub use control::{Auth, Disconnect};
pub use encode::{
    ConnAck, write_connack, write_disconnect, write_pingresp, write_puback, write_suback, write_unsuback,
};
pub use error::DecodeError;
pub use frame::declared_length;
pub use publish::{Delivery, PacketId, Publish};
pub use reason::Reason;
pub use subscribe::{Subscribe, Unsubscribe};

use error::Stop;
use frame::{Frame, Kind};

/// The versions of the protocol that are spoken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// 3.1.1, level 4.
    V311,
    /// 5, level 5.
    V5,
}

/// What a client may send next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaiting {
    /// The first packet: CONNECT and nothing else.
    Connect,
    /// Anything a connected client of this version may send.
    Packets(Version),
}

/// What a client sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Packet<'b> {
    /// The first packet of a connection.
    Connect(Connect<'b>),
    /// A message.
    Publish(Publish<'b>),
    /// A wish this server does not grant, to be answered with a refusal of each filter.
    Subscribe(Subscribe<'b>),
    /// The end of a subscription there never was.
    Unsubscribe(Unsubscribe<'b>),
    /// A sign of life, to be answered.
    PingReq,
    /// The end, in order.
    Disconnect(Disconnect),
    /// A step of an extended authentication; none is ever begun here.
    Auth(Auth<'b>),
}

/// The outcome of looking at the bytes that have arrived.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Decoded<'b> {
    /// A whole packet, and how many bytes it took.
    Complete(Packet<'b>, usize),
    /// The start of one; nothing wrong with it so far.
    Incomplete,
}

/// Reads the packet at the start of `bytes`.
///
/// `packet_bytes_max` bounds a whole packet, its fixed header included.
pub fn decode(awaiting: Awaiting, bytes: &[u8], packet_bytes_max: usize) -> Result<Decoded<'_>, DecodeError> {
    match packet(awaiting, bytes, packet_bytes_max) {
        Ok((packet, length)) => Ok(Decoded::Complete(packet, length)),
        Err(Stop::Incomplete) => Ok(Decoded::Incomplete),
        Err(Stop::Bad(error)) => Err(error),
    }
}

fn packet(awaiting: Awaiting, bytes: &[u8], packet_bytes_max: usize) -> Result<(Packet<'_>, usize), Stop> {
    let frame = Frame::open(awaiting, bytes, packet_bytes_max)?;
    let length = frame.length;
    let packet = match awaiting {
        Awaiting::Connect => Packet::Connect(connect::read(frame)?),
        Awaiting::Packets(version) => connected_packet(frame, version)?,
    };
    Ok((packet, length))
}

fn connected_packet(frame: Frame<'_>, version: Version) -> Result<Packet<'_>, Stop> {
    match frame.kind {
        Kind::Publish => publish::read(frame, version).map(Packet::Publish),
        Kind::Subscribe => subscribe::read_subscribe(frame, version).map(Packet::Subscribe),
        Kind::Unsubscribe => subscribe::read_unsubscribe(frame, version).map(Packet::Unsubscribe),
        Kind::PingReq => frame.body.finish().map(|()| Packet::PingReq),
        Kind::Disconnect => control::read_disconnect(frame, version).map(Packet::Disconnect),
        Kind::Auth => control::read_auth(frame).map(Packet::Auth),
        Kind::Connect => Err(DecodeError::Protocol("a second CONNECT on the same connection").into()),
        Kind::PubRec | Kind::PubRel | Kind::PubComp => Err(DecodeError::QosNotSupported.into()),
        Kind::PubAck => Err(DecodeError::Protocol("a PUBACK, though nothing was published to it").into()),
        Kind::ConnAck | Kind::SubAck | Kind::UnsubAck | Kind::PingResp => {
            Err(DecodeError::Protocol("a packet that only servers send").into())
        }
    }
}
