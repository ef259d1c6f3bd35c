//! The one door through which time comes in.

use crate::Timestamp;

/// A source of the present time, handed to whoever needs one.
///
/// The binary hands in the machine's clock, the demo one that runs faster, tests and simulations one they move
/// themselves. It may go back (a clock step); whoever needs monotone time keeps the latest value it has seen.
pub trait Clock: Send + Sync {
    /// The present time, UTC.
    fn now(&self) -> Timestamp;
}
