use std::fs;
use std::sync::Arc;

use citywarden_journal::HostDisk;
use citywarden_model::{Digest, LocalClock, RegionId, Registry};
use citywarden_problems::Problems;
use citywarden_rules::load;

use super::{TextError, TextStore};

fn store() -> (tempfile::TempDir, TextStore) {
    let dir = tempfile::tempdir().expect("a scratch folder");
    let store = TextStore::open(Arc::new(HostDisk), &dir.path().join("texts")).expect("a new store");
    (dir, store)
}

#[test]
fn what_is_put_is_found_again_under_its_digest() {
    let (_dir, store) = store();
    for text in ["", "rule = 1\n", "工地\0"] {
        let digest = store.put(text.as_bytes()).expect("kept");
        assert_eq!(digest, Digest::of(text.as_bytes()));
        assert_eq!(store.put(text.as_bytes()).expect("kept again"), digest);
        assert_eq!(store.get(&digest).expect("found"), text.as_bytes());
    }
}

#[test]
fn a_text_that_is_absent_or_was_changed_is_never_handed_out() {
    let (_dir, store) = store();
    let digest = Digest::of(b"text");
    assert!(matches!(store.get(&digest), Err(TextError::Absent { .. })));
    store.put(b"text").expect("kept");
    fs::write(store.path(&digest), b"texT").expect("written");
    assert!(matches!(store.get(&digest), Err(TextError::Damaged { .. })));
    store.put(b"text").expect("kept again: the damage is repaired");
    assert_eq!(store.get(&digest).expect("found"), b"text");
}

#[test]
fn a_registry_is_found_by_the_digest_it_carries() {
    let (_dir, store) = store();
    let mut registry = Registry::empty(RegionId::from("330624"));
    registry.digest = Digest::of(citywarden_registry::freeze(&registry).as_bytes());
    assert_eq!(store.put_registry(&registry).expect("kept"), registry.digest);
    assert_eq!(store.registry(&registry.digest).expect("found"), registry);
    let other = store.put(b"{}").expect("kept");
    assert!(matches!(store.registry(&other), Err(TextError::Form { .. })));
}

#[test]
fn a_rule_set_is_found_by_its_digest_and_loads_to_the_same() {
    let (_dir, store) = store();
    let problems = Problems::new();
    let rules = load(&citywarden_rules::built_in_pack(), LocalClock::default(), &problems);
    assert!(!rules.rules.is_empty(), "the built-in pack has rules");
    assert_eq!(store.put_rules(&rules).expect("kept"), rules.digest);
    let files = store.rule_files(&rules.digest).expect("found");
    assert_eq!(load(&files, LocalClock::default(), &problems).digest, rules.digest);
}
