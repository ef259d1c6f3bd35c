//! Chance, from a seed: `SplitMix64`.

use citywarden_model::{Digest, Span};

/// A source of chance. Two with the same beginning give the same.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// The dice of somebody in the world of this seed: what one draws changes nothing for another.
    pub(crate) fn of(seed: u64, whose: &str) -> Self {
        let digest = Digest::of(format!("{seed}/{whose}").as_bytes());
        let first: [u8; 8] = std::array::from_fn(|place| digest.as_bytes().get(place).copied().unwrap_or(0));
        Self(u64::from_le_bytes(first))
    }
    pub(crate) const fn draw(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    /// One of `0..limit`; 0 where there is none.
    pub(crate) const fn below(&mut self, limit: u64) -> u64 {
        let drawn = self.draw();
        if limit == 0 { 0 } else { drawn % limit }
    }
    /// One of `least..=most`.
    pub(crate) const fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.below(most - least + 1)
    }
    /// A span of so many milliseconds.
    pub(crate) fn millis(&mut self, least: u64, most: u64) -> Span {
        Span::from_millis(i64::try_from(self.between(least, most)).unwrap_or(i64::MAX))
    }
    /// True in so many of a hundred cases.
    pub(crate) const fn percent(&mut self, share: u64) -> bool {
        self.below(100) < share
    }
}
