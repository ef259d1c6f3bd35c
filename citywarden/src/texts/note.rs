//! Small files of the data folder that hold one digest: which version is in force, which one a person accepted.

use std::fs;
use std::io;
use std::path::Path;

use citywarden_journal::{HostDisk, replace};
use citywarden_model::Digest;

/// Writes a digest down, durably.
pub(crate) fn write(data_dir: &Path, name: &str, digest: &Digest) -> io::Result<()> {
    fs::create_dir_all(data_dir)?;
    replace(&HostDisk, data_dir, name, format!("{digest}\n").as_bytes())
}

/// The digest that was written down; `None` where there is none.
pub(crate) fn read(data_dir: &Path, name: &str) -> Option<Digest> {
    Digest::parse(fs::read_to_string(data_dir.join(name)).ok()?.trim())
}
