//! The attempts under way.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use citywarden_model::Timestamp;
use tokio::task::{Id, JoinError, JoinSet};

use crate::event::{Key, ReceiverName};
use crate::outbox::Due;
use crate::receiver::{Outcome, Receiver};

pub(super) struct Attempts {
    receivers: BTreeMap<ReceiverName, Arc<dyn Receiver>>,
    under_way: JoinSet<Outcome>,
    whose: HashMap<Id, (ReceiverName, Key)>,
}

/// An attempt that has ended.
pub(super) struct Ended {
    pub(super) receiver: ReceiverName,
    pub(super) key: Key,
    pub(super) outcome: Outcome,
}

impl Attempts {
    pub(super) fn new(receivers: BTreeMap<ReceiverName, Arc<dyn Receiver>>) -> Self {
        Self { receivers, under_way: JoinSet::new(), whose: HashMap::new() }
    }
    pub(super) fn is_empty(&self) -> bool {
        self.under_way.is_empty()
    }
    /// Begins these attempts. The outbox starts only what is for a receiver it was given.
    pub(super) fn begin(&mut self, due: Vec<Due>, now: Timestamp) {
        for Due { receiver: name, key, notification } in due {
            let Some(receiver) = self.receivers.get(&name).cloned() else { continue };
            let attempt = self.under_way.spawn(async move { receiver.deliver(&notification, now).await });
            self.whose.insert(attempt.id(), (name, key));
        }
    }
    /// The next attempt that ends; never, where none is under way.
    pub(super) async fn next(&mut self) -> Ended {
        loop {
            match self.under_way.join_next_with_id().await {
                Some(joined) => {
                    if let Some(ended) = self.ended(joined) {
                        return ended;
                    }
                }
                None => std::future::pending::<()>().await,
            }
        }
    }
    pub(super) fn try_next(&mut self) -> Option<Ended> {
        let joined = self.under_way.try_join_next_with_id()?;
        self.ended(joined)
    }
    fn ended(&mut self, joined: Result<(Id, Outcome), JoinError>) -> Option<Ended> {
        let (id, outcome) = joined.unwrap_or_else(|error| {
            let why = format!("the attempt broke off: {error}");
            (error.id(), Outcome::Retry { why, after: None })
        });
        let (receiver, key) = self.whose.remove(&id)?;
        Some(Ended { receiver, key, outcome })
    }
}
