//! A receiver over HTTP: one POST an event, CloudEvents in the body, signed as in Standard Webhooks.
//!
//! Only 2xx is delivered. 410 is the receiver's way to say that it wants no more, so it is refused; whatever else, a
//! redirect too, may be put right by somebody and is tried again.

use std::sync::Arc;

use citywarden_model::{Span, Timestamp};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};
use reqwest::{Client, StatusCode, Url, redirect};

use super::signature::Secret;
use super::{Attempt, Outcome, Receiver};
use crate::cloud_event::{self, Notification};

/// How long connecting may take.
pub const CONNECT_TIMEOUT: Span = Span::from_secs(5);
/// How long an attempt may take from its beginning to the answer's head.
pub const ATTEMPT_TIMEOUT: Span = Span::from_secs(15);

/// How a webhook is reached.
#[derive(Debug, Clone)]
pub struct WebhookConfig {
    /// `http://` or `https://`.
    pub url: String,
    /// Absent: unsigned.
    pub secret: Option<Secret>,
    /// How long connecting may take.
    pub connect_timeout: Span,
    /// How long an attempt may take.
    pub attempt_timeout: Span,
}

impl WebhookConfig {
    /// A webhook at this address with the usual timeouts.
    pub fn new(url: &str, secret: Option<Secret>) -> Self {
        Self {
            url: url.to_owned(),
            secret,
            connect_timeout: CONNECT_TIMEOUT,
            attempt_timeout: ATTEMPT_TIMEOUT,
        }
    }
}

/// Why a webhook cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum WebhookError {
    /// Not an address.
    #[error("`{0}` is no address of a webhook, expected http:// or https://")]
    Url(String),
    /// The HTTP client cannot be built.
    #[error("the http client cannot be set up")]
    Client(#[source] reqwest::Error),
}

/// A receiver over HTTP.
pub struct Webhook {
    client: Client,
    url: Url,
    secret: Option<Secret>,
}

impl Webhook {
    /// Sets up the client; connects to nothing yet.
    pub fn new(config: WebhookConfig) -> Result<Self, WebhookError> {
        let url = Url::parse(&config.url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
            .ok_or(WebhookError::Url(config.url))?;
        choose_crypto_provider();
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .connect_timeout(config.connect_timeout.duration())
            .timeout(config.attempt_timeout.duration())
            .user_agent(concat!("citywarden/", env!("CARGO_PKG_VERSION")))
            .no_proxy()
            .build()
            .map_err(WebhookError::Client)?;
        Ok(Self { client, url, secret: config.secret })
    }

    async fn attempt(&self, notification: &Notification, now: Timestamp) -> Outcome {
        let request = self
            .client
            .post(self.url.clone())
            .headers(self.headers(notification, now))
            .body(notification.body.clone());
        match request.send().await {
            Ok(response) => judge(response.status(), response.headers()),
            Err(error) => Outcome::Retry { why: explain(&error), after: None },
        }
    }
    fn headers(&self, notification: &Notification, now: Timestamp) -> HeaderMap {
        let timestamp_s = now.nanos().div_euclid(1_000_000_000);
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(cloud_event::CONTENT_TYPE));
        let mut insert = |name: &'static str, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        insert("webhook-id", &notification.id);
        insert("webhook-timestamp", &timestamp_s.to_string());
        if let Some(secret) = &self.secret {
            let signature = secret.sign(&notification.id, timestamp_s, &notification.body);
            insert("webhook-signature", &signature);
        }
        headers
    }
}

impl Receiver for Webhook {
    fn deliver<'a>(&'a self, notification: &'a Notification, now: Timestamp) -> Attempt<'a> {
        Box::pin(self.attempt(notification, now))
    }
}

/// rustls is built with several providers in some programs, and then wants one named for the process; ring is ours.
fn choose_crypto_provider() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        let lost_race: Result<(), Arc<_>> = rustls::crypto::ring::default_provider().install_default();
        drop(lost_race);
    }
}

fn judge(status: StatusCode, headers: &HeaderMap) -> Outcome {
    if status.is_success() {
        return Outcome::Delivered;
    }
    let why = format!("the receiver answered {status}");
    if status == StatusCode::GONE {
        return Outcome::Refused { why };
    }
    Outcome::Retry { why, after: headers.get(RETRY_AFTER).and_then(retry_after) }
}

/// `Retry-After` in seconds. As a date it is not honoured: it would be by the receiver's clock.
fn retry_after(value: &HeaderValue) -> Option<Span> {
    value.to_str().ok()?.trim().parse::<u32>().ok().map(|seconds| Span::from_secs(i64::from(seconds)))
}

/// What went wrong, without the address: its path may be a secret.
fn explain(error: &reqwest::Error) -> String {
    let what = if error.is_timeout() {
        "no answer in time"
    } else if error.is_connect() {
        "cannot connect"
    } else {
        "the connection broke"
    };
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    if std::ptr::eq(std::ptr::from_ref(innermost).cast::<()>(), std::ptr::from_ref(error).cast::<()>()) {
        what.to_owned()
    } else {
        format!("{what}: {innermost}")
    }
}
