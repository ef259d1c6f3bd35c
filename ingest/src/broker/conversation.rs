//! What is said on one connection, from its greeting to its end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tokio::sync::{Semaphore, watch};

use super::config::BrokerConfig;
use super::counters::BrokerCounters;
use super::delivery::{Epoch, Item};
use super::link::{Grant, Link, LinkError, Received, Requests, Step};
use super::outstanding::Outstanding;
use super::source::SessionMemory;
use super::version::Version;

/// What all connections of a source have in common.
#[derive(Clone)]
pub(crate) struct Shared {
    pub(crate) config: Arc<BrokerConfig>,
    pub(crate) counters: Arc<BrokerCounters>,
    pub(crate) memory: Arc<dyn SessionMemory>,
    pub(crate) outstanding: Arc<Outstanding>,
    /// Bytes that may wait for the journal.
    pub(crate) held: Arc<Semaphore>,
    pub(crate) items: Sender<Item>,
    pub(crate) stopping: watch::Receiver<bool>,
}

/// How a connection ended.
#[derive(Debug)]
pub(crate) enum Ended {
    /// We left, because we were told to stop.
    Left,
    /// It failed or broke; after it was in use, or before.
    Broken { error: LinkError, was_up: bool },
    /// The journal takes nothing more.
    JournalStopped,
}

/// The state of a connection.
struct Conversation {
    shared: Shared,
    requests: Requests,
    epoch: Arc<Epoch>,
    /// What the broker has still to answer, oldest first.
    asked: Vec<Asked>,
    is_greeted: bool,
    is_up: bool,
    is_leaving: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Asked {
    Topics,
    Dropped,
}

/// Why a conversation cannot go on.
enum Broken {
    Link(LinkError),
    QueueClosed,
}

/// Connects, takes in what comes, and leaves when told to.
pub(crate) async fn converse(shared: Shared, version: Version) -> Ended {
    let mut link = Link::open(&shared.config, version);
    let requests = link.requests();
    let epoch = Arc::new(Epoch::new(requests.clone()));
    let asked = Vec::new();
    let mut conversation =
        Conversation { shared, requests, epoch, asked, is_greeted: false, is_up: false, is_leaving: false };
    let broken = conversation.run(&mut link).await;
    // first of all: what is acknowledged from here on is not sent
    conversation.epoch.end();
    let was_up = conversation.is_up;
    let is_told = conversation.down().await;
    match broken {
        _ if !is_told => Ended::JournalStopped,
        Ok(()) => Ended::Left,
        Err(Broken::QueueClosed) => Ended::JournalStopped,
        Err(Broken::Link(_)) if conversation.is_leaving => Ended::Left,
        Err(Broken::Link(error)) => Ended::Broken { error, was_up },
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.epoch.end();
        self.shared.counters.set_up(false);
    }
}

impl Conversation {
    async fn run(&mut self, link: &mut Link) -> Result<(), Broken> {
        loop {
            match self.next(link).await.map_err(Broken::Link)? {
                Step::Connected { session_present } => self.greeted(session_present).await?,
                Step::Subscribed(grants) => self.answered(&grants).await?,
                Step::Received(message) => self.take(message).await?,
                Step::Acknowledged => self.shared.counters.acknowledged.increment(),
                Step::Left => return Ok(()),
                Step::Nothing => {}
            }
        }
    }

    /// The next step. Once the broker has greeted us, a step is never given up, whatever else happens meanwhile: there
    /// may be an acknowledgement in it.
    async fn next(&mut self, link: &mut Link) -> Result<Step, LinkError> {
        let mut step = std::pin::pin!(link.step());
        let mut stopping = self.shared.stopping.clone();
        loop {
            tokio::select! {
                biased;
                step = &mut step => return step,
                () = stop_asked(&mut stopping), if !self.is_leaving => {
                    self.is_leaving = true;
                    if !self.is_greeted {
                        return Ok(Step::Left);
                    }
                    let (outstanding, requests) = (Arc::clone(&self.shared.outstanding), self.requests.clone());
                    tokio::spawn(async move {
                        outstanding.none().await;
                        requests.leave().await;
                    });
                }
            }
        }
    }

    async fn greeted(&mut self, session_present: bool) -> Result<(), Broken> {
        let Shared { counters, config, memory, .. } = &self.shared;
        counters.connected.increment();
        self.is_greeted = true;
        let remembered = memory.filters();
        if remembered.is_some() && !session_present {
            counters.sessions_lost.increment();
            tracing::warn!(
                source = %config.source,
                "the broker no longer has our session: what it was sent for us while we were away is lost"
            );
        }
        let kept = remembered.filter(|_| session_present);
        if kept.as_ref() == Some(&config.topics) {
            return self.up().await;
        }
        for gone in kept.iter().flatten().filter(|filter| !config.topics.contains(filter)) {
            self.requests.unsubscribe(gone).await;
        }
        self.requests.subscribe(&config.topics).await;
        self.asked.push(Asked::Topics);
        Ok(())
    }

    async fn answered(&mut self, grants: &[Grant]) -> Result<(), Broken> {
        if self.asked.is_empty() {
            return Ok(());
        }
        match self.asked.remove(0) {
            Asked::Dropped => {
                if grants.contains(&Grant::Refused) {
                    tracing::info!(source = %self.shared.config.source, "the broker does not say what it drops");
                }
                Ok(())
            }
            Asked::Topics => {
                self.check(grants)?;
                self.shared.memory.remember(&self.shared.config.topics);
                self.up().await
            }
        }
    }

    fn check(&self, grants: &[Grant]) -> Result<(), Broken> {
        for (filter, grant) in self.shared.config.topics.iter().zip(grants) {
            match grant {
                Grant::AtLeastOnce => {}
                Grant::AtMostOnce => {
                    self.shared.counters.granted_qos0.increment();
                    tracing::warn!(filter, "the broker grants QoS 0 only: messages may be lost");
                }
                Grant::Refused => {
                    let why = format!("it refuses the subscription to `{filter}`");
                    return Err(Broken::Link(LinkError::Refused(why)));
                }
            }
        }
        Ok(())
    }

    /// From here on the source delivers.
    async fn up(&mut self) -> Result<(), Broken> {
        let Shared { counters, config, .. } = &self.shared;
        tracing::info!(source = %config.source, "connected to {}:{}", config.host, config.port);
        counters.set_up(true);
        self.is_up = true;
        if let Some(topic) = &config.dropped_topic {
            self.requests.subscribe(std::slice::from_ref(topic)).await;
            self.asked.push(Asked::Dropped);
        }
        self.put(Item::Up).await
    }

    /// The source delivers no more; false where nobody takes that down.
    async fn down(&mut self) -> bool {
        self.shared.counters.set_up(false);
        if !std::mem::take(&mut self.is_up) {
            return !self.shared.items.is_closed();
        }
        self.put(Item::Down).await.is_ok()
    }

    async fn take(&self, message: Received) -> Result<(), Broken> {
        let Shared { config, counters, held, outstanding, .. } = &self.shared;
        if config.dropped_topic.as_ref() == Some(&message.topic) {
            let said = str::from_utf8(&message.payload).ok().and_then(|text| text.trim().parse().ok());
            if let Some(dropped) = said {
                counters.set_dropped_by_broker(dropped);
            }
            return Ok(());
        }
        if self.is_leaving {
            return Ok(()); // not acknowledged: it comes again when we do
        }
        let share = message.payload.len().min(config.limits.held_bytes_max);
        let share = u32::try_from(share).unwrap_or(u32::MAX);
        let held = Arc::clone(held).acquire_many_owned(share).await.map_err(|_| Broken::QueueClosed)?;
        outstanding.add();
        self.put(Item::Message { message, epoch: Arc::clone(&self.epoch), held }).await
    }

    async fn put(&self, item: Item) -> Result<(), Broken> {
        self.shared.items.send(item).await.map_err(|_| Broken::QueueClosed)
    }
}

/// Resolves when we are to stop, or nobody is left to say so.
pub(crate) async fn stop_asked(stopping: &mut watch::Receiver<bool>) {
    drop(stopping.wait_for(|stop| *stop).await);
}

/// Resolves so long after we were told to stop.
pub(crate) async fn stop_overdue(mut stopping: watch::Receiver<bool>, timeout: Duration) {
    stop_asked(&mut stopping).await;
    tokio::time::sleep(timeout).await;
}
