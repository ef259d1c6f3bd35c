//! The clocks that are handed in. The only place that reads the machine's time.

use std::time::Duration;

use citywarden_model::{Clock, Span, Timestamp};

/// The machine's clock.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct MachineClock;

impl Clock for MachineClock {
    fn now(&self) -> Timestamp {
        machine_now()
    }
}

/// A clock that starts at the present and runs `speed` times as fast: the demo's.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FastClock {
    start: Timestamp,
    speed: u32,
}

impl FastClock {
    /// Starts now.
    pub(crate) fn new(speed: u32) -> Self {
        Self { start: machine_now(), speed: speed.max(1) }
    }
    /// Where it started.
    pub(crate) const fn start(&self) -> Timestamp {
        self.start
    }
    /// How long this span of its time takes.
    pub(crate) fn real(&self, span: Span) -> Duration {
        span.duration() / self.speed
    }
}

impl Clock for FastClock {
    fn now(&self) -> Timestamp {
        let elapsed = machine_now().since(self.start).nanos();
        self.start + Span::from_nanos(elapsed.saturating_mul(i64::from(self.speed)))
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
fn machine_now() -> Timestamp {
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_nanos(i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX))
}
