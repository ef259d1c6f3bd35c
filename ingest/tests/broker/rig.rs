//! A client over a real journal in a temporary directory.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use citywarden_ingest::broker::{
    Broker, BrokerConfig, BrokerCounters, BrokerLimits, RunError, SessionMemory,
};
use citywarden_journal::{
    Body, CheckpointKey, Disk, HostDisk, Inbox, InboxOptions, Journal, JournalOptions, LogOptions, Reader,
    Writer,
};
use citywarden_model::{DeadLetterReason, Offset};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::support::{Committing, PATIENCE, WallClock};

/// What is remembered of sessions, in memory.
#[derive(Default)]
pub(crate) struct Memory(pub(crate) Mutex<Option<Vec<String>>>);

impl SessionMemory for Memory {
    fn filters(&self) -> Option<Vec<String>> {
        self.0.lock().unwrap().clone()
    }
    fn remember(&self, filters: &[String]) {
        *self.0.lock().unwrap() = Some(filters.to_vec());
    }
}

pub(crate) struct Rig {
    pub(crate) counters: Arc<BrokerCounters>,
    pub(crate) memory: Arc<Memory>,
    pub(crate) inbox: Inbox,
    config: BrokerConfig,
    writer: Option<Writer>,
    stop: Option<oneshot::Sender<()>>,
    running: JoinHandle<Result<(), RunError>>,
    disk: Arc<dyn Disk>,
    dir: tempfile::TempDir,
}

/// A record as the journal has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Kept {
    Up,
    Down,
    Message {
        topic: String,
        qos: u8,
        retained: bool,
        duplicate: bool,
        refused: Option<DeadLetterReason>,
        payload: String,
        full: Option<u64>,
    },
}

impl Kept {
    pub(crate) fn payload(&self) -> Option<&str> {
        match self {
            Self::Message { payload, .. } => Some(payload),
            Self::Up | Self::Down => None,
        }
    }
}

pub(crate) fn config(port: u16) -> BrokerConfig {
    let limits = BrokerLimits {
        first_pause: Duration::from_millis(10),
        longest_pause: Duration::from_millis(50),
        keep_alive: Duration::from_secs(5),
        ..BrokerLimits::default()
    };
    let config = BrokerConfig::new("county".into(), &"330624".into(), "127.0.0.1", port);
    BrokerConfig { limits, dropped_topic: None, ..config }
}

impl Rig {
    pub(crate) fn start(config: BrokerConfig, committing: &Committing) -> Self {
        Self::with(config, committing, InboxOptions::default())
    }
    pub(crate) fn with(config: BrokerConfig, committing: &Committing, inbox: InboxOptions) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let disk: Arc<dyn Disk> = Arc::new(HostDisk);
        let log = LogOptions { segment_bytes: 8 << 20, ..LogOptions::default() };
        let options = JournalOptions { log, inbox, ..JournalOptions::default() };
        let key = CheckpointKey::from_seed(&[7; 32]);
        let journal = Journal::open(&disk, Arc::new(WallClock), dir.path(), options, key).unwrap();
        let mut writer = Some(journal.writer);
        if matches!(committing, Committing::Always) {
            writer.take().unwrap().spawn(|_| {}).unwrap();
        } else {
            writer.as_mut().unwrap().commit().unwrap();
        }
        let (counters, memory) = (Arc::new(BrokerCounters::default()), Arc::new(Memory::default()));
        let (stop, running) = run(config.clone(), &journal.inbox, &counters, &memory);
        Self { counters, memory, inbox: journal.inbox, config, writer, stop: Some(stop), running, disk, dir }
    }
    pub(crate) fn commit(&mut self) {
        self.writer.as_mut().unwrap().commit().unwrap();
    }
    /// Commits until this holds.
    pub(crate) async fn commit_until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) {
        for _ in 0..20_000 {
            if holds(self) {
                return;
            }
            self.commit();
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("never: {what}");
    }
    pub(crate) async fn stop(&mut self) -> Result<(), RunError> {
        self.ask_to_stop();
        self.ended().await
    }
    pub(crate) fn ask_to_stop(&mut self) {
        drop(self.stop.take());
    }
    pub(crate) fn has_ended(&self) -> bool {
        self.running.is_finished()
    }
    pub(crate) async fn ended(&mut self) -> Result<(), RunError> {
        timeout(PATIENCE, &mut self.running).await.expect("it ends").unwrap()
    }
    /// Begins again after a stop, with the same memory.
    pub(crate) fn start_again(&mut self) {
        let (stop, running) = run(self.config.clone(), &self.inbox, &self.counters, &self.memory);
        (self.stop, self.running) = (Some(stop), running);
    }
    /// What is durable, but for what the journal says of itself.
    pub(crate) fn kept(&self) -> Vec<Kept> {
        kept(&self.disk, self.dir.path(), self.inbox.committed())
    }
    pub(crate) fn payloads(&self) -> Vec<String> {
        self.kept().iter().filter_map(|kept| kept.payload().map(str::to_owned)).collect()
    }
    /// Waits until this holds; it is looked at again after everything that other tasks and threads do.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Self) -> bool) {
        let wait = async {
            while !holds(self) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(Duration::from_secs(30), wait).await.unwrap_or_else(|_| panic!("never: {what}"));
    }
    /// How many messages the journal has taken, durable or not.
    pub(crate) fn taken(&self) -> u64 {
        self.counters.received_qos0.get() + self.counters.received_qos1.get()
    }
}

fn run(
    config: BrokerConfig,
    inbox: &Inbox,
    counters: &Arc<BrokerCounters>,
    memory: &Arc<Memory>,
) -> (oneshot::Sender<()>, JoinHandle<Result<(), RunError>>) {
    let broker = Broker::new(config, inbox.clone(), counters.clone(), memory.clone());
    let (stop, stopped) = oneshot::channel::<()>();
    (stop, tokio::spawn(broker.run(async move { drop(stopped.await) })))
}

fn kept(disk: &Arc<dyn Disk>, dir: &Path, up_to: Offset) -> Vec<Kept> {
    let mut reader = Reader::open_oldest(disk, dir).unwrap();
    let mut records = Vec::new();
    while reader.position() < up_to {
        for record in reader.next_batch(Some(up_to), 1000).unwrap().iter() {
            match record.unwrap().body {
                Body::Message(message) => records.push(Kept::Message {
                    topic: message.topic.to_owned(),
                    qos: message.qos,
                    retained: message.retained,
                    duplicate: message.duplicate,
                    refused: message.refused,
                    payload: String::from_utf8_lossy(message.payload).into_owned(),
                    full: message.full.map(|(length, _)| length),
                }),
                Body::Control(control) => match control.word() {
                    "source_up" => records.push(Kept::Up),
                    "source_down" => records.push(Kept::Down),
                    _ => {}
                },
            }
        }
    }
    records
}
