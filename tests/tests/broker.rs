//! The service behind the broker that a county already has: messages wait there while we are away, and neither a
//! `kill -9` of ours nor a restart of the broker loses one that was acknowledged.

use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

use citywarden_model::Timestamp;
use citywarden_tests::client::Client;
use citywarden_tests::county::{CENTRE, County, REGION, topic_of, unit_of};
use citywarden_tests::fleet::Fleet;
use citywarden_tests::moment::{ago, now};
use citywarden_tests::mosquitto::Mosquitto;
use citywarden_tests::receiver::WebhookServer;
use citywarden_tests::recording::{dump, payloads};
use citywarden_tests::service::{Service, citywarden_ok_in};
use serde_json::{Value, json};

const PATIENCE: Duration = Duration::from_mins(1);
/// A truck that drives uncovered for half a minute, where 15 s are allowed.
const RULE: &str = "muck-truck-uncovered";
/// Messages of one violation.
const MESSAGES_OF_VIOLATION: usize = 7;

/// A county whose devices publish to this broker.
fn county(broker: &Mosquitto, trucks: &[&str]) -> County {
    let mut county = County::new();
    county.more = format!("\n[[source]]\ntype = \"mqtt\"\nurl = \"mqtt://{}\"\n", broker.address);
    for truck in trucks {
        county.asset(truck, "muck_truck", &[]);
        county.device(truck, "vehicle_terminal", Some(5), &[]);
    }
    county
}

fn message(at: Timestamp, covered: bool, number: &str) -> String {
    json!({
        "ts": at, "number": number, "readings": {"loaded": true, "cover_closed": covered},
        "position": {"lat": CENTRE.lat, "lon": CENTRE.lon, "speed": 30.0},
    })
    .to_string()
}

/// What a truck sends that drives uncovered until now.
fn violation(truck: &str) -> Vec<String> {
    let now = now();
    let age = |number: usize| 5 * i64::try_from(MESSAGES_OF_VIOLATION - number).expect("small");
    (0..MESSAGES_OF_VIOLATION)
        .map(|number| message(ago(now, age(number)), false, &format!("{truck}/{number}")))
        .collect()
}

async fn is_up(service: &Service) {
    let wanted = |count| count == 1;
    service.wait_for_count("citywarden_broker_up", &[("source", "mqtt")], wanted).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_published_while_we_are_down_is_delivered_and_judged_after_the_start() {
    let broker = Mosquitto::start();
    let server = WebhookServer::start().await;
    let mut county = county(&broker, &["truck-1", "truck-2"]);
    county.webhook = Some(server.url());
    let dir = county.write();
    let service = Service::start(dir);
    is_up(&service).await;
    service.stop();

    let sent = violation("truck-1");
    Client::Mosquitto311.publish(broker.address, &topic_of("truck-1"), &sent).await;
    let service = Service::start(dir);
    server.wait_for_alert(RULE, "truck-1", PATIENCE).await;
    Client::Mosquitto5.publish(broker.address, &topic_of("truck-2"), &violation("truck-2")).await;
    server.wait_for_alert(RULE, "truck-2", PATIENCE).await;
    let acknowledged = |count| count == MESSAGES_OF_VIOLATION * 2;
    service
        .wait_for_count("citywarden_messages_acknowledged_total", &[("source", "mqtt")], acknowledged)
        .await;
    assert_eq!(service.count("citywarden_broker_sessions_lost_total", &[]).await, 0);
    service.stop();
    let kept: Vec<String> = payloads(&dump(dir)).collect();
    assert_eq!(kept[..MESSAGES_OF_VIOLATION], sent, "in the order in which they were published");
    assert_eq!(kept.len(), MESSAGES_OF_VIOLATION * 2, "each once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alerts_go_to_the_broker_beside_the_readings_and_a_test_message_too() {
    let broker = Mosquitto::start();
    let mut county = county(&broker, &["truck-1"]);
    let receiver = format!("name = \"duty\"\ntype = \"mqtt\"\nurl = \"mqtt://{}\"\n", broker.address);
    let route = "receiver = \"duty\"\ngroup_wait = \"100ms\"\n";
    county.more += &["\n[[receiver]]\n", &receiver, "\n[route]\n", route].concat();
    let dir = county.write();
    let mut listener = broker.subscribe("citywarden-alerts/#").await;
    let service = Service::start(dir);
    is_up(&service).await;
    let said = citywarden_ok_in(dir, &["receivers", "test", "duty", "--config", "citywarden.toml"]);
    assert!(said.contains("delivered"), "{said}");
    let (topic, body) = listener.next().await;
    let event: Value = serde_json::from_slice(&body).expect("CloudEvents are JSON");
    assert_eq!(
        (topic, &event["type"]),
        (format!("citywarden-alerts/{REGION}/test"), &json!("citywarden.test"))
    );

    Client::Rumqttc5.publish(broker.address, &topic_of("truck-1"), &violation("truck-1")).await;
    let (topic, body) = listener.next().await;
    let event: Value = serde_json::from_slice(&body).expect("CloudEvents are JSON");
    assert_eq!(event["type"], "citywarden.alert.opened");
    let alert = &event["data"];
    assert_eq!(alert["rule"], RULE);
    assert_eq!(topic, format!("citywarden-alerts/{REGION}/{}", alert["id"].as_str().expect("a text")));
    assert_eq!(event["id"], format!("{}.1", alert["id"].as_str().expect("a text")));
    let delivered = [("receiver", "duty"), ("result", "delivered")];
    service.wait_for_count("citywarden_notifications_total", &delivered, |count| count > 0).await;
    // what we published did not come back to us
    assert_eq!(service.count("citywarden_dead_letters_total", &[]).await, 0);

    let (status, parts) = service.get("/readyz").await;
    assert!(status == 200 && parts.contains("mqtt"), "{status} {parts}");
    drop(broker);
    service.wait_for_count("citywarden_broker_up", &[("source", "mqtt")], |count| count == 0).await;
    let (status, parts) = service.get("/readyz").await;
    assert!(status == 503 && parts.contains("not connected to its broker"), "{status} {parts}");
    service.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mapped_topics_are_judged_and_a_replay_years_later_needs_no_configuration() {
    let broker = Mosquitto::start();
    let server = WebhookServer::start().await;
    let mut county = county(&broker, &["truck-1"]);
    county.webhook = Some(server.url());
    let without = county.more.clone();
    county.more += "[[source.topic]]\nfilter = \"fleet/+/up\"\nformat = \"json\"\ndevice_level = 2\n";
    let dir = county.write().to_owned();
    let dir = dir.as_path();
    let service = Service::start(dir);
    is_up(&service).await;
    let topic = format!("fleet/{}/up", unit_of("truck-1"));
    Client::Mosquitto311.publish(broker.address, &topic, &violation("truck-1")).await;
    let alert = server.wait_for_alert(RULE, "truck-1", PATIENCE).await;
    service.stop();

    county.more = without;
    county.write();
    let id = alert["id"].as_str().expect("a text");
    let explained = citywarden_ok_in(dir, &["rules", "explain", id, "--config", "citywarden.toml"]);
    assert!(explained.contains(RULE), "{explained}");
    let dead = citywarden_ok_in(dir, &["deadletter", "list", "--config", "citywarden.toml"]);
    assert_eq!(dead, "", "read by the mapping of their time");
}

/// Trucks that load the broker with clean readings.
const LOADERS: usize = 4;
/// Messages of each of them in a round.
const MESSAGES_EACH: usize = 300;
/// How often something is killed or restarted where `CITYWARDEN_CRASHES` does not say.
const ROUNDS: usize = 6;

/// Hands the trucks a round of messages, and one a violation; returns when part of it is acknowledged, somewhere in its
/// second half, elsewhere each time.
async fn offer(fleet: &mut Fleet, round: usize) {
    (0..MESSAGES_EACH).for_each(|_| fleet.load());
    fleet.violate();
    let half = MESSAGES_EACH * LOADERS / 2;
    fleet.acknowledged.wait_for(fleet.offered() - half + round * 97 % half, PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn through_kills_of_ours_and_restarts_of_the_broker_every_message_is_kept_and_counts_once() {
    let mut broker = Mosquitto::start();
    let server = WebhookServer::start().await;
    let rounds = std::env::var("CITYWARDEN_CRASHES").ok();
    let rounds = rounds.map_or(ROUNDS, |count| count.parse().expect("CITYWARDEN_CRASHES is a number"));
    let mut county = county(&broker, &[]);
    Fleet::register(&mut county, LOADERS, rounds);
    county.webhook = Some(server.url());
    let dir = county.write();

    let mut service = Service::start(dir);
    is_up(&service).await;
    let mut fleet = Fleet::start(broker.address, LOADERS);
    for round in 0..rounds {
        offer(&mut fleet, round).await;
        match round % 3 {
            0 => {
                service.kill();
                service = Service::start(dir);
            }
            1 => broker.restart(),
            _ => {
                service.kill();
                broker.restart();
                service = Service::start(dir);
            }
        }
    }
    let sent = fleet.finish(PATIENCE).await;
    sent.wait_for_alerts(&server, PATIENCE).await;
    wait_for_all(&service, dir, &sent.payloads).await;
    assert_eq!(service.count("citywarden_broker_sessions_lost_total", &[]).await, 0);
    service.stop();
    sent.check(dir, &server);
}

/// Waits until the broker has nothing more for us: everything it has acknowledged to a device is in the journal.
async fn wait_for_all(service: &Service, dir: &Path, acknowledged: &[String]) {
    let mut missing = usize::MAX;
    for _ in 0..100 {
        let kept: BTreeSet<String> = payloads(&dump(dir)).collect();
        missing = acknowledged.iter().filter(|payload| !kept.contains(*payload)).count();
        if missing == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!(
        "{missing} of {} never came; it said:\n{}",
        acknowledged.len(),
        service.process.err.lines().join("\n")
    );
}
