//! Which rules and which registry are in force, and from when on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use citywarden_journal::{Body, Control};
use citywarden_model::{Digest, LocalClock, Registry};
use citywarden_rules::RuleSet;

use crate::texts::TextStore;

/// The texts that the journal refers to are not there.
#[derive(Debug, thiserror::Error)]
pub enum VersionError {
    /// A digest in the journal has no text.
    #[error("the {what} {digest} that the journal names cannot be read: {why}")]
    Lost {
        /// `rules` or `registry`.
        what: &'static str,
        /// The digest.
        digest: Digest,
        /// What is wrong.
        why: String,
    },
    /// A snapshot cannot be used.
    #[error("the snapshot cannot be used: {0}")]
    Snapshot(String),
}

/// Finds the rules and the registry that a record puts into force.
pub trait Versions {
    /// Whether this record puts something into force.
    fn is_due(&mut self, body: &Body<'_>) -> bool;
    /// The rules of this digest.
    fn rules(&mut self, digest: &Digest) -> Result<Arc<RuleSet>, VersionError>;
    /// The registry of this digest.
    fn registry(&mut self, digest: &Digest) -> Result<Arc<Registry>, VersionError>;
}

/// The same rules and registry from the first record on, whatever the journal says: a backtest.
///
/// A feed that was dumped from a journal begins with control records; there the rules take force at the first record
/// that puts rules into force, and the registry likewise, so that times that rest on them come out as they were.
#[derive(Debug)]
pub(crate) struct Fixed {
    rules: Arc<RuleSet>,
    registry: Arc<Registry>,
    pending: (bool, bool),
}

impl Fixed {
    pub(crate) fn new(rules: Arc<RuleSet>, registry: Arc<Registry>) -> Self {
        Self { rules, registry, pending: (true, true) }
    }
}

impl Versions for Fixed {
    fn is_due(&mut self, body: &Body<'_>) -> bool {
        match body {
            Body::Control(Control::Rules { .. }) => std::mem::take(&mut self.pending.0),
            Body::Control(Control::Registry { .. }) => std::mem::take(&mut self.pending.1),
            Body::Control(_) => false,
            Body::Message(_) => {
                let pending = std::mem::take(&mut self.pending);
                pending.0 || pending.1
            }
        }
    }
    fn rules(&mut self, _: &Digest) -> Result<Arc<RuleSet>, VersionError> {
        Ok(Arc::clone(&self.rules))
    }
    fn registry(&mut self, _: &Digest) -> Result<Arc<Registry>, VersionError> {
        Ok(Arc::clone(&self.registry))
    }
}

/// What the journal names, from the store of texts; what was loaded is kept.
#[derive(Debug, Clone)]
pub struct Stored {
    texts: TextStore,
    local: LocalClock,
    loaded: Arc<Mutex<Loaded>>,
}

#[derive(Debug, Default)]
struct Loaded {
    rules: BTreeMap<Digest, Arc<RuleSet>>,
    registries: BTreeMap<Digest, Arc<Registry>>,
}

/// How many versions are kept ready: a reload needs two, the one in force and the next.
const LOADED_MAX: usize = 8;

impl Stored {
    /// What this store of texts holds; local times are of this clock.
    pub fn new(texts: TextStore, local: LocalClock) -> Self {
        Self { texts, local, loaded: Arc::default() }
    }
    /// Keeps rules ready that were just compiled, so that the judge need not do it again.
    pub fn keep_rules(&self, rules: &Arc<RuleSet>) {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        keep(&mut loaded.rules, rules.digest, rules);
    }
    /// Keeps a registry ready that was just read.
    pub fn keep_registry(&self, registry: &Arc<Registry>) {
        let mut loaded = self.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        keep(&mut loaded.registries, registry.digest, registry);
    }
}

fn keep<T>(versions: &mut BTreeMap<Digest, Arc<T>>, digest: Digest, version: &Arc<T>) {
    if versions.len() >= LOADED_MAX {
        versions.clear();
    }
    versions.insert(digest, Arc::clone(version));
}

impl Versions for Stored {
    fn is_due(&mut self, body: &Body<'_>) -> bool {
        matches!(body, Body::Control(Control::Rules { .. } | Control::Registry { .. }))
    }
    fn rules(&mut self, digest: &Digest) -> Result<Arc<RuleSet>, VersionError> {
        let known = self.loaded.lock().unwrap_or_else(PoisonError::into_inner).rules.get(digest).cloned();
        if let Some(rules) = known {
            return Ok(rules);
        }
        let lost = |why: String| VersionError::Lost { what: "rules", digest: *digest, why };
        let rules = Arc::new(crate::rulebook::read_stored(&self.texts, digest, self.local).map_err(lost)?);
        self.keep_rules(&rules);
        Ok(rules)
    }
    fn registry(&mut self, digest: &Digest) -> Result<Arc<Registry>, VersionError> {
        let known =
            self.loaded.lock().unwrap_or_else(PoisonError::into_inner).registries.get(digest).cloned();
        if let Some(registry) = known {
            return Ok(registry);
        }
        let lost = |why: String| VersionError::Lost { what: "registry", digest: *digest, why };
        let registry = Arc::new(crate::county::read_stored(&self.texts, digest).map_err(lost)?);
        self.keep_registry(&registry);
        Ok(registry)
    }
}
