//! When what happened, or would have, is played.

use citywarden_model::{Span, Timestamp};

/// A feed's own time against the present.
///
/// At speed 1 a feed begins now. Faster, it begins in the past and has caught up with the present when it ends, so that
/// no device is ever ahead of its time: a service that judges by its own clock takes what is up to ten minutes old as
/// live, and what is older as history.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Timeline {
    now: Timestamp,
    lasts: Span,
    speed: f64,
}

impl Timeline {
    /// A feed that lasts that long by its own time, begun now. `speed` 1 is real time; 0: everything at once.
    pub fn new(now: Timestamp, lasts: Span, speed: f64) -> Self {
        Self { now, lasts, speed }
    }
    /// How long a span of the feed's time takes.
    fn takes(&self, span: Span) -> Span {
        if self.speed <= 0.0 || self.speed.is_nan() {
            return Span::ZERO;
        }
        #[expect(clippy::cast_possible_truncation, reason = "to the millisecond is enough, and it saturates")]
        let millis = (span.seconds() * 1_000.0 / self.speed) as i64;
        Span::from_millis(millis)
    }
    /// The feed's own time at its start.
    pub fn start(&self) -> Timestamp {
        self.now + self.takes(self.lasts) - self.lasts
    }
    /// When something is played that comes that long after the feed's start.
    pub fn moment(&self, after: Span) -> Timestamp {
        self.now + self.takes(after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_begins_now_or_ends_now_and_is_never_ahead() {
        let now = Timestamp::parse("2026-11-24T08:00:00Z").unwrap();
        let hour = Span::from_mins(60);
        for (speed, start, half) in [
            (1.0, "2026-11-24T08:00:00Z", "2026-11-24T08:30:00Z"),
            (20.0, "2026-11-24T07:03:00Z", "2026-11-24T08:01:30Z"),
            (0.0, "2026-11-24T07:00:00Z", "2026-11-24T08:00:00Z"),
        ] {
            let timeline = Timeline::new(now, hour, speed);
            assert_eq!(timeline.start(), Timestamp::parse(start).unwrap(), "{speed}");
            assert_eq!(timeline.moment(Span::from_mins(30)), Timestamp::parse(half).unwrap(), "{speed}");
            assert_eq!(
                timeline.start() + hour,
                timeline.moment(hour),
                "{speed}: at its end it is the present"
            );
        }
    }
}
