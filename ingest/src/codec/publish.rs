//! PUBLISH.

use std::num::NonZeroU16;

use super::Version;
use super::cursor::Cursor;
use super::error::{DecodeError, Stop, malformed, protocol};
use super::frame::Frame;
use super::property::{self, Place, Property};
use super::text;

/// The number by which a client recognises an acknowledgement; never 0.
pub type PacketId = NonZeroU16;

/// A message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publish<'b> {
    /// Where to; empty only where an alias stands for it.
    pub topic: &'b str,
    /// The number that stands for the topic from now on, or in its place.
    pub alias: Option<NonZeroU16>,
    /// What is promised about it.
    pub delivery: Delivery,
    /// Whether it is to be kept for those who subscribe later.
    pub retain: bool,
    /// Whether it may have been sent before.
    pub duplicate: bool,
    /// The bytes.
    pub payload: &'b [u8],
}

/// `QoS`, with the packet id where there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// 0.
    AtMostOnce,
    /// 1.
    AtLeastOnce(PacketId),
    /// 2: read, so that it can be refused in the protocol's way.
    ExactlyOnce(PacketId),
}

pub(crate) fn read(frame: Frame<'_>, version: Version) -> Result<Publish<'_>, Stop> {
    let mut body = frame.body;
    let topic = body.text()?;
    if !topic.is_empty() || version == Version::V311 {
        text::check_topic_name(topic)?;
    }
    let delivery = read_delivery(&mut body, frame.flags)?;
    let alias = if version == Version::V5 { read_alias(&mut body)? } else { None };
    if topic.is_empty() && alias.is_none() {
        return Err(protocol("neither a topic nor an alias"));
    }
    let payload = body.rest()?;
    let (retain, duplicate) = (frame.flags & 0b0001 != 0, frame.flags & 0b1000 != 0);
    Ok(Publish { topic, alias, delivery, retain, duplicate, payload })
}

fn read_delivery(body: &mut Cursor<'_>, flags: u8) -> Result<Delivery, Stop> {
    Ok(match flags >> 1 & 0b11 {
        0 => Delivery::AtMostOnce,
        1 => Delivery::AtLeastOnce(packet_id(body)?),
        _ => Delivery::ExactlyOnce(packet_id(body)?),
    })
}

/// A packet id; 0 is none (MQTT-2.2.1-3).
pub(crate) fn packet_id(body: &mut Cursor<'_>) -> Result<PacketId, Stop> {
    PacketId::new(body.u16()?).ok_or(malformed("packet id 0"))
}

fn read_alias(body: &mut Cursor<'_>) -> Result<Option<NonZeroU16>, Stop> {
    let mut alias = None;
    property::read(body, Place::Publish, |property| {
        if let Property::TopicAlias(number) = property {
            alias = Some(NonZeroU16::new(number).ok_or(DecodeError::TopicAlias)?);
        }
        Ok(())
    })?;
    Ok(alias)
}
