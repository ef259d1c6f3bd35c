//! House rules that no compiler holds.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace is above").to_owned()
}

/// Every tracked or new file of the checkout that ends like this.
fn files(ending: &str) -> Vec<(String, String)> {
    let listed = Command::new("git")
        .args(["ls-files", "--cached", "--others", "--exclude-standard"])
        .current_dir(root())
        .output()
        .expect("git lists the files");
    let listed = String::from_utf8(listed.stdout).expect("names are UTF-8");
    let found: Vec<_> = listed
        .lines()
        .filter(|name| name.ends_with(ending))
        .filter_map(|name| Some((name.to_owned(), fs::read_to_string(root().join(name)).ok()?)))
        .collect();
    assert!(!found.is_empty(), "no {ending} files found: the check would pass on nothing");
    found
}

#[test]
fn no_source_file_is_longer_than_500_lines() {
    let long: Vec<_> = files(".rs")
        .into_iter()
        .filter(|(_, text)| text.lines().count() > 500)
        .map(|(name, _)| name)
        .collect();
    assert!(long.is_empty(), "split these: {long:?}");
}

#[test]
fn half_of_the_source_files_are_under_200_lines() {
    let lengths: Vec<_> = files(".rs").iter().map(|(_, text)| text.lines().count()).collect();
    let short = lengths.iter().filter(|lines| **lines < 200).count();
    assert!(short * 2 >= lengths.len(), "{short} of {} are under 200 lines", lengths.len());
}

#[test]
fn every_crate_says_what_it_is_and_what_it_does_not_know() {
    for (name, text) in files("src/lib.rs") {
        let header: String = text.lines().take_while(|line| line.starts_with("//!")).collect();
        assert!(header.len() > 80, "{name}: the header says too little");
        assert!(header.contains("**Knows:**") && header.contains("**Never:**"), "{name}: {header}");
    }
}

#[test]
fn every_path_in_the_map_exists() {
    let map = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("there is a map");
    let paths: Vec<_> = map
        .split('`')
        .skip(1)
        .step_by(2)
        .filter(|word| {
            word.contains('/') && !word.contains([' ', '{', '<', '*', ':']) && !word.starts_with('/')
        })
        // an MQTT topic, not a path
        .filter(|word| !word.starts_with("citywarden/330624"))
        .collect();
    assert!(paths.len() > 20, "the map names only {} paths", paths.len());
    let lost: Vec<_> = paths.into_iter().filter(|path| !root().join(path).exists()).collect();
    assert!(lost.is_empty(), "the map names paths that are not there: {lost:?}");
}

/// The names of everything that a crate is built from, without its tests' dependencies.
fn tree(package: &str) -> Vec<String> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--edges", "normal", "--prefix", "none", "--package", package])
        .current_dir(root())
        .output()
        .expect("cargo tree runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("names are UTF-8");
    text.lines().filter_map(|line| line.split(' ').next()).map(str::to_owned).collect()
}

#[test]
fn the_pure_crates_have_no_runtime_no_sockets_and_no_randomness() {
    for package in [
        "citywarden-model",
        "citywarden-problems",
        "citywarden-registry",
        "citywarden-formats",
        "citywarden-rules",
    ] {
        let tree = tree(package);
        assert!(tree.iter().any(|name| name == package), "{package} is in its own tree");
        for absent in ["tokio", "mio", "rand", "socket2", "notify", "reqwest", "axum"] {
            // geo links rand for the sampling it offers, which nothing here calls; clippy.toml holds the rest
            let is_known = (package, absent) == ("citywarden-rules", "rand");
            assert!(is_known || !tree.iter().any(|name| name == absent), "{package} is built with {absent}");
        }
    }
}

#[test]
fn no_stage_knows_another_stage() {
    let may_know = [
        ("model", vec![]),
        ("problems", vec![]),
        ("registry", vec!["model", "problems"]),
        ("formats", vec!["model"]),
        ("journal", vec!["model"]),
        ("ingest", vec!["model", "problems", "journal"]),
        ("rules", vec!["model", "problems"]),
        ("alerting", vec!["model", "journal"]),
        ("archive", vec!["model"]),
        ("console", vec!["model", "alerting", "journal", "archive"]),
        ("simulators", vec!["model", "formats"]),
    ];
    for (stage, known) in may_know {
        let package = format!("citywarden-{stage}");
        for name in tree(&package) {
            let Some(other) = name.strip_prefix("citywarden-") else { continue };
            assert!(other == stage || known.contains(&other), "{stage} knows {other}");
        }
    }
}

#[test]
fn nothing_waits_by_the_clock_in_tests_and_nothing_is_left_undone() {
    for (name, text) in files(".rs") {
        if name == "tests/tests/tidy.rs" {
            continue;
        }
        for mark in ["todo!(", "unimplemented!(", "#[ignore"] {
            assert!(!text.contains(mark), "{name} holds {mark}");
        }
    }
}

#[test]
fn every_dependency_has_its_reason() {
    let reasons =
        fs::read_to_string(root().join("docs/dependencies.md")).expect("there is a page of reasons");
    let workspace = fs::read_to_string(root().join("Cargo.toml")).expect("there is a workspace");
    let start = workspace.find("[workspace.dependencies]").expect("it has dependencies");
    let names: Vec<_> = workspace[start..]
        .lines()
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .filter_map(|line| line.split_once(" = ").map(|(name, _)| name))
        .filter(|name| !name.starts_with("citywarden-"))
        .collect();
    assert!(names.len() > 10, "{names:?}");
    for name in names {
        let known = reasons.lines().filter_map(|line| line.strip_prefix("- ")).any(|line| {
            line.split_once(':')
                .is_some_and(|(named, _)| named.split([',', '(']).any(|word| word.trim() == name))
        });
        assert!(known, "docs/dependencies.md has no line for {name}");
    }
}
