//! How many messages are due by now.

use citywarden_model::Timestamp;

/// An even rate from a moment on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    pub(super) begun: Timestamp,
    pub(super) per_second: f64,
}

impl Pace {
    /// Messages due at that moment; the first at once.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the product is positive, and `as` saturates"
    )]
    pub(super) fn due(&self, now: Timestamp) -> u64 {
        (now.since(self.begun).seconds().max(0.0) * self.per_second) as u64 + 1
    }
}

#[cfg(test)]
mod tests {
    use citywarden_model::Span;

    use super::*;

    #[test]
    fn messages_fall_due_evenly() {
        let pace = Pace { begun: Timestamp::EPOCH, per_second: 2.5 };
        for (millis, due) in [(0, 1), (399, 1), (400, 2), (4_000, 11), (-5, 1)] {
            assert_eq!(pace.due(Timestamp::EPOCH + Span::from_millis(millis)), due, "{millis}");
        }
    }
}
