//! The texts behind the digests in the journal: rule files and registries, each kept under its own SHA-256, for as long
//! as anything may refer to it.
//!
//! ```text
//! texts/5f/5f1d…    one text; its file name is its digest, so it cannot be changed unnoticed
//! ```
//!
//! A rule set is kept as its rules' texts and a list of them (`id` and `sha256:…`, a line each): exactly the bytes that
//! [`RuleSet::digest`] is taken over, so that a `rules {digest}` record finds the list, and the list the texts. A
//! registry is one text, see `citywarden_registry::freeze`.

pub(crate) mod note;
#[cfg(test)]
mod tests;

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use citywarden_journal::{Disk, read_whole, replace};
use citywarden_model::{Digest, Registry};
use citywarden_rules::{RuleFile, RuleSet};

/// The store. Clones are the same store.
#[derive(Clone)]
pub struct TextStore {
    disk: Arc<dyn Disk>,
    dir: PathBuf,
}

/// A text that cannot be kept or found.
#[derive(Debug, thiserror::Error)]
pub enum TextError {
    /// The store never held it, or somebody removed it.
    #[error("no text {digest} in {}", dir.display())]
    Absent {
        /// Of the text.
        digest: Digest,
        /// Of the store.
        dir: PathBuf,
    },
    /// Its file holds something else.
    #[error("{} is damaged: its content is {found}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The digest of what it holds.
        found: Digest,
    },
    /// It holds the right bytes, and they are not what was asked for.
    #[error("{digest} is no {expected}: {why}")]
    Form {
        /// Of the text.
        digest: Digest,
        /// `rule set` or `registry`.
        expected: &'static str,
        /// What is wrong.
        why: String,
    },
    /// The disk.
    #[error("{}: {error}", path.display())]
    Disk {
        /// The file.
        path: PathBuf,
        /// What the disk said.
        error: io::Error,
    },
}

impl TextStore {
    /// The store in this folder, which is made where it is missing.
    pub fn open(disk: Arc<dyn Disk>, dir: &Path) -> Result<Self, TextError> {
        disk.create_dir(dir).map_err(|error| TextError::Disk { path: dir.to_owned(), error })?;
        Ok(Self { disk, dir: dir.to_owned() })
    }
    /// Keeps a text; on return it is durable. Keeping it again is fine.
    pub(crate) fn put(&self, text: &[u8]) -> Result<Digest, TextError> {
        let digest = Digest::of(text);
        if self.get(&digest).is_ok() {
            return Ok(digest);
        }
        let (dir, path) = (self.folder(&digest), self.path(&digest));
        let failed = |error| TextError::Disk { path, error };
        self.disk
            .create_dir(&dir)
            .and_then(|()| replace(&*self.disk, &dir, &digest.hex(), text))
            .map_err(failed)?;
        Ok(digest)
    }
    /// The text of this digest, verified.
    pub(crate) fn get(&self, digest: &Digest) -> Result<Vec<u8>, TextError> {
        let path = self.path(digest);
        let text = read_whole(&*self.disk, &path)
            .map_err(|error| TextError::Disk { path: path.clone(), error })?
            .ok_or_else(|| TextError::Absent { digest: *digest, dir: self.dir.clone() })?;
        let found = Digest::of(&text);
        if found == *digest { Ok(text) } else { Err(TextError::Damaged { path, found }) }
    }
    /// How many texts are kept and whole, and what is wrong with the others.
    pub(crate) fn check(&self) -> Result<(usize, Vec<TextError>), TextError> {
        let list =
            |dir: &Path| self.disk.list(dir).map_err(|error| TextError::Disk { path: dir.to_owned(), error });
        let (mut whole, mut spoilt) = (0, Vec::new());
        for folder in list(&self.dir)? {
            // what is no digest is no text: a save that was cut short
            for digest in list(&self.dir.join(folder))?.iter().filter_map(|name| Digest::parse(name)) {
                match self.get(&digest) {
                    Ok(_) => whole += 1,
                    Err(error) => spoilt.push(error),
                }
            }
        }
        Ok((whole, spoilt))
    }
    /// Keeps a rule set, under its own digest.
    pub fn put_rules(&self, rules: &RuleSet) -> Result<Digest, TextError> {
        let mut list = String::new();
        for rule in &rules.rules {
            let digest = self.put(rule.text.as_bytes())?;
            list.extend([rule.id.as_str(), "\n", &digest.to_string(), "\n"]);
        }
        self.put(list.as_bytes())
    }
    /// The texts of the rule set of this digest, each as a file named after its rule.
    pub(crate) fn rule_files(&self, digest: &Digest) -> Result<Vec<RuleFile>, TextError> {
        let list = self.text(digest, "rule set")?;
        let lines: Vec<&str> = list.lines().collect();
        let (pairs, rest) = lines.as_chunks::<2>();
        let form = |why: &str| TextError::Form { digest: *digest, expected: "rule set", why: why.to_owned() };
        if !rest.is_empty() {
            return Err(form("a rule without a digest"));
        }
        let files = pairs.iter().map(|[id, text]| {
            let text = Digest::parse(text).ok_or_else(|| form("a line that is no digest"))?;
            Ok(RuleFile { name: format!("{id}.toml"), text: self.text(&text, "rule")? })
        });
        files.collect()
    }
    /// Keeps a registry, under its own digest.
    pub fn put_registry(&self, registry: &Registry) -> Result<Digest, TextError> {
        self.put(citywarden_registry::freeze(registry).as_bytes())
    }
    /// The registry of this digest.
    pub(crate) fn registry(&self, digest: &Digest) -> Result<Registry, TextError> {
        let text = self.text(digest, "registry")?;
        citywarden_registry::thaw(&text).map_err(|error| TextError::Form {
            digest: *digest,
            expected: "registry",
            why: error.to_string(),
        })
    }
    fn text(&self, digest: &Digest, expected: &'static str) -> Result<String, TextError> {
        String::from_utf8(self.get(digest)?).map_err(|error| TextError::Form {
            digest: *digest,
            expected,
            why: error.to_string(),
        })
    }
    /// A folder for each first byte: some file systems slow down with ten thousands of names in one.
    fn folder(&self, digest: &Digest) -> PathBuf {
        self.dir.join(digest.hex().get(..2).unwrap_or_default())
    }
    fn path(&self, digest: &Digest) -> PathBuf {
        self.folder(digest).join(digest.hex())
    }
}

impl fmt::Debug for TextStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextStore").field("dir", &self.dir).finish_non_exhaustive()
    }
}
