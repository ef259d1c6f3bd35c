//! Properties of version 5: which there are, of what type, in which packets, how often.

use super::cursor::Cursor;
use super::error::{DecodeError, Stop, malformed, protocol};

/// The places a client can put properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Place {
    Connect = 1,
    Will = 2,
    Publish = 4,
    Subscribe = 8,
    Unsubscribe = 16,
    Disconnect = 32,
    Auth = 64,
}

/// A property with its value, of those that somebody here looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Property<'b> {
    SessionExpiry(u32),
    ReceiveMaximum(u16),
    MaximumPacketSize(u32),
    TopicAliasMaximum(u16),
    TopicAlias(u16),
    SubscriptionIdentifier,
    AuthenticationMethod(&'b str),
    AuthenticationData,
    /// Checked, and without a meaning to a server for publishers.
    Other,
}

const ANYWHERE: u8 = 127;
const WILL_OR_PUBLISH: u8 = Place::Will as u8 | Place::Publish as u8;
const SERVER_ONLY: u8 = 0;

/// Where a client may put this property; `None` where there is no such property.
const fn places_of(id: usize) -> Option<u8> {
    Some(match id {
        0x01 | 0x02 | 0x03 | 0x08 | 0x09 => WILL_OR_PUBLISH,
        0x0b => Place::Subscribe as u8,
        0x11 => Place::Connect as u8 | Place::Disconnect as u8,
        0x15 | 0x16 => Place::Connect as u8 | Place::Auth as u8,
        0x17 | 0x19 | 0x21 | 0x22 | 0x27 => Place::Connect as u8,
        0x18 => Place::Will as u8,
        0x12 | 0x13 | 0x1a | 0x24 | 0x25 | 0x28 | 0x29 | 0x2a => SERVER_ONLY,
        0x1c => Place::Disconnect as u8,
        0x1f => Place::Disconnect as u8 | Place::Auth as u8,
        0x23 => Place::Publish as u8,
        USER_PROPERTY => ANYWHERE,
        _ => return None,
    })
}

const USER_PROPERTY: usize = 0x26;

/// Reads a block of properties with its length in front, and hands each on.
pub(crate) fn read<'b>(
    body: &mut Cursor<'b>,
    place: Place,
    mut each: impl FnMut(Property<'b>) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let length = body.variable()?;
    let mut block = body.stretch(length)?;
    let mut seen = 0_u64;
    while !block.is_empty() {
        let id = block.variable()?;
        let places = places_of(id).ok_or(malformed("a property that does not exist"))?;
        if places & place as u8 == 0 {
            return Err(protocol("a property that this packet cannot have"));
        }
        if id != USER_PROPERTY && seen >> id & 1 == 1 {
            return Err(protocol("a property twice"));
        }
        seen |= 1 << id;
        each(value(&mut block, id)?)?;
    }
    Ok(())
}

fn value<'b>(block: &mut Cursor<'b>, id: usize) -> Result<Property<'b>, Stop> {
    Ok(match id {
        0x01 | 0x17 | 0x19 => flag(block).map(|_| Property::Other)?,
        0x02 | 0x18 => block.u32().map(|_| Property::Other)?,
        0x03 | 0x1c | 0x1f => block.text().map(|_| Property::Other)?,
        0x08 => block.topic_name().map(|_| Property::Other)?,
        0x09 => block.binary().map(|_| Property::Other)?,
        0x0b => other_than_zero(block.variable()?, Property::SubscriptionIdentifier)?,
        0x11 => Property::SessionExpiry(block.u32()?),
        0x15 => Property::AuthenticationMethod(block.text()?),
        0x16 => block.binary().map(|_| Property::AuthenticationData)?,
        0x21 => {
            block.u16().and_then(|maximum| other_than_zero(maximum, Property::ReceiveMaximum(maximum)))?
        }
        0x22 => Property::TopicAliasMaximum(block.u16()?),
        0x23 => topic_alias(block.u16()?)?,
        0x27 => block.u32().and_then(|size| other_than_zero(size, Property::MaximumPacketSize(size)))?,
        USER_PROPERTY => block.text().and_then(|_| block.text()).map(|_| Property::Other)?,
        _ => return Err(malformed("a property that does not exist")),
    })
}

fn flag(block: &mut Cursor<'_>) -> Result<u8, Stop> {
    match block.u8()? {
        flag @ (0 | 1) => Ok(flag),
        _ => Err(protocol("a property that is neither 0 nor 1")),
    }
}

fn other_than_zero<T: Copy + PartialEq + From<u8>>(
    value: T,
    property: Property<'static>,
) -> Result<Property<'static>, Stop> {
    if value == T::from(0) { Err(protocol("a property that is 0 and cannot be")) } else { Ok(property) }
}

fn topic_alias(alias: u16) -> Result<Property<'static>, Stop> {
    if alias == 0 { Err(DecodeError::TopicAlias.into()) } else { Ok(Property::TopicAlias(alias)) }
}
