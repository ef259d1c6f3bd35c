//! The registry's files on this machine: read from their folder, with what a person accepted and what was in force
//! before.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use citywarden_model::{Digest, Registry};
use citywarden_problems::{Level, Problem, Source};
use citywarden_registry::{FILE_NAMES, Options, Reading, RegistryFiles};

use crate::config::Config;
use crate::texts::{TextStore, note};

/// Holds the digest of the files that a person accepted although they had lost many rows.
const ACCEPTED: &str = "registry.accepted";
/// Holds the digest of the registry in force.
const IN_FORCE: &str = "registry.in-force";

/// Reads the registry. `previous` is what was in force until now.
pub(crate) fn read(config: &Config, previous: Option<&Registry>) -> Reading {
    let (files, unreadable) = read_files(&config.registry.dir);
    let accepted = note::read(&config.data_dir, ACCEPTED) == Some(files.digest());
    let mut reading = read_as(config, &files, previous, accepted);
    reading.problems.extend(unreadable);
    reading.problems.sort();
    reading
}

/// Takes the files as they are, now and whenever the service reads them, until they change again.
pub(crate) fn accept(config: &Config) -> io::Result<()> {
    let (files, _) = read_files(&config.registry.dir);
    note::write(&config.data_dir, ACCEPTED, &files.digest())
}

/// The file that [`accept`] writes: a running service watches it.
pub(crate) fn accepted_path(data_dir: &Path) -> PathBuf {
    data_dir.join(ACCEPTED)
}

/// Notes which registry is in force, for the next start and for `citywarden check`.
pub(crate) fn note_in_force(data_dir: &Path, digest: &Digest) -> io::Result<()> {
    note::write(data_dir, IN_FORCE, digest)
}

/// The digest of the registry that was last in force.
pub(crate) fn in_force(data_dir: &Path) -> Option<Digest> {
    note::read(data_dir, IN_FORCE)
}

/// The registry of this digest, from the store.
pub(crate) fn read_stored(texts: &TextStore, digest: &Digest) -> Result<Registry, String> {
    texts.registry(digest).map_err(|error| error.to_string())
}

fn read_as(config: &Config, files: &RegistryFiles, previous: Option<&Registry>, accepted: bool) -> Reading {
    let receivers: Vec<String> = config.receivers.iter().map(|receiver| receiver.name.to_string()).collect();
    let options = Options {
        region: &config.region,
        clock: config.local,
        receivers: Some(&receivers),
        max_loss: (!accepted).then_some(config.registry.max_loss),
    };
    let mut reading = citywarden_registry::read(files, options, previous);
    if !config.topics.is_empty() {
        reading.registry = citywarden_registry::with_topics(reading.registry, config.topics.clone());
    }
    reading.registry = citywarden_registry::with_terms(reading.registry, config.evaluation.terms());
    reading
}

/// The files of this folder, and a problem for each that is there and cannot be read.
fn read_files(dir: &Path) -> (RegistryFiles, Vec<Problem>) {
    let mut problems = Vec::new();
    let mut files = RegistryFiles::new(dir.display().to_string());
    for name in FILE_NAMES {
        let path = dir.join(name);
        match fs::read(&path) {
            Ok(content) => files = files.with(name, content),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                let message = format!("the file cannot be read: {error}");
                let shown = path.display().to_string();
                problems.push(Source::new(&shown, "").problem(Level::Error, &(0..0), message));
            }
        }
    }
    (files, problems)
}
