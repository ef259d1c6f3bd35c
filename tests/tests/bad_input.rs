//! What the service does with bad input when it starts and while it runs. What `check` says of each mistake is in
//! `broken_configurations.rs` and `broken_files.rs`; what a save does, in `reload.rs`.

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::time::Duration;

use citywarden_tests::client::Client;
use citywarden_tests::county::{CENTRE, County, topic_of};
use citywarden_tests::moment::{ago, now};
use citywarden_tests::mosquitto::Mosquitto;
use citywarden_tests::receiver::WebhookServer;
use citywarden_tests::service::{Running, Service, citywarden_in, free_address};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_secs(30);
const CHIME: &str = "sprinkler-chime-loudness";
const UNCOVERED: &str = "muck-truck-uncovered";

/// Sprinklers and muck trucks, and enforcement that listens.
async fn county() -> (County, WebhookServer) {
    let server = WebhookServer::start().await;
    let mut county = County::new();
    county.webhook = Some(server.url());
    for truck in ["muck-1", "muck-2"] {
        county.asset(truck, "muck_truck", &[]);
        county.device(truck, "vehicle_terminal", Some(5), &[]);
    }
    for truck in ["sprinkler-1", "sprinkler-2"] {
        county.asset(truck, "sprinkler_truck", &[]);
        county.device(truck, "sound_meter", Some(10), &[]);
    }
    county.write();
    (county, server)
}

async fn drives_uncovered(at: SocketAddr, truck: &str) {
    let now = now();
    let position = json!({"lat": CENTRE.lat, "lon": CENTRE.lon, "speed": 40.0});
    let readings = json!({"loaded": true, "cover_closed": false});
    let message = |age| json!({"ts": ago(now, age), "readings": readings, "position": position});
    let payloads: Vec<_> = (0..=6).rev().map(|step| message(step * 5).to_string()).collect();
    Client::Rumqttc311.publish(at, &topic_of(truck), &payloads).await;
}

async fn sounds(at: SocketAddr, sprinkler: &str) {
    let now = now();
    let message = |age| json!({"ts": ago(now, age), "readings": {"sound_level": 60.0, "background_level": 20.0, "chime": true}});
    let payloads: Vec<_> = (0..=6).rev().map(|step| message(step * 10).to_string()).collect();
    Client::Rumqttc5.publish(at, &topic_of(sprinkler), &payloads).await;
}

/// Starts a service that must end by itself with 1 and say all of this.
fn check_refused(dir: &Path, words: &[&str]) {
    let mut service = Running::start(dir, &["run", "--config", "citywarden.toml"]);
    let status = service.wait_for_end(PATIENCE);
    for words in words {
        service.err.wait_for_words(words, PATIENCE);
    }
    assert_eq!(status.code(), Some(1), "{}", service.err.lines().join("\n"));
}

#[test]
fn a_service_with_a_wrong_configuration_names_every_problem_at_its_place_and_ends_with_1() {
    let county = County::new();
    county.write();
    let wrong = "region = \"330624\"\ntimezone = \"Mars\"\nretantion = 1\n\n[http]\nlisten = \"here\"\n\n\
                 [journal]\nretention = \"soon\"\n";
    county.put("citywarden.toml", wrong);
    let problems = [
        "citywarden.toml:2:12: `Mars` is no time zone",
        "citywarden.toml:3:1: unknown key `retantion`",
        "citywarden.toml:6:10: `here` is no address",
        "citywarden.toml:9:13: `soon` is no duration",
    ];
    check_refused(county.dir(), &problems);
    assert!(!county.file("data").exists(), "nothing was begun");
}

#[test]
fn a_port_that_is_in_use_is_named_and_ends_the_start_with_1() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = taken.local_addr().expect("it is bound").to_string();
    for mqtt in [true, false] {
        let mut county = County::new();
        if mqtt {
            county.mqtt.clone_from(&address);
        }
        county.write();
        if !mqtt {
            let config = std::fs::read_to_string(county.file("citywarden.toml")).expect("it was written");
            let changed = config
                .replace("[http]\nlisten = \"127.0.0.1:0\"", &format!("[http]\nlisten = \"{address}\""));
            assert_ne!(changed, config);
            county.put("citywarden.toml", &changed);
        }
        check_refused(county.dir(), &[&address, "in use"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_is_down_at_the_start_is_said_on_readyz_and_tried_until_it_is_there() {
    let (mut county, server) = county().await;
    let address = free_address();
    county.more = format!("\n[[source]]\ntype = \"mqtt\"\nurl = \"mqtt://{address}\"\n");
    let service = Service::start(county.write());
    let (status, parts) = service.get("/readyz").await;
    assert!(status == 503 && parts.contains("not connected to its broker"), "{status} {parts}");
    // who comes by another way is served
    drives_uncovered(service.mqtt, "muck-1").await;
    server.wait_for_alert(UNCOVERED, "muck-1", PATIENCE).await;

    let broker = Mosquitto::start_at(address);
    service.wait_for_count("citywarden_broker_up", &[("source", "mqtt")], |up| up == 1).await;
    let (status, parts) = service.get("/readyz").await;
    assert_eq!(status, 200, "{parts}");
    drives_uncovered(broker.address, "muck-2").await;
    server.wait_for_alert(UNCOVERED, "muck-2", PATIENCE).await;
    service.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unreadable_registry_line_is_refused_at_its_place_and_the_rest_is_in_force() {
    let (county, server) = county().await;
    let devices = std::fs::read_to_string(county.file("registry/devices.csv")).expect("it was written");
    let bad = devices.replacen("muck-1,5,", "muck-1,five,", 1);
    assert_ne!(devices, bad, "{devices}");
    county.put("registry/devices.csv", &bad);
    let service = Service::start(county.dir());
    service.process.err.wait_for_words("devices.csv:2:", PATIENCE);
    drives_uncovered(service.mqtt, "muck-1").await;
    drives_uncovered(service.mqtt, "muck-2").await;
    server.wait_for_alert(UNCOVERED, "muck-2", PATIENCE).await;
    let unknown = service.count("citywarden_dead_letters_total", &[("reason", "unknown_device")]).await;
    assert_eq!(unknown, 7, "the messages of the device whose line is refused are kept and counted");
    service.stop();
    assert_eq!(server.opened().len(), 1, "{:?}", server.opened_subjects());
}

/// The rule language has no loops, so that such a rule never runs: it is at fault before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_that_loops_for_ever_is_refused_at_its_place_and_the_others_are_unharmed() {
    let (county, server) = county().await;
    let good = county.pack.text(CHIME);
    for endless in ["loop { }", "while true { }", "{ let x = 1.0; while x > 0.0 { } x > 0.0 }"] {
        let text = good.replacen("'chime_db > limit_db'", &format!("'{endless}'"), 1);
        assert_ne!(text, good);
        county.pack.save(CHIME, &text);
        let checked = citywarden_in(county.dir(), &["rules", "check", "rules"]);
        let said = String::from_utf8_lossy(&checked.stderr);
        assert_eq!(checked.status.code(), Some(1), "{endless}: {said}");
        assert!(said.contains("loops are not part of the rule language"), "{endless}: {said}");
    }
    let service = Service::start(county.dir());
    service.process.err.wait_for_words("loops are not part of the rule language", PATIENCE);
    sounds(service.mqtt, "sprinkler-1").await;
    drives_uncovered(service.mqtt, "muck-1").await;
    server.wait_for_alert(UNCOVERED, "muck-1", PATIENCE).await;
    service.stop();
    assert_eq!(server.opened().len(), 1, "{:?}", server.opened_subjects());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_that_fails_at_run_time_is_at_fault_and_the_others_are_unharmed() {
    let (county, server) = county().await;
    let good = county.pack.text(CHIME);
    let text = good.replacen("'chime_db > limit_db'", "'chime_db / (loud - loud) > limit_db'", 1);
    assert_ne!(text, good);
    county.pack.save(CHIME, &text);
    let service = Service::start(county.dir());
    sounds(service.mqtt, "sprinkler-1").await;
    drives_uncovered(service.mqtt, "muck-1").await;
    server.wait_for_alert(UNCOVERED, "muck-1", PATIENCE).await;
    let (status, page) = service.get(&format!("/api/v1/verdicts?rule={CHIME}&asset=sprinkler-1")).await;
    let page: Value = serde_json::from_str(&page).expect("it is JSON");
    let verdict = page.pointer("/verdicts/0/verdict");
    assert_eq!((status, verdict), (200, Some(&json!("fault"))), "{page}");
    assert!(service.count("citywarden_rule_errors_total", &[("rule", CHIME)]).await > 0);
    assert_eq!(service.get("/readyz").await.0, 200, "one rule is not the service");

    // and runs on once it is mended
    county.pack.save(CHIME, &good);
    service
        .wait_for_count("citywarden_rule_reload_total", &[("result", "success")], |count| count == 2)
        .await;
    sounds(service.mqtt, "sprinkler-2").await;
    server.wait_for_alert(CHIME, "sprinkler-2", PATIENCE).await;
    service.stop();
}
