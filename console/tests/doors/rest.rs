//! Health, metrics, lists, and the page.

use std::sync::atomic::Ordering;

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::house::House;
use crate::house::user;
use citywarden_console::Role;

#[tokio::test]
async fn readiness_names_the_part_that_is_not_ready() {
    let house = House::open(vec![user("li", Role::View)]).await;
    let alive = house.request(Method::GET, "/healthz").send().await.unwrap();
    assert_eq!(alive.status(), StatusCode::OK);
    let (status, ready) = house.get("/readyz").await;
    let well = json!({"ready": true, "parts": [{"name": "journal", "ready": true}, {"name": "alerting", "ready": true}]});
    assert_eq!((status, ready), (StatusCode::OK, well));
    house.shelf.is_broken.store(true, Ordering::SeqCst);
    let (status, ready) = house.get("/readyz").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(ready["parts"][0], json!({"name": "journal", "ready": false, "detail": "the disk is full"}));
    house.alerting.stop();
    house
        .alerting
        .watch()
        .wait_for(|standing| standing.health != citywarden_alerting::Health::Well)
        .await
        .unwrap();
    assert_eq!(house.get("/readyz").await.1["parts"][1]["detail"], "stopped");
}

#[tokio::test]
async fn the_lists_show_what_they_are_handed() {
    let house = House::open(Vec::new()).await;
    let (_, verdicts) = house.get("/api/v1/verdicts?verdict=undecided").await;
    let undecided = json!({"rule": "site-dust", "asset": "site-2", "verdict": "undecided", "reason": "no data", "since": "2026-11-24T08:01:00Z"});
    assert_eq!(verdicts, json!({"verdicts": [undecided], "next": null}));
    let (_, devices) = house.get("/api/v1/devices").await;
    assert_eq!(devices["devices"][0]["interval_s"], json!(60.0));
    assert_eq!(devices["devices"][0]["heard_at"], "2026-11-24T08:03:00Z");
    assert_eq!(devices["devices"][0]["silent"], true);
    assert_eq!(house.get("/api/v1/assets").await.1, json!({"assets": []}));
    assert_eq!(house.get("/api/v1/rules").await.1, json!({"rules": []}));
    let (_, letters) = house.get("/api/v1/deadletters").await;
    assert_eq!(letters["counts"], json!({"unknown_device": 1}));
    assert_eq!(letters["recent"][0]["offset"], 9);
    assert_eq!(letters["notifications"], json!([]));
    let (_, permits) = house.get("/api/v1/permits?asset=site-1").await;
    assert_eq!(permits["permits"][0]["in_force"], false, "up to and not at 08:59, which is now: {permits}");
    let (_, silences) = house.get("/api/v1/silences").await;
    let silence = json!({
        "id": "p-2", "kind": "silence", "asset": "site-1", "from": "2026-11-24T08:02:00Z", "to": "2026-11-24T08:59:00Z",
        "in_force": false,
    });
    assert_eq!(silences, json!({"silences": [silence]}));
    assert_eq!(house.get("/api/v1/silences?asset=site-2").await.1, json!({"silences": []}));
    let (_, none) = house.get("/api/v1/deadletters?reason=undecodable").await;
    assert_eq!((&none["counts"], &none["recent"]), (&json!({}), &json!([])));
    let (_, first) = house.get("/api/v1/verdicts?limit=1").await;
    assert_eq!(
        (&first["verdicts"][0]["asset"], &first["next"]),
        (&json!("site-1"), &json!("site-dust/site-2"))
    );
    let (_, second) = house.get("/api/v1/verdicts?limit=1&cursor=site-dust/site-2").await;
    assert_eq!((&second["verdicts"][0]["asset"], &second["next"]), (&json!("site-2"), &json!(null)));
    house.shelf.is_broken.store(true, Ordering::SeqCst);
    assert_eq!(house.get("/api/v1/assets").await.0, StatusCode::SERVICE_UNAVAILABLE);
    let metrics = house.request(Method::GET, "/metrics").send().await.unwrap();
    assert_eq!(metrics.headers()["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    assert_eq!(metrics.text().await.unwrap(), "citywarden_archive_up 1\n");
}

#[tokio::test]
async fn readings_come_from_the_archive_or_it_is_said_that_it_is_away() {
    let house = House::open(Vec::new()).await;
    let path = "/api/v1/readings?device=dust-1&quantity=pm10";
    let (_, page) = house.get(&format!("{path}&from=2026-11-24T08:02:00Z")).await;
    let sample = json!({"at": "2026-11-24T08:02:00Z", "value": 180.5, "min": 180.5, "max": 180.5, "count": 1, "flag": "N"});
    let expected = json!({
        "device": "dust-1", "quantity": "pm10", "unit": "µg/m³",
        "from": "2026-11-24T08:02:00Z", "to": "2026-11-24T08:59:00Z", "samples": [sample], "next": null,
    });
    assert_eq!(page, expected);
    let (_, lately) = house.get(path).await;
    assert_eq!(lately["from"], "2026-11-24T07:59:00Z", "an hour before now, where nothing is said");
    let (_, none) = house.get("/api/v1/readings?device=dust-2&quantity=pm10&step=5m").await;
    assert_eq!(none["samples"], json!([]));
    let (_, none) = house.get(&format!("{path}&from=2026-11-24T08:30:00Z&to=2026-11-24T08:00:00Z")).await;
    assert_eq!((&none["samples"], &none["next"]), (&json!([]), &json!(null)), "nothing is both");
    for (query, detail) in [
        ("step=5", "step: `5` is no duration; write 20s, 5m, 1h"),
        ("step=10ms", "step: `10ms` is no step, expected 1s to 31d"),
        ("device=dust-2", "duplicate field `device`"),
        ("colour=red", "unknown field `colour`, expected one of `device`, `quantity`, `from`, `to`, `step`"),
    ] {
        let (status, problem) = house.get(&format!("{path}&{query}")).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
        assert!(problem["detail"].as_str().unwrap().ends_with(detail), "{query}: {problem}");
    }
    assert_eq!(house.get("/api/v1/readings?device=dust-1").await.0, StatusCode::BAD_REQUEST);
    let mut from = "0001-01-01T00:00:00Z".to_owned();
    let mut values = Vec::new();
    while from != "null" {
        let (_, page) = house.get(&format!("{path}&from={from}")).await;
        values.extend(page["samples"].as_array().unwrap().iter().map(|sample| sample["value"].clone()));
        from = page["next"].as_str().unwrap_or("null").to_owned();
    }
    assert_eq!(values, [json!(80.0), json!(180.5)], "a year a page, and in the end all");
    house.shelf.is_broken.store(true, Ordering::SeqCst);
    let (status, problem) = house.get(path).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(problem["detail"], "the archive is away: connection refused");
}

#[tokio::test]
async fn the_page_is_the_same_for_everybody_and_runs_nothing_but_its_own_files() {
    let house = House::open(vec![user("li", Role::View)]).await;
    for (path, kind) in [
        ("/", "text/html; charset=utf-8"),
        ("/page/style.css", "text/css; charset=utf-8"),
        ("/page/app.js", "text/javascript; charset=utf-8"),
    ] {
        let file = house.request(Method::GET, path).send().await.unwrap();
        assert_eq!(
            (file.status(), &file.headers()["content-type"]),
            (StatusCode::OK, &kind.parse().unwrap())
        );
        assert_eq!(file.headers()["x-content-type-options"], "nosniff");
        let policy = file.headers()["content-security-policy"].to_str().unwrap().to_owned();
        assert!(policy.starts_with("default-src 'none'; script-src 'self'; style-src 'self'"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
    }
    assert_eq!(house.get("/page/nothing.js").await.0, StatusCode::NOT_FOUND);
    assert_eq!(house.get("/page/..%2Fpage.rs").await.0, StatusCode::NOT_FOUND);
}
