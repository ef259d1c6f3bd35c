//! The files under `deploy/`, each read by the tool that it is for; and the metrics, by Prometheus' own checker.

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use citywarden_tests::county::County;
use citywarden_tests::left_out::left_out;
use citywarden_tests::moment::now;
use citywarden_tests::mosquitto::Mosquitto;
use citywarden_tests::receiver::WebhookServer;
use citywarden_tests::scenario::eight_rules;
use citywarden_tests::service::{Service, binary};
use serde_json::Value;
use tempfile::TempDir;

/// What `systemd-analyze security` may find exposed of 100 at most.
const EXPOSURE: &str = "--threshold=20";

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the workspace is above").to_owned()
}

fn deploy() -> PathBuf {
    root().join("deploy")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// A tool that `./test` installs; where it is not there that is said, and fails in `./test`.
fn tool(name: &str) -> Option<Command> {
    let places = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&places).map(|dir| dir.join(name)).find(|path| path.is_file());
    missing_unless(name, found)
}

fn promtool() -> Option<Command> {
    let output = Command::new(root().join("tests/promtool.sh")).output().expect("bash is there");
    let path = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    missing_unless("promtool", output.status.success().then(|| path.into()))
}

fn missing_unless(name: &str, path: Option<PathBuf>) -> Option<Command> {
    if path.is_none() {
        left_out(&format!("no {name}: ./test installs it"));
    }
    path.map(Command::new)
}

fn accepts(tool: &mut Command, what: &str) -> String {
    let output = tool.stdin(Stdio::null()).output().expect("the tool runs");
    let said = said(&output);
    assert!(output.status.success(), "{what}: {}\n{said}", output.status);
    said
}

#[test]
fn prometheus_accepts_its_configuration_and_each_alert_fires_where_it_has_to() {
    for (args, file) in [
        (&["check", "config"][..], "prometheus.yml"),
        (&["check", "rules"], "alerts.yml"),
        (&["test", "rules"], "alerts.test.yml"),
    ] {
        let Some(mut promtool) = promtool() else { return };
        accepts(promtool.args(args).arg(file).current_dir(deploy().join("prometheus")), file);
    }
}

#[test]
fn every_alert_has_a_case_in_which_it_fires_and_one_in_which_it_does_not() {
    let read = |name: &str| fs::read_to_string(deploy().join("prometheus").join(name)).expect("it is there");
    let (rules, cases) = (read("alerts.yml"), read("alerts.test.yml"));
    let alerts: Vec<&str> = rules.lines().filter_map(|line| line.trim().strip_prefix("- alert: ")).collect();
    assert!(alerts.len() > 10, "{alerts:?}");
    for alert in alerts {
        assert!(cases.contains(&format!("- alertname: {alert}\n")), "{alert} fires in no case");
        let quiet = format!("- {{alertname: {alert}, eval_time: 25m, exp_alerts: []}}");
        assert!(cases.contains(&quiet), "{alert} is quiet in no case");
    }
}

/// The metrics of a service that has a broker, a receiver, an archive and an open alert.
async fn metrics_of_a_county() -> String {
    let (broker, server) = (Mosquitto::start(), WebhookServer::start().await);
    let mut county = County::new();
    county.webhook = Some(server.url());
    county.more = format!("\n[[source]]\ntype = \"mqtt\"\nurl = \"{}\"\n", broker.url());
    let scenario = eight_rules().into_iter().nth(2).expect("there are eight");
    scenario.prepare(&mut county);
    let service = Service::start(county.write());
    let (status, page) = service.get("/metrics").await;
    assert_eq!(status, 200);
    // what has not happened is 0, not absent
    for sample in [
        "citywarden_notifications_total{receiver=\"enforcement\",result=\"delivered\"} 0",
        "citywarden_notifications_total{receiver=\"operator\",result=\"refused\"} 0",
        "citywarden_alert_events_total{event=\"opened\"} 0",
        "citywarden_alerts_open{severity=\"urgent\"} 0",
        "citywarden_rule_reload_total{result=\"refused\"} 0",
        "citywarden_part_ready{part=\"journal\"} 1",
        "citywarden_part_ready{part=\"alerting\"} 1",
    ] {
        assert!(page.lines().any(|line| line == sample), "{sample} is not in\n{page}");
    }
    scenario.play(service.mqtt, now(), |_| true).await;
    let delivered = [("receiver", "enforcement"), ("result", "delivered")];
    service.wait_for_count("citywarden_notifications_total", &delivered, |count| count > 0).await;
    service.wait_for_count("citywarden_archive_up", &[], |up| up == 1).await;
    service.wait_for_count("citywarden_broker_up", &[], |up| up == 1).await;
    let (_, page) = service.get("/metrics").await;
    service.stop();
    page
}

/// Every name of ours in a text.
fn metric_names(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'));
    words.filter(|word| word.starts_with("citywarden_")).map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_board_and_alerts_ask_for_is_in_the_metrics_and_prometheus_has_nothing_to_say_against_them() {
    let page = metrics_of_a_county().await;
    let there = metric_names(&page);
    let board = fs::read_to_string(deploy().join("grafana/citywarden.json")).expect("there is a board");
    let rules = fs::read_to_string(deploy().join("prometheus/alerts.yml")).expect("there are alerts");
    for (file, text) in [("the board", board), ("the alerts", rules)] {
        let asked = metric_names(&text);
        assert!(asked.len() > 10, "{file}: {asked:?}");
        let absent: Vec<_> = asked.difference(&there).collect();
        assert!(absent.is_empty(), "{file} asks for {absent:?}, which /metrics has not:\n{page}");
    }
    let Some(mut promtool) = promtool() else { return };
    let mut check = promtool
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    check.stdin.take().expect("it is piped").write_all(page.as_bytes()).expect("it reads");
    let output = check.wait_with_output().expect("it ends");
    assert!(output.status.success() && said(&output).is_empty(), "{}", said(&output));
}

#[test]
fn every_panel_of_the_board_asks_the_data_source_that_is_provisioned() {
    let board = fs::read_to_string(deploy().join("grafana/citywarden.json")).expect("there is a board");
    let board: Value = serde_json::from_str(&board).expect("it is JSON");
    let source = "grafana/provisioning/datasources/prometheus.yml";
    let source = fs::read_to_string(deploy().join(source)).expect("there is a source");
    let panels = board.get("panels").and_then(Value::as_array).expect("it has panels");
    assert!(panels.len() > 10);
    let mut ids = BTreeSet::new();
    for panel in panels {
        let uid = panel.pointer("/datasource/uid").and_then(Value::as_str).expect("it has a source");
        assert!(source.contains(&format!("uid: {uid}\n")), "{panel}");
        assert!(ids.insert(panel.get("id").and_then(Value::as_u64)), "two panels have one id: {panel}");
        let targets = panel.get("targets").and_then(Value::as_array).expect("it asks for something");
        assert!(!targets.is_empty() && targets.iter().all(|one| one.get("expr").is_some()), "{panel}");
    }
}

#[test]
fn compose_reads_its_file_and_refuses_it_without_the_passwords() {
    let Some(mut compose) = tool("docker-compose") else { return };
    let args = ["-f", "compose.yaml", "config"];
    let said_config = accepts(
        compose
            .args(args)
            .current_dir(deploy())
            .env("ARCHIVE_PASSWORD", "for-the-archive")
            .env("GRAFANA_PASSWORD", "for-grafana"),
        "compose.yaml",
    );
    for service in ["mosquitto", "timescale", "citywarden", "prometheus", "grafana"] {
        assert!(said_config.contains(&format!("  {service}:\n")), "{service}:\n{said_config}");
    }
    let bare = tool("docker-compose").expect("it was just there").args(args).current_dir(deploy()).output();
    let bare = bare.expect("it runs");
    assert!(!bare.status.success() && said(&bare).contains("_PASSWORD"), "{}", said(&bare));
}

/// What a compose file or a unit names beside itself is there.
#[test]
fn what_compose_mounts_and_builds_from_is_there() {
    let compose = fs::read_to_string(deploy().join("compose.yaml")).expect("it is there");
    let mounts = compose.lines().filter_map(|line| line.trim().strip_prefix("- ./")?.split(':').next());
    let mounts: Vec<_> = mounts.collect();
    assert!(mounts.len() >= 6, "{mounts:?}");
    for path in mounts.into_iter().chain(["Dockerfile"]) {
        assert!(deploy().join(path).exists(), "deploy/{path} is not there");
    }
}

#[test]
fn the_configuration_in_the_containers_is_a_good_one() {
    let dir = TempDir::new().expect("there is room for a directory");
    let from = deploy().join("compose/citywarden.toml");
    let text = fs::read_to_string(from).expect("it is there").replace("/var/lib/citywarden", "data");
    let registry = format!("dir = \"{}\"", deploy().join("registry").display());
    let text = text.replace("dir = \"../registry\"", &registry);
    fs::write(dir.path().join("citywarden.toml"), text).expect("there is room");
    let mut check = Command::new(binary());
    check.args(["check", "--config", "citywarden.toml"]).current_dir(dir.path());
    accepts(check.env("ARCHIVE_PASSWORD", "for-the-archive"), "citywarden check");
}

#[test]
fn systemd_accepts_the_unit_and_finds_little_exposed() {
    let dir = TempDir::new().expect("there is room for a directory");
    let shipped = fs::read_to_string(deploy().join("citywarden.service")).expect("it is there");
    let unit = shipped.replace("/usr/local/bin/citywarden", binary().to_str().expect("a UTF-8 path"));
    assert_ne!(unit, shipped, "the unit starts another program");
    let path = dir.path().join("citywarden.service");
    fs::write(&path, unit).expect("there is room");
    let analyze = || tool("systemd-analyze");
    let Some(mut verify) = analyze() else { return };
    let verified = accepts(verify.arg("verify").arg(&path), "systemd-analyze verify");
    assert!(!verified.contains("citywarden.service"), "{verified}");
    let mut security = analyze().expect("it was just there");
    accepts(security.args(["security", "--offline=true", EXPOSURE]).arg(&path), "systemd-analyze security");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn systemd_is_told_when_the_service_is_ready_and_when_it_ends() {
    let mut county = County::new();
    county.asset("site", "construction_site", &[]);
    county.device("site", "monitor", Some(10), &[]);
    let dir = county.write().to_owned();
    let socket = dir.join("notify");
    let told = std::os::unix::net::UnixDatagram::bind(&socket).expect("a socket");
    told.set_read_timeout(Some(std::time::Duration::from_mins(1))).expect("it takes one");
    let mut child = Command::new(binary())
        .args(["run", "--config", "citywarden.toml"])
        .current_dir(&dir)
        .env("NOTIFY_SOCKET", &socket)
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let mut heard = [0; 64];
    let mut next = || {
        let length = told.recv(&mut heard).expect("it tells in time");
        String::from_utf8_lossy(heard.get(..length).expect("that much was heard")).trim().to_owned()
    };
    assert_eq!(next(), "READY=1");
    let asked = Command::new("kill").arg(child.id().to_string()).status().expect("kill runs");
    assert!(asked.success());
    assert_eq!(next(), "STOPPING=1");
    assert!(child.wait().expect("it ends").success());
}
