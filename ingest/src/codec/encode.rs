//! What this server says, appended to a buffer of bytes to be written.

use super::{PacketId, Reason, Version};

/// An answer to CONNECT that lets the client in. Version 5 hears all of it, 3.1.1 that it is in and whether it has a
/// session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConnAck<'a> {
    /// It goes on with an older session.
    pub session_present: bool,
    /// Seconds that the session outlives the connection, instead of those asked for.
    pub session_expiry_s: Option<u32>,
    /// The id given to a client that had none.
    pub assigned_client_id: Option<&'a str>,
    /// How many unacknowledged messages are taken at once.
    pub receive_maximum: u16,
    /// How many topic aliases are taken.
    pub topic_alias_maximum: u16,
    /// The largest packet that is taken.
    pub packet_bytes_max: u32,
    /// The keep-alive in force instead of the one asked for.
    pub keep_alive_s: Option<u16>,
}

/// Writes a CONNACK: in, with what is on offer, or out, with the reason. 3.1.1 has words for some reasons only; for
/// the others nothing is written.
pub fn write_connack(out: &mut Vec<u8>, version: Version, answer: Result<&ConnAck<'_>, Reason>) {
    let reason = answer.err().unwrap_or(Reason::SUCCESS);
    let present = u8::from(answer.is_ok_and(|connack| connack.session_present));
    if version == Version::V311 {
        out.extend(reason.connect_return_code().into_iter().flat_map(|code| [0x20, 2, present, code]));
        return;
    }
    let mut properties = Vec::new();
    if let Ok(connack) = answer {
        write_connack_properties(&mut properties, connack);
    }
    let mut body = vec![present, reason.0];
    write_variable(&mut body, properties.len());
    body.append(&mut properties);
    out.push(0x20);
    write_variable(out, body.len());
    out.append(&mut body);
}

fn write_connack_properties(out: &mut Vec<u8>, connack: &ConnAck<'_>) {
    if let Some(seconds) = connack.session_expiry_s {
        out.push(0x11);
        out.extend(seconds.to_be_bytes());
    }
    out.push(0x21);
    out.extend(connack.receive_maximum.to_be_bytes());
    out.extend([0x24, 1]); // QoS 1 at most
    out.push(0x27);
    out.extend(connack.packet_bytes_max.to_be_bytes());
    if let Some(id) = connack.assigned_client_id {
        out.push(0x12);
        out.extend(u16::try_from(id.len()).unwrap_or(u16::MAX).to_be_bytes());
        out.extend(id.bytes().take(usize::from(u16::MAX)));
    }
    out.push(0x22);
    out.extend(connack.topic_alias_maximum.to_be_bytes());
    out.extend([0x28, 0, 0x29, 0, 0x2a, 0]); // no wildcards, identifiers, shares: no subscriptions at all
    if let Some(seconds) = connack.keep_alive_s {
        out.push(0x13);
        out.extend(seconds.to_be_bytes());
    }
}

/// Writes a PUBACK that says success, the same bytes in both versions.
pub fn write_puback(out: &mut Vec<u8>, packet_id: PacketId) {
    let [high, low] = packet_id.get().to_be_bytes();
    out.extend_from_slice(&[0x40, 2, high, low]);
}

/// Writes a SUBACK with a reason for each filter, which in 3.1.1 can only be "failure".
pub fn write_suback(out: &mut Vec<u8>, version: Version, packet_id: PacketId, reasons: &[Reason]) {
    let codes = reasons.iter().map(|reason| match version {
        Version::V311 => Reason::UNSPECIFIED_ERROR.0,
        Version::V5 => reason.0,
    });
    write_answers(out, 0x90, version, packet_id, codes.collect());
}

/// Writes an UNSUBACK with a reason for each filter, of which 3.1.1 hears none.
pub fn write_unsuback(out: &mut Vec<u8>, version: Version, packet_id: PacketId, reasons: &[Reason]) {
    let codes =
        if version == Version::V5 { reasons.iter().map(|reason| reason.0).collect() } else { Vec::new() };
    write_answers(out, 0xb0, version, packet_id, codes);
}

fn write_answers(out: &mut Vec<u8>, first: u8, version: Version, packet_id: PacketId, codes: Vec<u8>) {
    let property_length: &[u8] = if version == Version::V5 { &[0] } else { &[] };
    out.push(first);
    write_variable(out, 2 + property_length.len() + codes.len());
    out.extend(packet_id.get().to_be_bytes());
    out.extend(property_length);
    out.extend(codes);
}

/// Writes a PINGRESP.
pub fn write_pingresp(out: &mut Vec<u8>) {
    out.extend_from_slice(&[0xd0, 0]);
}

/// Writes a DISCONNECT with its reason; in 3.1.1 a server says nothing and closes. The property length is written
/// though it could be left out: there are clients that wait for it.
pub fn write_disconnect(out: &mut Vec<u8>, version: Version, reason: Reason) {
    if version == Version::V5 {
        out.extend_from_slice(&[0xe0, 2, reason.0, 0]);
    }
}

#[expect(clippy::cast_possible_truncation, reason = "seven bits fit a byte")]
fn write_variable(out: &mut Vec<u8>, mut value: usize) {
    while value > 0x7f {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
