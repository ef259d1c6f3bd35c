//! The state of all alerts: the fold of the alert log, and nothing that is not in it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use citywarden_model::{Alert, AlertId, AlertKind, AlertState, AssetId, Condition, RuleId, Span, Timestamp};

use crate::event::{Actor, Event, Position, Raise, Record, Update, What};

/// Every alert there is, and how far the transitions are taken.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AlertBook {
    alerts: BTreeMap<AlertId, Entry>,
    subjects: BTreeMap<Subject, Vec<AlertId>>,
    unattended: BTreeSet<AlertId>,
    applied: Option<Position>,
}

/// What there is one active alert of at a time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// The rule.
    pub rule: RuleId,
    /// The asset.
    pub asset: AssetId,
    /// The kind.
    pub kind: AlertKind,
}

impl Subject {
    fn of(alert: &Alert) -> Self {
        Self { rule: alert.rule.clone(), asset: alert.asset.id.clone(), kind: alert.kind }
    }
}

/// One alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// As it is now.
    pub alert: Arc<Alert>,
    /// The number of its last event that can be notified.
    pub sequence: u32,
    /// When that was.
    pub last_told: Timestamp,
    /// Active again within this span of clearing: the same alert.
    pub reopen_window: Span,
    /// The transition by which it cleared, where it is cleared and one did it.
    pub cleared_by: Option<Position>,
    /// The last note: who and what. Written once more it is the same.
    pub last_note: Option<(Actor, String)>,
}

impl AlertBook {
    /// The alert of this id.
    pub fn get(&self, id: &AlertId) -> Option<&Entry> {
        self.alerts.get(id)
    }
    /// All alerts, by id.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.alerts.values()
    }
    /// The alerts that are active and that nobody has acknowledged.
    pub fn unattended(&self) -> impl Iterator<Item = &Entry> {
        self.unattended.iter().filter_map(|id| self.alerts.get(id))
    }
    /// How many there are.
    pub fn len(&self) -> usize {
        self.alerts.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.alerts.is_empty()
    }
    /// The place of the last transition that was taken.
    pub const fn applied(&self) -> Option<Position> {
        self.applied
    }
    /// The alerts of one subject, the latest last.
    pub fn of_subject(&self, subject: &Subject) -> impl DoubleEndedIterator<Item = &Entry> {
        self.subjects.get(subject).into_iter().flatten().filter_map(|id| self.alerts.get(id))
    }
    /// The next number of this alert's events.
    pub fn next_sequence(&self, id: &AlertId) -> u32 {
        self.alerts.get(id).map_or(1, |entry| entry.sequence + 1)
    }

    /// Takes one record of the log. Total: a record about an alert that is not here changes nothing.
    pub fn apply(&mut self, record: &Record) {
        match record {
            Record::Applied(position) => self.advance(*position),
            Record::Event(event) => {
                if let Some(cause) = event.cause.filter(|cause| !cause.more) {
                    self.advance(cause.position());
                }
                self.apply_event(event);
            }
        }
    }
    fn advance(&mut self, position: Position) {
        self.applied = self.applied.max(Some(position));
    }
    fn apply_event(&mut self, event: &Event) {
        if let What::Opened(raise) = &event.what {
            self.open(event, raise);
        } else if let Some(entry) = self.alerts.get_mut(&event.alert) {
            entry.apply(event);
        }
        if self.get(&event.alert).is_some_and(Entry::is_unattended) {
            self.unattended.insert(event.alert.clone());
        } else {
            self.unattended.remove(&event.alert);
        }
    }
    fn open(&mut self, event: &Event, raise: &Raise) {
        let entry = Entry {
            alert: Arc::new(raise.raised.clone()),
            sequence: event.sequence,
            last_told: event.at,
            reopen_window: raise.reopen_window,
            cleared_by: None,
            last_note: None,
        };
        self.subjects.entry(Subject::of(&raise.raised)).or_default().push(event.alert.clone());
        self.alerts.insert(event.alert.clone(), entry);
    }
}

impl Entry {
    /// Whether the condition holds.
    pub fn is_active(&self) -> bool {
        self.alert.condition == Condition::Active
    }
    fn is_unattended(&self) -> bool {
        self.is_active() && self.alert.state == AlertState::Open
    }
    /// Whether the case is closed.
    pub fn is_closed(&self) -> bool {
        matches!(self.alert.state, AlertState::Closed | AlertState::Withdrawn)
    }

    fn apply(&mut self, event: &Event) {
        if event.what.is_notifiable() {
            self.sequence = event.sequence;
            self.last_told = event.at;
        }
        match &event.what {
            What::Opened(_)
            | What::Notified(_)
            | What::Failed { .. }
            | What::Updated(Update::StillActive) => {}
            What::Updated(Update::Again(raise)) => self.renew(raise),
            What::Updated(Update::GrewInto { .. }) | What::Cleared => self.clear(event),
            What::Acknowledged => self.set_state(AlertState::Acknowledged),
            What::Resolved => self.set_state(AlertState::Resolved),
            What::Closed => {
                self.set_state(AlertState::Closed);
                if event.cause.is_some() {
                    self.clear(event);
                }
            }
            What::Reopened { raise } => {
                self.set_state(AlertState::Open);
                if let Some(raise) = raise {
                    self.renew(raise);
                }
            }
            What::Noted => {
                self.last_note = Some((event.who.clone(), event.why.clone().unwrap_or_default()));
            }
        }
    }
    fn set_state(&mut self, state: AlertState) {
        Arc::make_mut(&mut self.alert).state = state;
    }
    fn clear(&mut self, event: &Event) {
        if self.is_active() {
            let alert = Arc::make_mut(&mut self.alert);
            alert.condition = Condition::Cleared;
            alert.cleared_at = Some(event.at);
            self.cleared_by = event.cause.map(crate::event::Cause::position);
        }
    }
    /// The same alert, with what is measured now: its identity, its beginning and what people have done stay.
    fn renew(&mut self, raise: &Raise) {
        let alert = Arc::make_mut(&mut self.alert);
        *alert = Alert {
            id: alert.id.clone(),
            state: alert.state,
            began_at: alert.began_at,
            opened_at: alert.opened_at,
            ..raise.raised.clone()
        };
        self.reopen_window = raise.reopen_window;
        self.cleared_by = None;
    }
}
