//! The page and the API, as a person's browser and another platform use them.

#![expect(clippy::indexing_slicing, reason = "JSON of a known form: what is missing reads as null")]

use std::time::Duration;

use citywarden_tests::client::Client;
use citywarden_tests::county::{County, topic_of};
use citywarden_tests::moment::now;
use citywarden_tests::receiver::WebhookServer;
use citywarden_tests::recording::as_raised;
use citywarden_tests::scenario::eight_rules;
use citywarden_tests::service::Service;
use citywarden_tests::service::http;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};

const RULE: &str = "muck-truck-uncovered";
const TRUCK: &str = "truck-uncovered";
const PATIENCE: Duration = Duration::from_secs(30);
/// argon2id of "a-secret", made once.
const HASH: &str =
    "$argon2id$v=19$m=4096,t=1,p=1$Y2l0eXdhcmRlbi10ZXN0$oZDHtWF2jJM34JDP8Uj5+lu/AVZq0jJXfHHaDKBlk6s";

/// A service that has raised one alert, and the alert as enforcement received it.
async fn after_an_alert(more_config: &str) -> (County, WebhookServer, Service, Value) {
    let server = WebhookServer::start().await;
    let mut county = County::new();
    county.webhook = Some(server.url());
    let scenario = eight_rules().into_iter().find(|scenario| scenario.rule == RULE).expect("one of them");
    scenario.prepare(&mut county);
    county.write();
    let config = std::fs::read_to_string(county.file("citywarden.toml")).expect("it was written");
    county.put("citywarden.toml", &format!("{config}{more_config}"));
    let service = Service::start(county.dir());
    scenario.play(service.mqtt, now(), |_| true).await;
    let alert = server.wait_for_alert(RULE, TRUCK, PATIENCE).await;
    (county, server, service, alert)
}

fn request(service: &Service, method: Method, path: &str) -> RequestBuilder {
    http().request(method, format!("http://{}{path}", service.http))
}

/// Status and body of an answer; a refusal is a problem as in RFC 9457.
async fn answer(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.expect("it answers");
    let status = response.status().as_u16();
    let kind = response
        .headers()
        .get("content-type")
        .and_then(|kind| kind.to_str().ok())
        .unwrap_or_default()
        .to_owned();
    let text = response.text().await.expect("it is text");
    let body: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    if status >= 400 {
        assert_eq!(kind, "application/problem+json", "{text}");
        assert_eq!(body["status"], status, "{text}");
        assert!(body["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{text}");
    }
    (status, body)
}

async fn get(service: &Service, path: &str) -> Value {
    let (status, body) = answer(request(service, Method::GET, path)).await;
    assert_eq!(status, 200, "{path}: {body}");
    body
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn alerts_are_listed_by_filters_as_they_were_sent() {
    let (_county, _server, service, alert) = after_an_alert("").await;
    let listed = get(&service, "/api/v1/alerts").await;
    assert_eq!(listed["alerts"].as_array().map(Vec::len), Some(1), "{listed}");
    assert_eq!(as_raised(&listed["alerts"][0]), as_raised(&alert));

    let opened_at = alert["opened_at"].as_str().expect("a text");
    for (filter, count) in [
        ("state=open".to_owned(), 1),
        ("state=closed".to_owned(), 0),
        ("condition=active".to_owned(), 1),
        ("condition=cleared".to_owned(), 0),
        ("severity=serious".to_owned(), 1),
        ("severity=urgent".to_owned(), 0),
        (format!("rule={RULE}&asset={TRUCK}"), 1),
        ("rule=site-dust".to_owned(), 0),
        ("clause=16".to_owned(), 1),
        ("clause=1".to_owned(), 0),
        ("unit=公安局".to_owned(), 1),
        ("unit=财政局".to_owned(), 0),
        (format!("from={opened_at}"), 1),
        ("to=2026-01-01T00:00:00Z".to_owned(), 0),
    ] {
        let listed = get(&service, &format!("/api/v1/alerts?{filter}")).await;
        assert_eq!(listed["alerts"].as_array().map(Vec::len), Some(count), "{filter}: {listed}");
    }
    for wrong in [
        "state=opened",
        "clause=one",
        "from=yesterday",
        "sevrity=minor",
        "limit=0",
        "state=open&state=closed",
    ] {
        let (status, body) = answer(request(&service, Method::GET, &format!("/api/v1/alerts?{wrong}"))).await;
        assert_eq!(status, 400, "{wrong}: {body}");
    }
    service.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_do_to_an_alert_is_told_kept_and_survives_kill_9() {
    let (county, server, service, alert) = after_an_alert("").await;
    let path = format!("/api/v1/alerts/{}", alert["id"].as_str().expect("a text"));
    for (action, body, status, state) in [
        ("acknowledge", json!({"reason": "on my way"}), 200, "acknowledged"),
        ("note", json!({"reason": "the driver is known"}), 200, "acknowledged"),
        ("note", json!({}), 400, "acknowledged"),
        ("resolve", json!({}), 200, "resolved"),
        ("dance", json!({}), 404, "resolved"),
        ("close", json!({"reason": "fined"}), 200, "closed"),
        // done already: nothing more happens
        ("close", json!({}), 200, "closed"),
        ("acknowledge", json!({}), 409, "closed"),
        ("acknowledge", json!({"who": "somebody else"}), 400, "closed"),
    ] {
        let (said, answer) =
            answer(request(&service, Method::POST, &format!("{path}/{action}")).json(&body)).await;
        assert_eq!(said, status, "{action} {body}: {answer}");
        assert_eq!(get(&service, &path).await["state"], state, "{action} {body}");
    }
    for told in ["acknowledged", "resolved", "closed"] {
        let is_told = |server: &WebhookServer| server.events().values().any(|event| event.kind() == told);
        server.wait_until(told, PATIENCE, is_told).await;
    }
    let told = |kind: &str| server.events().values().filter(|event| event.kind() == kind).count();
    assert_eq!(["acknowledged", "resolved", "closed"].map(told), [1, 1, 1]);
    let before = get(&service, &path).await;
    service.kill();
    let service = Service::start(county.dir());
    let after = get(&service, &path).await;
    assert_eq!((&after["state"], as_raised(&after)), (&json!("closed"), as_raised(&before)));
    let words = |alert: &Value| {
        alert["events"]
            .as_array()
            .map(|events| events.iter().map(|event| event["event"].clone()).collect::<Vec<_>>())
    };
    assert!(
        words(&after).is_some_and(|words| ["opened", "acknowledged", "resolved", "closed"]
            .iter()
            .all(|word| words.contains(&json!(word)))),
        "{after}"
    );
    let (status, _) =
        answer(request(&service, Method::POST, "/api/v1/alerts/AAAAAAAAAAAAAAAAAAAAAAAAAA/close")).await;
    assert_eq!(status, 404);
    service.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn evidence_verdicts_dead_letters_and_the_register_are_shown() {
    let (_county, _server, service, alert) = after_an_alert("").await;
    let id = alert["id"].as_str().expect("a text");
    let evidence = get(&service, &format!("/api/v1/alerts/{id}/evidence")).await.to_string();
    assert!(evidence.contains("heading"), "the raw messages: {evidence}");

    let nobody = topic_of("nobody");
    Client::Mosquitto5.publish(service.mqtt, &nobody, &["{}".to_owned()]).await;
    let reason = [("reason", "unknown_device")];
    service.wait_for_count("citywarden_dead_letters_total", &reason, |count| count == 1).await;
    let letters = get(&service, "/api/v1/deadletters").await.to_string();
    assert!(letters.contains(&nobody) && letters.contains("unknown_device"), "{letters}");

    for (asset, verdict) in [(TRUCK, "violation"), ("truck-covered", "compliant")] {
        let verdicts = get(&service, &format!("/api/v1/verdicts?asset={asset}&rule={RULE}")).await;
        assert_eq!(verdicts["verdicts"][0]["verdict"], verdict, "{verdicts}");
    }
    for (path, member, count) in [("assets", "assets", 5), ("devices", "devices", 4), ("rules", "rules", 8)] {
        let listed = get(&service, &format!("/api/v1/{path}")).await;
        assert_eq!(listed[member].as_array().map(Vec::len), Some(count), "{path}: {listed}");
    }
    let (status, page) = service.get("/").await;
    assert!(status == 200 && page.contains("<html"), "{page}");
    let (status, _) = answer(request(&service, Method::GET, "/api/v1/no-such")).await;
    assert_eq!(status, 404);
    service.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_users_a_token_says_who_acts_and_what_they_may() {
    let users = format!("\n[[user]]\nname = \"officer-1\"\nrole = \"officer\"\ntoken_hash = \"{HASH}\"\n");
    let (_county, _server, service, alert) = after_an_alert(&users).await;
    let path = format!("/api/v1/alerts/{}", alert["id"].as_str().expect("a text"));
    for (token, status) in [(None, 401), (Some("a-guess"), 401), (Some("a-secret"), 200)] {
        let mut asked = request(&service, Method::GET, &path);
        if let Some(token) = token {
            asked = asked.bearer_auth(token);
        }
        assert_eq!(answer(asked).await.0, status, "{token:?}");
    }
    let acted = request(&service, Method::POST, &format!("{path}/acknowledge")).bearer_auth("a-secret");
    let (status, after) = answer(acted).await;
    assert_eq!(status, 200, "{after}");
    let event = after["events"]
        .as_array()
        .and_then(|events| events.iter().find(|event| event["event"] == "acknowledged"));
    assert!(
        event.is_some_and(|event| event["who"].as_str().is_some_and(|who| who.contains("officer-1"))),
        "{after}"
    );
    // alive and ready are for monitors, and tell nothing of people
    assert_eq!(service.get("/healthz").await.0, 200);
    assert_eq!(service.get("/readyz").await.0, 200);
    service.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_users_another_sites_page_gets_nothing() {
    let (_county, _server, service, alert) = after_an_alert("").await;
    let path = format!("/api/v1/alerts/{}", alert["id"].as_str().expect("a text"));
    let rebound = request(&service, Method::GET, &path).header("host", "evil.example");
    assert_eq!(answer(rebound).await.0, 403);
    let forged =
        request(&service, Method::POST, &format!("{path}/close")).header("origin", "http://evil.example");
    assert_eq!(answer(forged).await.0, 403);
    assert_eq!(get(&service, &path).await["state"], "open");
    service.stop();
}
