//! `docs/first-county.md`, typed as it stands.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use citywarden_tests::mosquitto::Mosquitto;
use citywarden_tests::service::{binary, free_address};
use tempfile::TempDir;

/// What a page has between "```sh" and "```", block by block.
fn blocks(page: &str) -> Vec<String> {
    let mut blocks = Vec::new();
    let mut rest = page;
    while let Some((_, after)) = rest.split_once("```sh\n") {
        let (block, after) = after.split_once("```\n").expect("a block ends");
        blocks.push(block.to_owned());
        rest = after;
    }
    blocks
}

#[test]
fn a_stranger_who_types_the_page_sees_the_alert() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/first-county.md");
    let blocks = blocks(&fs::read_to_string(page).expect("the page is there"));
    let (build, typed) = blocks.split_first().expect("it has blocks");
    assert!(build.starts_with("cargo build --release\n"), "the first block builds: {build}");
    assert!(typed.len() > 6, "{typed:?}");

    // only the ports are others: somebody may have these
    let broker = Mosquitto::start();
    let http = free_address().to_string();
    let script = typed.concat();
    for port in ["127.0.0.1:1883", "-p 1883", "127.0.0.1:8080"] {
        assert!(script.contains(port), "{port}");
    }
    let script = script
        .replace("127.0.0.1:1883", &broker.address.to_string())
        .replace("-p 1883", &format!("-p {}", broker.address.port()))
        .replace("127.0.0.1:8080", &http);
    let dir = TempDir::new().expect("there is room for a directory");
    let programs = binary().parent().expect("it is in a directory").to_owned();
    let path = std::env::var("PATH").expect("there is a path");
    let output = Command::new("bash")
        .args(["-euo", "pipefail", "-c", &script])
        .current_dir(dir.path())
        .env("PATH", format!("{}:{path}", programs.display()))
        .stdin(Stdio::null())
        .output()
        .expect("bash is there");
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    let log = fs::read_to_string(dir.path().join("citywarden.log")).unwrap_or_default();
    assert!(output.status.success(), "{}\n{said}\nits log:\n{log}", output.status);
    let alert = fs::read_to_string(dir.path().join("alert.json")).expect("it was listened for");
    for words in ["citywarden.alert.opened", "\"muck-truck-uncovered\"", "\"truck-1\"", "\"lead\":false"] {
        assert!(alert.contains(words), "{words} is not in {alert}\n{said}");
    }
    assert!(said.contains(alert.trim()), "the page shows it: {said}");
}
