//! The machine's time: this crate measures it.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

use citywarden_model::{Clock, Timestamp};

/// The machine's clock.
pub(crate) struct MachineClock;

impl Clock for MachineClock {
    #[expect(clippy::disallowed_methods, reason = "measurements are of the machine's time")]
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_nanos(i64::try_from(since_epoch.as_nanos()).unwrap_or(i64::MAX))
    }
}

/// Where a stretch of time begins or ends.
#[expect(clippy::disallowed_methods, reason = "measurements are of the machine's time")]
pub(crate) fn instant() -> Instant {
    Instant::now()
}
