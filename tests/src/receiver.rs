//! A real HTTP server that receives webhooks, as an enforcement platform would.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::routing::post;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::Value;
use sha2::Sha256;
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// One attempt at a delivery.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The `webhook-id` header: the idempotency key.
    pub id: String,
    /// Where it was posted: [`ENFORCEMENT`] or [`OPERATOR`].
    pub path: String,
    /// The `content-type` header.
    pub content_type: String,
    /// The body, byte for byte.
    pub body: Bytes,
    /// The body, read.
    pub event: Value,
}

impl Delivery {
    /// The type of the event without its prefix: `opened`, `cleared`, ….
    pub fn kind(&self) -> &str {
        let kind = self.event["type"].as_str().unwrap_or_default();
        kind.strip_prefix("citywarden.alert.").unwrap_or(kind)
    }
    /// The alert.
    pub fn alert(&self) -> &Value {
        &self.event["data"]
    }
    /// The rule that raised the alert, the asset, and the alert's kind.
    pub fn subject(&self) -> Subject {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let alert = self.alert();
        (text(&alert["rule"]), text(&alert["asset"]["id"]), text(&alert["kind"]))
    }
}

/// A rule, an asset and the kind of alert.
pub type Subject = (String, String, String);

/// A webhook receiver with a secret.
#[derive(Debug, Clone)]
pub struct WebhookServer {
    /// Where it listens.
    pub address: SocketAddr,
    inbox: Arc<Inbox>,
}

#[derive(Debug, Default)]
struct Inbox {
    /// Each n-th delivery is taken and answered 503; 0: none.
    fails_each: usize,
    attempts: Mutex<Vec<Delivery>>,
    refused: Mutex<Vec<String>>,
    arrived: Notify,
}

/// Where enforcement listens.
pub const ENFORCEMENT: &str = "/alerts";
/// Where the operators of sites listen: early warnings.
pub const OPERATOR: &str = "/warnings";
/// The secret that the server and the service share: `whsec_` and base64.
pub const SECRET: &str = "whsec_Y2l0eXdhcmRlbi10ZXN0LXNlY3JldC0wMDAwMDA=";

impl WebhookServer {
    /// Starts on a free port of loopback.
    pub async fn start() -> Self {
        Self::start_failing(0).await
    }

    /// As [`Self::start`], and each n-th delivery is kept and answered 503, so that it comes again.
    pub async fn start_failing(fails_each: usize) -> Self {
        Self::serve("127.0.0.1:0".parse().expect("an address"), fails_each).await
    }

    /// As [`Self::start`], at an address that was chosen before.
    pub async fn start_at(address: SocketAddr) -> Self {
        Self::serve(address, 0).await
    }

    async fn serve(address: SocketAddr, fails_each: usize) -> Self {
        let listener = TcpListener::bind(address).await.expect("the address is free");
        let address = listener.local_addr().expect("it has an address");
        let inbox = Arc::new(Inbox { fails_each, ..Inbox::default() });
        let router = Router::new()
            .route(ENFORCEMENT, post(take))
            .route(OPERATOR, post(take))
            .with_state(Arc::clone(&inbox));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, inbox }
    }

    /// Its address as a URL.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything delivered so far, each attempt of it. Panics where one of them was not signed right.
    pub fn attempts(&self) -> Vec<Delivery> {
        let refused = self.inbox.refused.lock().expect("no test panicked in it");
        assert!(refused.is_empty(), "deliveries that are not signed as Standard Webhooks asks: {refused:?}");
        self.inbox.attempts.lock().expect("no test panicked in it").clone()
    }

    /// The events delivered so far, by idempotency key. Panics where one came again with another body.
    pub fn events(&self) -> BTreeMap<String, Delivery> {
        let mut events = BTreeMap::<String, Delivery>::new();
        for delivery in self.attempts() {
            let first = events.entry(delivery.id.clone()).or_insert_with(|| delivery.clone());
            assert_eq!(first.body, delivery.body, "{} came again with another body", delivery.id);
        }
        events
    }

    /// The `opened` events so far, each once, in the order of their keys.
    pub fn opened(&self) -> Vec<Delivery> {
        self.events().into_values().filter(|delivery| delivery.kind() == "opened").collect()
    }

    /// What alerts were opened about, and how often.
    pub fn opened_subjects(&self) -> BTreeMap<Subject, usize> {
        let mut subjects = BTreeMap::new();
        for delivery in self.opened() {
            *subjects.entry(delivery.subject()).or_default() += 1;
        }
        subjects
    }

    /// Waits until the deliveries are as wanted; panics with what there is where they are not in time.
    pub async fn wait_until(&self, what: &str, timeout: Duration, wanted: impl Fn(&Self) -> bool) {
        let wait = async {
            loop {
                let mut arrived = std::pin::pin!(self.inbox.arrived.notified());
                arrived.as_mut().enable();
                if wanted(self) {
                    return;
                }
                arrived.await;
            }
        };
        let in_time = tokio::time::timeout(timeout, wait).await;
        let so_far = || self.opened_subjects();
        assert!(in_time.is_ok(), "{what} did not come within {timeout:?}; opened so far: {:#?}", so_far());
    }

    /// Waits for the alert that this rule opens about this asset, and gives it as it was opened.
    pub async fn wait_for_alert(&self, rule: &str, asset: &str, timeout: Duration) -> Value {
        let about = |delivery: &Delivery| {
            let (its_rule, its_asset, _) = delivery.subject();
            its_rule == rule && its_asset == asset
        };
        let what = format!("an alert of {rule} about {asset}");
        self.wait_until(&what, timeout, |server| server.opened().iter().any(about)).await;
        self.opened().into_iter().find(about).expect("it was just there").alert().clone()
    }
}

async fn take(State(inbox): State<Arc<Inbox>>, at: Uri, headers: HeaderMap, body: Bytes) -> StatusCode {
    let header =
        |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let (id, time, signature) =
        (header("webhook-id"), header("webhook-timestamp"), header("webhook-signature"));
    if !is_signed(&id, &time, &body, &signature) {
        inbox.refused.lock().expect("no test panicked in it").push(format!("{id} {time} {signature}"));
        return StatusCode::UNAUTHORIZED;
    }
    let Ok(event) = serde_json::from_slice(&body) else { return StatusCode::BAD_REQUEST };
    let path = at.path().to_owned();
    let delivery = Delivery { id, path, content_type: header("content-type"), body, event };
    let mut attempts = inbox.attempts.lock().expect("no test panicked in it");
    attempts.push(delivery);
    let fails = inbox.fails_each > 0 && attempts.len().is_multiple_of(inbox.fails_each);
    drop(attempts);
    inbox.arrived.notify_waiters();
    if fails { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::NO_CONTENT }
}

/// Standard Webhooks: HMAC-SHA256 over `id.timestamp.body` with the decoded secret.
fn is_signed(id: &str, at: &str, body: &[u8], signature: &str) -> bool {
    let key = data_encoding::BASE64.decode(SECRET.trim_start_matches("whsec_").as_bytes()).expect("base64");
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).expect("any length");
    mac.update(format!("{id}.{at}.").as_bytes());
    mac.update(body);
    let wanted = format!("v1,{}", data_encoding::BASE64.encode(&mac.finalize().into_bytes()));
    signature.split(' ').any(|one| one == wanted)
}
