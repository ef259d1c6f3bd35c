//! Where everything meets, without a thread, a socket or a disk: takes inputs, decides, addresses, and says what is to
//! be written; once that is durable, says what is to be sent.

use std::collections::BTreeMap;
use std::sync::Arc;

use citywarden_model::{Alert, AlertId, Offset, Span, Timestamp, Transition};

use crate::book::AlertBook;
use crate::command::{Command, CommandError};
use crate::event::{Event, Key, Position, ReceiverName, Record, What};
use crate::evidence::{EvidenceCopy, EvidenceLimits, EvidenceMessage};
use crate::lifecycle;
use crate::log;
use crate::outbox::{Due, Outbox};
use crate::receiver::Outcome;
use crate::route::Router;

/// Time alone is asked at most so often what follows from it.
const REPEAT_CHECK: Span = Span::from_secs(1);

/// The state of alerting.
pub(crate) struct Desk {
    book: AlertBook,
    outbox: Outbox,
    router: Router,
    evidence: EvidenceLimits,
    /// What was decided and is not durable yet, each decision for itself, with the alerts after it.
    staged: Vec<Vec<(Record, Option<Arc<Alert>>)>>,
    /// Alerts that were raised and of which nobody has been told yet, and since when.
    untold: BTreeMap<AlertId, Timestamp>,
    checked: Option<Timestamp>,
}

impl Desk {
    pub(crate) fn new(outbox: Outbox, router: Router, evidence: EvidenceLimits) -> Self {
        Self {
            book: AlertBook::default(),
            outbox,
            router,
            evidence,
            staged: Vec::new(),
            untold: BTreeMap::new(),
            checked: None,
        }
    }
    pub(crate) const fn applied(&self) -> Option<Position> {
        self.book.applied()
    }
    pub(crate) const fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    /// Takes a record that the log has held since before.
    pub(crate) fn restore(&mut self, record: &Record) {
        self.book.apply(record);
        if let Record::Event(event) = record
            && let Some(alert) = self.alert(&event.alert)
        {
            self.note_told(event);
            self.outbox.apply(event, &alert);
        }
    }

    pub(crate) fn transition(
        &mut self,
        transition: Transition,
        evidence: Vec<EvidenceMessage>,
        now: Timestamp,
    ) {
        let evidence = EvidenceCopy::take(evidence, self.evidence);
        let records = lifecycle::decide(&self.book, transition, evidence);
        self.stage_told(records, now);
    }
    pub(crate) fn command(&mut self, command: Command, now: Timestamp) -> Result<(), CommandError> {
        let records = lifecycle::obey(&self.book, command, now)?;
        self.stage_told(records, now);
        Ok(())
    }
    pub(crate) fn barrier(&mut self, offset: Offset) {
        let position = Position::after(offset);
        if self.book.applied() < Some(position) {
            self.stage(vec![Record::Applied(position)]);
        }
    }
    /// What follows from time alone.
    pub(crate) fn tick(&mut self, now: Timestamp) {
        if self.checked.is_some_and(|checked| now.since(checked) < REPEAT_CHECK) {
            return;
        }
        self.checked = Some(now);
        let interval = self.router.pace().repeat_interval;
        let router = &self.router;
        let repeated =
            lifecycle::repeat(&self.book, interval, now, |alert| !router.receivers(alert).is_empty());
        for record in repeated {
            self.stage_told(vec![record], now);
        }
        for event in self.outbox.expire(now) {
            self.stage(vec![Record::Event(event)]);
        }
    }
    /// Takes what came of an attempt; what it took to tell somebody of an alert for the first time, where this did.
    pub(crate) fn conclude(
        &mut self,
        receiver: &ReceiverName,
        key: &Key,
        outcome: Outcome,
        now: Timestamp,
    ) -> Option<Span> {
        let is_first = outcome == Outcome::Delivered && key.sequence == 1;
        if let Some(event) = self.outbox.conclude(receiver, key, outcome, now) {
            self.stage(vec![Record::Event(event)]);
        }
        if is_first { self.untold.remove(&key.alert).map(|since| now.since(since)) } else { None }
    }

    /// What is to be written, in order: each decision is one entry of the log, so that it is there as a whole or not at
    /// all; or several where it is very large, and then it is finished when it is derived again.
    pub(crate) fn staged(&self) -> impl Iterator<Item = Vec<&Record>> {
        self.staged.iter().map(|step| step.iter().map(|(record, _)| record).collect())
    }
    /// What was staged is durable, from this place of the log on: it counts from here. Gives each record with its place.
    pub(crate) fn commit(&mut self, first: Offset) -> Vec<(Offset, Record)> {
        let staged = std::mem::take(&mut self.staged);
        for (record, alert) in staged.iter().flatten() {
            if let (Record::Event(event), Some(alert)) = (record, alert) {
                self.note_told(event);
                self.outbox.apply(event, alert);
            }
        }
        let entries = (first.0..).map(Offset);
        let placed = staged.into_iter().zip(entries);
        placed.flat_map(|(step, place)| step.into_iter().map(move |(record, _)| (place, record))).collect()
    }
    /// The attempts to make now.
    pub(crate) fn start(&mut self, now: Timestamp) -> Vec<Due> {
        self.outbox.start(now)
    }

    /// Stages a decision, and addresses what is to be told of it.
    fn stage_told(&mut self, mut step: Vec<Record>, now: Timestamp) {
        for record in &mut step {
            self.book.apply(record);
            if let Record::Event(event) = record
                && event.what.is_notifiable()
                && let Some(entry) = self.book.get(&event.alert)
            {
                event.tell = self.router.address(&entry.alert, now);
            }
        }
        self.push(step);
    }
    fn stage(&mut self, step: Vec<Record>) {
        for record in &step {
            self.book.apply(record);
        }
        self.push(step);
    }
    /// No decision has two events of one alert, so the alert is as it was after each.
    fn push(&mut self, step: Vec<Record>) {
        if step.is_empty() {
            return;
        }
        let with_alert = |record: Record| {
            let alert = match &record {
                Record::Event(event) => self.alert(&event.alert),
                Record::Applied(_) => None,
            };
            (record, alert)
        };
        let entries = log::split(step).into_iter().map(|step| step.into_iter().map(with_alert).collect());
        self.staged.extend(entries.collect::<Vec<_>>());
    }
    fn alert(&self, id: &AlertId) -> Option<Arc<Alert>> {
        self.book.get(id).map(|entry| entry.alert.clone())
    }
    fn note_told(&mut self, event: &Event) {
        if matches!(event.what, What::Opened(_)) && !event.tell.is_empty() {
            self.untold.insert(event.alert.clone(), event.at);
        } else if matches!(event.what, What::Notified(_)) && event.sequence == 1 {
            self.untold.remove(&event.alert);
        }
    }
}
