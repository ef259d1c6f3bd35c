//! Where the archive is.

use std::path::{Path, PathBuf};

use citywarden_archive::{
    Archive, ArchiveError, Queries, TimescaleArchive, TimescaleOptions, TimescaleReader,
};

use super::fields::Fields;

/// Where the archive is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ArchiveConfig {
    /// In a file of the data directory.
    Sqlite(PathBuf),
    /// In a database.
    Timescale(Box<TimescaleOptions>),
}

/// The file of an archive that nobody configured.
const FILE: &str = "archive.sqlite";

impl ArchiveConfig {
    /// Opens it.
    pub(crate) fn open(&self) -> Result<Box<dyn Archive>, ArchiveError> {
        match self {
            Self::Sqlite(path) => citywarden_archive::open(path),
            Self::Timescale(options) => Ok(Box::new(TimescaleArchive::open(options)?)),
        }
    }
    /// Opens it for questions alone; it has to be there.
    pub(crate) fn open_reader(&self) -> Result<Box<dyn Queries>, ArchiveError> {
        match self {
            Self::Sqlite(path) => citywarden_archive::open_reader(path),
            Self::Timescale(options) => Ok(Box::new(TimescaleReader::open(options)?)),
        }
    }
}

pub(super) fn read(fields: Option<&Fields<'_, '_>>, data_dir: &Path) -> ArchiveConfig {
    let file = || ArchiveConfig::Sqlite(data_dir.join(FILE));
    let Some(fields) = fields else { return file() };
    let url = fields.text("url");
    let password = fields.secret_file("password_file").map(|file| {
        let text = String::from_utf8_lossy(&file.content);
        text.trim_end_matches(['\r', '\n']).to_owned()
    });
    let Some(url) = url else {
        if let Some(at) = fields.place("password_file") {
            fields.error(&at, "`password_file` without `url`");
        }
        return file();
    };
    match TimescaleOptions::parse(&url.value, password.as_deref()) {
        Ok(options) => {
            if !options.is_local() {
                fields.warning(
                    &url.at,
                    "the database is spoken to unencrypted; keep it on this machine or in a tunnel",
                );
            }
            ArchiveConfig::Timescale(Box::new(options))
        }
        Err(what) => {
            // the address itself may hold a password
            fields.error(&url.at, format!("`url`: {what}"));
            file()
        }
    }
}
