//! The files as they came from the disk.

use std::collections::BTreeMap;

use citywarden_model::{Digest, Hasher};
use citywarden_problems::{Level, Problem, Problems, Source};

/// The names of the registry's files, in the order they are read.
pub const FILE_NAMES: [&str; 5] = [ASSETS, DEVICES, ZONES, PERMITS, UNITS];

pub(crate) const ASSETS: &str = "assets.csv";
pub(crate) const DEVICES: &str = "devices.csv";
pub(crate) const ZONES: &str = "zones.geojson";
pub(crate) const PERMITS: &str = "permits.csv";
pub(crate) const UNITS: &str = "units.csv";

/// Larger files are refused: a county's registry is a few megabytes.
pub const MAX_FILE_BYTES: usize = 32 * 1024 * 1024;

/// The contents of the registry's files; a file that does not exist is not in it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RegistryFiles {
    dir: String,
    contents: BTreeMap<&'static str, File>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct File {
    /// Its name as problems write it.
    shown: String,
    content: Vec<u8>,
}

/// What is there of one file.
#[derive(Debug)]
pub(crate) enum Opened<T> {
    /// It does not exist.
    Absent,
    /// It exists and cannot be read; that was reported.
    Unreadable,
    /// It is there.
    Read(T),
}

impl<T> Opened<T> {
    /// Reads on; `None` from `read` is a file that cannot be read.
    pub(crate) fn and_then<U>(self, read: impl FnOnce(T) -> Option<U>) -> Opened<U> {
        match self {
            Self::Absent => Opened::Absent,
            Self::Unreadable => Opened::Unreadable,
            Self::Read(found) => read(found).map_or(Opened::Unreadable, Opened::Read),
        }
    }
}

impl RegistryFiles {
    /// No files yet. `dir` is what problems write before a file's name.
    pub fn new(dir: impl Into<String>) -> Self {
        Self { dir: dir.into(), contents: BTreeMap::new() }
    }
    /// With this file. `name` is one of [`FILE_NAMES`]; others are not part of the registry and are passed over.
    #[must_use]
    pub fn with(mut self, name: &str, content: impl Into<Vec<u8>>) -> Self {
        if let Some(known) = FILE_NAMES.into_iter().find(|known| *known == name) {
            let file = File { shown: self.shown(known), content: content.into() };
            self.contents.insert(known, file);
        }
        self
    }
    /// The digest over names and contents: what a person accepts when a file has lost many rows.
    pub fn digest(&self) -> Digest {
        let mut hasher = Hasher::new();
        for (name, File { content, .. }) in &self.contents {
            hasher.update(format!("{name}\n{}\n", content.len()).as_bytes());
            hasher.update(content);
        }
        hasher.finish()
    }
    /// The file's name as problems write it.
    pub(crate) fn shown(&self, name: &str) -> String {
        if self.dir.is_empty() { name.to_owned() } else { format!("{}/{name}", self.dir) }
    }
    /// The file's text; what is no text is reported.
    pub(crate) fn open(&self, name: &str, problems: &Problems) -> Opened<Source<'_>> {
        let Some(file) = self.contents.get(name) else { return Opened::Absent };
        match decode(&file.content) {
            Ok(text) => Opened::Read(Source::new(&file.shown, text)),
            Err((at, message)) => {
                problems.push(file.problem_at(at, message));
                Opened::Unreadable
            }
        }
    }
    /// Reports an error about a file as a whole.
    pub(crate) fn report(&self, name: &str, problems: &Problems, message: impl Into<String>) {
        problems.push(Source::new(&self.shown(name), "").problem(Level::Error, &(0..0), message));
    }
}

impl File {
    fn problem_at(&self, at: usize, message: &str) -> Problem {
        let before = self.content.get(..at).and_then(|bytes| str::from_utf8(bytes).ok()).unwrap_or_default();
        Source::new(&self.shown, before).problem(Level::Error, &(at..at), message)
    }
}

/// The text, or where it stops being one and why.
fn decode(content: &[u8]) -> Result<&str, (usize, &'static str)> {
    if content.len() > MAX_FILE_BYTES {
        return Err((0, "the file is larger than 32 MiB"));
    }
    if content.starts_with(&[0xff, 0xfe]) || content.starts_with(&[0xfe, 0xff]) {
        return Err((0, "the file is UTF-16; expected UTF-8 (save as \"CSV UTF-8\")"));
    }
    str::from_utf8(content).map_err(|error| {
        (error.valid_up_to(), "not UTF-8 from here on, perhaps GBK; expected UTF-8 (save as \"CSV UTF-8\")")
    })
}
