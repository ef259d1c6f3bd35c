//! Joins the console to the pipeline: what it shows, and where it listens.

mod figures;
mod history;
mod parts;

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use citywarden_console::{
    Console, DeadLetter, DeadLetters, DeviceLine, LimitSummary, Part, Reads, Role, RuleSummary, Sources,
    Unavailable, User, Users, VerdictFilter, VerdictLine, bind, router,
};
use citywarden_model::{Asset, Device, Permit, Timestamp};
use citywarden_rules::{Evaluator, Limit, Rule, Status};
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::{self, HttpConfig};
use crate::deadline::Deadline;
use crate::judge::{Judge, Questions, Stored};
use crate::pipeline::Pipeline;
use figures::Figures;
use history::Historian;
use parts::Parts;

/// How long it may take to stop.
const STOP_TIMEOUT: Duration = Duration::from_secs(3);

/// The HTTP side, while it runs.
pub(crate) struct Pages {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Pages {
    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }
    /// Waits until it has stopped: it was told to.
    pub(crate) async fn stop(self, deadline: Deadline) {
        deadline.wait("http", STOP_TIMEOUT, self.task).await;
    }
}

/// Serves the console until it is told to stop.
pub(crate) async fn serve(pipeline: &Pipeline, mut stopping: watch::Receiver<bool>) -> anyhow::Result<Pages> {
    let users = Arc::new(known_users(&pipeline.config.http)?);
    let listener = bind(pipeline.config.http.listen, &users).await?;
    let address = listener.local_addr()?;
    let window = Window {
        questions: pipeline.questions.clone(),
        figures: Figures::of(pipeline),
        parts: Parts::of(pipeline),
    };
    let console = Console::new(Sources {
        reads: Arc::new(window),
        history: Arc::new(Historian::of(pipeline)),
        alerting: pipeline.alerting.clone(),
        users,
        clock: Arc::clone(&pipeline.clock),
        local: pipeline.config.local,
    });
    tracing::info!("http listening on {address}");
    let stop = async move { drop(stopping.wait_for(|stop| *stop).await) };
    let task = tokio::spawn(citywarden_console::serve(listener, router(console), stop));
    Ok(Pages { address, task })
}

fn known_users(http: &HttpConfig) -> anyhow::Result<Users> {
    let users = http.users.iter().map(|user| User {
        name: user.name.clone(),
        role: match user.role {
            config::Role::View => Role::View,
            config::Role::Officer => Role::Officer,
            config::Role::Admin => Role::Admin,
        },
        token_hash: user.token_hash.clone(),
    });
    Ok(Users::new(users.collect())?)
}

/// What the console is shown of the pipeline.
struct Window {
    questions: Questions,
    figures: Figures,
    parts: Parts,
}

impl Window {
    /// Asks the judge.
    fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Judge<Stored>) -> T + Send + 'static,
    ) -> Result<T, Unavailable> {
        let answer = tokio::task::block_in_place(|| Handle::current().block_on(self.questions.ask(question)));
        answer.map_err(|error| Unavailable(error.to_string()))
    }
}

impl Reads for Window {
    fn parts(&self) -> Vec<Part> {
        self.parts.now()
    }
    fn metrics(&self) -> String {
        let figures = self.figures.clone();
        // without it the last figures stand
        self.ask(move |judge| figures.take_judge(judge)).ok();
        self.figures.take_rest();
        self.figures.take_parts(&self.parts.now());
        self.figures.text()
    }
    fn verdicts(&self, filter: &VerdictFilter) -> Result<Vec<VerdictLine>, Unavailable> {
        let filter = filter.clone();
        self.ask(move |judge| {
            let lines = judge.evaluator().verdicts().map(|line| VerdictLine {
                rule: line.rule,
                asset: line.asset,
                verdict: line.verdict,
                since: line.since,
            });
            let mut lines: Vec<_> = lines.filter(|line| filter.admits(line)).collect();
            lines.sort_by(|a, b| (&a.rule, &a.asset).cmp(&(&b.rule, &b.asset)));
            lines
        })
    }
    fn assets(&self) -> Result<Vec<Asset>, Unavailable> {
        self.ask(|judge| judge.evaluator().registry().assets.values().cloned().collect())
    }
    fn devices(&self) -> Result<Vec<DeviceLine>, Unavailable> {
        let now = self.figures.now();
        self.ask(move |judge| device_lines(judge.evaluator(), now))
    }
    fn permits(&self) -> Result<Vec<Permit>, Unavailable> {
        self.ask(|judge| judge.evaluator().registry().permits.values().cloned().collect())
    }
    fn rules(&self) -> Result<Vec<RuleSummary>, Unavailable> {
        self.ask(|judge| judge.evaluator().rules().rules.iter().map(|rule| summary(rule)).collect())
    }
    fn dead_letters(&self) -> Result<DeadLetters, Unavailable> {
        self.ask(|judge| DeadLetters {
            counts: judge.tally().counts().collect(),
            recent: judge.tally().recent().rev().map(letter).collect(),
        })
    }
}

fn device_lines(evaluator: &Evaluator, now: Timestamp) -> Vec<DeviceLine> {
    let heard: BTreeMap<_, _> = evaluator.devices_heard().collect();
    let silent: BTreeSet<_> = evaluator.silent_devices(now).collect();
    let line = |device: &Device| DeviceLine {
        heard_at: heard.get(&device.id).copied(),
        silent: silent.contains(&device.id),
        device: device.clone(),
    };
    evaluator.registry().devices.values().map(line).collect()
}

fn summary(rule: &Rule) -> RuleSummary {
    RuleSummary {
        id: rule.id.clone(),
        title: rule.title.clone(),
        severity: rule.severity,
        status: match rule.status {
            Status::Active => "active".to_owned(),
            Status::Trial => "trial".to_owned(),
        },
        clause: rule.clause.item,
        digest: rule.digest,
        evidence: rule.evidence.clone(),
        limits: rule.limits.iter().map(limit).collect(),
    }
}

fn limit(limit: &Limit) -> LimitSummary {
    LimitSummary { name: limit.name.clone(), unit: limit.unit.clone(), source: limit.source.clone() }
}

fn letter(letter: &crate::judge::DeadLetter) -> DeadLetter {
    DeadLetter {
        offset: letter.offset,
        received_at: letter.received_at,
        topic: letter.topic.clone(),
        reason: letter.reason,
        detail: letter.detail.clone(),
    }
}
