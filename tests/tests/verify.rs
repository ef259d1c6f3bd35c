//! `journal verify` names whatever is not as it was written: a bit of a closed segment, of the alert log, of a kept text.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use citywarden_tests::client::Client;
use citywarden_tests::county::{County, topic_of};
use citywarden_tests::moment::now;
use citywarden_tests::recording::{dump, json_lines, verify};
use citywarden_tests::scenario::sentinel;
use citywarden_tests::service::{Service, citywarden_in};
use serde_json::json;

const SITE: &str = "site";
/// So many places of a segment are tried, each with another bit.
const PLACES: u64 = 64;

/// A county with a closed segment of 4 MiB, an alert and texts; its service is stopped.
async fn county() -> County {
    let mut county = County::new();
    let scenario = sentinel();
    scenario.prepare(&mut county);
    county.asset(SITE, "construction_site", &[]);
    county.device(SITE, "dust_monitor", Some(60), &[]);
    county.more += "\n[journal]\nsegment_bytes = 4194304\n";
    let service = Service::start(county.write());
    scenario.play(service.mqtt, now(), |_| true).await;
    service.wait_for_count("citywarden_alert_events_total", &[("event", "opened")], |count| count > 0).await;
    let padding = "x".repeat(60_000);
    let payloads: Vec<_> =
        (0..80).map(|n| json!({"readings": {"pm10": n}, "padding": padding}).to_string()).collect();
    Client::Rumqttc5.publish(service.mqtt, &topic_of(SITE), &payloads).await;
    service.stop();
    county
}

fn found(county: &County) -> (Output, String) {
    let output = citywarden_in(county.dir(), &["journal", "verify", "--config", "citywarden.toml"]);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output, said)
}

/// Flips one bit; twice is not at all.
fn flip(path: &Path, at: u64, bit: u64) {
    let file = OpenOptions::new().read(true).write(true).open(path).expect("it is there");
    let mut byte = [0];
    file.read_exact_at(&mut byte, at).expect("it is that long");
    file.write_all_at(&[byte[0] ^ (1 << bit)], at).expect("it can be written");
}

/// What is wrong with how one flipped bit is reported; `None`: nothing.
fn missed(county: &County, path: &Path, at: u64, words: &[&str]) -> Option<String> {
    flip(path, at, at % 8);
    let (output, said) = found(county);
    flip(path, at, at % 8);
    let name = path.file_name().expect("a file").to_str().expect("UTF-8");
    let is_named = said.contains(name) && words.iter().all(|word| said.contains(word));
    let is_right = output.status.code() == Some(1) && is_named;
    (!is_right).then(|| format!("{name} byte {at}: {}\n{said}", output.status))
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(dir).expect("it is a directory").flatten() {
        if entry.path().is_dir() {
            files.extend(self::files(&entry.path()));
        } else {
            files.push(entry.path());
        }
    }
    files.sort();
    files
}

/// How much of a file is not zeros.
fn written(path: &Path) -> u64 {
    let bytes = fs::read(path).expect("it can be read");
    bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last as u64 + 1)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flipped_bit_of_a_closed_segment_the_alert_log_or_a_text_is_found_and_named() {
    let county = county().await;
    verify(county.dir());
    let mut failures = Vec::new();

    let segments = files(&county.file("data/journal"));
    let closed = segments.first().expect("there are two");
    let second = segments.get(1).and_then(|path| path.file_stem()?.to_str()?.parse::<u64>().ok());
    assert!(second.is_some_and(|base| base > 0), "the first is closed: {segments:?}");
    let end = fs::metadata(closed).expect("it is there").len();
    // a stride that is no multiple of anything in the format, and the very ends
    let stride = (end / PLACES) | 1;
    let places = (0..end).step_by(usize::try_from(stride).expect("small")).chain([1, 4, 8, 16, 32, end - 1]);
    failures.extend(places.filter_map(|at| missed(&county, closed, at, &["offset "])));

    let alerts = county.file("data/alerts/00000000000000000000.seg");
    // a bit of the last commit cannot be told from a torn write
    let places = (0..written(&alerts) / 3).step_by(509);
    failures.extend(places.filter_map(|at| missed(&county, &alerts, at, &["alerts", "offset "])));

    let texts = files(&county.file("data/texts"));
    assert!(texts.len() >= 10, "eight rules, their list and a registry: {texts:?}");
    failures.extend(texts.iter().filter_map(|text| missed(&county, text, 3, &["is damaged"])));

    assert!(failures.is_empty(), "{} not found:\n{}", failures.len(), failures.join("\n"));
    verify(county.dir());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_text_that_is_gone_is_named_with_the_record_that_put_it_into_force() {
    let county = county().await;
    let in_force = json_lines(&dump(county.dir()));
    for control in ["rules", "registry"] {
        let record = in_force.iter().find(|line| line.get("control").is_some_and(|word| word == control));
        let member = |name: &str| record.and_then(|record| record.get(name)).expect("it has one").clone();
        let digest = member("digest").as_str().expect("a text").replace("sha256:", "");
        let text = county.file(&format!("data/texts/{}/{digest}", &digest[..2]));
        let kept = fs::read(&text).expect("it is kept");
        fs::remove_file(&text).expect("it is there");
        let (output, said) = found(&county);
        assert_eq!(output.status.code(), Some(1), "{said}");
        let place =
            format!("offset {}: the {control} of this record: no text sha256:{digest}", member("offset"));
        assert!(said.contains(&place), "{place}\n{said}");
        fs::write(&text, kept).expect("there is room");
    }
    verify(county.dir());
}

/// Of what a crash can leave: the journal's own tests cut at every length, this one lets the service start on some.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_starts_on_a_torn_tail_and_has_everything_before_it() {
    const CUTS: [u64; 3] = [1, 67, 60_100];
    let county = county().await;
    let before = json_lines(&dump(county.dir())).len();
    for (number, cut) in CUTS.into_iter().enumerate() {
        let service = Service::start(county.dir());
        let last = [json!({"readings": {"pm10": 1}, "padding": "y".repeat(70_000), "n": number}).to_string()];
        Client::Rumqttc5.publish(service.mqtt, &topic_of(SITE), &last).await;
        service.kill();
        let segments = files(&county.file("data/journal"));
        let active = segments.iter().rfind(|path| path.extension().is_some_and(|end| end == "seg"));
        let active = active.expect("there is one");
        let end = written(active);
        let file = OpenOptions::new().write(true).open(active).expect("it is there");
        let zeros = vec![0; usize::try_from(cut).expect("small")];
        file.write_all_at(&zeros, end - cut).expect("it can be written");

        let service = Service::start(county.dir());
        service.process.err.wait_for_words("cut back to the last whole one", Duration::from_secs(10));
        service.stop();
        verify(county.dir());
        assert!(json_lines(&dump(county.dir())).len() > before, "cut {cut}: what was whole is there");
    }
}
