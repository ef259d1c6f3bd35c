//! SUBSCRIBE and UNSUBSCRIBE: read to be refused.

use super::Version;
use super::cursor::Cursor;
use super::error::{Stop, malformed, protocol};
use super::frame::Frame;
use super::property::{self, Place, Property};
use super::publish::{PacketId, packet_id};
use super::text;

/// A wish for messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscribe<'b> {
    /// To be repeated in the answer.
    pub packet_id: PacketId,
    /// Whether it carries a subscription identifier.
    pub has_identifier: bool,
    /// One or more, in order.
    pub filters: Vec<&'b str>,
}

/// The end of a wish.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unsubscribe<'b> {
    /// To be repeated in the answer.
    pub packet_id: PacketId,
    /// One or more, in order.
    pub filters: Vec<&'b str>,
}

pub(crate) fn read_subscribe(frame: Frame<'_>, version: Version) -> Result<Subscribe<'_>, Stop> {
    let mut body = frame.body;
    let packet_id = packet_id(&mut body)?;
    let mut has_identifier = false;
    if version == Version::V5 {
        property::read(&mut body, Place::Subscribe, |property| {
            has_identifier |= property == Property::SubscriptionIdentifier;
            Ok(())
        })?;
    }
    let filters = read_filters(&mut body, |body, filter| check_options(body.u8()?, filter, version))?;
    Ok(Subscribe { packet_id, has_identifier, filters })
}

pub(crate) fn read_unsubscribe(frame: Frame<'_>, version: Version) -> Result<Unsubscribe<'_>, Stop> {
    let mut body = frame.body;
    let packet_id = packet_id(&mut body)?;
    if version == Version::V5 {
        property::read(&mut body, Place::Unsubscribe, |_| Ok(()))?;
    }
    let filters = read_filters(&mut body, |_, _| Ok(()))?;
    Ok(Unsubscribe { packet_id, filters })
}

fn read_filters<'b>(
    body: &mut Cursor<'b>,
    mut options: impl FnMut(&mut Cursor<'b>, &str) -> Result<(), Stop>,
) -> Result<Vec<&'b str>, Stop> {
    let mut filters = Vec::new();
    while !body.is_empty() {
        let filter = body.text()?;
        text::check_topic_filter(filter)?;
        options(body, filter)?;
        filters.push(filter);
    }
    if filters.is_empty() { Err(protocol("no topic filter")) } else { Ok(filters) }
}

fn check_options(options: u8, filter: &str, version: Version) -> Result<(), Stop> {
    let (qos, no_local, retain_handling) = (options & 0b11, options & 0b100 != 0, options >> 4 & 0b11);
    let reserved = if version == Version::V5 { options & 0b1100_0000 } else { options & 0b1111_1100 };
    if qos == 3 || reserved != 0 {
        return Err(malformed("subscription options with reserved bits or QoS 3"));
    }
    if retain_handling == 3 {
        return Err(protocol("retain handling 3"));
    }
    if no_local && filter.starts_with("$share/") {
        return Err(protocol("no local on a shared subscription"));
    }
    Ok(())
}
