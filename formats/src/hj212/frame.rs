//! `##`, four digits of length, the data segment, four hex digits of checksum: found among whatever surrounds them.

use super::crc::{self, Crc};
use crate::DecodeError;

/// Packets in one payload.
const PACKETS_MAX: usize = 1_000;
const HEAD: &[u8] = b"##";
const LENGTH_DIGITS: usize = 4;
const CRC_DIGITS: usize = 4;

/// One packet whose length and checksum hold.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Packet<'a> {
    /// Where its data segment begins in the payload.
    pub(crate) at: usize,
    /// The data segment.
    pub(crate) segment: &'a [u8],
    /// The checksum as sent.
    pub(crate) crc: u16,
}

/// The packets of a payload, in order. What stands between two packets is skipped, whatever it is.
#[derive(Debug)]
pub(crate) struct Packets<'a> {
    payload: &'a [u8],
    next: usize,
    found: usize,
    crc: Crc,
}

impl<'a> Packets<'a> {
    pub(crate) const fn of(payload: &'a [u8], crc: Crc) -> Self {
        Self { payload, next: 0, found: 0, crc }
    }

    /// The place of the next `##`; of more than two, the last two.
    fn head(&self) -> Option<usize> {
        let rest = self.payload.get(self.next..)?;
        let first = rest.windows(HEAD.len()).position(|pair| pair == HEAD)?;
        let signs = rest.get(first..)?.iter().take_while(|byte| **byte == b'#').count();
        Some(self.next + first + signs - HEAD.len())
    }

    fn packet(&self, head: usize) -> Result<Packet<'a>, DecodeError> {
        let wrong = |what: String| DecodeError::malformed(head, what);
        let after = self.payload.get(head + HEAD.len()..).unwrap_or_default();
        let (digits, rest) = after.split_at_checked(LENGTH_DIGITS).unwrap_or((after, &[]));
        let length = number(digits, 10)
            .ok_or_else(|| wrong(format!("`##` and then no length, expected {LENGTH_DIGITS} digits")))?;
        let length = usize::from(length);
        let Some((segment, tail)) = rest.split_at_checked(length) else {
            let left = rest.len();
            return Err(wrong(format!("length says {length} bytes, the message ends after {left}")));
        };
        let crc = tail.get(..CRC_DIGITS).and_then(|digits| number(digits, 16)).ok_or_else(|| {
            wrong(format!(
                "length says {length} bytes, expected {CRC_DIGITS} hex digits of checksum after them"
            ))
        })?;
        self.check(segment, crc).map_err(wrong)?;
        Ok(Packet { at: head + HEAD.len() + LENGTH_DIGITS, segment, crc })
    }

    fn check(&self, segment: &[u8], crc: u16) -> Result<(), String> {
        let Some(expected) = self.crc.of(segment).filter(|expected| *expected != crc) else { return Ok(()) };
        let other = match self.crc {
            Crc::Hj212 if crc == crc::modbus(segment) => {
                "; it is that of MODBUS: set the device's `crc` to modbus"
            }
            Crc::Modbus if crc == crc::hj212(segment) => {
                "; it is that of HJ 212: set the device's `crc` to hj212"
            }
            Crc::Hj212 | Crc::Modbus | Crc::Ignore => "",
        };
        Err(format!("checksum {crc:04X}, expected {expected:04X}{other}"))
    }
}

impl<'a> Iterator for Packets<'a> {
    type Item = Result<Packet<'a>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        let head = self.head()?;
        if self.found == PACKETS_MAX {
            self.next = self.payload.len();
            return Some(Err(DecodeError::malformed(head, format!("more than {PACKETS_MAX} packets"))));
        }
        self.found += 1;
        let packet = self.packet(head);
        self.next = match &packet {
            Ok(packet) => packet.at + packet.segment.len() + CRC_DIGITS,
            Err(_) => head + HEAD.len(),
        };
        Some(packet)
    }
}

/// Digits of this base and nothing else, as a number.
fn number(digits: &[u8], base: u32) -> Option<u16> {
    let text = std::str::from_utf8(digits).ok()?;
    let are_digits = text.len() == LENGTH_DIGITS && text.chars().all(|digit| digit.is_digit(base));
    are_digits.then(|| u16::from_str_radix(text, base).ok()).flatten()
}

/// A data segment as a packet, with the standard's checksum and the end of the line; `None` where it is longer than
/// four digits can say.
pub fn frame(segment: &[u8]) -> Option<Vec<u8>> {
    frame_with(segment, crc::hj212(segment))
}

fn frame_with(segment: &[u8], crc: u16) -> Option<Vec<u8>> {
    if segment.len() > 9_999 {
        return None;
    }
    let mut packet = format!("##{:04}", segment.len()).into_bytes();
    packet.extend_from_slice(segment);
    packet.extend_from_slice(format!("{crc:04X}\r\n").as_bytes());
    Some(packet)
}
