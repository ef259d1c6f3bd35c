//! Medians and shares of what was measured.

use std::time::Duration;

/// The middle of the values; of an even number, the lower of the two in the middle. Zero where there are none.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    at(values, 500)
}

/// The value that so many thousandths of the values do not exceed.
pub(crate) fn at(values: impl IntoIterator<Item = f64>, thousandths: usize) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    let place = (values.len() * thousandths).div_ceil(1_000).saturating_sub(1);
    values.get(place).copied().unwrap_or_default()
}

/// A count as a number to calculate with.
#[expect(clippy::cast_precision_loss, reason = "counts of a run are far below 2^52")]
pub(crate) fn number(count: u64) -> f64 {
    count as f64
}

/// Milliseconds, with the digits that are worth showing.
pub(crate) fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// A rate in thousands, for a table.
pub(crate) fn thousands(rate: f64) -> String {
    format!("{:.1} k", rate / 1e3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_median_is_a_value_that_was_measured() {
        for (values, middle) in
            [(vec![], 0.0), (vec![3.0], 3.0), (vec![2.0, 1.0], 1.0), (vec![5.0, 1.0, 4.0, 2.0, 3.0], 3.0)]
        {
            assert!((median(values.clone()) - middle).abs() < f64::EPSILON, "{values:?}");
        }
        let hundred = || (1..=100).map(f64::from);
        assert!((at(hundred(), 990) - 99.0).abs() < f64::EPSILON);
        assert!((at(hundred(), 1_000) - 100.0).abs() < f64::EPSILON);
    }
}
