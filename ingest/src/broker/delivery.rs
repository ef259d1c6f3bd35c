//! From the queue into the journal, and from the commit back to the broker: two tasks, neither of which polls a
//! connection, so that neither waits for the other.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use citywarden_journal::{AppendError, Control, Inbox, InboxBatch, Message};
use citywarden_model::{DeadLetterReason, Digest, Offset, SourceName};
use rumqttc::QoS;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::{Receiver, UnboundedReceiver, UnboundedSender};

use super::config::BrokerLimits;
use super::counters::BrokerCounters;
use super::link::{Received, Requests};
use super::outstanding::Outstanding;

/// Messages that are put into the journal's inbox together.
const BATCH_MAX: usize = 256;

/// What a connection puts into the queue, in the order in which it happened.
pub(crate) enum Item {
    /// The source delivers.
    Up,
    /// It delivers no more.
    Down,
    /// A message, by which connection it came, and its share of what may wait.
    Message { message: Received, epoch: Arc<Epoch>, held: OwnedSemaphorePermit },
}

/// One connection, as its messages remember it.
pub(crate) struct Epoch {
    requests: Requests,
    is_over: AtomicBool,
}

impl Epoch {
    pub(crate) const fn new(requests: Requests) -> Self {
        Self { requests, is_over: AtomicBool::new(false) }
    }
    /// From here on nothing of this connection is acknowledged.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::Release);
    }
    async fn acknowledge(&self, packet_id: u16) -> bool {
        !self.is_over.load(Ordering::Acquire) && self.requests.acknowledge(packet_id).await
    }
}

/// A message whose acknowledgement waits for its commit.
pub(crate) struct Awaiting {
    epoch: Arc<Epoch>,
    packet_id: u16,
    offset: Offset,
}

/// The journal takes nothing more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct JournalStopped;

/// The way of the messages of one source.
#[derive(Clone)]
pub(crate) struct Delivery {
    pub(crate) source: SourceName,
    pub(crate) limits: BrokerLimits,
    pub(crate) inbox: Inbox,
    pub(crate) counters: Arc<BrokerCounters>,
    pub(crate) outstanding: Arc<Outstanding>,
}

/// A message on its way, and the length and digest of its payload where that is cut.
struct Waiting {
    message: Received,
    epoch: Arc<Epoch>,
    full: Option<(u64, Digest)>,
    _held: OwnedSemaphorePermit,
}

impl Delivery {
    /// Journals what comes, in order, until nothing can come any more. Where the journal has no room, it waits.
    pub(crate) async fn journal(
        self,
        mut items: Receiver<Item>,
        committing: UnboundedSender<Awaiting>,
    ) -> Result<(), JournalStopped> {
        let mut batch = Vec::with_capacity(BATCH_MAX);
        let mut waiting = VecDeque::with_capacity(BATCH_MAX);
        while items.recv_many(&mut batch, BATCH_MAX).await > 0 {
            for item in batch.drain(..) {
                match item {
                    Item::Message { message, epoch, held } => {
                        let full = self.is_too_large(&message).then(|| whole(&message));
                        waiting.push_back(Waiting { message, epoch, full, _held: held });
                    }
                    Item::Up | Item::Down => {
                        self.append_all(&mut waiting, &committing).await?;
                        self.append_state(matches!(item, Item::Up))?;
                    }
                }
            }
            self.append_all(&mut waiting, &committing).await?;
        }
        Ok(())
    }

    fn is_too_large(&self, message: &Received) -> bool {
        message.payload.len() > self.limits.payload_bytes_max
    }

    fn append_state(&self, up: bool) -> Result<(), JournalStopped> {
        let source = self.source.as_str();
        let control = if up { Control::SourceUp { source } } else { Control::SourceDown { source } };
        self.inbox.append_control(&control).map(drop).map_err(|_| JournalStopped)
    }

    async fn append_all(
        &self,
        waiting: &mut VecDeque<Waiting>,
        committing: &UnboundedSender<Awaiting>,
    ) -> Result<(), JournalStopped> {
        while !waiting.is_empty() {
            let appended = self.inbox.append_batch(|batch| self.append(batch, waiting, committing));
            match appended {
                Ok(()) => {}
                Err(AppendError::Full | AppendError::DiskFull) => self.inbox.room().await,
                Err(AppendError::Stopped) => return Err(JournalStopped),
                Err(AppendError::TooLarge { .. }) => self.shorten(waiting),
            }
        }
        Ok(())
    }

    fn append(
        &self,
        batch: &mut InboxBatch<'_>,
        waiting: &mut VecDeque<Waiting>,
        committing: &UnboundedSender<Awaiting>,
    ) -> Result<(), AppendError> {
        while let Some(first) = waiting.front() {
            let offset = batch.append(&self.record(first))?;
            let Some(Waiting { message, epoch, full, .. }) = waiting.pop_front() else { break };
            if full.is_some() {
                self.counters.too_large.increment();
            }
            if message.qos == QoS::AtMostOnce {
                self.counters.received_qos0.increment();
                self.outstanding.settle();
                continue;
            }
            self.counters.received_qos1.increment();
            if committing.send(Awaiting { epoch, packet_id: message.pkid, offset }).is_err() {
                self.outstanding.settle(); // the journal has stopped: nobody acknowledges any more
            }
        }
        Ok(())
    }

    fn record<'w>(&'w self, waiting: &'w Waiting) -> Message<'w> {
        let Waiting { message, full, .. } = waiting;
        let kept = if full.is_some() { self.limits.cut_payload_bytes } else { message.payload.len() };
        Message {
            source: self.source.as_str(),
            topic: &message.topic,
            identity: "",
            qos: u8::from(message.qos != QoS::AtMostOnce),
            retained: message.retain,
            duplicate: message.dup,
            refused: full.map(|_| DeadLetterReason::TooLarge),
            payload: message.payload.get(..kept).unwrap_or(&message.payload),
            full: *full,
        }
    }

    /// The first message is larger than a record may be, though its payload alone is not.
    fn shorten(&self, waiting: &mut VecDeque<Waiting>) {
        if let Some(first) = waiting.front_mut().filter(|first| first.full.is_none()) {
            first.full = Some(whole(&first.message));
        } else {
            // not even its beginning fits: its topic alone is larger than a record, which no broker's limit allows
            tracing::error!(source = %self.source, "a message whose topic is larger than a record is left out");
            waiting.pop_front();
            self.outstanding.settle();
        }
    }

    /// Acknowledges what was committed, in order, until nothing can come any more.
    pub(crate) async fn acknowledge(
        self,
        mut committing: UnboundedReceiver<Awaiting>,
    ) -> Result<(), JournalStopped> {
        while let Some(Awaiting { epoch, packet_id, offset }) = committing.recv().await {
            if self.inbox.committed() <= offset {
                self.inbox.durable(offset).await.map_err(|_| JournalStopped)?;
            }
            if !epoch.acknowledge(packet_id).await {
                self.counters.stale_acknowledgements.increment();
            }
            self.outstanding.settle();
        }
        Ok(())
    }
}

fn whole(message: &Received) -> (u64, Digest) {
    (message.payload.len() as u64, Digest::of(&message.payload))
}
