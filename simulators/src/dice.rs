//! Repeatable chance: `SplitMix64` (Steele, Lea, Flood 2014), whose whole state is its seed.

/// A sequence of numbers that depends on the seed alone.
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    /// The sequence of one device: another device more or less leaves it as it is.
    pub(crate) fn of(seed: u64, device: &str) -> Self {
        // FNV-1a spreads names of nearly equal text
        let name = device.bytes().fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
        });
        Self(seed ^ name)
    }
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    /// An integer from 0 to `below` − 1; 0 where `below` is 0.
    pub(crate) fn below(&mut self, below: u32) -> u32 {
        let high = self.next() >> 32;
        u32::try_from((high * u64::from(below)) >> 32).unwrap_or(0)
    }
    /// A number from `centre − spread` to `centre + spread`, in 2,000 steps.
    pub(crate) fn around(&mut self, centre: f64, spread: f64) -> f64 {
        centre + (f64::from(self.below(2_001)) / 1_000.0 - 1.0) * spread
    }
    /// True in `percent` of a hundred cases.
    pub(crate) fn happens(&mut self, percent: u32) -> bool {
        self.below(100) < percent
    }
}
