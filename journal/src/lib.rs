//! The durable, hash-chained log of everything that was received.
//!
//! **Promises:** what [`Inbox::committed`] has passed is on disk, in order, and stays as it is: every commit is chained
//! to the one before, checkpoints are signed, one flipped bit is named. A torn tail is cut back to the last whole
//! commit; damage elsewhere stops the start. A full disk stops acknowledging and nothing else; a failed sync stops the
//! writer for good.
//!
//! **Knows:** bytes, offsets and digests; the clock ([`citywarden_model::Clock`]) and the disk ([`Disk`]) it is handed.
//! **Never:** decodes a payload, knows who reads, touches a disk or a clock of its own choice.
//!
//! The way of a message: [`Inbox::append`] → [`Writer::commit`] → [`Reader::next_batch`]. The bytes on disk are described
//! in `log/format.rs` and `record.rs`.

mod committed;
mod control;
mod cursor;
mod disk;
mod fields;
mod inbox;
mod journal;
mod log;
mod pace;
mod reader;
mod record;
pub mod recording;
mod remnant;
mod retention;
mod room;
mod stat;
mod writer;

pub use committed::{Stopped, WaitCommitted};
pub use control::Control;
pub use cursor::{CursorError, Cursors};
#[cfg(feature = "simulated-disk")]
pub use disk::SimulatedDisk;
pub use disk::{
    Disk, DiskFile, DiskLock, HostDisk, Reserve, Space, clear_replacements, read_whole, replace,
    replace_parts,
};
pub use inbox::{AppendError, Inbox, InboxBatch, InboxOptions, Waiting};
pub use journal::{Journal, JournalOptions, OpenError};
pub use log::{
    Checkpoint, CheckpointKey, Fault, KeyError, Log, LogBatch, LogError, LogOptions, LogReader, Places,
    PublicKey, Recovery, Torn, Verification, verify,
};
pub use pace::{Closed, Pace};
pub use reader::{Batch, Reader};
pub use record::{Body, Message, Record, RecordError};
pub use remnant::{Kept, Remnant};
pub use retention::{Hold, Removed, Retention, due, retain};
pub use room::Room;
pub use stat::{Stat, StatError, stat};
pub use writer::{Commit, CommitError, Writer, WriterOptions, Written};
