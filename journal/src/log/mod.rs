//! A durable, hash-chained log of opaque records. The byte layout is in [`format`].
//!
//! * [`Log`] is the one writer of a directory; what it reports as appended is on disk.
//! * [`LogReader`] reads, in this process or another one, beside the writer.
//! * [`verify()`] walks everything there is.
//!
//! It is used twice: for the journal, and with small segments and no signing for the alert log.

pub(crate) mod appender;
pub(crate) mod checkpoint;
mod error;
pub(crate) mod format;
pub(crate) mod frames;
mod merkle;
mod options;
mod places;
pub(crate) mod reader;
pub(crate) mod records;
mod recovery;
pub(crate) mod segment;
mod verify;

pub use appender::Log;
pub(crate) use appender::Seal;
pub use checkpoint::{Checkpoint, CheckpointKey, KeyError, PublicKey};
pub use error::LogError;
pub use options::LogOptions;
pub use places::Places;
pub use reader::{LogBatch, LogReader};
pub(crate) use recovery::last_checkpoint;
pub use recovery::{Recovery, Torn};
pub use verify::{Fault, Verification, verify};
