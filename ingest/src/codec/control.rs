//! DISCONNECT and AUTH.

use super::Version;
use super::error::{Stop, malformed, protocol};
use super::frame::Frame;
use super::property::{self, Place, Property};
use super::reason::Reason;

/// The end of a connection, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Disconnect {
    /// Why; success in 3.1.1.
    pub reason: Reason,
    /// Seconds its session is to be kept, where it says so.
    pub session_expiry_s: Option<u32>,
}

/// A step of an extended authentication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Auth<'b> {
    /// Which step.
    pub reason: Reason,
    /// Which authentication.
    pub method: &'b str,
}

/// What a client may give as the reason of its DISCONNECT (MQTT 5, table 3-13).
const CLIENT_DISCONNECT_REASONS: &[u8] =
    &[0x00, 0x04, 0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x94, 0x95, 0x97, 0x98, 0x99];
/// Continue authentication, re-authenticate; success is for the server to say.
const CLIENT_AUTH_REASONS: &[u8] = &[0x18, 0x19];

pub(crate) fn read_disconnect(frame: Frame<'_>, version: Version) -> Result<Disconnect, Stop> {
    let mut body = frame.body;
    let mut disconnect = Disconnect { reason: Reason::SUCCESS, session_expiry_s: None };
    if version == Version::V311 || body.is_empty() {
        return body.finish().map(|()| disconnect);
    }
    disconnect.reason = Reason(body.u8()?);
    if !CLIENT_DISCONNECT_REASONS.contains(&disconnect.reason.0) {
        return Err(protocol("a reason that a client cannot give"));
    }
    if !body.is_empty() {
        property::read(&mut body, Place::Disconnect, |property| {
            if let Property::SessionExpiry(seconds) = property {
                disconnect.session_expiry_s = Some(seconds);
            }
            Ok(())
        })?;
    }
    body.finish()?;
    Ok(disconnect)
}

pub(crate) fn read_auth(frame: Frame<'_>) -> Result<Auth<'_>, Stop> {
    let mut body = frame.body;
    if body.is_empty() {
        return Err(protocol("an AUTH that says success, which is for the server to say"));
    }
    let reason = Reason(body.u8()?);
    if !CLIENT_AUTH_REASONS.contains(&reason.0) {
        return Err(protocol("a reason that a client cannot give"));
    }
    let mut method = None;
    property::read(&mut body, Place::Auth, |property| {
        if let Property::AuthenticationMethod(name) = property {
            method = Some(name);
        }
        Ok(())
    })?;
    body.finish()?;
    method.map(|method| Auth { reason, method }).ok_or(malformed("an AUTH without a method"))
}
