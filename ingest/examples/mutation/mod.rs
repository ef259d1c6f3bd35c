//! Packets mutated from good ones by a seeded generator, and what must hold for each.

#![allow(unreachable_pub, clippy::indexing_slicing, reason = "shared by a test and a program for people")]

use citywarden_ingest::codec::{Awaiting, DecodeError, Decoded, Version, decode};

const PACKET_BYTES_MAX: usize = 1 << 16;

/// Good packets to start from: of each kind, with each kind of property.
const CORPUS: &[(Awaiting, &[u8])] = &[
    (Awaiting::Connect, b"\x10\x0e\x00\x04MQTT\x04\x02\x00\x3c\x00\x02d1"),
    (Awaiting::Connect, b"\x10\x1b\x00\x04MQTT\x04\xc6\x00\x3c\x00\x02d1\x00\x01t\x00\x01m\x00\x01u\x00\x02pw"),
    (Awaiting::Connect, b"\x10\x17\x00\x04MQTT\x05\x02\x00\x0a\x08\x21\x00\x0a\x27\x00\x01\x00\x00\x00\x02d1"),
    (
        Awaiting::Connect,
        b"\x10\x2a\x00\x04MQTT\x05\xee\x00\x0a\x03\x22\x00\x05\x00\x02d1\x0a\x01\x01\x02\x00\x00\x00\x01\x03\x00\x00\x00\x01t\x00\x01m\x00\x01u\x00\x02pw",
    ),
    (Awaiting::Connect, b"\x10\x1d\x00\x04MQTT\x05\x02\x00\x0a\x0e\x15\x00\x01a\x16\x00\x01b\x26\x00\x01k\x00\x00\x00\x02d1"),
    (Awaiting::Packets(Version::V311), b"\x30\x0a\x00\x05a/b/cxyz"),
    (Awaiting::Packets(Version::V311), b"\x3b\x0c\x00\x05a/b/c\x00\x07xyz"),
    (Awaiting::Packets(Version::V311), b"\x34\x0c\x00\x05a/b/c\x00\x07xyz"),
    (Awaiting::Packets(Version::V311), b"\x82\x0c\x00\x01\x00\x01#\x00\x00\x03a/+\x01"),
    (Awaiting::Packets(Version::V311), b"\xa2\x05\x00\x01\x00\x01#"),
    (Awaiting::Packets(Version::V311), b"\xc0\x00"),
    (Awaiting::Packets(Version::V311), b"\xe0\x00"),
    (Awaiting::Packets(Version::V5), b"\x30\x0b\x00\x05a/b/c\x00xyz"),
    (Awaiting::Packets(Version::V5), b"\x32\x10\x00\x05a/b/c\x00\x07\x03\x23\x00\x01xyz"),
    (Awaiting::Packets(Version::V5), b"\x32\x0b\x00\x00\x00\x07\x03\x23\x00\x01xyz"),
    (
        Awaiting::Packets(Version::V5),
        b"\x32\x23\x00\x01t\x00\x07\x1d\x01\x01\x02\x00\x00\x00\x09\x03\x00\x01c\x08\x00\x01r\x09\x00\x02\x00\x01\x26\x00\x01k\x00\x01vz",
    ),
    (Awaiting::Packets(Version::V5), b"\x82\x0b\x00\x01\x02\x0b\x05\x00\x03a/#\x2d"),
    (Awaiting::Packets(Version::V5), b"\xa2\x06\x00\x01\x00\x00\x01#"),
    (Awaiting::Packets(Version::V5), b"\xe0\x0b\x04\x09\x11\x00\x00\x00\x05\x1f\x00\x01x"),
    (Awaiting::Packets(Version::V5), b"\xf0\x06\x18\x04\x15\x00\x01m"),
];

/// Bytes that mean something somewhere in the protocol.
const TELLING: &[u8] =
    &[0x00, 0x01, 0x02, 0x7f, 0x80, 0xff, 0x1f, b'#', b'+', b'$', 0xc0, 0xed, 0x23, 0x26, 0x0b];

/// Makes packets; the same seed makes the same ones.
#[derive(Debug)]
pub struct Mutator(u64);

impl Mutator {
    /// With this seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }
    /// `SplitMix64`: enough for choosing bytes.
    fn draw(&mut self, below: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        usize::try_from((mixed ^ (mixed >> 31)) % below.max(1) as u64).unwrap_or(0)
    }
    fn byte(&mut self) -> u8 {
        match self.draw(2) {
            0 => TELLING[self.draw(TELLING.len())],
            _ => u8::try_from(self.draw(256)).unwrap_or(0),
        }
    }
    /// A packet with zero to three changes, and who it is for.
    pub fn next_packet(&mut self) -> (Awaiting, Vec<u8>) {
        let (awaiting, good) = CORPUS[self.draw(CORPUS.len())];
        let mut bytes = good.to_vec();
        for _ in 0..self.draw(4) {
            self.mutate(&mut bytes);
        }
        (awaiting, bytes)
    }
    fn mutate(&mut self, bytes: &mut Vec<u8>) {
        let at = self.draw(bytes.len());
        match self.draw(6) {
            0 | 1 if at < bytes.len() => bytes[at] = self.byte(),
            2 if at < bytes.len() => bytes[at] ^= 1 << self.draw(8),
            3 => bytes.insert(at, self.byte()),
            4 if at < bytes.len() => drop(bytes.remove(at)),
            _ => bytes.truncate(at + 1),
        }
        if self.draw(2) == 0 && bytes.len() > 2 {
            // repaired, so that the change is met behind the header too
            bytes[1] = u8::try_from((bytes.len() - 2).min(127)).unwrap_or(0);
        }
    }
}

/// Holds a packet to the codec's promises; whether it is accepted.
///
/// # Panics
/// If one of them is broken.
pub fn check_packet(awaiting: Awaiting, bytes: &[u8]) -> bool {
    let whole = decode(awaiting, bytes, PACKET_BYTES_MAX);
    let judged_by = (0..=bytes.len())
        .find(|&end| decode(awaiting, &bytes[..end], PACKET_BYTES_MAX) != Ok(Decoded::Incomplete));
    match &whole {
        Ok(Decoded::Complete(_, length)) => {
            assert!(*length <= bytes.len(), "more taken than there was: {awaiting:?} {bytes:02x?}");
            assert_eq!(judged_by, Some(*length), "judged early or late: {awaiting:?} {bytes:02x?}");
            assert_eq!(decode(awaiting, &bytes[..*length], PACKET_BYTES_MAX), whole, "{bytes:02x?}");
        }
        Ok(Decoded::Incomplete) => {
            assert_eq!(judged_by, None, "{awaiting:?} {bytes:02x?}");
            assert_eq!(
                frame_is_whole(bytes),
                None,
                "asks for more than its frame: {awaiting:?} {bytes:02x?}"
            );
        }
        Err(error) => {
            let end = judged_by.expect("bad bytes are bad from somewhere on");
            assert_eq!(
                decode(awaiting, &bytes[..end], PACKET_BYTES_MAX).err().map(DecodeError::reason),
                Some(error.reason())
            );
        }
    }
    matches!(whole, Ok(Decoded::Complete(..)))
}

/// The bytes of the frame at the start, by its own length, if all of them are here.
fn frame_is_whole(bytes: &[u8]) -> Option<usize> {
    let mut remaining = 0;
    for index in 0..4 {
        let byte = *bytes.get(1 + index)?;
        remaining |= usize::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            let whole = 2 + index + remaining;
            return (bytes.len() >= whole).then_some(whole);
        }
    }
    Some(5)
}
