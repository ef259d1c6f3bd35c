//! What the other parts hold of alerting: its inbox, and what may be read.

use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use citywarden_model::{AlertId, Offset, Transition};
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::{Health, Input, Standing};
use crate::command::{Command, CommandError};
use crate::event::{Event, Position, Record};
use crate::evidence::EvidenceMessage;
use crate::log::{self, ChainReader, LogError};
use crate::view::AlertView;

/// Alerting has stopped and takes nothing; [`Handle::standing`] says why.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("alerting has stopped")]
pub struct Stopped;

/// A hold on alerting. Clones are holds on the same.
#[derive(Clone)]
pub struct Handle {
    inbox: mpsc::Sender<Input>,
    shared: Shared,
    standing: watch::Receiver<Standing>,
    reader: Arc<dyn ChainReader>,
    applied: Option<Position>,
}

/// What the service and its handles both hold.
#[derive(Clone)]
pub(super) struct Shared {
    pub(super) view: Arc<RwLock<AlertView>>,
    pub(super) events: broadcast::Sender<Arc<Event>>,
    pub(super) stopping: Arc<AtomicBool>,
}

impl Handle {
    pub(super) fn new(
        inbox: mpsc::Sender<Input>,
        shared: Shared,
        standing: watch::Receiver<Standing>,
        reader: Arc<dyn ChainReader>,
        applied: Option<Position>,
    ) -> Self {
        Self { inbox, shared, standing, reader, applied }
    }

    /// Up to where the transitions were taken when alerting started.
    pub const fn applied_at_start(&self) -> Option<Position> {
        self.applied
    }

    /// Hands in a transition and copies of the messages it rests on, in order; waits where the inbox is full.
    pub async fn transition(
        &self,
        transition: Transition,
        evidence: Vec<EvidenceMessage>,
    ) -> Result<(), Stopped> {
        let input = Input::Transition { transition: Box::new(transition), evidence };
        self.inbox.send(input).await.map_err(|_| Stopped)
    }
    /// Waits until everything that follows from the transitions handed in before is durable. All transitions of the
    /// records up to and including `offset` must have been handed in.
    pub async fn barrier(&self, offset: Offset) -> Result<(), Stopped> {
        self.begin_barrier(offset).await?.await.map_err(|_| Stopped)
    }
    /// As [`Self::barrier`], and returns when it is asked for: the receiver resolves when it is durable.
    pub async fn begin_barrier(&self, offset: Offset) -> Result<oneshot::Receiver<()>, Stopped> {
        let (done, confirmed) = oneshot::channel();
        self.inbox.send(Input::Barrier { offset, done }).await.map_err(|_| Stopped)?;
        Ok(confirmed)
    }

    /// Gives a command, and waits until it is durable or refused.
    pub async fn command(&self, command: Command) -> Result<(), CommandError> {
        let (reply, answered) = oneshot::channel();
        let stopped = || CommandError::Stopped(self.why_stopped());
        self.inbox.send(Input::Command { command, reply }).await.map_err(|_| stopped())?;
        answered.await.map_err(|_| stopped())?
    }
    fn why_stopped(&self) -> String {
        match &self.standing().health {
            Health::Stopped(Some(why)) => why.clone(),
            Health::Stopped(None) | Health::Well | Health::Full => "it was asked to".to_owned(),
        }
    }
    /// Lets alerting look at its clock now, and returns when it has: for clocks that jump.
    pub async fn wake(&self) -> Result<(), Stopped> {
        let (done, woken) = oneshot::channel();
        self.inbox.send(Input::Wake { done }).await.map_err(|_| Stopped)?;
        woken.await.map_err(|_| Stopped)
    }
    /// Asks alerting to write what it has and stop; its thread ends soon after, also where it waits for a full disk.
    pub fn stop(&self) {
        self.shared.stopping.store(true, Ordering::SeqCst);
    }

    /// The alerts as they are now. To be held shortly: alerting waits for it.
    pub fn view(&self) -> RwLockReadGuard<'_, AlertView> {
        self.shared.view.read().unwrap_or_else(PoisonError::into_inner)
    }
    /// Every event from now on, once it is durable.
    pub fn listen(&self) -> broadcast::Receiver<Arc<Event>> {
        self.shared.events.subscribe()
    }
    /// How alerting is, and the head of its log.
    pub fn standing(&self) -> Standing {
        let mut standing = self.standing.borrow().clone();
        let is_gone = self.standing.has_changed().is_err();
        if is_gone && !matches!(standing.health, Health::Stopped(_)) {
            standing.health = Health::Stopped(Some("its thread broke off".to_owned()));
        }
        standing
    }
    /// Changes of [`Self::standing`].
    pub fn watch(&self) -> watch::Receiver<Standing> {
        self.standing.clone()
    }
    /// Hands each entry of the alert log from this place on to `visit`, as far as it is durable, until it breaks. Reads the
    /// log, so not from async code.
    pub fn read_records(
        &self,
        from: Offset,
        visit: &mut dyn FnMut(Offset, Vec<Record>) -> ControlFlow<()>,
    ) -> Result<(), LogError> {
        let end = self.view().next_entry();
        if from >= end {
            return Ok(());
        }
        log::read_entries(&*self.reader, from, &mut |place, records| {
            if place < end { visit(place, records) } else { ControlFlow::Break(()) }
        })
    }
    /// The messages copied for this alert as it was raised and raised again, in that order; `None` where there is no
    /// such alert. Reads the log, so not from async code.
    pub fn evidence(&self, alert: &AlertId) -> Result<Option<Vec<EvidenceMessage>>, LogError> {
        let Some(places) = self.view().evidence(alert) else { return Ok(None) };
        let mut messages = Vec::new();
        for place in places {
            messages.extend(log::evidence_at(&*self.reader, place, alert)?);
        }
        Ok(Some(messages))
    }
}
