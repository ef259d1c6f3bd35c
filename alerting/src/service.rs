//! The thin shell: a loop that takes inputs in groups, writes what the desk decides, and lets it go when it is durable.
//! Nobody else touches the desk. It runs on one thread with a small runtime of its own ([`start`]), or wherever it is put
//! ([`open`]).
//!
//! A group is whatever has come while the last one was written: it is one commit, and one sync. Where the log's disk is
//! full the group waits and is tried again; where the log fails, alerting stops, and says so.

mod attempts;
mod handle;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use citywarden_model::{Clock, Digest, Offset, Span, Timestamp, Transition};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use self::attempts::Attempts;
use self::handle::Shared;
pub use self::handle::{Handle, Stopped};
use crate::command::{Command, CommandError};
use crate::desk::Desk;
use crate::event::{Event, ReceiverName, Record};
use crate::evidence::{EvidenceLimits, EvidenceMessage};
use crate::log::{Chain, ChainError, LogError, encode, read_all};
use crate::outbox::{ChannelLimits, DeadDelivery, Outbox, OutboxLimits};
use crate::receiver::Receiver;
use crate::route::Router;
use crate::view::AlertView;

/// Inputs that may wait: beyond that whoever hands them in waits.
pub const INBOX_MAX: usize = 1024;
/// Inputs that are written in one commit.
const GROUP_MAX: usize = 256;
/// Events that a slow listener may be behind before it misses some.
const LISTENER_LAG_MAX: usize = 1024;
/// How often time is looked at when nothing comes in.
const POLL: Duration = Duration::from_millis(50);
/// The pause before a full disk is tried again.
const FULL_PAUSE: Duration = Duration::from_millis(500);
/// How long attempts under way are waited for when alerting stops; what they reach later is sent again.
const DRAIN: Duration = Duration::from_secs(3);

/// Everything alerting is handed.
pub struct Setup {
    /// The alert log.
    pub chain: Box<dyn Chain>,
    /// Whom to tell.
    pub router: Router,
    /// The receivers by name, and what each can take.
    pub receivers: BTreeMap<ReceiverName, (Arc<dyn Receiver>, ChannelLimits)>,
    /// How deliveries are tried.
    pub outbox: OutboxLimits,
    /// How much evidence is copied.
    pub evidence: EvidenceLimits,
    /// The journal's clock, for what people do and for deliveries.
    pub clock: Arc<dyn Clock>,
    /// Who counts.
    pub observer: Box<dyn Observer>,
}

/// Hears of what is worth a metric. Every method may stay as it is.
pub trait Observer: Send {
    /// An event is durable: its word.
    fn event(&self, _word: &'static str) {}
    /// An attempt has ended: `delivered`, `retry`, `refused`.
    fn attempt(&self, _receiver: &str, _result: &'static str) {}
    /// The first notification of an alert was handed over, so long after the message that raised it was received.
    fn first_notification(&self, _latency: Span) {}
    /// So many events this receiver has still to take.
    fn backlog(&self, _receiver: &str, _events: usize) {}
}

/// Hears nothing.
impl Observer for () {}

/// How alerting is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// It raises alerts.
    Well,
    /// It waits for room on the disk.
    Full,
    /// It has stopped, and why; `None`: it was asked to.
    Stopped(Option<String>),
}

/// What is known beside the alerts themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// How alerting is.
    pub health: Health,
    /// The digest of the log's last commit: the journal's next checkpoint signs it.
    pub head: Digest,
    /// The latest events that a receiver will not be offered again, oldest first.
    pub dead: Vec<DeadDelivery>,
    /// How many of them there ever were.
    pub dead_total: u64,
}

enum Input {
    Transition { transition: Box<Transition>, evidence: Vec<EvidenceMessage> },
    Barrier { offset: Offset, done: oneshot::Sender<()> },
    Command { command: Command, reply: oneshot::Sender<Result<(), CommandError>> },
    Wake { done: oneshot::Sender<()> },
}

/// Who waits for the group to be durable.
enum Waiting {
    Done(oneshot::Sender<()>),
    Reply(oneshot::Sender<Result<(), CommandError>>, Result<(), CommandError>),
}

/// Reads the log and starts alerting on a thread of its own.
pub fn start(setup: Setup) -> Result<(Handle, JoinHandle<()>), LogError> {
    let (handle, service) = open(setup)?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| ChainError::Broken(format!("no runtime for alerting: {error}")))?;
    let thread = std::thread::Builder::new()
        .name("alerting".to_owned())
        .spawn(move || runtime.block_on(service.run()))
        .map_err(|error| ChainError::Broken(format!("no thread for alerting: {error}")))?;
    Ok((handle, thread))
}

/// Reads the log. Nothing is taken, written or sent before [`Service::run`].
pub fn open(setup: Setup) -> Result<(Handle, Service), LogError> {
    let channels = setup.receivers.iter().map(|(name, (_, limits))| (name.clone(), *limits)).collect();
    let mut desk = Desk::new(Outbox::new(channels, setup.outbox), setup.router, setup.evidence);
    let mut view = AlertView::default();
    let reader = setup.chain.reader();
    read_all(&*reader, |place, record| {
        desk.restore(&record);
        view.apply(place, &record);
    })?;
    let (inbox, inputs) = mpsc::channel(INBOX_MAX);
    let (events, _) = broadcast::channel(LISTENER_LAG_MAX);
    let (standing, seen) = watch::channel(Standing {
        health: Health::Well,
        head: setup.chain.head(),
        dead: desk.outbox().dead().cloned().collect(),
        dead_total: desk.outbox().dead_total(),
    });
    let view = Arc::new(RwLock::new(view));
    let stopping = Arc::new(AtomicBool::new(false));
    let shared = Shared { view: view.clone(), events: events.clone(), stopping: stopping.clone() };
    let handle = Handle::new(inbox, shared, seen, reader.into(), desk.applied());
    let receivers = setup.receivers.into_iter().map(|(name, (receiver, _))| (name, receiver)).collect();
    let service = Service {
        desk,
        chain: setup.chain,
        view,
        events,
        standing,
        stopping,
        attempts: Attempts::new(receivers),
        clock: setup.clock,
        latest: Timestamp::EPOCH,
        observer: setup.observer,
        inputs,
    };
    Ok((handle, service))
}

/// Alerting, before it runs.
pub struct Service {
    desk: Desk,
    chain: Box<dyn Chain>,
    view: Arc<RwLock<AlertView>>,
    events: broadcast::Sender<Arc<Event>>,
    standing: watch::Sender<Standing>,
    stopping: Arc<AtomicBool>,
    attempts: Attempts,
    clock: Arc<dyn Clock>,
    latest: Timestamp,
    observer: Box<dyn Observer>,
    inputs: mpsc::Receiver<Input>,
}

impl Service {
    /// Serves until it is asked to stop, nobody is left who could ask anything, or its log fails.
    pub async fn run(mut self) {
        loop {
            let mut waiting = Vec::new();
            if self.stopping.load(Ordering::SeqCst) {
                // whoever was confirmed nothing yet hands it in again after the next start
                self.inputs.close();
            }
            let is_done = self.take_group(&mut waiting).await;
            let now = self.now();
            self.desk.tick(now);
            if let Err(error) = self.write().await {
                // before whoever waits hears of it, so that they can say why
                return self.end(Some(error.to_string()));
            }
            answer(waiting);
            if is_done {
                break;
            }
            let due = self.desk.start(now);
            self.attempts.begin(due, now);
        }
        self.drain().await;
        self.end(None);
    }
    fn end(&mut self, why: Option<String>) {
        self.inputs.close();
        if let Some(why) = &why {
            tracing::error!(%why, "alerting has stopped");
        }
        self.set_health(Health::Stopped(why));
    }

    /// The present, never going back.
    fn now(&mut self) -> Timestamp {
        self.latest = self.latest.max(self.clock.now());
        self.latest
    }

    /// Waits for something to do, and takes all there is of it; true: nothing more will come.
    async fn take_group(&mut self, waiting: &mut Vec<Waiting>) -> bool {
        tokio::select! {
            // in this order, so that a simulation repeats itself
            biased;
            input = self.inputs.recv() => match input {
                Some(input) => waiting.extend(self.take(input)),
                None => return true,
            },
            ended = self.attempts.next() => self.conclude(ended),
            () = tokio::time::sleep(POLL) => {}
        }
        while let Some(ended) = self.attempts.try_next() {
            self.conclude(ended);
        }
        for _ in 1..GROUP_MAX {
            match self.inputs.try_recv() {
                Ok(input) => waiting.extend(self.take(input)),
                Err(_) => break,
            }
        }
        false
    }
    fn take(&mut self, input: Input) -> Option<Waiting> {
        let now = self.now();
        match input {
            Input::Transition { transition, evidence } => {
                self.desk.transition(*transition, evidence, now);
                None
            }
            Input::Barrier { offset, done } => {
                self.desk.barrier(offset);
                Some(Waiting::Done(done))
            }
            Input::Command { command, reply } => Some(Waiting::Reply(reply, self.desk.command(command, now))),
            Input::Wake { done } => Some(Waiting::Done(done)),
        }
    }
    fn conclude(&mut self, ended: attempts::Ended) {
        let now = self.now();
        self.observer.attempt(ended.receiver.as_str(), ended.outcome.word());
        if let Some(latency) = self.desk.conclude(&ended.receiver, &ended.key, ended.outcome, now) {
            self.observer.first_notification(latency);
        }
    }

    /// Makes what was decided durable, and lets it be known.
    async fn write(&mut self) -> Result<(), ChainError> {
        let entries: Vec<Vec<u8>> = self.desk.staged().map(|step| encode(&step)).collect();
        if !entries.is_empty() {
            let first = self.chain.next();
            self.append(&entries).await?;
            let committed = self.desk.commit(first);
            self.publish(&committed);
        }
        Ok(())
    }
    async fn append(&mut self, entries: &[Vec<u8>]) -> Result<(), ChainError> {
        let mut appended = self.chain.append(entries);
        loop {
            match appended {
                Ok(()) => {
                    self.set_health(Health::Well);
                    return Ok(());
                }
                Err(ChainError::Full) if !self.stopping.load(Ordering::SeqCst) => {
                    self.set_health(Health::Full);
                    tokio::time::sleep(FULL_PAUSE).await;
                    appended = self.chain.retry();
                }
                Err(error @ (ChainError::Full | ChainError::Broken(_))) => return Err(error),
            }
        }
    }
    fn set_health(&self, health: Health) {
        self.standing.send_if_modified(|standing| {
            let is_new = standing.health != health;
            standing.health = health;
            is_new
        });
    }
    fn publish(&self, committed: &[(Offset, Record)]) {
        let mut view = self.view.write().unwrap_or_else(PoisonError::into_inner);
        let events: Vec<Arc<Event>> =
            committed.iter().filter_map(|(place, record)| view.apply(*place, record)).collect();
        drop(view);
        self.stand();
        for event in events {
            self.observer.event(event.what.word());
            // nobody may be listening
            drop(self.events.send(event));
        }
        for (receiver, events) in self.desk.outbox().backlog() {
            self.observer.backlog(receiver.as_str(), events);
        }
    }
    fn stand(&self) {
        let head = self.chain.head();
        let outbox = self.desk.outbox();
        self.standing.send_modify(|standing| {
            standing.head = head;
            if standing.dead_total != outbox.dead_total() {
                standing.dead_total = outbox.dead_total();
                standing.dead = outbox.dead().cloned().collect();
            }
        });
    }

    /// Gives the attempts under way a moment to end, so that less is sent twice.
    async fn drain(&mut self) {
        let ended = tokio::time::timeout(DRAIN, async {
            while !self.attempts.is_empty() {
                let ended = self.attempts.next().await;
                self.conclude(ended);
            }
        });
        if ended.await.is_err() {
            tracing::info!("alerting stops with attempts under way; they are made again at the next start");
        }
        if let Err(error) = self.write().await {
            tracing::error!(%error, "what was last delivered is not in the log, and is sent again");
        }
    }
}

fn answer(waiting: Vec<Waiting>) {
    for waiting in waiting {
        // whoever asked may have gone away: nothing is lost with that
        match waiting {
            Waiting::Done(done) => drop(done.send(())),
            Waiting::Reply(reply, result) => drop(reply.send(result)),
        }
    }
}
