//! Reloads: read everything, check everything, keep the texts, and say in the journal from where on it is in force.
//!
//! A start is the first reload. Anything that can fail happens before the journal is told; what fails leaves what is in
//! force as it is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use citywarden_alerting::ReceiverName;
use citywarden_journal::{AppendError, Control, Inbox};
use citywarden_model::{GridId, Registry};
use citywarden_problems::Problem;
use citywarden_rules::RuleSet;

use crate::config::Config;
use crate::judge::{Stored, Versions};
use crate::metrics::Metrics;
use crate::texts::{TextError, TextStore};
use crate::watch::Saved;
use crate::{county, rulebook};

/// Puts new rules and registries into force.
pub(crate) struct Reloader {
    config: Arc<Config>,
    texts: TextStore,
    stored: Stored,
    inbox: Inbox,
    metrics: Arc<Metrics>,
    in_force: Mutex<InForce>,
    /// Saves that could not be put into force yet, and why.
    pending: Mutex<BTreeMap<Saved, String>>,
    /// The problems that were reported last.
    reported: Mutex<BTreeMap<Saved, Vec<String>>>,
    people: UnitDirectory,
}

struct InForce {
    rules: Option<Arc<RuleSet>>,
    registry: Option<Arc<Registry>>,
}

/// The responsible units of the registry in force, for whoever has to find their receivers.
#[derive(Clone, Default)]
pub(crate) struct UnitDirectory(Arc<RwLock<Option<Arc<Registry>>>>);

impl UnitDirectory {
    /// The receivers that a unit of this name listens to, for an asset of this grid cell: those whose area is that cell,
    /// and those without an area.
    pub(crate) fn receivers(&self, unit: &str, grid: Option<&GridId>) -> Vec<ReceiverName> {
        let registry = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let units = registry.iter().flat_map(|registry| registry.units.values());
        let area = grid.map(GridId::as_str).unwrap_or_default();
        units
            .filter(|one| {
                one.name == unit && (one.area.is_empty() || one.area == area) && !one.receiver.is_empty()
            })
            .map(|one| ReceiverName::from(one.receiver.as_str()))
            .collect()
    }
    fn set(&self, registry: &Arc<Registry>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(registry));
    }
}

/// A reload that could not be finished; what was in force still is.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReloadError {
    #[error("the texts cannot be kept: {0}")]
    Texts(#[from] TextError),
    #[error("the journal does not take it: {0}")]
    Journal(#[from] AppendError),
}

impl Reloader {
    /// A reloader that knows what was in force when the service stopped.
    pub(crate) fn new(
        config: Arc<Config>,
        texts: TextStore,
        mut stored: Stored,
        inbox: Inbox,
        metrics: Arc<Metrics>,
        people: UnitDirectory,
    ) -> Self {
        let rules = rulebook::in_force(&config.data_dir).and_then(|digest| stored.rules(&digest).ok());
        let registry = county::in_force(&config.data_dir).and_then(|digest| stored.registry(&digest).ok());
        let in_force = Mutex::new(InForce { rules, registry });
        Self {
            config,
            texts,
            stored,
            inbox,
            metrics,
            in_force,
            pending: Mutex::default(),
            reported: Mutex::default(),
            people,
        }
    }

    /// Puts both into force: a start.
    pub(crate) fn start(&self) -> Result<(), ReloadError> {
        self.rules(true)?;
        self.registry(true)
    }

    /// Takes a save. What goes wrong is reported, and changes nothing; it is tried again by [`Self::retry`].
    pub(crate) fn saved(&self, what: Saved) {
        let done = match what {
            Saved::Rules => self.rules(false),
            Saved::Registry => self.registry(false),
        };
        let mut pending = self.pending.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = done.as_ref().err().map(ToString::to_string);
        let waited = match &waits {
            Some(why) => pending.insert(what, why.clone()),
            None => pending.remove(&what),
        };
        self.metrics.reload_pending.with_label_values(&[what.as_str()]).set(waits.is_some().into());
        if let Some(why) = waits.filter(|why| waited.as_ref() != Some(why)) {
            tracing::error!("reload failed, what was in force stays, and it is tried again: {why}");
            self.metrics.reloads.with_label_values(&["failed"]).inc();
        }
    }

    /// Tries again what could not be put into force.
    pub(crate) fn retry(&self) {
        self.pending().into_keys().for_each(|what| self.saved(what));
    }

    /// Saves that could not be put into force yet, and why.
    pub(crate) fn pending(&self) -> BTreeMap<Saved, String> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reports what is wrong with a save; where it is tried again, only what is new.
    fn report(&self, what: Saved, problems: &[Problem]) {
        let texts: Vec<_> = problems.iter().map(ToString::to_string).collect();
        let last = self.reported.lock().unwrap_or_else(PoisonError::into_inner).insert(what, texts.clone());
        if last != Some(texts) || !self.pending().contains_key(&what) {
            report(problems);
        }
    }

    fn rules(&self, always: bool) -> Result<(), ReloadError> {
        let mut in_force = self.in_force.lock().unwrap_or_else(PoisonError::into_inner);
        let reading =
            rulebook::read(self.config.rules_dir.as_deref(), self.config.local, in_force.rules.as_deref());
        self.report(Saved::Rules, &reading.problems);
        let refused = rulebook::has_errors(&reading.problems);
        let result = if refused { "refused" } else { "success" };
        let rules = Arc::new(reading.rules);
        let is_new = in_force.rules.as_ref().is_none_or(|before| before.digest != rules.digest);
        if !is_new && !always {
            self.metrics.reloads.with_label_values(&[result]).inc();
            return Ok(());
        }
        let digest = self.texts.put_rules(&rules)?;
        self.stored.keep_rules(&rules);
        let (offset, _) = self.inbox.append_control(&Control::Rules { digest })?;
        noted("rules", rulebook::note_in_force(&self.config.data_dir, &digest));
        self.metrics.reloads.with_label_values(&[result]).inc();
        tracing::info!("rules {digest} in force from offset {offset}: {} rules", rules.rules.len());
        in_force.rules = Some(rules);
        Ok(())
    }

    fn registry(&self, always: bool) -> Result<(), ReloadError> {
        let mut in_force = self.in_force.lock().unwrap_or_else(PoisonError::into_inner);
        let reading = county::read(&self.config, in_force.registry.as_deref());
        self.report(Saved::Registry, &reading.problems);
        let registry = Arc::new(reading.registry);
        let is_new = in_force.registry.as_ref().is_none_or(|before| before.digest != registry.digest);
        if !is_new && !always {
            return Ok(());
        }
        let digest = self.texts.put_registry(&registry)?;
        self.stored.keep_registry(&registry);
        let (offset, _) = self.inbox.append_control(&Control::Registry { digest })?;
        noted("registry", county::note_in_force(&self.config.data_dir, &digest));
        let (devices, assets) = (registry.devices.len(), registry.assets.len());
        tracing::info!("registry {digest} in force from offset {offset}: {devices} devices, {assets} assets");
        self.people.set(&registry);
        in_force.registry = Some(registry);
        Ok(())
    }
}

/// The journal has said it: a note that cannot be written is no reason to undo it, or not to start.
fn noted(what: &str, result: std::io::Result<()>) {
    if let Err(error) = result {
        tracing::warn!(
            "the note of the {what} in force cannot be written; the next start has no last good version: {error}"
        );
    }
}

/// Says every problem as a line that names its place.
pub(crate) fn report(problems: &[Problem]) {
    for problem in problems {
        match problem.level {
            citywarden_problems::Level::Error => tracing::error!("{problem}"),
            citywarden_problems::Level::Warning => tracing::warn!("{problem}"),
        }
    }
}
