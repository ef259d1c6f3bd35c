//! The pause before the next connection.

use std::time::Duration;

use citywarden_model::Digest;

/// The pause after so many failures in a row, at least one: `first`, doubled with each, up to `longest`; a quarter more
/// or less, drawn from the client id, so that the clients of a broker that restarts do not come all at once.
pub(crate) fn pause(first: Duration, longest: Duration, client_id: &str, failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(31);
    let full = first.saturating_mul(1 << doublings).min(longest);
    let seed = Digest::of(format!("{client_id}\n{failures}").as_bytes());
    let jitter = u32::from(seed.as_bytes()[0]); // 0..=255 of 512: half of it
    full.saturating_mul(384 + jitter) / 512
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_vary_by_a_quarter() {
        let (first, longest) = (Duration::from_millis(200), Duration::from_secs(30));
        for (failures, seconds) in [(0, 0.2), (1, 0.2), (2, 0.4), (5, 3.2), (9, 30.0), (u32::MAX, 30.0)] {
            let pause = pause(first, longest, "a", failures);
            assert!((pause.as_secs_f64() / seconds - 1.0).abs() <= 0.26, "{failures}: {pause:?}");
        }
        assert_ne!(pause(first, longest, "a", 3), pause(first, longest, "b", 3));
    }
}
