//! Sessions that outlive their connection: which there are, kept across restarts.
//!
//! A server for publishers has nothing to remember of a session but that there is one. The client needs to hear it: only
//! then it keeps what was not acknowledged and sends it again. So a session is on disk before the client hears of it,
//! and its end before the client hears of a new one; a client that comes back costs no write. Who waits for the disk
//! waits together with all others.

mod file;
mod lines;
mod table;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use citywarden_journal::Disk;
use citywarden_model::Clock;

pub(crate) use table::{Bounds, Granted, Key, Wish};

use file::File;
use table::Table;

/// Where an endpoint keeps its sessions, and whose time they have.
#[derive(Clone)]
pub struct SessionStore {
    /// The disk it is on.
    pub disk: Arc<dyn Disk>,
    /// The directory of the file; made where it is not there.
    pub dir: PathBuf,
    /// The file's name; no two endpoints may have the same file.
    pub name: String,
    /// The time that sessions expire by.
    pub clock: Arc<dyn Clock>,
}

/// The sessions of an endpoint.
pub(crate) struct Sessions {
    table: Mutex<Table>,
    /// Held by who writes.
    file: Arc<tokio::sync::Mutex<File>>,
    /// The disk takes time.
    may_block: bool,
    clock: Arc<dyn Clock>,
}

/// A connected client's hold on its session: when dropped, the session's time runs.
pub(crate) struct Stay {
    sessions: Arc<Sessions>,
    key: Key,
    holder: u64,
    /// What the client said at its end.
    last_wish_s: Option<u32>,
}

impl std::fmt::Debug for Sessions {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sessions").field("table", &self.table).finish_non_exhaustive()
    }
}

impl Sessions {
    /// Reads what there was. Damaged lines are passed over with a warning; a file that cannot be read is an error: its
    /// sessions would be forgotten, and the clients would throw away what was not acknowledged.
    pub(crate) fn open(store: SessionStore, bounds: Bounds) -> io::Result<Self> {
        let SessionStore { disk, dir, name, clock } = store;
        let may_block = disk.may_block();
        let mut file = File::new(disk, dir, name);
        let read = file.read()?;
        if read.damaged > 0 {
            let (path, damaged) = (file.path(), read.damaged);
            tracing::warn!(
                "{}: {damaged} damaged lines are passed over; their sessions are unknown",
                path.display()
            );
        }
        let table = Table::restore(bounds, read.sessions, clock.now());
        warn_unwritten(&file.path(), file.rewrite(&table.remembered()));
        Ok(Self { table: Mutex::new(table), file: Arc::new(tokio::sync::Mutex::new(file)), may_block, clock })
    }

    /// A client has come, by the connection of this number, and may hear what it is granted: it is on disk. Where the
    /// disk does not take it, it is let in all the same, and the session is known until a restart.
    pub(crate) async fn connect(self: &Arc<Self>, key: Key, wish: Wish, holder: u64) -> (Granted, Stay) {
        let granted = self.table().connect(key, wish, holder, self.clock.now());
        let stay = Stay { sessions: self.clone(), key, holder, last_wish_s: None };
        self.settle().await;
        (granted, stay)
    }

    /// Resolves when everything that has come about up to now is on disk, or could not be written, which is said.
    pub(crate) async fn settle(self: &Arc<Self>) {
        // another's write may be under way that our change is part of: even without changes its end is waited for,
        // unless nobody writes
        if !self.table().has_changed()
            && let Ok(_idle) = self.file.try_lock()
        {
            return;
        }
        let file = self.file.clone().lock_owned().await;
        if !self.table().has_changed() {
            return;
        }
        let sessions = self.clone();
        self.at_the_disk(move || sessions.write(file)).await;
    }

    fn write(&self, mut file: tokio::sync::OwnedMutexGuard<File>) {
        let mut table = self.table();
        let (changes, evicted) = (table.take_changes(), table.take_evicted());
        let anew = file.is_due(table.len()).then(|| table.remembered());
        drop(table);
        if evicted > 0 {
            tracing::warn!("sessions_max reached: {evicted} sessions ended before their time");
        }
        let written = match anew {
            Some(sessions) => file.rewrite(&sessions),
            None => file.add(&changes),
        };
        warn_unwritten(&file.path(), written);
    }

    /// Writes down when connections ended: an orderly end.
    pub(crate) async fn close(&self) {
        let mut file = self.file.clone().lock_owned().await;
        let sessions = self.table().remembered();
        self.at_the_disk(move || warn_unwritten(&file.path(), file.close(&sessions))).await;
    }

    /// Does something that may take as long as the disk does; it is not given up with the client that waits for it.
    async fn at_the_disk(&self, work: impl FnOnce() + Send + 'static) {
        if !self.may_block {
            work();
        } else if let Err(error) = tokio::task::spawn_blocking(work).await {
            tracing::error!(%error, "writing the sessions failed");
        }
    }

    fn table(&self) -> MutexGuard<'_, Table> {
        // a panic elsewhere leaves the table whole: every change to it is one call
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn warn_unwritten(path: &std::path::Path, written: io::Result<()>) {
    if let Err(error) = written {
        tracing::warn!("{}: cannot be written, a restart may forget sessions: {error}", path.display());
    }
}

impl Stay {
    /// The client has said at its end how many seconds its session is to be kept.
    pub(crate) fn wish(&mut self, expiry_s: u32) {
        self.last_wish_s = Some(expiry_s);
    }
    /// Ends it, and resolves when that is on disk where it has to be.
    pub(crate) async fn end(self) {
        let sessions = self.sessions.clone();
        drop(self);
        sessions.settle().await;
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        let Self { sessions, key, holder, last_wish_s } = self;
        let now = sessions.clock.now();
        sessions.table().leave(*key, *holder, *last_wish_s, now);
    }
}
