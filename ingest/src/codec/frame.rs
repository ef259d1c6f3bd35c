//! The fixed header: what kind of packet, with which flags, how long.

use super::cursor::Cursor;
use super::error::{DecodeError, Stop, malformed, protocol};
use super::{Awaiting, Version};

/// The kinds of packet, by their number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Connect = 1,
    ConnAck,
    Publish,
    PubAck,
    PubRec,
    PubRel,
    PubComp,
    Subscribe,
    SubAck,
    Unsubscribe,
    UnsubAck,
    PingReq,
    PingResp,
    Disconnect,
    Auth,
}

/// A packet with its header read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Frame<'b> {
    pub(crate) kind: Kind,
    pub(crate) flags: u8,
    pub(crate) body: Cursor<'b>,
    /// The whole packet, header included.
    pub(crate) length: usize,
    /// Whether the remaining length takes no more bytes than it needs.
    pub(crate) minimal: bool,
}

impl<'b> Frame<'b> {
    /// Reads the fixed header and refuses what it alone shows to be bad.
    pub(crate) fn open(awaiting: Awaiting, bytes: &'b [u8], limit: usize) -> Result<Self, Stop> {
        let Some((&first, rest)) = bytes.split_first() else { return Err(Stop::Incomplete) };
        let (kind, flags) = kind_and_flags(awaiting, first)?;
        let length = Length::read(rest, limit)?;
        if !length.minimal && awaiting == Awaiting::Packets(Version::V5) {
            return Err(malformed("a remaining length in more bytes than it needs"));
        }
        if !lengths_of(kind, flags, awaiting).contains(&length.remaining) {
            return Err(malformed("a remaining length that this packet cannot have"));
        }
        let body = Cursor::new(rest.get(length.bytes..).unwrap_or_default(), length.remaining);
        let whole = 1 + length.bytes + length.remaining;
        Ok(Self { kind, flags, body, length: whole, minimal: length.minimal })
    }
}

fn kind_and_flags(awaiting: Awaiting, first: u8) -> Result<(Kind, u8), Stop> {
    let flags = first & 0x0f;
    let kind = kind_of(first >> 4, awaiting)?;
    if awaiting == Awaiting::Connect && kind != Kind::Connect {
        return Err(protocol("the first packet is no CONNECT"));
    }
    let reserved = match kind {
        Kind::PubRel | Kind::Subscribe | Kind::Unsubscribe => 0b0010,
        Kind::Publish => return check_publish_flags(flags).map(|()| (kind, flags)),
        Kind::Connect
        | Kind::ConnAck
        | Kind::PubAck
        | Kind::PubRec
        | Kind::PubComp
        | Kind::SubAck
        | Kind::UnsubAck
        | Kind::PingReq
        | Kind::PingResp
        | Kind::Disconnect
        | Kind::Auth => 0,
    };
    if flags == reserved { Ok((kind, flags)) } else { Err(malformed("reserved flags in the first byte")) }
}

fn kind_of(number: u8, awaiting: Awaiting) -> Result<Kind, Stop> {
    Ok(match number {
        1 => Kind::Connect,
        2 => Kind::ConnAck,
        3 => Kind::Publish,
        4 => Kind::PubAck,
        5 => Kind::PubRec,
        6 => Kind::PubRel,
        7 => Kind::PubComp,
        8 => Kind::Subscribe,
        9 => Kind::SubAck,
        10 => Kind::Unsubscribe,
        11 => Kind::UnsubAck,
        12 => Kind::PingReq,
        13 => Kind::PingResp,
        14 => Kind::Disconnect,
        15 if awaiting == Awaiting::Packets(Version::V5) => Kind::Auth,
        _ => return Err(malformed("a packet type that does not exist")),
    })
}

fn check_publish_flags(flags: u8) -> Result<(), Stop> {
    match flags >> 1 & 0b11 {
        3 => Err(malformed("QoS 3")),
        0 if flags & 0b1000 != 0 => Err(malformed("DUP on a QoS 0 publish")),
        _ => Ok(()),
    }
}

/// The remaining lengths a packet of this kind can have at all.
fn lengths_of(kind: Kind, flags: u8, awaiting: Awaiting) -> std::ops::RangeInclusive<usize> {
    let v5 = awaiting == Awaiting::Packets(Version::V5);
    let property_length = usize::from(v5);
    let from = |shortest: usize| shortest + property_length..=usize::MAX;
    match kind {
        Kind::Connect => 12..=usize::MAX,
        // a topic of one character; in version 5 it may be empty with an alias
        Kind::Publish => from(if flags & 0b0110 == 0 { 3 } else { 5 }),
        Kind::Subscribe => from(6),
        Kind::Unsubscribe => from(5),
        Kind::PingReq | Kind::PingResp => 0..=0,
        Kind::Disconnect if !v5 => 0..=0,
        Kind::PubAck | Kind::PubRec | Kind::PubRel | Kind::PubComp if !v5 => 2..=2,
        Kind::PubAck | Kind::PubRec | Kind::PubRel | Kind::PubComp => 2..=usize::MAX,
        Kind::ConnAck | Kind::SubAck | Kind::UnsubAck | Kind::Disconnect | Kind::Auth => 0..=usize::MAX,
    }
}

struct Length {
    remaining: usize,
    /// Bytes the remaining length itself takes.
    bytes: usize,
    minimal: bool,
}

impl Length {
    fn read(rest: &[u8], limit: usize) -> Result<Self, Stop> {
        let mut remaining = 0_usize;
        for (index, shift) in [0, 7, 14, 21].into_iter().enumerate() {
            let Some(&byte) = rest.get(index) else { return Err(Stop::Incomplete) };
            remaining |= usize::from(byte & 0x7f) << shift;
            let bytes = index + 1;
            // the lower digits come first: what is known so far is the least it can be
            if 1 + bytes + remaining > limit {
                return Err(DecodeError::TooLarge { bytes: 1 + bytes + remaining, limit }.into());
            }
            if byte & 0x80 == 0 {
                return Ok(Self { remaining, bytes, minimal: index == 0 || byte != 0 });
            }
        }
        Err(malformed("a remaining length in more than four bytes"))
    }
}

/// Bytes of the packet at the start of `bytes`, header included, once its header has arrived and if that is sound.
pub fn declared_length(bytes: &[u8]) -> Option<usize> {
    let length = Length::read(bytes.get(1..)?, usize::MAX).ok()?;
    Some(1 + length.bytes + length.remaining)
}
