//! What becomes of an alert after it was raised: it clears, comes again, and is told as it changes.

use std::time::Duration;

use citywarden_model::Timestamp;
use citywarden_tests::client::Client;
use citywarden_tests::county::{CENTRE, County, topic_of};
use citywarden_tests::moment::{ago, now};
use citywarden_tests::receiver::{Delivery, WebhookServer};
use citywarden_tests::recording::{backtest_journal, json_lines};
use citywarden_tests::service::Service;
use serde_json::json;

const RULE: &str = "muck-truck-uncovered";
const TRUCK: &str = "truck-1";
const PATIENCE: Duration = Duration::from_secs(30);

async fn trucks(names: &[&str]) -> (County, WebhookServer, Service) {
    let server = WebhookServer::start().await;
    let mut county = County::new();
    county.webhook = Some(server.url());
    for truck in names {
        county.asset(truck, "muck_truck", &[]);
        county.device(truck, "vehicle_terminal", Some(10), &[]);
    }
    let service = Service::start(county.write());
    (county, server, service)
}

/// Half a minute of a loaded truck that drives, from so many seconds before `now` on.
async fn drive(service: &Service, truck: &str, covered: bool, now: Timestamp, since: i64) {
    let message = |age| {
        json!({
            "ts": ago(now, age), "readings": {"loaded": true, "cover_closed": covered},
            "position": {"lat": CENTRE.lat, "lon": CENTRE.lon, "speed": 30.0},
        })
    };
    let payloads: Vec<_> = (0..=3).map(|step| message(since - step * 10).to_string()).collect();
    Client::Rumqttc5.publish(service.mqtt, &topic_of(truck), &payloads).await;
}

async fn wait_for(server: &WebhookServer, kind: &str) -> Delivery {
    let is_it = |delivery: &Delivery| delivery.kind() == kind;
    server.wait_until(kind, PATIENCE, |server| server.events().values().any(is_it)).await;
    server.events().into_values().find(is_it).expect("it was just there")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_clears_and_one_that_comes_again_soon_is_the_same_alert() {
    let (_county, server, service) = trucks(&[TRUCK, "truck-2"]).await;
    let now = now();
    drive(&service, TRUCK, false, now, 180).await;
    let opened = wait_for(&server, "opened").await;
    drive(&service, TRUCK, true, now, 140).await;
    let cleared = wait_for(&server, "cleared").await;
    drive(&service, TRUCK, false, now, 100).await;
    let again = wait_for(&server, "updated").await;

    for (delivery, condition) in [(&opened, "active"), (&cleared, "cleared"), (&again, "active")] {
        let alert = delivery.alert();
        assert_eq!(alert["id"], opened.alert()["id"], "{alert}");
        assert_eq!((&alert["condition"], &alert["state"]), (&json!(condition), &json!("open")), "{alert}");
        assert_eq!(alert["cleared_at"].is_string(), condition == "cleared", "{alert}");
    }
    // whatever else the first truck raised would be there before this
    drive(&service, "truck-2", false, now, 40).await;
    server.wait_for_alert(RULE, "truck-2", PATIENCE).await;
    assert_eq!(server.opened().len(), 2, "{:?}", server.opened_subjects());
    service.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rule_that_is_removed_closes_its_alerts_and_a_restart_raises_none_again() {
    let (county, server, service) = trucks(&[TRUCK, "truck-2"]).await;
    drive(&service, TRUCK, false, now(), 40).await;
    wait_for(&server, "opened").await;
    service.stop();
    let service = Service::start(county.dir());
    std::fs::remove_file(county.pack.file(RULE)).expect("it is there");
    let closed = wait_for(&server, "closed").await;
    assert_eq!(closed.alert()["state"], "closed", "{}", closed.event);
    assert_eq!(server.opened().len(), 1, "{:?}", server.opened_subjects());
    service.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_too_old_is_found_and_calls_nobody_and_what_is_not_normal_is_not_judged() {
    let (county, server, service) = trucks(&["truck-old", "truck-in-repair", "truck-last"]).await;
    drive(&service, "truck-old", false, now(), 7200).await;
    let message = |age| {
        json!({
            "ts": ago(now(), age), "flag": "M", "readings": {"loaded": true, "cover_closed": false},
            "position": {"lat": CENTRE.lat, "lon": CENTRE.lon, "speed": 30.0},
        })
    };
    let in_repair: Vec<_> = (0..=3).rev().map(|step| message(step * 10).to_string()).collect();
    Client::Mosquitto311.publish(service.mqtt, &topic_of("truck-in-repair"), &in_repair).await;
    drive(&service, "truck-last", false, now(), 40).await;
    server.wait_for_alert(RULE, "truck-last", PATIENCE).await;
    let opened = server.opened_subjects();
    assert_eq!(opened.len(), 1, "history calls nobody, and a meter in repair is no evidence: {opened:?}");
    service.stop();
    let found = json_lines(&backtest_journal(county.dir()));
    let old: Vec<_> = found.iter().filter(|alert| alert["asset"]["id"] == "truck-old").collect();
    assert_eq!((found.len(), old.len()), (2, 1), "{found:?}");
    assert_eq!((&old[0]["reconstructed"], &old[0]["condition"]), (&json!(true), &json!("cleared")));
}
