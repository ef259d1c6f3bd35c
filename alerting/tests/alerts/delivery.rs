//! What receivers get over HTTP.

use axum::http::{HeaderMap, HeaderValue};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use citywarden_alerting::What;
use citywarden_alerting::receiver::webhook::{Webhook, WebhookConfig};
use citywarden_alerting::receiver::{self, Outcome};
use citywarden_model::{Change, Span};
use sha2::{Digest, Sha256};

use crate::county::{at, transition};
use crate::service::{Door, HandClock, Request, Running, SECRET, raise, violation};

/// HMAC-SHA256 by its definition (RFC 2104), beside the crate that signs.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let pad = |byte: u8| {
        let mut block = [byte; 64];
        block.iter_mut().zip(key).for_each(|(padded, key)| *padded ^= key);
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().to_vec()
}

fn assert_signed(request: &Request) {
    let key = STANDARD.decode(SECRET.trim_start_matches("whsec_")).unwrap();
    let mut signed = format!("{}.{}.", request.id(), request.header("webhook-timestamp")).into_bytes();
    signed.extend_from_slice(&request.body);
    assert_eq!(request.header("webhook-signature"), format!("v1,{}", STANDARD.encode(hmac(&key, &signed))));
}

#[tokio::test]
async fn a_failed_attempt_is_repeated_with_the_same_id_and_bytes_and_signed_anew() {
    let dir = tempfile::tempdir().unwrap();
    let mut door = Door::open().await;
    let mut running = Running::on(dir.path(), HandClock::at(at("08:00")), &[("a", &door.url)]);
    running.judge(vec![raise(1, "site-1", "08:00")]).await;
    let first = door.next().await;
    assert_eq!(first.header("content-type"), "application/cloudevents+json");
    assert_eq!(first.header("webhook-timestamp"), at("08:00").nanos().div_euclid(1_000_000_000).to_string());
    assert_signed(&first);
    let (id, body, signature) =
        (first.id(), first.body.clone(), first.header("webhook-signature").to_owned());
    first.answer(500);
    for status in [404, 302, 429] {
        if status == 404 {
            running.until("failed").await;
        }
        let again = next_after_advancing(&mut door, &running, Span::from_secs(10)).await;
        assert_eq!((again.id(), &again.body), (id.clone(), &body));
        assert_ne!(again.header("webhook-signature"), signature);
        assert_signed(&again);
        again.answer(status);
    }
    next_after_advancing(&mut door, &running, Span::from_secs(10)).await.answer(204);
    let notified = running.until("notified").await;
    let What::Notified(delivery) = &notified.what else { panic!("{notified:?}") };
    assert_eq!((notified.key().to_string(), delivery.attempts), (id, 5));
    assert_eq!(running.latencies.0.lock().unwrap().len(), 1);
    running.stop().await;
}

/// Moves the clock on until there is a request: the answer before may not have been taken yet.
async fn next_after_advancing(door: &mut Door, running: &Running, step: Span) -> Request {
    loop {
        running.advance(step).await;
        if let Ok(request) = tokio::time::timeout(std::time::Duration::from_millis(20), door.next()).await {
            return request;
        }
    }
}

#[tokio::test]
async fn a_receiver_that_is_not_there_or_does_not_answer_is_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let nobody = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let url = format!("http://{address}/alerts");
    let mut running = Running::on(dir.path(), HandClock::at(at("08:00")), &[("a", &url)]);
    running.judge(vec![raise(1, "site-1", "08:00")]).await;
    let failed = running.until("failed").await;
    assert!(failed.why.as_deref().unwrap().starts_with("cannot connect"), "{failed:?}");

    let mut door = Door::open_at(address).await;
    let unanswered = next_after_advancing(&mut door, &running, Span::from_secs(10)).await;
    let again = next_after_advancing(&mut door, &running, Span::from_secs(10)).await;
    assert_eq!((again.id(), &again.body), (unanswered.id(), &unanswered.body));
    again.answer(200);
    running.until("notified").await;
    running.stop().await;
}

#[tokio::test]
async fn gone_is_final_and_what_the_receiver_asks_for_is_honoured() {
    let dir = tempfile::tempdir().unwrap();
    let mut door = Door::open().await;
    let mut running = Running::on(dir.path(), HandClock::at(at("08:00")), &[("a", &door.url)]);
    running.judge(vec![raise(1, "site-1", "08:00")]).await;
    let headers = HeaderMap::from_iter([(axum::http::header::RETRY_AFTER, HeaderValue::from_static("120"))]);
    door.next().await.answer_with(503, headers);
    running.until("failed").await;
    running.advance(Span::from_secs(119)).await;
    running.advance(Span::ZERO).await;
    assert!(door.requests.try_recv().is_err());
    next_after_advancing(&mut door, &running, Span::from_secs(1)).await.answer(410);
    let failed = running.until("failed").await;
    assert!(matches!(failed.what, What::Failed { given_up: true, .. }), "{failed:?}");
    assert_eq!(running.handle.standing().dead[0].why, "the receiver answered 410 Gone");
    running.stop().await;
}

#[tokio::test]
async fn the_events_of_one_alert_arrive_in_order_and_a_dead_receiver_delays_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let (mut alive, mut dead) = (Door::open().await, Door::open().await);
    let urls = [("alive", alive.url.clone()), ("dead", dead.url.clone())];
    let urls: Vec<(&str, &str)> = urls.iter().map(|(name, url)| (*name, url.as_str())).collect();
    let running = Running::on(dir.path(), HandClock::at(at("08:00")), &urls);
    let site = violation("site-1", "08:00");
    let cleared = transition(2, at("08:05"), &site, Change::Cleared("below".to_owned()));
    running.judge(vec![raise(1, "site-1", "08:00"), cleared, raise(3, "site-1", "08:10")]).await;
    let _held = dead.next().await;
    for kind in ["opened", "cleared", "updated"] {
        let request = alive.next().await;
        assert_eq!(request.kind(), kind);
        request.answer(200);
    }
    assert!(dead.requests.try_recv().is_err(), "what follows waits for the first");
    running.stop().await;
}

#[tokio::test]
async fn a_test_notification_says_what_came_of_it() {
    let mut door = Door::open().await;
    let webhook = Webhook::new(WebhookConfig::new(&door.url, None)).unwrap();
    let region = "330624".into();
    let sent = tokio::spawn(async move { receiver::test(&webhook, &region, at("08:00")).await });
    let request = door.next().await;
    assert_eq!(request.kind(), "test");
    assert!(request.headers.get("webhook-signature").is_none());
    request.answer(401);
    let Outcome::Retry { why, .. } = sent.await.unwrap() else { panic!("expected a retry") };
    assert_eq!(why, "the receiver answered 401 Unauthorized");
}

#[test]
fn what_is_no_address_is_refused() {
    for url in ["police.example/alerts", "ftp://police.example", "http://"] {
        assert!(Webhook::new(WebhookConfig::new(url, None)).is_err(), "{url}");
    }
}

#[test]
fn an_address_over_tls_is_set_up_with_the_one_provider_there_is() {
    assert!(Webhook::new(WebhookConfig::new("https://police.example/alerts", None)).is_ok());
}
