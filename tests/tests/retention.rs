//! Old records go, and what somebody still needs of them stays.

use std::time::Duration;

use citywarden_tests::client::Client;
use citywarden_tests::county::{CENTRE, County, topic_of};
use citywarden_tests::moment::{ago, now};
use citywarden_tests::receiver::WebhookServer;
use citywarden_tests::recording::json_lines;
use citywarden_tests::service::{Service, citywarden_ok_in};
use serde_json::{Value, json};

const RULE: &str = "muck-truck-uncovered";
const TRUCK: &str = "truck-1";
const SITE: &str = "site-1";
const PATIENCE: Duration = Duration::from_mins(1);
/// Bytes the journal may take: less than two of its segments.
const SHARE_BYTES: f64 = 6e6;

/// A truck that reports on change, a site that fills the journal, and a journal that may take next to nothing.
async fn county() -> (County, WebhookServer) {
    let server = WebhookServer::start().await;
    let mut county = County::new();
    county.webhook = Some(server.url());
    county.asset(TRUCK, "muck_truck", &[]);
    county.device(TRUCK, "vehicle_terminal", None, &[]);
    county.asset(SITE, "construction_site", &[]);
    county.device(SITE, "dust_monitor", Some(60), &[]);
    let share = SHARE_BYTES / disk_bytes(&county);
    county.more = format!(
        "\n[journal]\nsegment_bytes = 4194304\nretention_share = {share:.12}\nretention_every = \"1s\"\nsnapshot_every = \"1s\"\n"
    );
    county.write();
    (county, server)
}

/// The size of the disk that the county is on.
fn disk_bytes(county: &County) -> f64 {
    let asked = std::process::Command::new("df").args(["-B1", "--output=size"]).arg(county.dir()).output();
    let said = String::from_utf8(asked.expect("df runs").stdout).expect("digits");
    said.lines().last().and_then(|line| line.trim().parse().ok()).expect("a size")
}

async fn send(service: &Service, asset: &str, message: Value) {
    Client::Rumqttc5.publish(service.mqtt, &topic_of(asset), &[message.to_string()]).await;
}

/// Some three segments of messages.
async fn fill(service: &Service) {
    let padding = "x".repeat(60_000);
    let message = |number: i32| json!({"readings": {"pm10": 10.0 + f64::from(number)}, "padding": padding});
    let payloads: Vec<_> = (0..240).map(|number| message(number).to_string()).collect();
    Client::Rumqttc5.publish(service.mqtt, &topic_of(SITE), &payloads).await;
}

/// The oldest record kept.
fn oldest(county: &County) -> u64 {
    let stat = citywarden_ok_in(county.dir(), &["journal", "stat", "--json", "--config", "citywarden.toml"]);
    json_lines(&stat).first().and_then(|stat| stat["first"].as_u64()).expect("an offset")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_shows_the_message_of_a_held_value_although_retention_has_taken_it() {
    let (county, server) = county().await;
    let service = Service::start(county.dir());
    let held = json!({"ts": ago(now(), 60), "readings": {"loaded": true, "cover_closed": false}});
    send(&service, TRUCK, held).await;
    let begun = oldest(&county);
    fill(&service).await;
    service.process.err.wait_for_words("old segments removed", PATIENCE);
    // it is in the first segment, which goes first
    assert!(oldest(&county) > begun, "the record of the held values is gone");

    let position = json!({"lat": CENTRE.lat, "lon": CENTRE.lon, "speed": 30.0});
    for age in [40, 30, 20, 10] {
        send(&service, TRUCK, json!({"ts": ago(now(), age), "position": position})).await;
    }
    let alert = server.wait_for_alert(RULE, TRUCK, PATIENCE).await;
    let id = alert["id"].as_str().expect("a text");
    let (status, evidence) = service.get(&format!("/api/v1/alerts/{id}/evidence")).await;
    assert_eq!(status, 200, "{evidence}");
    assert!(evidence.contains("cover_closed") && evidence.contains("speed"), "{evidence}");
    service.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_that_is_away_holds_back_old_records_up_to_the_share_and_then_loses_them_loudly() {
    let (mut county, _server) = county().await;
    county.more += "\n[archive]\nurl = \"postgres://nobody@127.0.0.1:9/none\"\n";
    let service = Service::start(county.write());
    fill(&service).await;
    service.process.err.wait_for_words("old segments removed", PATIENCE);
    let lost = service.process.err.wait_for_words("archive loses records 0 to ", PATIENCE);
    assert!(lost.contains("ERROR"), "{lost}");
    assert!(oldest(&county) > 0);
    service.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_kept_is_judged_by_the_rules_and_the_registry_whose_records_are_gone() {
    let (county, _server) = county().await;
    let service = Service::start(county.dir());
    fill(&service).await;
    service.process.err.wait_for_words("old segments removed", PATIENCE);
    send(&service, SITE, json!({"readings": {"pm10": 12.5}})).await;
    service.kill();

    let command =
        |args: &[&str]| citywarden_ok_in(county.dir(), &[args, &["--config", "citywarden.toml"]].concat());
    assert_eq!(command(&["deadletter", "list"]), "", "every device of what is left is known");
    let at = now().to_string();
    let explained = command(&["rules", "explain", "--asset", SITE, "--rule", "site-dust", "--at", &at]);
    assert!(explained.contains("site-dust"), "{explained}");
    let later = ago(now(), -60).to_string();
    assert_eq!(command(&["rules", "backtest", "--json", "--from", &at, "--to", &later]), "");

    // and by a service that has lost its snapshots and its archive
    std::fs::remove_dir_all(county.file("data/snapshots")).expect("it was there");
    for file in ["archive.sqlite", "archive.sqlite-wal", "archive.sqlite-shm"] {
        std::fs::remove_file(county.file("data").join(file)).expect("it was killed, and left all three");
    }
    let service = Service::start(county.dir());
    service.wait_for_count("citywarden_stage_lag_records", &[("stage", "rules")], |lag| lag == 0).await;
    service.wait_for_count("citywarden_archive_up", &[], |up| up == 1).await;
    service.wait_for_count("citywarden_stage_lag_records", &[("stage", "archive")], |lag| lag == 0).await;
    assert_eq!(service.count("citywarden_dead_letters_total", &[]).await, 0, "judged again");
    service.stop();
    let kept = json_lines(&command(&["journal", "dump"]));
    let messages = kept.iter().filter(|line| line["payload"].is_string()).count();
    let archive =
        rusqlite::Connection::open(county.file("data/archive.sqlite")).expect("there is an archive");
    let rows: i64 = archive.query_row("SELECT count(*) FROM sites", [], |row| row.get(0)).expect("a count");
    assert_eq!(usize::try_from(rows), Ok(messages), "archived again");
}
