//! What is known of sessions across restarts, ours at brokers and those of clients at our endpoints: a small file for
//! each source.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use citywarden_ingest::broker::{BrokerConfig, SessionMemory};
use citywarden_ingest::endpoint::SessionStore;
use citywarden_journal::Disk;
use citywarden_model::{Clock, Digest, SourceName};

/// Where an endpoint keeps the sessions of its clients.
pub(crate) fn store_of(
    endpoint: &SourceName,
    data_dir: &Path,
    disk: &Arc<dyn Disk>,
    clock: &Arc<dyn Clock>,
) -> SessionStore {
    SessionStore {
        disk: Arc::clone(disk),
        dir: directory(data_dir),
        name: format!("{}.clients", file_name(endpoint)),
        clock: Arc::clone(clock),
    }
}

fn directory(data_dir: &Path) -> PathBuf {
    data_dir.join("sessions")
}

/// A source may be called anything; a file may not.
fn file_name(source: &SourceName) -> String {
    let mut name = Digest::of(source.as_str().as_bytes()).hex();
    name.truncate(16);
    name
}

/// One source's session: which broker and client id it is of, then what was subscribed to, a line each.
pub(crate) struct SessionFile {
    path: PathBuf,
    whose: String,
}

impl SessionFile {
    /// The file of this source in the data directory.
    pub(crate) fn of(config: &BrokerConfig, data_dir: &Path) -> Self {
        let path = directory(data_dir).join(file_name(&config.source));
        let whose = format!("{}@{}:{}", config.client_id, config.host, config.port);
        Self { path, whose }
    }
}

impl SessionMemory for SessionFile {
    fn filters(&self) -> Option<Vec<String>> {
        let text = fs::read_to_string(&self.path).ok()?;
        let mut lines = text.lines();
        let is_ours = lines.next() == Some(&self.whose);
        is_ours.then(|| lines.map(str::to_owned).collect())
    }
    fn remember(&self, filters: &[String]) {
        let text =
            std::iter::once(&self.whose).chain(filters).fold(String::new(), |text, line| text + line + "\n");
        let unfinished = self.path.with_extension("tmp");
        let kept = self
            .path
            .parent()
            .map_or(Ok(()), fs::create_dir_all)
            .and_then(|()| fs::write(&unfinished, text))
            .and_then(|()| fs::rename(&unfinished, &self.path));
        if let Err(error) = kept {
            tracing::warn!(
                "{}: cannot be written, a lost session may go unnoticed: {error}",
                self.path.display()
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_is_remembered_for_its_broker_and_client_id_alone() {
        let dir = tempfile::tempdir().unwrap();
        let config = BrokerConfig::new("the county's/broker".into(), &"330624".into(), "broker", 1883);
        let file = SessionFile::of(&config, dir.path());
        assert_eq!(file.filters(), None);
        let filters = vec!["citywarden/+/+/+".to_owned(), "legacy/#".to_owned()];
        file.remember(&filters);
        assert_eq!(SessionFile::of(&config, dir.path()).filters(), Some(filters));
        for other in [
            BrokerConfig { port: 8883, ..config.clone() },
            BrokerConfig { client_id: "another".to_owned(), ..config.clone() },
            BrokerConfig { source: "another".into(), ..config },
        ] {
            assert_eq!(SessionFile::of(&other, dir.path()).filters(), None);
        }
    }
}
