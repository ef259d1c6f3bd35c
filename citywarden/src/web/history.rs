//! Puts the console's questions to the archive, on connections beside the archivist's.

use std::sync::{Arc, Mutex, PoisonError};

use citywarden_archive::{ArchiveError, Queries, ReadingsPage, ReadingsQuery};
use citywarden_console::History;

use crate::archivist::ArchiveProgress;
use crate::config::ArchiveConfig;
use crate::pipeline::Pipeline;

/// Reads what was archived.
pub(super) struct Historian {
    archive: ArchiveConfig,
    progress: Arc<ArchiveProgress>,
    /// Connections that nobody uses now: never more than there were questions at a time.
    idle: Mutex<Vec<Box<dyn Queries>>>,
}

impl Historian {
    pub(super) fn of(pipeline: &Pipeline) -> Self {
        Self {
            archive: pipeline.config.archive.clone(),
            progress: Arc::clone(&pipeline.archiving.progress),
            idle: Mutex::default(),
        }
    }

    /// Asks on a connection that is open, or where that has broken meanwhile, on a new one.
    fn ask<T>(
        &self,
        question: impl Fn(&mut dyn Queries) -> Result<T, ArchiveError>,
    ) -> Result<T, ArchiveError> {
        if !self.progress.is_up() {
            // the archivist tries, and says in the log what it meets; whoever looks at a page is not kept waiting
            return Err(ArchiveError::Away("nothing can be written to it now, see the log".to_owned()));
        }
        if let Some(mut open) = self.take_idle() {
            match question(&mut *open) {
                Err(ArchiveError::Away(_)) => {}
                answer => {
                    self.keep(open);
                    return answer;
                }
            }
        }
        let mut open = self.archive.open_reader()?;
        let answer = question(&mut *open)?;
        self.keep(open);
        Ok(answer)
    }

    fn take_idle(&self) -> Option<Box<dyn Queries>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
    fn keep(&self, open: Box<dyn Queries>) {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(open);
    }
}

impl History for Historian {
    fn readings(&self, query: &ReadingsQuery) -> Result<ReadingsPage, ArchiveError> {
        self.ask(|archive| archive.readings(query))
    }
}
