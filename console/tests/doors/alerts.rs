//! The alerts over HTTP.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::house::{House, alert, raise};

fn assets(page: &Value) -> Vec<&str> {
    page["alerts"].as_array().unwrap().iter().map(|alert| alert["asset"]["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn the_list_is_paged_and_filtered() {
    let house = House::open(Vec::new()).await;
    let (_, first) = house.get("/api/v1/alerts?limit=2").await;
    assert_eq!(assets(&first), ["site-3", "site-2"]);
    let next = first["next"].as_str().unwrap();
    let (_, second) = house.get(&format!("/api/v1/alerts?limit=2&cursor={next}")).await;
    assert_eq!((assets(&second), &second["next"]), (vec!["site-1"], &Value::Null));
    for (query, expected) in [
        ("asset=site-2", 1),
        ("rule=site-dust&condition=active&severity=serious&clause=18&kind=violation", 3),
        ("state=closed", 0),
        ("from=2026-11-24T16:02:00%2B08:00&to=2026-11-24T08:03:00Z", 1),
        ("unit=%E5%BB%BA%E8%AE%BE%E5%B1%80", 3),
    ] {
        let (status, page) = house.get(&format!("/api/v1/alerts?{query}")).await;
        assert_eq!((status, assets(&page).len()), (StatusCode::OK, expected), "{query}");
    }
}

#[tokio::test]
async fn a_wrong_question_is_told_what_was_expected() {
    let house = House::open(Vec::new()).await;
    for (query, detail) in [
        (
            "alerts?severity=high",
            "severity: unknown variant `high`, expected one of `notice`, `minor`, `serious`, `urgent`",
        ),
        (
            "alerts?from=today",
            "from: `today` is no time; expected RFC 3339 such as 2026-11-24T08:00:00+08:00",
        ),
        ("alerts?limit=0", "limit: `0`, expected a number from 1 to 500"),
        ("alerts?clause=26", "clause: `26`, expected a number from 1 to 25"),
        ("alerts?asset=", "asset: 0 characters, expected 1 to 256"),
        (
            "alerts?colour=red",
            "unknown field `colour`, expected one of `state`, `condition`, `severity`, `kind`, `rule`, `asset`, `clause`, `unit`, `from`, `to`, `cursor`, `limit`",
        ),
        ("alerts?asset=a&asset=b", "duplicate field `asset`"),
        ("alerts?cursor=x", "cursor: `x`, expected the `next` of the page before"),
        (
            "verdicts?verdict=bad",
            "verdict: unknown variant `bad`, expected one of `compliant`, `early_warning`, `violation`, `undecided`, `fault`",
        ),
    ] {
        let (status, problem) = house.get(&format!("/api/v1/{query}")).await;
        let said = problem["detail"].as_str().unwrap();
        assert!(status == StatusCode::BAD_REQUEST && said.ends_with(detail), "{query}: {said}");
    }
    for (path, detail) in [
        ("/api/v1/alerts/NOSUCH", "there is no alert NOSUCH"),
        ("/api/v1/alerts/NOSUCH/evidence", "there is no alert NOSUCH"),
        ("/api/v2", "there is nothing at /api/v2"),
    ] {
        let (status, problem) = house.get(path).await;
        assert_eq!((status, problem["detail"].as_str()), (StatusCode::NOT_FOUND, Some(detail)), "{path}");
    }
    assert_eq!(house.get("/api/v1/alerts/%ff").await.0, StatusCode::BAD_REQUEST);
    let (status, _) = house.post("/api/v1/alerts", "").await;
    assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn an_alert_is_handled_from_acknowledged_to_closed() {
    let house = House::open(Vec::new()).await;
    let path = format!("/api/v1/alerts/{}", alert("site-1", 1).id);
    for (action, body, state) in [
        ("acknowledge", "", "acknowledged"),
        ("note", r#"{"reason":"called the site"}"#, "acknowledged"),
        ("resolve", "{}", "resolved"),
        ("close", r#"{"reason":"done"}"#, "closed"),
    ] {
        let (status, alert) = house.post(&format!("{path}/{action}"), body).await;
        assert_eq!((status, alert["state"].as_str()), (StatusCode::OK, Some(state)), "{action}: {alert}");
    }
    let (_, alert) = house.get(&path).await;
    let words: Vec<_> = alert["events"].as_array().unwrap().iter().map(|event| &event["event"]).collect();
    assert_eq!(json!(words), json!(["opened", "acknowledged", "noted", "resolved", "closed"]));
    assert_eq!(alert["events"][2]["who"], "admin");
    for (action, body, status) in [
        ("acknowledge", "", StatusCode::CONFLICT),
        ("note", "", StatusCode::BAD_REQUEST),
        ("note", r#"{"reason":"x","actor":"boss"}"#, StatusCode::BAD_REQUEST),
        ("close", "{", StatusCode::BAD_REQUEST),
        ("burn", "", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(house.post(&format!("{path}/{action}"), body).await.0, status, "{action} {body}");
    }
    let large = format!("{{\"reason\":\"{}\"}}", "x".repeat(40_000));
    let (status, _) = house.post(&format!("{path}/note"), &large).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn the_messages_an_alert_rests_on_are_there() {
    let house = House::open(Vec::new()).await;
    let (_, evidence) = house.get(&format!("/api/v1/alerts/{}/evidence", alert("site-2", 2).id)).await;
    let message = json!({"offset": 2, "received_at": "2026-11-24T08:02:00Z", "topic": "citywarden/330624/dust-1/json", "payload": "{}"});
    assert_eq!(evidence["messages"], json!([message]));
}

#[tokio::test]
async fn events_are_streamed_as_they_happen() {
    let mut house = House::open(Vec::new()).await;
    let mut response = house.request(Method::GET, "/api/v1/stream").send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/event-stream");
    let handle = house.alerting.clone();
    raise(&handle, alert("site-4", 4), 4).await;
    let mut text = String::new();
    while !text.contains("\n\n") {
        text.push_str(&String::from_utf8_lossy(&response.chunk().await.unwrap().unwrap()));
    }
    assert!(text.contains("event: opened"), "{text}");
    assert!(text.contains(&format!("id: {}.1", alert("site-4", 4).id)), "{text}");
    assert!(text.contains(r#""event":{"sequence":1"#), "{text}");
    house.stop();
    while let Ok(Some(_)) = response.chunk().await {}
}

/// Reads the stream until this is in it.
async fn read_until(response: &mut reqwest::Response, wanted: &str) -> String {
    let mut text = String::new();
    while !text.contains(wanted) {
        text.push_str(&String::from_utf8_lossy(&response.chunk().await.unwrap().unwrap()));
    }
    text
}

#[tokio::test]
async fn a_listener_that_comes_back_hears_what_it_missed_and_nothing_twice() {
    let house = House::open(Vec::new()).await;
    let path = |site: &str, minute| format!("/api/v1/alerts/{}", alert(site, minute).id);
    let [first, last] = [alert("site-1", 1).id, alert("site-3", 3).id];
    let listen = |id: String| house.request(Method::GET, "/api/v1/stream").header("last-event-id", id).send();
    let mut back = listen(format!("{first}.1")).await.unwrap();
    house.post(&format!("{}/close", path("site-3", 3)), "").await;
    let text = read_until(&mut back, "event: closed").await;
    let ids: Vec<_> = text.lines().filter_map(|line| line.strip_prefix("id: ")).collect();
    let second = alert("site-2", 2).id;
    assert_eq!(ids, [format!("{second}.1"), format!("{last}.1"), format!("{last}.2")], "{text}");

    for unknown in [format!("{first}.99"), "nonsense".to_owned(), "ä.1".to_owned()] {
        let mut gone = listen(unknown.clone()).await.unwrap();
        assert!(read_until(&mut gone, "\n\n").await.contains("event: lagged"), "{unknown}");
    }
}
