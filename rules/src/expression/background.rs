//! The correction of a level for background noise.

/// The level of a source alone, dB(A), from the level measured beside it and the background level (HJ 706-2014
/// table 1, as GB 12523 applies it). The difference of the two is rounded to a whole dB, halves up:
///
/// | difference, dB | correction, dB |
/// |---|---|
/// | above 10 | 0 |
/// | 6 to 10 | −1 |
/// | 4 to 5 | −2 |
/// | 3 and below | −3 |
///
/// Below 3 dB (before rounding) the table gives no correction and the source cannot be judged. A rule says so by an
/// `undecided` condition; the −3 given here for such differences is then never looked at, and is the cautious
/// side for a let that is shown all the same.
pub fn background_corrected(level: f64, background: f64) -> f64 {
    let difference = (level - background + 0.5).floor();
    let correction = if difference > 10.0 {
        0.0
    } else if difference >= 6.0 {
        1.0
    } else if difference >= 4.0 {
        2.0
    } else {
        3.0
    };
    level - correction
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_rules() {
        for (level, background, alone) in [
            (56.2, 45.0, 56.2),
            (55.4, 45.0, 54.4),
            (55.5, 45.0, 55.5),
            (50.5, 45.0, 49.5),
            (50.4, 45.0, 48.4),
            (53.0, 49.0, 51.0),
            (48.5, 45.0, 46.5),
            (48.4, 45.0, 45.4),
            (48.0, 45.0, 45.0),
            (46.0, 45.0, 43.0),
        ] {
            let corrected = background_corrected(level, background);
            assert!((corrected - alone).abs() < 1e-9, "{level} over {background}: {corrected}, not {alone}");
        }
    }
}
