//! The world's time: the runtime's, which stands still while anybody has something to do and jumps when nobody has.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use citywarden_model::{Clock, Span, Timestamp};
use tokio::time::Instant;

/// 2026-11-24T00:00:00Z: when every world begins.
pub(crate) const BEGINNING: Timestamp = Timestamp::from_nanos(1_795_478_400_000_000_000);

/// True time, and what the service's clock makes of it.
#[derive(Clone)]
pub(crate) struct Time {
    began: Instant,
    error_ns: Arc<AtomicI64>,
}

impl Time {
    /// Begins now.
    pub(crate) fn begin() -> Self {
        Self { began: Instant::now(), error_ns: Arc::default() }
    }
    /// True time.
    pub(crate) fn truth(&self) -> Timestamp {
        BEGINNING + self.passed()
    }
    /// Since the beginning.
    pub(crate) fn passed(&self) -> Span {
        let passed = Instant::now().duration_since(self.began);
        Span::from_nanos(i64::try_from(passed.as_nanos()).unwrap_or(i64::MAX))
    }
    /// The runtime's instant of a true time.
    pub(crate) fn instant(&self, at: Timestamp) -> Instant {
        self.began + at.since(BEGINNING).duration()
    }
    /// Sets the service's clock wrong by this much, at once.
    pub(crate) fn set_error(&self, error: Span) {
        self.error_ns.store(error.nanos(), Ordering::Relaxed);
    }
}

/// The clock that the service is handed.
impl Clock for Time {
    fn now(&self) -> Timestamp {
        self.truth() + Span::from_nanos(self.error_ns.load(Ordering::Relaxed))
    }
}
