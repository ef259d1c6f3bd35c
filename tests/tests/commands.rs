//! The commands as a person at a terminal meets them: help, exit codes, and what each prints.

use std::fs;
use std::time::Duration;

use citywarden_tests::client::Client;
use citywarden_tests::county::County;
use citywarden_tests::moment::now;
use citywarden_tests::pack::Pack;
use citywarden_tests::receiver::WebhookServer;
use citywarden_tests::recording::{dump, json_lines, payloads, verify};
use citywarden_tests::scenario::eight_rules;
use citywarden_tests::service::{Service, citywarden, citywarden_in, citywarden_ok_in};
use tempfile::TempDir;

/// Every command of this version.
const COMMANDS: &[&[&str]] = &[
    &["demo"],
    &["run"],
    &["check"],
    &["rules"],
    &["rules", "list"],
    &["rules", "check"],
    &["rules", "test"],
    &["rules", "backtest"],
    &["rules", "explain"],
    &["rules", "export"],
    &["receivers"],
    &["receivers", "test"],
    &["journal"],
    &["journal", "stat"],
    &["journal", "dump"],
    &["journal", "verify"],
    &["deadletter"],
    &["deadletter", "list"],
];

#[test]
fn the_help_of_every_command_says_what_it_does_with_examples_and_exit_codes() {
    let top = citywarden(&["--help"]);
    assert!(top.status.success());
    let top = String::from_utf8_lossy(&top.stdout).into_owned();
    assert!(top.contains("Exit codes: 0 fine, 1 "), "{top}");
    for command in COMMANDS {
        let output = citywarden(&[command, &["--help"][..]].concat());
        let help = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{command:?}");
        assert!(top.contains(command[0]), "--help does not name {command:?}:\n{top}");
        let is_group = COMMANDS.iter().any(|other| other.len() > command.len() && other.starts_with(command));
        let wanted: &[&str] =
            if is_group { &["Usage:", "Commands:"] } else { &["Usage:", "Options:", "Example"] };
        for words in wanted {
            assert!(help.contains(words), "{command:?} --help has no {words}:\n{help}");
        }
    }
}

#[test]
fn wrong_usage_ends_with_2_and_says_what_was_expected() {
    for (args, words) in [
        (&[][..], "Usage:"),
        (&["rnu"], "rnu"),
        (&["run", "--confg", "citywarden.toml"], "--config"),
        (&["receivers", "test"], "<NAME>"),
        (&["rules", "explain", "--asset", "a"], "--at"),
        (&["rules", "backtest", "--config", "c.toml", "--batch", "none"], "--batch"),
        (&["rules", "backtest", "--config", "c.toml", "--from", "yesterday", "--to", "today"], "--from"),
        (&["journal"], "Usage:"),
    ] {
        let output = citywarden(args);
        let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
        assert_eq!(output.status.code(), Some(2), "{args:?}\n{said}");
        assert!(said.contains(words), "{args:?}\n{said}");
    }
}

#[test]
fn the_rules_are_listed_checked_tested_and_exported() {
    let dir = TempDir::new().expect("there is room for a directory");
    let listed = citywarden_ok_in(dir.path(), &["rules", "list"]);
    let as_json = json_lines(&citywarden_ok_in(dir.path(), &["rules", "list", "--json"]));
    citywarden_ok_in(dir.path(), &["rules", "export", "mine"]);
    for rule in [
        "sprinkler-chime-loudness",
        "nozzle-spacing",
        "muck-truck-uncovered",
        "truck-leaves-unwashed",
        "fume-concentration",
        "construction-noise",
        "linear-works-spraying",
        "site-dust",
    ] {
        assert!(listed.contains(rule), "{rule}\n{listed}");
        assert!(as_json.iter().any(|line| line["rule"] == rule || line["id"] == rule), "{rule}\n{as_json:?}");
    }
    for args in
        [&["rules", "check"][..], &["rules", "test"], &["rules", "check", "mine"], &["rules", "test", "mine"]]
    {
        citywarden_ok_in(dir.path(), args);
    }
}

#[test]
fn an_export_leaves_alone_what_is_there() {
    let dir = TempDir::new().expect("there is room for a directory");
    let pack = Pack::export(&dir.path().join("mine"));
    pack.save("site-dust", "rule = \"site-dust\"\n");
    let again = citywarden_in(dir.path(), &["rules", "export", "mine"]);
    let said = String::from_utf8_lossy(&again.stderr);
    assert!(said.contains("site-dust.toml"), "{said}");
    assert_eq!(pack.text("site-dust"), "rule = \"site-dust\"\n");
}

#[test]
fn a_good_configuration_is_said_to_be_good() {
    let mut county = County::new();
    county.asset("site", "construction_site", &[]);
    county.device("site", "monitor", Some(10), &[]);
    let output = citywarden_in(county.write(), &["check", "--config", "citywarden.toml"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{said}");
    assert!(!said.contains("registry/") && !said.contains("rules/"), "{said}");
}

const RULE: &str = "muck-truck-uncovered";

/// A county whose service has raised one alert, about `truck-uncovered`, still running.
async fn after_an_alert() -> (County, WebhookServer, Service) {
    let server = WebhookServer::start().await;
    let mut county = County::new();
    county.webhook = Some(server.url());
    let scenario =
        eight_rules().into_iter().find(|scenario| scenario.rule == RULE).expect("it is one of them");
    scenario.prepare(&mut county);
    let service = Service::start(county.write());
    scenario.play(service.mqtt, now(), |_| true).await;
    server.wait_for_alert(RULE, "truck-uncovered", Duration::from_secs(30)).await;
    (county, server, service)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_journal_is_counted_dumped_and_verified_beside_the_running_service() {
    let (county, _server, service) = after_an_alert().await;
    let stat = json_lines(&citywarden_ok_in(
        county.dir(),
        &["journal", "stat", "--json", "--config", "citywarden.toml"],
    ));
    assert!(!stat.is_empty(), "journal stat --json prints something");
    verify(county.dir());
    let lines = json_lines(&dump(county.dir()));
    let offsets: Vec<_> =
        lines.iter().map(|line| line["offset"].as_u64().expect("each line has its offset")).collect();
    assert!(offsets.is_sorted() && offsets.len() >= 40, "{offsets:?}");
    let message = lines.iter().find(|line| line["payload"].is_string()).expect("a message");
    assert_eq!(message["topic"], "citywarden/330624/truck-covered-unit/json", "{message}");
    assert!(message["received_at"].is_string(), "{message}");
    assert_eq!(payloads(&dump(county.dir())).count(), 40, "each message once");
    service.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_flipped_bit_of_the_journal_is_found_and_named_and_stops_the_start() {
    let (county, _server, service) = after_an_alert().await;
    service.stop();
    verify(county.dir());
    let (segment, at) = place_in_journal(&county, b"\"heading\"");
    let mut bytes = fs::read(&segment).expect("the segment can be read");
    bytes[at] ^= 1;
    fs::write(&segment, &bytes).expect("it can be written");

    let output = citywarden_in(county.dir(), &["journal", "verify", "--config", "citywarden.toml"]);
    let said = String::from_utf8_lossy(&output.stderr) + String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("offset"), "the damage is named with its offset: {said}");
    let started = citywarden_in(county.dir(), &["run", "--config", "citywarden.toml"]);
    let said = String::from_utf8_lossy(&started.stderr);
    assert_eq!(started.status.code(), Some(1), "it does not start on a damaged journal: {said}");
}

/// A file under the county's data that holds these bytes, and where the first of them is.
fn place_in_journal(county: &County, wanted: &[u8]) -> (std::path::PathBuf, usize) {
    let mut folders = vec![county.file("data")];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).expect("it can be listed").flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
                continue;
            }
            let bytes = fs::read(entry.path()).expect("it can be read");
            let is_journal = entry.path().components().any(|part| part.as_os_str() == "journal");
            if let Some(at) =
                bytes.windows(wanted.len()).position(|window| window == wanted).filter(|_| is_journal)
            {
                return (entry.path(), at);
            }
        }
    }
    panic!("no file under {} holds the message", county.file("data").display());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_and_the_lack_of_one_are_explained_from_the_journal() {
    let (county, server, service) = after_an_alert().await;
    let opened = server.opened();
    let id = opened[0].alert()["id"].as_str().expect("a text").to_owned();
    let explained = citywarden_ok_in(county.dir(), &["rules", "explain", &id, "--config", "citywarden.toml"]);
    for words in [RULE, "truck-uncovered", "speed"] {
        assert!(explained.contains(words), "{words}\n{explained}");
    }
    let at = now().to_string();
    for (asset, rule, wanted) in [
        ("truck-of-nobody", RULE, "there was no asset truck-of-nobody in the registry"),
        ("truck-covered", "truck-flies", "there was no rule truck-flies in force"),
        ("truck-covered", "site-dust", "site-dust does not watch truck-covered, a muck_truck"),
    ] {
        let about = [
            "rules",
            "explain",
            "--asset",
            asset,
            "--rule",
            rule,
            "--at",
            &at,
            "--config",
            "citywarden.toml",
        ];
        let output = citywarden_in(county.dir(), &about);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(wanted), "wanted {wanted}, found {said}");
    }
    let about = ["rules", "explain", "--asset", "truck-covered", "--rule", RULE, "--at", &at];
    let none = citywarden_ok_in(county.dir(), &[&about[..], &["--config", "citywarden.toml"]].concat());
    for words in [RULE, "compliant", "cover_closed"] {
        assert!(none.contains(words), "{words}\n{none}");
    }
    let unknown = citywarden_in(
        county.dir(),
        &["rules", "explain", "AAAAAAAAAAAAAAAAAAAAAAAAAA", "--config", "citywarden.toml"],
    );
    assert_eq!(unknown.status.code(), Some(1), "no such alert");
    service.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_notification_arrives_signed_or_says_why_not() {
    let server = WebhookServer::start().await;
    let mut county = County::new();
    county.asset("site", "construction_site", &[]);
    county.device("site", "monitor", Some(10), &[]);
    county.webhook = Some(server.url());
    county.write();
    citywarden_ok_in(county.dir(), &["receivers", "test", "enforcement", "--config", "citywarden.toml"]);
    assert_eq!(server.attempts().len(), 1, "one delivery, signed");

    let unknown =
        citywarden_in(county.dir(), &["receivers", "test", "enforcment", "--config", "citywarden.toml"]);
    assert_ne!(unknown.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("enforcement"), "it names those there are");

    county.webhook = Some("http://127.0.0.1:9".to_owned());
    county.write();
    let refused =
        citywarden_in(county.dir(), &["receivers", "test", "enforcement", "--config", "citywarden.toml"]);
    assert_eq!(refused.status.code(), Some(1), "{}", String::from_utf8_lossy(&refused.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_are_listed_with_reason_and_topic() {
    let (county, _server, service) = after_an_alert().await;
    let none =
        citywarden_ok_in(county.dir(), &["deadletter", "list", "--json", "--config", "citywarden.toml"]);
    assert_eq!(none, "", "nothing was refused yet");
    for topic in ["citywarden/330624/nobody/json", "citywarden/110000/nobody/json"] {
        Client::Rumqttc311.publish(service.mqtt, topic, &["{}".to_owned()]).await;
    }
    for (more, wanted) in
        [(&[][..], 2), (&["--reason", "unknown_device"], 1), (&["--reason", "undecodable"], 0)]
    {
        let args = [&["deadletter", "list", "--json", "--config", "citywarden.toml"][..], more].concat();
        let listed = json_lines(&citywarden_ok_in(county.dir(), &args));
        assert_eq!(listed.len(), wanted, "{more:?}: {listed:?}");
        assert!(
            listed.iter().all(|letter| letter["topic"].is_string() && letter["reason"].is_string()),
            "{listed:?}"
        );
    }
    service.stop();
}

#[test]
fn the_readmes_example_county_is_right_as_it_is_shipped() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace is above");
    let config = root.join("deploy/config.example.toml");
    let said =
        citywarden_tests::service::citywarden_ok(&["check", "--config", config.to_str().expect("UTF-8")]);
    assert!(said.starts_with("ok: "), "{said}");
}
