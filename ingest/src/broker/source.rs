//! Connecting again and again, and stopping.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use citywarden_journal::Inbox;
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout};

use super::config::BrokerConfig;
use super::conversation::{Ended, Shared, converse, stop_asked, stop_overdue};
use super::counters::BrokerCounters;
use super::delivery::{Delivery, Item, JournalStopped};
use super::link::LinkError;
use super::outstanding::Outstanding;
use super::pause::pause;
use super::version::{Choice, Ending};

/// Beside the messages that the broker may send unacknowledged: of `QoS` 0, and that the source is up or down.
const QUEUE_SLACK: usize = 64;
/// A connection that held so long was a good one: what comes after is a first failure.
const STEADY_AFTER: Duration = Duration::from_secs(10);

/// What is known of our session at the broker, across restarts: without it nobody could tell that one is lost.
pub trait SessionMemory: Send + Sync {
    /// What was subscribed to in the session that we left; `None` where there was none.
    fn filters(&self) -> Option<Vec<String>>;
    /// Keeps what is subscribed to now.
    fn remember(&self, filters: &[String]);
}

/// The client of a broker.
pub struct Broker {
    config: Arc<BrokerConfig>,
    inbox: Inbox,
    counters: Arc<BrokerCounters>,
    memory: Arc<dyn SessionMemory>,
}

/// Why the client ended before it was told to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The journal takes nothing more: nothing can be acknowledged any more.
    #[error("the journal has stopped, so the client of the broker has stopped too")]
    JournalStopped,
}

impl Broker {
    /// A client; it connects to nothing yet.
    pub fn new(
        config: BrokerConfig,
        inbox: Inbox,
        counters: Arc<BrokerCounters>,
        memory: Arc<dyn SessionMemory>,
    ) -> Self {
        Self { config: Arc::new(config), inbox, counters, memory }
    }

    /// Delivers until it is told to stop; then what was taken in is committed and acknowledged, within the drain
    /// time-out, and the broker keeps the rest.
    pub async fn run(self, stop: impl Future<Output = ()>) -> Result<(), RunError> {
        let (stop_now, stopping) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let shared = self.start(&mut tasks, stopping);
        let connecting = connect_again_and_again(shared, &mut tasks);
        let mut connecting = std::pin::pin!(connecting);
        let ended = tokio::select! {
            ended = &mut connecting => ended,
            () = stop => {
                stop_now.send_replace(true);
                connecting.await
            }
        };
        ended.map_err(|JournalStopped| RunError::JournalStopped)
    }

    /// The tasks behind the connections.
    fn start(
        &self,
        tasks: &mut JoinSet<Result<(), JournalStopped>>,
        stopping: watch::Receiver<bool>,
    ) -> Shared {
        let limits = self.config.limits.clone();
        let (items, queue) = mpsc::channel::<Item>(usize::from(limits.receive_maximum) + QUEUE_SLACK);
        let (commits, committing) = mpsc::unbounded_channel();
        let held = limits.held_bytes_max.clamp(1, Semaphore::MAX_PERMITS);
        let outstanding = Arc::new(Outstanding::default());
        let delivery = Delivery {
            source: self.config.source.clone(),
            limits,
            inbox: self.inbox.clone(),
            counters: Arc::clone(&self.counters),
            outstanding: Arc::clone(&outstanding),
        };
        tasks.spawn(delivery.clone().journal(queue, commits));
        tasks.spawn(delivery.acknowledge(committing));
        Shared {
            config: Arc::clone(&self.config),
            counters: Arc::clone(&self.counters),
            memory: Arc::clone(&self.memory),
            outstanding,
            held: Arc::new(Semaphore::new(held)),
            items,
            stopping,
        }
    }
}

/// One connection after the other, until we are to stop; then waits for the tasks behind them.
async fn connect_again_and_again(
    shared: Shared,
    tasks: &mut JoinSet<Result<(), JournalStopped>>,
) -> Result<(), JournalStopped> {
    let (config, mut stopping) = (Arc::clone(&shared.config), shared.stopping.clone());
    let mut choice = Choice::new();
    let mut failures = 0_u32;
    let mut patience = config.limits.drain_timeout;
    while !*stopping.borrow() {
        let began = Instant::now();
        let overdue = stop_overdue(stopping.clone(), config.limits.drain_timeout);
        let ended = tokio::select! {
            ended = contained(shared.clone(), &choice) => ended,
            () = overdue => {
                tracing::warn!(source = %config.source, "leaving the broker before everything was acknowledged");
                patience = Duration::ZERO;
                break;
            }
            Some(Ok(Err(stopped))) = tasks.join_next() => return Err(stopped),
        };
        let (error, was_up) = match ended {
            Ended::Left => break,
            Ended::JournalStopped => return Err(JournalStopped),
            Ended::Broken { error, was_up } => (error, was_up),
        };
        shared.counters.disconnected.increment();
        choice.take(if was_up { Ending::Greeted } else { error.ending() });
        failures = if was_up && began.elapsed() >= STEADY_AFTER { 1 } else { failures.saturating_add(1) };
        let limits = &config.limits;
        let pause = pause(limits.first_pause, limits.longest_pause, &config.client_id, failures);
        tracing::warn!(source = %config.source, "{}:{}: {error}; next try in {pause:?}", config.host, config.port);
        tokio::select! {
            () = sleep(pause) => {}
            () = stop_asked(&mut stopping) => break,
        }
    }
    drop(shared);
    settle(tasks, patience).await
}

/// A conversation in a task of its own: should the client library panic, it is a connection that broke.
async fn contained(shared: Shared, choice: &Choice) -> Ended {
    let mut task = JoinSet::new();
    task.spawn(converse(shared, choice.next()));
    match task.join_next().await {
        Some(Ok(ended)) => ended,
        Some(Err(failed)) => {
            Ended::Broken { error: LinkError::Lost(format!("the client failed: {failed}")), was_up: true }
        }
        None => Ended::Left,
    }
}

/// Waits for what is in the queue to be journalled and, where the connection still is, acknowledged.
async fn settle(
    tasks: &mut JoinSet<Result<(), JournalStopped>>,
    patience: Duration,
) -> Result<(), JournalStopped> {
    let all = async {
        while let Some(ended) = tasks.join_next().await {
            if let Ok(Err(stopped)) = ended {
                return Err(stopped);
            }
        }
        Ok(())
    };
    // the rest was not acknowledged: the broker sends it again
    timeout(patience, all).await.unwrap_or(Ok(()))
}
