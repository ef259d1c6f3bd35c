//! The time a stop may take, shared by everything that has to stop: each part waits for what is left of it.

use std::time::Duration;

use tokio::time::Instant;

/// All of a stop: SIGTERM is answered within 10 s (`docs/reliability.md`), and the process takes a moment to end.
const STOP_WITHIN: Duration = Duration::from_secs(9);

/// When whoever still runs is left behind.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Deadline(Instant);

impl Deadline {
    /// The stop begins.
    pub(crate) fn begin() -> Self {
        Self::within(STOP_WITHIN)
    }
    fn within(time: Duration) -> Self {
        Self(Instant::now() + time)
    }
    /// Waits for a part, until its time is over or that of all.
    pub(crate) async fn wait(self, what: &str, within: Duration, stopping: impl Future) {
        let end = self.0.min(Instant::now() + within);
        if tokio::time::timeout_at(end, stopping).await.is_err() {
            tracing::warn!("{what} did not stop in time, and goes on where it is after the next start");
        }
    }
    /// As [`Self::wait`], for what blocks a thread.
    pub(crate) async fn wait_blocking(
        self,
        what: &str,
        within: Duration,
        stopping: impl FnOnce() + Send + 'static,
    ) {
        self.wait(what, within, tokio::task::spawn_blocking(stopping)).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn parts_that_never_stop_take_no_longer_together_than_all_may() {
        let begun = Instant::now();
        let deadline = Deadline::within(Duration::from_millis(300));
        deadline.wait("a part", Duration::from_millis(100), std::future::pending::<()>()).await;
        assert!(
            begun.elapsed() < Duration::from_millis(300),
            "a part has its own time: {:?}",
            begun.elapsed()
        );
        for _ in 0..3 {
            deadline.wait("a part", Duration::from_mins(1), std::future::pending::<()>()).await;
        }
        let took = begun.elapsed();
        assert!(took >= Duration::from_millis(300) && took < Duration::from_secs(30), "{took:?}");
    }
}
