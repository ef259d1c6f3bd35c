//! A whole county at once: the real binary between a real Mosquitto and a real TimescaleDB, each of which goes away.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use citywarden_model::Timestamp;
use citywarden_tests::county::County;
use citywarden_tests::database::{self, Database, Server};
use citywarden_tests::moment::now;
use citywarden_tests::mosquitto::Mosquitto;
use citywarden_tests::receiver::{Delivery, Subject, WebhookServer};
use citywarden_tests::recording::{backtest_journal, dump, json_lines, sorted_as_raised, verify};
use citywarden_tests::scenario::{Scenario, eight_rules};
use citywarden_tests::service::Service;
use serde_json::Value;

const PATIENCE: Duration = Duration::from_mins(1);

/// A database server of our own, and a database on it; started where blocking is allowed.
async fn database() -> Option<(Server, Database)> {
    let start = || {
        let server = database::own_server("county")?;
        let database = server.database();
        Some((server, database))
    };
    tokio::task::spawn_blocking(start).await.expect("no panic")
}

/// What the scenarios have to raise.
fn expected(scenarios: &[Scenario]) -> BTreeSet<Subject> {
    let cases = scenarios.iter().flat_map(|one| one.cases.iter().map(move |case| (one.rule, case)));
    let raised = cases.filter_map(|(rule, case)| {
        Some((rule.to_owned(), case.asset.to_owned(), case.raises.as_ref()?.kind.to_owned()))
    });
    raised.collect()
}

async fn is_up(service: &Service) {
    for metric in ["citywarden_broker_up", "citywarden_archive_up"] {
        service.wait_for_count(metric, &[], |up| up == 1).await;
    }
}

/// Device and time of each message in the journal, microseconds since 1970.
fn journalled(dir: &Path) -> BTreeSet<(String, i64)> {
    let mut messages = BTreeSet::new();
    for record in json_lines(&dump(dir)) {
        let Some(payload) = record.get("payload").and_then(Value::as_str) else { continue };
        let topic = record.get("topic").and_then(Value::as_str).expect("a message has a topic");
        let device = topic.split('/').nth(2).expect("our own topic").to_owned();
        let payload: Value = serde_json::from_str(payload).expect("JSON was sent");
        let at = payload.get("ts").and_then(Value::as_str).expect("scenarios say when");
        messages.insert((device, Timestamp::parse(at).expect("a time").nanos() / 1000));
    }
    messages
}

/// Device and time of each row of the typed tables and of those for the rest.
fn archived(database: &Database) -> BTreeSet<(String, i64)> {
    let tables = database.ask(
        "SELECT table_name::text FROM information_schema.columns WHERE table_schema = current_schema() \
         AND column_name = 'journal_offset' AND table_name NOT IN ('readings', 'alerts', 'alert_events')",
    );
    assert!(tables.len() > 3, "{tables:?}");
    let mut rows = BTreeSet::new();
    for table in tables {
        let sql = format!(
            "SELECT DISTINCT device || ' ' || (extract(epoch FROM observed_at) * 1000000)::bigint FROM {table}"
        );
        rows.extend(database.ask(&sql).iter().map(|row| {
            let (device, at) = row.rsplit_once(' ').expect("two words");
            (device.to_owned(), at.parse().expect("a time"))
        }));
    }
    rows
}

/// The database comes back once the archive lags as many seconds as `CITYWARDEN_DATABASE_AWAY` says; at once where it is not set.
async fn come_back(database: &Server, service: &Service) {
    let seconds = std::env::var("CITYWARDEN_DATABASE_AWAY").ok();
    let seconds = seconds.map_or(0, |count| count.parse().expect("CITYWARDEN_DATABASE_AWAY is a number"));
    for reached in (0..=seconds).step_by(20) {
        let lag = |lag| lag >= reached;
        service.wait_for_count("citywarden_stage_lag_seconds", &[("stage", "archive")], lag).await;
    }
    tokio::task::block_in_place(|| database.resume());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_broker_service_and_database_gone_in_turn_each_violation_has_one_alert_and_each_message_its_row()
{
    let Some((database_server, database)) = database().await else { return };
    let (mut broker, server) = (Mosquitto::start(), WebhookServer::start().await);
    let mut county = County::new();
    county.webhook = Some(server.url());
    county.more = format!(
        "\n[[source]]\ntype = \"mqtt\"\nurl = \"{}\"\n\n[archive]\nurl = \"{}\"\n",
        broker.url(),
        database.url
    );
    let scenarios = eight_rules();
    for scenario in &scenarios {
        scenario.prepare(&mut county);
    }
    let dir = county.write();
    let mut service = Service::start(dir);
    is_up(&service).await;

    for (number, scenario) in scenarios.iter().enumerate() {
        scenario.play(broker.address, now(), |case| case.raises.is_none()).await;
        match number {
            1 => tokio::task::block_in_place(|| database_server.halt()),
            2 => broker.restart(),
            3 => {
                service.kill();
                service = Service::start(dir);
            }
            _ => {}
        }
        scenario.play(broker.address, now(), |case| case.raises.is_some()).await;
        match number {
            4 => {
                service.kill();
                broker.restart();
                service = Service::start(dir);
            }
            6 => come_back(&database_server, &service).await,
            _ => {}
        }
    }
    let expected = expected(&scenarios);
    for (rule, asset, _) in &expected {
        server.wait_for_alert(rule, asset, PATIENCE).await;
    }
    is_up(&service).await;
    service.wait_for_count("citywarden_stage_lag_records", &[("stage", "archive")], |lag| lag == 0).await;
    service.stop();
    check_alerts(dir, &server, expected);
    let (rows, alerts) = tokio::task::spawn_blocking(move || {
        let alerts = database.ask("SELECT count(*)::text FROM alerts");
        let rows = archived(&database);
        drop(database_server);
        (rows, alerts)
    })
    .await
    .expect("no panic");
    let journalled = journalled(dir);
    assert!(journalled.len() > 100, "{}", journalled.len());
    assert_eq!(rows, journalled);
    assert_eq!(alerts, [server.opened().len().to_string()]);
}

/// Each violation once, the twins never, and a backtest of the journal finds the same.
fn check_alerts(dir: &Path, server: &WebhookServer, expected: BTreeSet<Subject>) {
    verify(dir);
    let opened = server.opened_subjects();
    let mut wanted: BTreeMap<Subject, usize> = expected.into_iter().map(|about| (about, 1)).collect();
    // dust on its way to the violation may pass through its early warning
    let on_the_way: Subject = ("site-dust".into(), "dust-much".into(), "early_warning".into());
    if opened.contains_key(&on_the_way) {
        wanted.insert(on_the_way, 1);
    }
    assert_eq!(opened, wanted);
    let derived = json_lines(&backtest_journal(dir));
    let raised = server.opened();
    assert_eq!(sorted_as_raised(&derived), sorted_as_raised(raised.iter().map(Delivery::alert)));
}
