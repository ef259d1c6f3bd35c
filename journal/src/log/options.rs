//! The sizes of a log.

use super::LogError;
use super::format::{CHECKPOINT_FRAME_LEN, COMMIT_HEAD_LEN, ENTRY_HEAD_LEN, HEADER_LEN};

/// The sizes of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogOptions {
    /// Size of a segment file, bytes. Default 64 MiB: a start scans the last one, in some tens of milliseconds.
    pub segment_bytes: u32,
    /// Largest record, bytes. Default 260 KiB: the 256 KiB a message may have, and 4 KiB for what is written with it.
    pub record_bytes_max: usize,
    /// Largest commit, bytes; what arrived beyond that goes into a second one. It bounds what a reader holds in
    /// memory. Default 4 MiB.
    pub commit_bytes_max: usize,
}

impl Default for LogOptions {
    fn default() -> Self {
        Self { segment_bytes: 64 << 20, record_bytes_max: 260 << 10, commit_bytes_max: 4 << 20 }
    }
}

impl LogOptions {
    pub(crate) fn check(&self) -> Result<(), LogError> {
        let expected =
            HEADER_LEN + COMMIT_HEAD_LEN + ENTRY_HEAD_LEN + self.record_bytes_max + CHECKPOINT_FRAME_LEN;
        if (self.segment_bytes as usize) < expected {
            let Self { segment_bytes, record_bytes_max, .. } = *self;
            return Err(LogError::Options { segment_bytes, record_bytes_max, expected });
        }
        Ok(())
    }
}
