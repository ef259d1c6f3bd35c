//! Notices saves in the folders of the rules and of the registry.
//!
//! The system's notifications wake it; what it goes by is what the folder holds. A save is taken once nothing has
//! changed for a while (an editor writes, renames and touches several times for one save). Folders that are replaced,
//! and systems without notifications, are noticed by a look each second.

mod fingerprint;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use notify::{EventKind, RecommendedWatcher, RecursiveMode, Watcher as _};

use crate::config::WatchConfig;
use fingerprint::Fingerprint;

/// What was saved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Saved {
    /// A rule file.
    Rules,
    /// A file of the registry, or its acceptance.
    Registry,
}

impl Saved {
    /// The word for it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Rules => "rules",
            Self::Registry => "registry",
        }
    }
}

/// Watches until it is dropped.
#[derive(Debug)]
pub(crate) struct Watcher {
    signals: Sender<Signal>,
    thread: Option<JoinHandle<()>>,
}

enum Signal {
    /// Something happened in one of the folders.
    Touched(Vec<PathBuf>),
    Stop,
}

/// Watches these folders (or single files) on a thread of its own, and calls back once a save. What the folders hold
/// when it begins is known already.
pub(crate) fn watch(
    places: Vec<(Saved, PathBuf)>,
    pace: WatchConfig,
    on_save: impl FnMut(Saved) + Send + 'static,
) -> std::io::Result<Watcher> {
    let (signals, received) = channel();
    let places = places.into_iter().map(|(what, path)| Place::new(what, path)).collect();
    let mut observer = Observer { places, pace, received, system: system_watcher(signals.clone()), on_save };
    observer.subscribe();
    let thread = std::thread::Builder::new().name("watch".to_owned()).spawn(move || observer.run())?;
    Ok(Watcher { signals, thread: Some(thread) })
}

impl Drop for Watcher {
    fn drop(&mut self) {
        // the thread has ended already where nobody receives
        drop(self.signals.send(Signal::Stop));
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// `None` where the system has no notifications to give: then the look each second is all there is.
fn system_watcher(signals: Sender<Signal>) -> Option<RecommendedWatcher> {
    let forward = move |event: notify::Result<notify::Event>| {
        let Ok(event) = event else { return };
        if !matches!(event.kind, EventKind::Access(_)) {
            drop(signals.send(Signal::Touched(event.paths)));
        }
    };
    notify::recommended_watcher(forward).ok()
}

/// What came while it waited.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Heard {
    Something,
    Nothing,
}

/// One folder.
struct Place {
    what: Saved,
    path: PathBuf,
    known: Fingerprint,
    /// The folder that the system was asked to watch, by its identity: another of the same name is not watched.
    watched: Option<u64>,
    is_touched: bool,
}

impl Place {
    fn new(what: Saved, path: PathBuf) -> Self {
        let known = Fingerprint::of(&path);
        Self { what, path, known, watched: None, is_touched: false }
    }
    /// Whether a change of this file is a save whatever the fingerprint says: two saves within a tick of the file
    /// system's clock look alike.
    fn concerns(&self, file: &Path) -> bool {
        let name = file.file_name().unwrap_or_default();
        file.starts_with(&self.path)
            && match self.what {
                Saved::Rules => file.extension().is_some_and(|ending| ending == "toml"),
                Saved::Registry => citywarden_registry::FILE_NAMES.iter().any(|known| name == *known),
            }
    }
}

struct Observer<F> {
    places: Vec<Place>,
    pace: WatchConfig,
    received: Receiver<Signal>,
    system: Option<RecommendedWatcher>,
    on_save: F,
}

impl<F: FnMut(Saved)> Observer<F> {
    fn run(mut self) {
        while self.wait_for_change().is_some() {
            if self.wait_for_quiet().is_none() {
                return;
            }
            self.tell();
        }
    }
    /// Until something has changed; `None` is the end.
    fn wait_for_change(&mut self) -> Option<()> {
        loop {
            self.hear(self.pace.poll)?;
            self.subscribe();
            if self.look() {
                return Some(());
            }
        }
    }
    /// Until the system has been silent for a while and the folders are what they were; `None` is the end.
    fn wait_for_quiet(&mut self) -> Option<()> {
        loop {
            let heard = self.hear(self.pace.quiet)?;
            if !self.look_again() && heard == Heard::Nothing {
                return Some(());
            }
        }
    }
    /// Waits for what the system says; `None` is the end.
    fn hear(&mut self, within: Duration) -> Option<Heard> {
        match self.received.recv_timeout(within) {
            Ok(Signal::Touched(paths)) => {
                self.touch(&paths);
                Some(Heard::Something)
            }
            Ok(Signal::Stop) | Err(RecvTimeoutError::Disconnected) => None,
            Err(RecvTimeoutError::Timeout) => Some(Heard::Nothing),
        }
    }
    fn touch(&mut self, paths: &[PathBuf]) {
        for place in &mut self.places {
            place.is_touched |= paths.iter().any(|path| place.concerns(path));
            if paths.contains(&place.path) {
                // the folder itself was moved or removed: another one of its name may have the same identity
                place.watched = None;
            }
        }
    }
    /// Whether any folder differs from what it was, or was touched.
    fn look(&mut self) -> bool {
        self.look_again() || self.places.iter().any(|place| place.is_touched)
    }
    /// Whether any folder has changed since it was last looked at.
    fn look_again(&mut self) -> bool {
        let mut changed = false;
        for place in &mut self.places {
            let now = Fingerprint::of(&place.path);
            if now != place.known {
                place.known = now;
                place.is_touched = true;
                changed = true;
            }
        }
        changed
    }
    fn tell(&mut self) {
        let mut saved = BTreeSet::new();
        for place in &mut self.places {
            if std::mem::take(&mut place.is_touched) {
                saved.insert(place.what);
            }
        }
        saved.into_iter().for_each(&mut self.on_save);
    }
    /// Asks the system to watch the folders that are new to it.
    fn subscribe(&mut self) {
        let Some(system) = &mut self.system else { return };
        for place in &mut self.places {
            let identity = fingerprint::identity(&place.path).filter(|_| place.path.is_dir());
            if identity == place.watched {
                continue;
            }
            // refused (too many watches): the look each second remains
            let is_watched =
                identity.is_some() && system.watch(&place.path, RecursiveMode::Recursive).is_ok();
            place.watched = identity.filter(|_| is_watched);
        }
    }
}
