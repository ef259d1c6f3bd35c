//! Reading a packet's body of which only a part may have arrived.

use super::error::{Stop, malformed};
use super::text;

/// A place in a stretch of a packet. The stretch has a declared length; of it, `available` is here and `missing`
/// bytes are still to come. Reading past what is here is "incomplete", reading past what was declared is malformed:
/// so a packet that contradicts its own lengths is refused before its end has arrived.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cursor<'b> {
    available: &'b [u8],
    missing: usize,
}

impl<'b> Cursor<'b> {
    /// A stretch of `declared` bytes at the start of `bytes`.
    pub(crate) fn new(bytes: &'b [u8], declared: usize) -> Self {
        match bytes.get(..declared) {
            Some(available) => Self { available, missing: 0 },
            None => Self { available: bytes, missing: declared - bytes.len() },
        }
    }
    /// Bytes left of the declared length.
    pub(crate) const fn left(&self) -> usize {
        self.available.len() + self.missing
    }
    pub(crate) const fn is_empty(&self) -> bool {
        self.left() == 0
    }
    /// The next `count` bytes.
    pub(crate) fn take(&mut self, count: usize) -> Result<&'b [u8], Stop> {
        if let Some((taken, rest)) = self.available.split_at_checked(count) {
            self.available = rest;
            return Ok(taken);
        }
        Err(if count <= self.left() { Stop::Incomplete } else { malformed("it ends inside a field") })
    }
    /// A stretch of its own of the next `count` bytes, of which not all need be here. What follows it can be read
    /// only once they are: the caller reads the stretch to its end first.
    pub(crate) fn stretch(&mut self, count: usize) -> Result<Self, Stop> {
        if count > self.left() {
            return Err(malformed("a length points past its end"));
        }
        let inner = Self::new(self.available, count);
        self.available = self.available.get(count..).unwrap_or_default();
        self.missing -= inner.missing;
        Ok(inner)
    }
    pub(crate) fn u8(&mut self) -> Result<u8, Stop> {
        match self.available.split_first() {
            Some((&byte, rest)) => {
                self.available = rest;
                Ok(byte)
            }
            None => self.take(1).map(|_| 0),
        }
    }
    pub(crate) fn u16(&mut self) -> Result<u16, Stop> {
        let bytes = self.take(2)?;
        Ok(bytes.iter().fold(0, |value, &byte| value << 8 | u16::from(byte)))
    }
    pub(crate) fn u32(&mut self) -> Result<u32, Stop> {
        let bytes = self.take(4)?;
        Ok(bytes.iter().fold(0, |value, &byte| value << 8 | u32::from(byte)))
    }
    /// A variable byte integer, in as few bytes as it needs (MQTT-1.5.5-1).
    pub(crate) fn variable(&mut self) -> Result<usize, Stop> {
        let mut value = 0;
        for shift in [0, 7, 14, 21] {
            let byte = self.u8()?;
            value |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                let minimal = shift == 0 || byte != 0;
                return if minimal {
                    Ok(value)
                } else {
                    Err(malformed("a length in more bytes than it needs"))
                };
            }
        }
        Err(malformed("a length in more than four bytes"))
    }
    /// Bytes with their length in front.
    pub(crate) fn binary(&mut self) -> Result<&'b [u8], Stop> {
        let length = usize::from(self.u16()?);
        self.take(length)
    }
    /// A text with its length in front.
    pub(crate) fn text(&mut self) -> Result<&'b str, Stop> {
        let length = usize::from(self.u16()?);
        let arrived = self.available;
        match self.take(length) {
            Ok(bytes) => Ok(text::check(bytes)?),
            Err(Stop::Incomplete) => {
                text::check_start(arrived)?;
                Err(Stop::Incomplete)
            }
            Err(bad) => Err(bad),
        }
    }
    /// A topic name with its length in front.
    pub(crate) fn topic_name(&mut self) -> Result<&'b str, Stop> {
        let name = self.text()?;
        text::check_topic_name(name)?;
        Ok(name)
    }
    /// Everything up to the declared end.
    pub(crate) fn rest(&mut self) -> Result<&'b [u8], Stop> {
        self.take(self.left())
    }
    /// Refuses what is left over.
    pub(crate) fn finish(self) -> Result<(), Stop> {
        if self.is_empty() { Ok(()) } else { Err(malformed("bytes left over at its end")) }
    }
}
