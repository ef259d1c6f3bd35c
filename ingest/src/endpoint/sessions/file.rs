//! The file of sessions on its disk. Lines are added to it, and it is written anew when most of them are outdated.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use citywarden_journal::{Disk, DiskFile, read_whole, replace};

use super::lines::{Read, read, write_all, write_change};
use super::table::{Change, Remembered};

/// So many lines are put up with whatever the number of sessions.
const LINES_MIN: usize = 1024;

/// Where sessions are kept.
pub(crate) struct File {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
    name: String,
    /// `None` where it has to be written anew: nothing is known of it, or a write failed.
    open: Option<Open>,
}

struct Open {
    file: Box<dyn DiskFile>,
    bytes: u64,
    lines: usize,
}

impl File {
    pub(crate) fn new(disk: Arc<dyn Disk>, dir: PathBuf, name: String) -> Self {
        Self { disk, dir, name, open: None }
    }
    pub(crate) fn path(&self) -> PathBuf {
        self.dir.join(&self.name)
    }
    /// What it says; nothing where there is none.
    pub(crate) fn read(&self) -> io::Result<Read> {
        Ok(read_whole(&*self.disk, &self.path())?.map(|bytes| read(&bytes)).unwrap_or_default())
    }
    /// Whether it has to be written anew rather than be added to.
    pub(crate) fn is_due(&self, sessions: usize) -> bool {
        self.open.as_ref().is_none_or(|open| open.lines > LINES_MIN.max(sessions.saturating_mul(2)))
    }
    /// Adds lines, durably. After an error it is written anew.
    pub(crate) fn add(&mut self, changes: &[Change]) -> io::Result<()> {
        let Some(mut open) = self.open.take() else {
            return Err(io::Error::other("it is not open; expected it to be written anew"));
        };
        let mut text = String::new();
        for change in changes {
            write_change(&mut text, *change);
        }
        open.file.write_at(text.as_bytes(), open.bytes)?;
        open.file.sync_data()?;
        open.bytes += text.len() as u64;
        open.lines += changes.len();
        self.open = Some(open);
        Ok(())
    }
    /// Writes it anew, durably, to be added to.
    pub(crate) fn rewrite(&mut self, sessions: &[Remembered]) -> io::Result<()> {
        let text = self.replace(sessions, false)?;
        let file = self.disk.open(&self.path())?;
        self.open = Some(Open { file, bytes: text.len() as u64, lines: sessions.len() });
        Ok(())
    }
    /// Writes it anew with the ends of connections: nothing will be added.
    pub(crate) fn close(&mut self, sessions: &[Remembered]) -> io::Result<()> {
        self.replace(sessions, true).map(drop)
    }
    fn replace(&mut self, sessions: &[Remembered], with_ends: bool) -> io::Result<String> {
        self.open = None;
        let text = write_all(sessions, with_ends);
        self.disk.create_dir(&self.dir)?;
        replace(&*self.disk, &self.dir, &self.name, text.as_bytes())?;
        Ok(text)
    }
}
