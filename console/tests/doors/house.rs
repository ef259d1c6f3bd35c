//! A console with a few alerts behind it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use citywarden_alerting::log::JournalledLog;
use citywarden_alerting::outbox::OutboxLimits;
use citywarden_alerting::route::{Pace, Router};
use citywarden_alerting::{EvidenceLimits, EvidenceMessage, Handle, Setup, start};
use citywarden_archive::{ArchiveError, ReadingsPage, ReadingsQuery, Sample};
use citywarden_console::{
    Console, DeadLetter, DeadLetters, DeviceLine, History, Part, Reads, Role, RuleSummary, Sources,
    Unavailable, User, Users, VerdictFilter, VerdictLine, bind, router, serve,
};
use citywarden_journal::{Disk, HostDisk};
use citywarden_model::{
    Alert, AlertId, AlertKind, AlertState, Asset, AssetId, AssetSummary, Change, Clause, Clock, Condition,
    DeadLetterReason, Device, Digest, Evidence, LocalClock, Moment, Offset, Permit, RegionId, RuleId,
    Severity, Span, TimeSource, Timestamp, Titles, Transition, Verdict,
};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::Value;
use tokio::sync::oneshot;

/// The argon2 hash of `open-sesame`.
pub(crate) const TOKEN: &str = "open-sesame";

pub(crate) fn at(minute: u8) -> Timestamp {
    Timestamp::parse(&format!("2026-11-24T08:{minute:02}:00Z")).unwrap()
}

struct StandingClock;
impl Clock for StandingClock {
    fn now(&self) -> Timestamp {
        at(59)
    }
}

pub(crate) fn alert(asset: &str, minute: u8) -> Alert {
    let (region, rule, kind) = (RegionId::from("330624"), RuleId::from("site-dust"), AlertKind::Violation);
    let asset_id = AssetId::from(asset);
    Alert {
        id: AlertId::derive(&region, &rule, &asset_id, kind, at(minute)),
        kind,
        rule,
        rule_digest: Digest::of(b"rule"),
        ruleset_digest: Digest::of(b"rules"),
        title: Titles { zh: "扬尘超标".to_owned(), en: "Dust above the limit".to_owned() },
        clause: Some(Clause { item: 18, reference: "四（十八）".to_owned(), text: "…".to_owned() }),
        severity: Severity::Serious,
        lead: false,
        lead_reasons: Vec::new(),
        trial: false,
        reconstructed: false,
        time_source: TimeSource::Observed,
        asset: AssetSummary {
            id: asset_id,
            kind: "construction_site".to_owned(),
            name: format!("<script>{asset}</script>"),
        },
        region,
        grid: None,
        position: None,
        responsible: vec!["建设局".to_owned()],
        state: AlertState::Open,
        condition: Condition::Active,
        began_at: at(minute),
        opened_at: at(minute),
        cleared_at: None,
        values: BTreeMap::new(),
        limits: BTreeMap::new(),
        unit: "µg/m³".to_owned(),
        summary: "PM10 180 & more".to_owned(),
        summary_en: String::new(),
        evidence: Evidence::default(),
    }
}

/// What the console is handed besides the alerts.
#[derive(Default)]
pub(crate) struct Shelf {
    pub(crate) is_broken: AtomicBool,
}

impl Reads for Shelf {
    fn parts(&self) -> Vec<Part> {
        let ready = !self.is_broken.load(Ordering::SeqCst);
        let detail = (!ready).then(|| "the disk is full".to_owned());
        vec![Part { name: "journal".to_owned(), ready, detail }]
    }
    fn metrics(&self) -> String {
        "citywarden_archive_up 1\n".to_owned()
    }
    fn verdicts(&self, filter: &VerdictFilter) -> Result<Vec<VerdictLine>, Unavailable> {
        let line = |asset: &str, verdict| VerdictLine {
            rule: "site-dust".into(),
            asset: asset.into(),
            verdict,
            since: at(1),
        };
        let mut lines = vec![
            line("site-1", Verdict::Violation),
            line("site-2", Verdict::Undecided("no data".to_owned())),
        ];
        lines.retain(|line| filter.admits(line));
        Ok(lines)
    }
    fn assets(&self) -> Result<Vec<Asset>, Unavailable> {
        if self.is_broken.load(Ordering::SeqCst) {
            return Err(Unavailable("the judge has stopped".to_owned()));
        }
        Ok(Vec::new())
    }
    fn devices(&self) -> Result<Vec<DeviceLine>, Unavailable> {
        let device = Device {
            id: "dust-1".into(),
            kind: "dust_monitor".to_owned(),
            asset: "site-1".into(),
            interval: Some(Span::from_secs(60)),
            crs: citywarden_model::Crs::default(),
            attributes: citywarden_model::Attributes::default(),
        };
        Ok(vec![DeviceLine { device, heard_at: Some(at(3)), silent: true }])
    }
    fn permits(&self) -> Result<Vec<Permit>, Unavailable> {
        let permit = |id: &str, kind: &str, from| Permit {
            id: id.to_owned(),
            kind: kind.to_owned(),
            asset: "site-1".into(),
            from,
            to: at(59),
        };
        Ok(vec![permit("p-1", "night_work", at(1)), permit("p-2", "silence", at(2))])
    }
    fn rules(&self) -> Result<Vec<RuleSummary>, Unavailable> {
        if self.is_broken.load(Ordering::SeqCst) {
            return Err(Unavailable("the judge has stopped".to_owned()));
        }
        Ok(Vec::new())
    }
    fn dead_letters(&self) -> Result<DeadLetters, Unavailable> {
        let letter = DeadLetter {
            offset: Offset(9),
            received_at: at(2),
            topic: "citywarden/330624/dust-9/json".to_owned(),
            reason: DeadLetterReason::UnknownDevice,
            detail: "devices.csv has no dust-9".to_owned(),
        };
        Ok(DeadLetters { counts: [(DeadLetterReason::UnknownDevice, 1)].into(), recent: vec![letter] })
    }
}

impl History for Shelf {
    /// Two readings of dust-1; of anything else none.
    fn readings(&self, query: &ReadingsQuery) -> Result<ReadingsPage, ArchiveError> {
        if self.is_broken.load(Ordering::SeqCst) {
            return Err(ArchiveError::Away("connection refused".to_owned()));
        }
        let number = |minute, value| Sample {
            at: at(minute),
            value: Some(value),
            min: Some(value),
            max: Some(value),
            count: 1,
            text: None,
            flag: 'N',
        };
        let mut samples = vec![number(1, 80.0), number(2, 180.5)];
        let is_it = query.device.as_str() == "dust-1" && query.quantity.as_str() == "pm10";
        samples.retain(|sample| is_it && sample.at >= query.from && sample.at < query.to);
        Ok(ReadingsPage { samples, next: None })
    }
}

/// The console, listening, with three alerts: of site-1, site-2 and site-3, the last the latest.
pub(crate) struct House {
    pub(crate) shelf: Arc<Shelf>,
    pub(crate) alerting: Handle,
    pub(crate) client: Client,
    base: String,
    token: Option<&'static str>,
    stop: Option<oneshot::Sender<()>>,
    _dir: tempfile::TempDir,
}

impl House {
    pub(crate) async fn open(users: Vec<User>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let alerting = alerting(dir.path()).await;
        let (shelf, users) = (Arc::new(Shelf::default()), Arc::new(Users::new(users).unwrap()));
        let listener = bind("127.0.0.1:0".parse().unwrap(), &users).await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let console = Console::new(Sources {
            reads: shelf.clone(),
            history: shelf.clone(),
            alerting: alerting.clone(),
            users,
            clock: Arc::new(StandingClock),
            local: LocalClock::default(),
        });
        let app = router(console);
        let (stop, stopped) = oneshot::channel::<()>();
        tokio::spawn(serve(listener, app, async { drop(stopped.await) }));
        // another test may have been first
        drop(rustls::crypto::ring::default_provider().install_default());
        let client =
            Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        Self { shelf, alerting, client, base, token: None, stop: Some(stop), _dir: dir }
    }
    pub(crate) fn with_token(mut self, token: &'static str) -> Self {
        self.token = Some(token);
        self
    }
    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(token) = self.token { request.bearer_auth(token) } else { request }
    }
    pub(crate) async fn get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.request(Method::GET, path)).await
    }
    pub(crate) async fn post(&self, path: &str, body: &str) -> (StatusCode, Value) {
        answer(self.request(Method::POST, path).body(body.to_owned())).await
    }
    pub(crate) fn stop(&mut self) {
        drop(self.stop.take());
    }
}

pub(crate) async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    let kind = response.headers()["content-type"].to_str().unwrap().to_owned();
    let expected =
        if status.is_success() || status == StatusCode::SERVICE_UNAVAILABLE && kind == "application/json" {
            "application/json"
        } else {
            "application/problem+json"
        };
    assert_eq!(kind, expected);
    (status, serde_json::from_slice(&response.bytes().await.unwrap()).unwrap())
}

pub(crate) fn user(name: &str, role: Role) -> User {
    use argon2::password_hash::PasswordHasher;
    let cheap = argon2::Params::new(8, 1, 1, None).unwrap();
    let hasher = argon2::Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, cheap);
    let token_hash = hasher.hash_password(TOKEN.as_bytes()).unwrap().to_string();
    User { name: name.to_owned(), role, token_hash }
}

async fn alerting(dir: &Path) -> Handle {
    let disk: Arc<dyn Disk> = Arc::new(HostDisk);
    let (log, _) = JournalledLog::open(&disk, &dir.join("alerts")).unwrap();
    let router =
        Router::new(None, std::collections::BTreeSet::new(), Box::new(|_, _| Vec::new()), Pace::default());
    let (handle, _) = start(Setup {
        chain: Box::new(log),
        router,
        receivers: BTreeMap::new(),
        outbox: OutboxLimits::default(),
        evidence: EvidenceLimits::default(),
        clock: Arc::new(StandingClock),
        observer: Box::new(()),
    })
    .unwrap();
    for (asset, minute) in [("site-1", 1), ("site-2", 2), ("site-3", 3)] {
        raise(&handle, alert(asset, minute), u64::from(minute)).await;
    }
    handle.barrier(Offset(3)).await.unwrap();
    handle
}

pub(crate) async fn raise(handle: &Handle, alert: Alert, offset: u64) {
    let message = EvidenceMessage {
        offset: Offset(offset),
        received_at: alert.opened_at,
        topic: "citywarden/330624/dust-1/json".to_owned(),
        payload: b"{}".to_vec(),
    };
    let transition = Transition {
        cause: Moment { offset: Offset(offset), at: alert.opened_at },
        index: 0,
        rule: alert.rule.clone(),
        asset: alert.asset.id.clone(),
        kind: alert.kind,
        change: Change::Raised {
            alert: Box::new(alert),
            reopen_window: Span::from_mins(30),
            evidence: Vec::new(),
        },
    };
    handle.transition(transition, vec![message]).await.unwrap();
}
