//! The same packets as if they had been sent at another time.

use citywarden_model::Span;

use super::crc::{self, Crc};
use super::frame::Packets;
use super::time;

/// Members that hold a moment: when it was sent, and what it is about.
const MOMENTS: &[&[u8]] = &[b"QN=", b"DataTime="];

/// The payload with every sending time and `DataTime` moved by that span, checksums made anew (of the kind they
/// were; a wrong one stays as it is). Whatever is no packet stays as it is.
pub fn retime(payload: &[u8], by: Span) -> Vec<u8> {
    let mut moved = payload.to_vec();
    for packet in Packets::of(payload, Crc::Ignore).filter_map(Result::ok) {
        let Some(segment) = moved.get_mut(packet.at..packet.at + packet.segment.len()) else { continue };
        for name in MOMENTS {
            shift(segment, name, by);
        }
        let crc = match packet.crc {
            sent if sent == crc::hj212(packet.segment) => crc::hj212(segment),
            sent if sent == crc::modbus(packet.segment) => crc::modbus(segment),
            wrong => wrong,
        };
        let end = packet.at + packet.segment.len();
        if crc != packet.crc
            && let Some(digits) = moved.get_mut(end..end + 4)
        {
            digits.copy_from_slice(format!("{crc:04X}").as_bytes());
        }
    }
    moved
}

/// Moves the first member of this name, in as many digits as it has.
fn shift(segment: &mut [u8], name: &[u8], by: Span) {
    let place = segment.windows(name.len()).position(|window| window.eq_ignore_ascii_case(name));
    let Some(value) = place.and_then(|place| segment.get_mut(place + name.len()..)) else { return };
    let digits = value.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let Some(value) = value.get_mut(..digits) else { return };
    let read = std::str::from_utf8(value).ok().and_then(time::read);
    if let Some(at) = read {
        value.copy_from_slice(time::write(at + by, digits).as_bytes());
    }
}
