use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use citywarden_model::{Clock, Timestamp};

/// Who knows when the virtual clock reaches a moment.
pub trait Pace: Send + Sync {
    /// Waits until the virtual clock has reached `at`; at once where it has passed it.
    fn reach(&self, at: Timestamp) -> impl Future<Output = ()> + Send;
}

/// Longer sleeps are cut, so that a clock that is moved is noticed.
const SLEEP_MAX: Duration = Duration::from_secs(1);

/// The pace of a clock that runs so many times faster than real time.
pub struct ClockPace {
    clock: Arc<dyn Clock>,
    speed: f64,
}

impl ClockPace {
    /// `speed` 1.0 is real time. Where it is not a positive number, nothing is waited for.
    pub fn new(clock: Arc<dyn Clock>, speed: f64) -> Self {
        Self { clock, speed }
    }
    fn real(&self, left: Duration) -> Duration {
        Duration::try_from_secs_f64(left.as_secs_f64() / self.speed).unwrap_or(SLEEP_MAX).min(SLEEP_MAX)
    }
}

impl Pace for ClockPace {
    async fn reach(&self, at: Timestamp) {
        if self.speed.is_nan() || self.speed <= 0.0 {
            return;
        }
        loop {
            let left = at.since(self.clock.now()).duration();
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(self.real(left)).await;
        }
    }
}
