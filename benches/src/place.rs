//! Where a benchmark runs, and the binary of the service that it measures.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use citywarden_model::Clock;
use clap::Args;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::clock::MachineClock;
use crate::county::County;
use crate::measure::{Case, send};
use crate::server::{self, Server};
use crate::{host, say};

#[derive(Args)]
pub(crate) struct PlaceOptions {
    /// Where the journals are written; the temporary directory, if not given.
    #[arg(long)]
    dir: Option<PathBuf>,
    /// The service's binary; built from here, if not given.
    #[arg(long)]
    binary: Option<PathBuf>,
}

/// A directory that is removed afterwards, and the binary.
pub(crate) struct Place {
    dir: TempDir,
    pub(crate) binary: PathBuf,
}

/// The load that fills a journal.
const FILLING: Case = Case { connections: 50, window: 100, first: 0 };

impl PlaceOptions {
    /// Makes the directory, and says under which conditions the benchmark runs.
    pub(crate) fn begin(&self) -> anyhow::Result<Place> {
        let binary = self.binary.clone().map_or_else(server::build, Ok)?;
        let parent = self.dir.clone().unwrap_or_else(std::env::temp_dir);
        let place = Place { dir: tempfile::tempdir_in(parent)?, binary };
        for line in host::conditions(place.dir()) {
            say(&line)?;
        }
        Ok(place)
    }
}

impl Place {
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// The directory of a service that was killed under load, with so many records in its journal.
    pub(crate) fn filled(&self, runtime: &Runtime, records: u64) -> anyhow::Result<PathBuf> {
        let clock: Arc<dyn Clock> = Arc::new(MachineClock);
        let service = Server::service(&self.binary, self.dir(), &County::default())?;
        runtime.block_on(send(service.mqtt, &FILLING, records, &clock))?;
        Ok(service.process.directory()?)
    }
}
