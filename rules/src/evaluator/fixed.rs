//! Values as integers, so that a sum does not depend on the order of its parts.

use std::sync::LazyLock;

/// Parts of one unit: a value is kept to 10⁻⁶.
const PARTS: f64 = 1e6;
/// Parts of the energy of 0 dB: 10⁻⁴ there, 10⁻⁹ of the energy of 50 dB.
const ENERGY_PARTS: f64 = 1e4;
/// The greatest level whose energy is kept apart; no device measures more.
const LEVEL_MAX_DB: f64 = 140.0;
/// The greatest number that is kept: beyond it 10⁻⁶ is out of reach of 64 bits.
const NUMBER_MAX: f64 = 9e12;

/// Of ten, from 0 on.
const POWERS_OF_TEN: [f64; 10] = [1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];

/// The integer for this number; `None` where it is too large to be kept.
#[expect(clippy::cast_possible_truncation, reason = "checked against NUMBER_MAX")]
pub(crate) fn from_number(number: f64) -> Option<i64> {
    (number.abs() <= NUMBER_MAX).then(|| libm::round(number * PARTS) as i64)
}

/// The integer for a state.
pub(crate) const fn from_truth(truth: bool) -> i64 {
    if truth { 1_000_000 } else { 0 }
}

/// The number that this integer stands for.
#[expect(clippy::cast_precision_loss, reason = "2^53 parts are 9e9 units, far beyond any quantity here")]
pub(crate) fn to_number(value: i64) -> f64 {
    value as f64 / PARTS
}

/// The parts of a level's hundredth: no meter writes finer ones.
const HUNDREDTH: i64 = 10_000;
/// The energies of all levels of whole hundredths from 0 dB to [`LEVEL_MAX_DB`].
static ENERGIES: LazyLock<Vec<i64>> =
    LazyLock::new(|| (0..=14_000).map(|hundredths| computed_energy(hundredths * HUNDREDTH)).collect());

/// The energy of a level, in fixed point.
pub(crate) fn energy_of(level: i64) -> i128 {
    let listed = if level % HUNDREDTH == 0 { usize::try_from(level / HUNDREDTH).ok() } else { None };
    let listed = listed.and_then(|hundredths| ENERGIES.get(hundredths));
    i128::from(listed.copied().unwrap_or_else(|| computed_energy(level)))
}

#[expect(clippy::cast_possible_truncation, reason = "at most 1e18, see LEVEL_MAX_DB")]
fn computed_energy(level: i64) -> i64 {
    let level = to_number(level).min(LEVEL_MAX_DB);
    libm::round(libm::pow(10.0, level / 10.0) * ENERGY_PARTS) as i64
}

/// The level of the mean of energies, to the 10⁻⁶ that levels are kept to: the fixed point of the energies would put
/// the mean of 65.0 and 65.0 a hair above 65.0, and so above a limit. `None` where there is no energy.
pub(crate) fn level_of_mean(sum: i128, count: i128) -> Option<f64> {
    (sum > 0 && count > 0).then(|| rounded(10.0 * libm::log10(ratio(sum, count) / ENERGY_PARTS), 6))
}

/// The mean of values.
pub(crate) fn mean(sum: i128, count: i128) -> Option<f64> {
    (count > 0).then(|| ratio(sum, count) / PARTS)
}

/// The sum of values.
pub(crate) fn sum(sum: i128) -> f64 {
    ratio(sum, 1) / PARTS
}

/// One integer by another, as a number.
#[expect(clippy::cast_precision_loss, reason = "a ratio is rounded once here, the same everywhere")]
pub(crate) fn ratio(above: i128, below: i128) -> f64 {
    // the nearest float to an integer is the same however wide the integer is, and found faster where it is not
    match (i64::try_from(above), i64::try_from(below)) {
        (Ok(above), Ok(below)) => above as f64 / below as f64,
        _ => above as f64 / below as f64,
    }
}

/// Rounded to so many decimals, halves away from zero.
pub(crate) fn rounded(number: f64, decimals: u8) -> f64 {
    let parts = POWERS_OF_TEN.get(usize::from(decimals)).copied();
    let parts = parts.unwrap_or_else(|| libm::pow(10.0, f64::from(decimals)));
    let rounded = libm::round(number * parts) / parts;
    if rounded == 0.0 { 0.0 } else { rounded }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_comes_back_as_it_was_written() {
        for number in [56.2, 0.1, -3.5, 2.0, 1_234_567.891] {
            assert_eq!(from_number(number).map(to_number), Some(number));
        }
        assert_eq!(from_number(1e13), None);
    }

    #[test]
    fn the_level_of_equal_levels_is_that_level() {
        for tenths in 300..1_300_i32 {
            let level = f64::from(tenths) / 10.0;
            let energy = energy_of(from_number(level).unwrap());
            assert_eq!(level_of_mean(energy * 7, 7), Some(level));
        }
    }

    #[test]
    fn what_is_listed_is_what_would_be_computed() {
        for level in (-100_000..141_000_000).step_by(3_333) {
            assert_eq!(energy_of(level), i128::from(computed_energy(level)), "{level}");
        }
        for hundredths in 0..=14_100 {
            let level = hundredths * HUNDREDTH;
            assert_eq!(energy_of(level), i128::from(computed_energy(level)), "{level}");
        }
        for (exponent, power) in (0..).zip(POWERS_OF_TEN) {
            assert_eq!(libm::pow(10.0, f64::from(exponent)).to_bits(), power.to_bits(), "{exponent}");
        }
    }

    #[test]
    fn a_level_is_averaged_by_energy_not_by_decibels() {
        let sum: i128 = [60.0, 70.0, 80.0].map(|level| energy_of(from_number(level).unwrap())).iter().sum();
        assert!((level_of_mean(sum, 3).unwrap() - 75.68).abs() < 0.01);
    }
}
