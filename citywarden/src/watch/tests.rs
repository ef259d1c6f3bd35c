use std::fs;
use std::path::Path;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::{Saved, Watcher, watch};
use crate::config::WatchConfig;

/// Longer than any of this takes; a test that waits it out fails.
const PATIENCE: Duration = Duration::from_secs(20);
const PACE: WatchConfig = WatchConfig { quiet: Duration::from_millis(60), poll: Duration::from_millis(200) };

struct Watched {
    dir: tempfile::TempDir,
    saves: Receiver<Saved>,
    _watcher: Watcher,
}

impl Watched {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a scratch folder");
        for (name, file) in [("rules", "a.toml"), ("registry", "assets.csv")] {
            fs::create_dir(dir.path().join(name)).expect("made");
            fs::write(dir.path().join(name).join(file), "1").expect("written");
        }
        let (tell, saves) = channel();
        let places = vec![
            (Saved::Rules, dir.path().join("rules")),
            (Saved::Registry, dir.path().join("registry")),
            (Saved::Registry, dir.path().join("accepted")),
        ];
        let watcher =
            watch(places, PACE, move |saved| tell.send(saved).unwrap_or_default()).expect("a thread");
        Self { dir, saves, _watcher: watcher }
    }
    fn at(&self, name: &str) -> std::path::PathBuf {
        self.dir.path().join(name)
    }
    /// Waits until this was told; a save that the system carries out in two steps may be told twice.
    fn expect(&self, saved: Saved, why: &str) {
        let told = std::iter::from_fn(|| self.saves.recv_timeout(PATIENCE).ok());
        assert!(told.into_iter().any(|told| told == saved), "{saved:?} was not told: {why}");
    }
    /// Everything told until nothing more comes.
    fn drain(&self) -> Vec<Saved> {
        std::iter::from_fn(|| self.saves.recv_timeout(PACE.poll * 5).ok()).collect()
    }
}

fn save(path: &Path, text: &str) {
    fs::write(path, text).expect("written");
}

#[test]
fn each_way_of_saving_is_noticed() {
    let watched = Watched::new();
    save(&watched.at("rules/a.toml"), "2");
    watched.expect(Saved::Rules, "written in place");
    save(&watched.at("rules/.a.toml.swp"), "3");
    fs::rename(watched.at("rules/.a.toml.swp"), watched.at("rules/a.toml")).expect("renamed");
    watched.expect(Saved::Rules, "renamed over");
    save(&watched.at("registry/permits.csv"), "1");
    watched.expect(Saved::Registry, "a new file");
    fs::remove_file(watched.at("registry/permits.csv")).expect("removed");
    watched.expect(Saved::Registry, "a removed file");
    save(&watched.at("accepted"), "sha256:…");
    watched.expect(Saved::Registry, "the acceptance");
}

#[test]
fn a_folder_that_is_replaced_is_watched_on() {
    let watched = Watched::new();
    fs::rename(watched.at("rules"), watched.at("old")).expect("moved away");
    watched.expect(Saved::Rules, "the folder is gone");
    fs::create_dir(watched.at("rules")).expect("made");
    save(&watched.at("rules/b.toml"), "1");
    watched.expect(Saved::Rules, "another folder of the same name");
    save(&watched.at("rules/b.toml"), "2");
    watched.expect(Saved::Rules, "a save in it");
}

#[test]
fn a_burst_of_saves_is_told_as_few() {
    let watched = Watched::new();
    for count in 0..50 {
        save(&watched.at("rules/a.toml"), &count.to_string());
        save(&watched.at("registry/assets.csv"), &count.to_string());
    }
    let told = watched.drain();
    assert!(told.contains(&Saved::Rules) && told.contains(&Saved::Registry), "{told:?}");
    assert!(told.len() <= 10, "100 saves were told {} times", told.len());
    save(&watched.at("registry/assets.csv"), "last");
    watched.expect(Saved::Registry, "after the burst");
}

#[test]
fn what_nobody_saved_is_not_told() {
    let watched = Watched::new();
    save(&watched.at("rules/.a.toml.swp"), "an editor's own file");
    assert_eq!(watched.drain(), []);
}
