//! CONNECT.

use super::cursor::Cursor;
use super::error::{DecodeError, Stop, malformed, protocol};
use super::frame::Frame;
use super::property::{self, Place, Property};
use super::{Awaiting, Version};

/// The first packet of a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connect<'b> {
    /// The version it speaks.
    pub version: Version,
    /// Clean session (3.1.1), clean start (5).
    pub clean_start: bool,
    /// Seconds after which one and a half times over nothing heard means the client is gone; 0: never.
    pub keep_alive_s: u16,
    /// May be empty, where the version allows it.
    pub client_id: &'b str,
    /// What it wants published when it is gone.
    pub will: Option<Will<'b>>,
    /// Who it says it is.
    pub user_name: Option<&'b str>,
    /// What it proves it with.
    pub password: Option<&'b [u8]>,
    /// Properties; the defaults of the standard in 3.1.1.
    pub properties: ConnectProperties<'b>,
}

/// A message to be published when the client is gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Will<'b> {
    /// Where to.
    pub topic: &'b str,
    /// What.
    pub payload: &'b [u8],
    /// 0, 1 or 2.
    pub qos: u8,
    /// Whether it is to be kept.
    pub retain: bool,
}

/// What a version 5 client announces.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnectProperties<'b> {
    /// Seconds its session is to be kept.
    pub session_expiry_s: u32,
    /// How many unacknowledged messages it takes at once.
    pub receive_maximum: u16,
    /// The largest packet it takes; `None`: any.
    pub packet_bytes_max: Option<u32>,
    /// How many topic aliases it takes.
    pub topic_alias_maximum: u16,
    /// The extended authentication it asks for.
    pub authentication_method: Option<&'b str>,
}

impl Default for ConnectProperties<'_> {
    fn default() -> Self {
        Self {
            session_expiry_s: 0,
            receive_maximum: u16::MAX,
            packet_bytes_max: None,
            topic_alias_maximum: 0,
            authentication_method: None,
        }
    }
}

/// The version that a CONNECT which could not be read asks for, so that it can be refused in words it knows.
pub fn claimed_version(bytes: &[u8]) -> Option<Version> {
    let frame = Frame::open(Awaiting::Connect, bytes, usize::MAX).ok()?;
    let mut body = frame.body;
    body.binary().ok().filter(|name| *name == NAME)?;
    match body.u8().ok()? {
        4 => Some(Version::V311),
        5 => Some(Version::V5),
        _ => None,
    }
}

const NAME: &[u8] = b"MQTT";
const NAME_OF_3_1: &[u8] = b"MQIsdp";
/// Mosquitto's bridges set this bit and try again without it.
const BRIDGE_BIT: u8 = 0x80;

#[derive(Clone, Copy)]
struct Flags(u8);

impl Flags {
    const fn has(self, bit: u8) -> bool {
        self.0 & bit != 0
    }
    const fn will_qos(self) -> u8 {
        self.0 >> 3 & 0b11
    }
}
const CLEAN: u8 = 0x02;
const WILL: u8 = 0x04;
const WILL_RETAIN: u8 = 0x20;
const PASSWORD: u8 = 0x40;
const USER_NAME: u8 = 0x80;

pub(crate) fn read(frame: Frame<'_>) -> Result<Connect<'_>, Stop> {
    let mut body = frame.body;
    let version = read_version(&mut body)?;
    if version == Version::V5 && !frame.minimal {
        return Err(malformed("a remaining length in more bytes than it needs"));
    }
    let flags = read_flags(&mut body, version)?;
    let keep_alive_s = body.u16()?;
    let properties =
        if version == Version::V5 { read_properties(&mut body)? } else { ConnectProperties::default() };
    let client_id = body.text()?;
    let will = flags.has(WILL).then(|| read_will(&mut body, version, flags)).transpose()?;
    let user_name = flags.has(USER_NAME).then(|| body.text()).transpose()?;
    let password = flags.has(PASSWORD).then(|| body.binary()).transpose()?;
    body.finish()?;
    let clean_start = flags.has(CLEAN);
    Ok(Connect { version, clean_start, keep_alive_s, client_id, will, user_name, password, properties })
}

fn read_version(body: &mut Cursor<'_>) -> Result<Version, Stop> {
    let length = usize::from(body.u16()?);
    if length != NAME.len() && length != NAME_OF_3_1.len() {
        return Err(malformed("a protocol name that is not MQTT"));
    }
    let name = body.take(length)?;
    if name != NAME && name != NAME_OF_3_1 {
        return Err(malformed("a protocol name that is not MQTT"));
    }
    match body.u8()? {
        4 if name == NAME => Ok(Version::V311),
        5 if name == NAME => Ok(Version::V5),
        level if name == NAME || level & !BRIDGE_BIT == 3 => {
            Err(DecodeError::UnsupportedVersion { level }.into())
        }
        _ => Err(malformed("a protocol name that does not go with its level")),
    }
}

fn read_flags(body: &mut Cursor<'_>, version: Version) -> Result<Flags, Stop> {
    let flags = Flags(body.u8()?);
    if flags.has(1) {
        return Err(malformed("the reserved connect flag"));
    }
    if flags.will_qos() == 3 {
        return Err(malformed("a will of QoS 3"));
    }
    if !flags.has(WILL) && (flags.will_qos() != 0 || flags.has(WILL_RETAIN)) {
        return Err(malformed("will flags without a will"));
    }
    if version == Version::V311 && flags.has(PASSWORD) && !flags.has(USER_NAME) {
        return Err(malformed("a password without a user name"));
    }
    Ok(flags)
}

fn read_properties<'b>(body: &mut Cursor<'b>) -> Result<ConnectProperties<'b>, Stop> {
    let mut properties = ConnectProperties::default();
    let mut authentication_data = false;
    property::read(body, Place::Connect, |property| {
        match property {
            Property::SessionExpiry(seconds) => properties.session_expiry_s = seconds,
            Property::ReceiveMaximum(maximum) => properties.receive_maximum = maximum,
            Property::MaximumPacketSize(bytes) => properties.packet_bytes_max = Some(bytes),
            Property::TopicAliasMaximum(maximum) => properties.topic_alias_maximum = maximum,
            Property::AuthenticationMethod(method) => properties.authentication_method = Some(method),
            Property::AuthenticationData => authentication_data = true,
            Property::TopicAlias(_) | Property::SubscriptionIdentifier | Property::Other => {}
        }
        Ok(())
    })?;
    if authentication_data && properties.authentication_method.is_none() {
        return Err(protocol("authentication data without a method"));
    }
    Ok(properties)
}

fn read_will<'b>(body: &mut Cursor<'b>, version: Version, flags: Flags) -> Result<Will<'b>, Stop> {
    if version == Version::V5 {
        property::read(body, Place::Will, |_| Ok(()))?;
    }
    let topic = body.topic_name()?;
    if topic.starts_with("$CONTROL/") {
        return Err(DecodeError::TopicName("a will below $CONTROL/").into());
    }
    let payload = body.binary()?;
    Ok(Will { topic, payload, qos: flags.will_qos(), retain: flags.has(WILL_RETAIN) })
}
