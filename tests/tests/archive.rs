//! The archive of the real service: what the journal has is there, once, whatever was killed.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use citywarden_tests::client::Client;
use citywarden_tests::county::{County, topic_of, unit_of};
use citywarden_tests::database;
use citywarden_tests::moment::now;
use citywarden_tests::scenario::eight_rules;
use citywarden_tests::service::{Service, citywarden_ok_in};
use serde_json::Value;

const SITE: &str = "site-archive";

fn county(archive: &str) -> County {
    let mut county = County::new();
    county.asset(SITE, "construction_site", &[]);
    county.device(SITE, "dust_monitor", Some(60), &[]);
    archive.clone_into(&mut county.more);
    county
}

/// Messages of a dust monitor, a second apart from `first` seconds ago on; a few are sent twice, one of them corrected.
fn payloads(first: i64, count: i64) -> Vec<String> {
    let start = now().nanos() / 1_000_000 - first * 1000;
    let message = |second: i64, pm10: f64| {
        format!("{{\"ts\":{},\"readings\":{{\"pm10\":{pm10},\"odd\":{second}}}}}", start + second * 1000)
    };
    let mut payloads: Vec<_> = (0..count).map(|second| message(second, 40.5)).collect();
    payloads.push(message(0, 40.5));
    payloads.push(message(1, 41.5));
    payloads
}

/// What the journal says must be there: for each time the last value of `pm10`.
fn journalled(dir: &Path) -> BTreeMap<i64, f64> {
    let dump = citywarden_ok_in(dir, &["journal", "dump", "--config", "citywarden.toml"]);
    let mut expected = BTreeMap::new();
    for line in dump.lines() {
        let record: Value = serde_json::from_str(line).expect("a recording line");
        let Some(payload) = record.get("payload").and_then(Value::as_str) else { continue };
        let payload: Value = serde_json::from_str(payload).expect("JSON was sent");
        let pm10 = payload.pointer("/readings/pm10").and_then(Value::as_f64);
        let at = payload.get("ts").and_then(Value::as_i64);
        if let Some((at, pm10)) = at.zip(pm10) {
            expected.insert(at * 1000, pm10);
        }
    }
    expected
}

/// Status and number of samples of what the API says was measured lately.
async fn asked(service: &Service) -> (u16, Option<usize>) {
    let path = format!("/api/v1/readings?device={}&quantity=pm10", unit_of(SITE));
    let (status, text) = service.get(&path).await;
    let answer: Value = serde_json::from_str(&text).expect("JSON");
    (status, answer.pointer("/samples").and_then(Value::as_array).map(Vec::len))
}

async fn caught_up(service: &Service) {
    service.wait_for_count("citywarden_archive_up", &[], |up| up == 1).await;
    service.wait_for_count("citywarden_stage_lag_records", &[("stage", "archive")], |lag| lag == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_has_each_message_and_alert_once_after_kills() {
    let mut county = county("");
    let scenario = eight_rules().into_iter().next().expect("there are eight");
    scenario.prepare(&mut county);
    county.write();
    for round in 0..4 {
        let service = Service::start(county.dir());
        Client::Rumqttc5.publish(service.mqtt, &topic_of(SITE), &payloads(500 - 100 * round, 60)).await;
        if round == 1 {
            scenario.play(service.mqtt, now(), |_| true).await;
            service
                .wait_for_count("citywarden_alert_events_total", &[("event", "opened")], |count| count == 1)
                .await;
        }
        service.kill();
    }
    let service = Service::start(county.dir());
    caught_up(&service).await;
    assert_eq!(asked(&service).await, (200, Some(240)));
    service.stop();

    let file = rusqlite::Connection::open(county.file("data/archive.sqlite")).expect("there is an archive");
    let mut rows = file
        .prepare("SELECT observed_at, pm10 FROM sites WHERE pm10 IS NOT NULL AND asset = ?1")
        .expect("a table");
    let found = rows.query_map([SITE], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
    let found: Vec<(i64, f64)> = found.collect::<Result<_, _>>().expect("rows");
    let journalled: BTreeMap<_, _> = journalled(county.dir());
    assert!(journalled.len() >= 240, "{}", journalled.len());
    assert_eq!(found.len(), journalled.len());
    assert_eq!(found.into_iter().collect::<BTreeMap<_, _>>(), journalled);
    let ask = |sql: &str| file.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("a count");
    assert_eq!(
        ask("SELECT count(*) FROM quantities WHERE quantity = 'odd'"),
        ask("SELECT count(*) FROM sites WHERE asset = 'site-archive'")
    );
    assert_eq!(ask("SELECT count(*) FROM alerts"), 1);
    assert_eq!(ask("SELECT count(*) FROM alert_events WHERE event = 'opened'"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_was_stopped_for_a_while_catches_up_and_alerts_do_not_wait_for_it() {
    let Some(server) =
        tokio::task::spawn_blocking(|| database::own_server("service")).await.expect("no panic")
    else {
        return;
    };
    let (server, database) = tokio::task::spawn_blocking(move || {
        let database = server.database();
        (server, database)
    })
    .await
    .expect("no panic");
    let mut county = county(&format!("\n[archive]\nurl = \"{}\"\n", database.url));
    let scenario = eight_rules().into_iter().next().expect("there are eight");
    scenario.prepare(&mut county);
    county.write();
    let service = Service::start(county.dir());
    Client::Rumqttc5.publish(service.mqtt, &topic_of(SITE), &payloads(500, 60)).await;
    caught_up(&service).await;
    assert_eq!(asked(&service).await, (200, Some(60)));

    server.halt();
    Client::Mosquitto5.publish(service.mqtt, &topic_of(SITE), &payloads(400, 60)).await;
    service.wait_for_count("citywarden_archive_up", &[], |up| up == 0).await;
    assert_eq!(asked(&service).await, (503, None));
    scenario.play(service.mqtt, now(), |_| true).await;
    service.wait_for_count("citywarden_alert_events_total", &[("event", "opened")], |count| count == 1).await;
    service.kill();
    let service = Service::start(county.dir());
    Client::Rumqttc5.publish(service.mqtt, &topic_of(SITE), &payloads(300, 60)).await;
    server.resume();
    caught_up(&service).await;
    assert_eq!(asked(&service).await, (200, Some(180)));
    service.process.err.wait_for_words("TimescaleDB", Duration::from_secs(1));
    service.stop();

    let asked = tokio::task::spawn_blocking(move || {
        let site = format!(
            "SELECT (extract(epoch FROM observed_at) * 1000000)::bigint::text || ' ' || pm10 FROM sites WHERE asset = '{SITE}'"
        );
        let rows = database.ask(&site);
        let alerts = database.ask("SELECT count(*)::text FROM alerts");
        drop(server);
        (rows, alerts)
    });
    let (rows, alerts) = asked.await.expect("no panic");
    let found: Vec<(i64, f64)> = rows
        .iter()
        .map(|row| {
            let (at, pm10) = row.split_once(' ').expect("two columns");
            (at.parse().expect("a time"), pm10.parse().expect("a number"))
        })
        .collect();
    let journalled = journalled(county.dir());
    assert!(journalled.len() >= 180, "{}", journalled.len());
    assert_eq!(found.len(), journalled.len());
    assert_eq!(found.into_iter().collect::<BTreeMap<_, _>>(), journalled);
    assert_eq!(alerts, ["1"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_the_database_refuses_for_good_is_set_aside_loudly_and_the_rest_is_archived() {
    let county = county("");
    let service = Service::start(county.write());
    caught_up(&service).await;
    let file = rusqlite::Connection::open(county.file("data/archive.sqlite")).expect("there is an archive");
    let picky = "CREATE TRIGGER picky BEFORE INSERT ON sites WHEN NEW.pm10 = 666 BEGIN SELECT RAISE(ABORT, 'no such dust'); END";
    file.execute_batch(picky).expect("it is SQL");
    let start = now().nanos() / 1_000_000 - 60_000;
    let message = |number: i64| {
        let pm10 = if number == 17 { 666 } else { number };
        format!("{{\"ts\":{},\"readings\":{{\"pm10\":{pm10}}}}}", start + number * 1000)
    };
    let payloads: Vec<_> = (0..40).map(message).collect();
    Client::Rumqttc5.publish(service.mqtt, &topic_of(SITE), &payloads).await;
    service.wait_for_count("citywarden_archive_refused_total", &[], |refused| refused == 1).await;
    let said = service.process.err.wait_for_words("no such dust", Duration::from_secs(10));
    assert!(said.contains("ERROR") && said.contains(&unit_of(SITE)), "{said}");
    caught_up(&service).await;
    let rows: i64 = file.query_row("SELECT count(*) FROM sites", [], |row| row.get(0)).expect("a count");
    assert_eq!(rows, 39, "all but the one");
    service.stop();
}
