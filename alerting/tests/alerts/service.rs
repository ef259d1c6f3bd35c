//! Alerting as it runs, on a disk, with receivers over HTTP and a clock that is moved by hand.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use axum::Router as HttpRouter;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use citywarden_alerting::log::{Chain, JournalledLog};
use citywarden_alerting::outbox::{ChannelLimits, OutboxLimits};
use citywarden_alerting::receiver::signature::Secret;
use citywarden_alerting::receiver::webhook::{Webhook, WebhookConfig};
use citywarden_alerting::route::{Pace, Route, Router};
use citywarden_alerting::{Event, EvidenceLimits, EvidenceMessage, Handle, Health, Observer, Setup, start};
use citywarden_journal::{Disk, HostDisk};
use citywarden_model::{Alert, AlertKind, Clock, Span, Timestamp, Transition};
use tokio::net::TcpListener;
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::county::{REOPEN_WINDOW, alert, at, raised};

pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A clock that only the test moves.
#[derive(Clone)]
pub(crate) struct HandClock(Arc<AtomicI64>);

impl HandClock {
    pub(crate) fn at(start: Timestamp) -> Self {
        Self(Arc::new(AtomicI64::new(start.nanos())))
    }
    pub(crate) fn advance(&self, span: Span) {
        self.0.fetch_add(span.nanos(), Ordering::SeqCst);
    }
}
impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.0.load(Ordering::SeqCst))
    }
}

/// One request that a receiver got; it is answered when the test says how.
pub(crate) struct Request {
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    answer: oneshot::Sender<(StatusCode, HeaderMap)>,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }
    pub(crate) fn id(&self) -> String {
        self.header("webhook-id").to_owned()
    }
    pub(crate) fn kind(&self) -> String {
        let body: serde_json::Value = serde_json::from_slice(&self.body).unwrap();
        body["type"].as_str().unwrap().rsplit('.').next().unwrap().to_owned()
    }
    pub(crate) fn answer(self, status: u16) {
        self.answer_with(status, HeaderMap::new());
    }
    pub(crate) fn answer_with(self, status: u16, headers: HeaderMap) {
        // the sender may have given up already
        drop(self.answer.send((StatusCode::from_u16(status).unwrap(), headers)));
    }
}

/// A receiver over HTTP.
pub(crate) struct Door {
    pub(crate) url: String,
    pub(crate) requests: mpsc::UnboundedReceiver<Request>,
}

impl Door {
    pub(crate) async fn open() -> Self {
        Self::open_at("127.0.0.1:0".parse().unwrap()).await
    }
    pub(crate) async fn open_at(address: SocketAddr) -> Self {
        let listener = TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}/alerts", listener.local_addr().unwrap());
        let (sender, requests) = mpsc::unbounded_channel();
        let take = move |headers: HeaderMap, body: Bytes| {
            let sender = sender.clone();
            async move {
                let (answer, answered) = oneshot::channel();
                drop(sender.send(Request { headers, body, answer }));
                answered.await.unwrap_or((StatusCode::SERVICE_UNAVAILABLE, HeaderMap::new()))
            }
        };
        let app = HttpRouter::new().route("/alerts", axum::routing::post(take));
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { url, requests }
    }
    pub(crate) async fn next(&mut self) -> Request {
        self.requests.recv().await.unwrap()
    }
}

/// What was measured.
#[derive(Clone, Default)]
pub(crate) struct Latencies(pub(crate) Arc<Mutex<Vec<Span>>>);
impl Observer for Latencies {
    fn first_notification(&self, latency: Span) {
        self.0.lock().unwrap().push(latency);
    }
}

/// Alerting, running.
pub(crate) struct Running {
    pub(crate) handle: Handle,
    pub(crate) clock: HandClock,
    pub(crate) events: broadcast::Receiver<Arc<Event>>,
    pub(crate) latencies: Latencies,
    thread: JoinHandle<()>,
}

impl Running {
    /// On a disk, telling the receivers at these addresses of everything.
    pub(crate) fn on(dir: &Path, clock: HandClock, urls: &[(&str, &str)]) -> Self {
        let disk: Arc<dyn Disk> = Arc::new(HostDisk);
        let (log, _) = JournalledLog::open(&disk, &dir.join("alerts")).unwrap();
        Self::with(Box::new(log), clock, urls)
    }
    pub(crate) fn with(chain: Box<dyn Chain>, clock: HandClock, urls: &[(&str, &str)]) -> Self {
        let mut receivers: BTreeMap<_, (Arc<dyn citywarden_alerting::receiver::Receiver>, _)> =
            BTreeMap::new();
        for (name, url) in urls {
            let config = WebhookConfig {
                attempt_timeout: Span::from_millis(400),
                ..WebhookConfig::new(url, Some(Secret::parse(SECRET).unwrap()))
            };
            let webhook = Webhook::new(config).unwrap();
            receivers.insert((*name).into(), (Arc::new(webhook), ChannelLimits::default()));
        }
        let routes = urls.iter().map(|(name, _)| Route { continues: true, ..Route::to(name) }).collect();
        let root = urls.first().map(|(name, _)| Route { routes, ..Route::to(name) });
        let pace = Pace { group_wait: Span::ZERO, ..Pace::default() };
        let routing =
            Router::new(root, receivers.keys().cloned().collect(), Box::new(|_, _| Vec::new()), pace);
        let latencies = Latencies::default();
        let (handle, thread) = start(Setup {
            chain,
            router: routing,
            receivers,
            outbox: OutboxLimits::default(),
            evidence: EvidenceLimits::default(),
            clock: Arc::new(clock.clone()),
            observer: Box::new(latencies.clone()),
        })
        .unwrap();
        let events = handle.listen();
        Self { handle, clock, events, latencies, thread }
    }
    /// Hands transitions in as the judge does, and waits until they are durable.
    pub(crate) async fn judge(&self, transitions: Vec<Transition>) {
        let last = transitions.last().unwrap().cause.offset;
        for transition in transitions {
            let message = EvidenceMessage {
                offset: transition.cause.offset,
                received_at: transition.cause.at,
                topic: "citywarden/330624/dust-1/json".to_owned(),
                payload: br#"{"readings":{"pm10":180}}"#.to_vec(),
            };
            self.handle.transition(transition, vec![message]).await.unwrap();
        }
        self.handle.barrier(last).await.unwrap();
    }
    /// Waits for the next event of this word.
    pub(crate) async fn until(&mut self, word: &str) -> Arc<Event> {
        let mut standing = self.handle.watch();
        loop {
            let event = tokio::select! {
                event = self.events.recv() => event.unwrap(),
                stopped = standing.wait_for(|standing| matches!(standing.health, Health::Stopped(_))) => {
                    panic!("alerting has stopped: {:?}", stopped.map(|standing| standing.clone()))
                }
            };
            if event.what.word() == word {
                return event;
            }
        }
    }
    pub(crate) async fn advance(&self, span: Span) {
        self.clock.advance(span);
        self.handle.wake().await.unwrap();
    }
    pub(crate) async fn stop(self) {
        self.handle.stop();
        let thread = self.thread;
        tokio::task::spawn_blocking(move || thread.join().unwrap()).await.unwrap();
    }
}

pub(crate) fn raise(offset: u64, asset: &str, clock: &str) -> Transition {
    raised(offset, violation(asset, clock), REOPEN_WINDOW)
}

pub(crate) fn violation(asset: &str, clock: &str) -> Alert {
    alert(asset, AlertKind::Violation, at(clock))
}
