//! The pause before the next attempt.

use citywarden_model::{Digest, Span};

use crate::event::{Key, ReceiverName};

/// Exponential: `first`, twice that, and so on up to `longest`, each a quarter more or less.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The pause after the first failure.
    pub first: Span,
    /// The longest pause.
    pub longest: Span,
    /// The longest pause that a receiver can ask for (`Retry-After`).
    pub asked_max: Span,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { first: Span::from_secs(1), longest: Span::from_mins(5), asked_max: Span::from_mins(15) }
    }
}

impl Backoff {
    /// The pause after the `attempts`-th attempt has failed. The jitter is drawn from the key, so that a run can be
    /// repeated; `asked` is what the receiver wants, honoured up to a limit.
    pub fn pause(&self, key: &Key, receiver: &ReceiverName, attempts: u32, asked: Option<Span>) -> Span {
        let doublings = attempts.saturating_sub(1).min(32);
        let full = self.first.nanos().saturating_mul(1 << doublings).min(self.longest.nanos());
        let seed = Digest::of(format!("{key}\n{receiver}\n{attempts}").as_bytes());
        let jitter = i64::from(seed.as_bytes()[0]) - 128; // -128..=127 of 512: a quarter more or less
        let own = Span::from_nanos(full.saturating_add(full / 512 * jitter));
        asked.map_or(own, |asked| own.max(asked.min(self.asked_max)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_vary_by_a_quarter() {
        let key = Key { alert: "A".into(), sequence: 1 };
        let backoff = Backoff::default();
        for (attempts, seconds) in [(1, 1.0), (2, 2.0), (5, 16.0), (9, 256.0), (10, 300.0), (u32::MAX, 300.0)]
        {
            let pause = backoff.pause(&key, &"r".into(), attempts, None);
            assert!((pause.seconds() / seconds - 1.0).abs() <= 0.26, "{attempts}: {pause:?}");
            assert_eq!(pause, backoff.pause(&key, &"r".into(), attempts, None));
        }
        assert_ne!(backoff.pause(&key, &"r".into(), 1, None), backoff.pause(&key, &"s".into(), 1, None));
    }

    #[test]
    fn what_the_receiver_asks_for_is_honoured_up_to_a_limit() {
        let key = Key { alert: "A".into(), sequence: 1 };
        let asked = |seconds| {
            Backoff::default().pause(&key, &"r".into(), 1, Some(Span::from_secs(seconds))).seconds()
        };
        assert!((asked(60) - 60.0).abs() < 0.001);
        assert!((asked(86_400) - 900.0).abs() < 0.001);
        assert!(asked(0) > 0.7);
    }
}
