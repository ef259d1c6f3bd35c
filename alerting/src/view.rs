//! What may be read of the alerts: each with its events, by filters and pages. Changed only by what is durable.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use citywarden_model::{Alert, AlertId, AlertKind, AlertState, Condition, Offset, Severity, Timestamp};

use crate::book::AlertBook;
use crate::event::{Event, Raise, Record, Update, What};

/// Events that are remembered in the order in which they happened, whichever alert they are of.
const RECENT_MAX: usize = 4096;

/// The alerts as they are now, and their lives. Copies of evidence are not here but in the log.
#[derive(Debug, Default)]
pub struct AlertView {
    book: AlertBook,
    events: BTreeMap<AlertId, Vec<Arc<Event>>>,
    latest: BTreeSet<Cursor>,
    recent: VecDeque<Arc<Event>>,
    evidence: BTreeMap<AlertId, Vec<Offset>>,
    next: Offset,
}

/// A place in the list: the latest opened comes first.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cursor {
    opened_at: Reverse<Timestamp>,
    alert: AlertId,
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.opened_at.0.nanos(), self.alert)
    }
}

impl Cursor {
    /// Reads what a page's `next` was written as.
    pub fn parse(text: &str) -> Option<Self> {
        let (nanos, alert) = text.rsplit_once('-')?;
        let opened_at = Reverse(Timestamp::from_nanos(nanos.parse().ok()?));
        Some(Self { opened_at, alert: AlertId::from(alert) })
    }
    fn of(alert: &Alert) -> Self {
        Self { opened_at: Reverse(alert.opened_at), alert: alert.id.clone() }
    }
}

/// Which alerts are wanted: those that fit everything that is named.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AlertFilter {
    /// In this state.
    pub state: Option<AlertState>,
    /// In this condition.
    pub condition: Option<Condition>,
    /// Of this severity.
    pub severity: Option<Severity>,
    /// Of this kind.
    pub kind: Option<AlertKind>,
    /// Of this rule.
    pub rule: Option<String>,
    /// About this asset.
    pub asset: Option<String>,
    /// Resting on this item of part four.
    pub clause: Option<u8>,
    /// This unit is among those responsible.
    pub unit: Option<String>,
    /// Opened at or after this moment.
    pub from: Option<Timestamp>,
    /// Opened before this moment.
    pub to: Option<Timestamp>,
}

impl AlertFilter {
    /// Whether this alert is wanted.
    pub fn admits(&self, alert: &Alert) -> bool {
        fn fits<T>(wanted: Option<&T>, is_so: impl Fn(&T) -> bool) -> bool {
            wanted.is_none_or(is_so)
        }
        fits(self.state.as_ref(), |state| alert.state == *state)
            && fits(self.condition.as_ref(), |condition| alert.condition == *condition)
            && fits(self.severity.as_ref(), |severity| alert.severity == *severity)
            && fits(self.kind.as_ref(), |kind| alert.kind == *kind)
            && fits(self.rule.as_ref(), |rule| alert.rule.as_str() == rule)
            && fits(self.asset.as_ref(), |asset| alert.asset.id.as_str() == asset)
            && fits(self.clause.as_ref(), |item| {
                alert.clause.as_ref().is_some_and(|clause| clause.item == *item)
            })
            && fits(self.unit.as_ref(), |unit| alert.responsible.contains(unit))
            && fits(self.from.as_ref(), |from| alert.opened_at >= *from)
            && fits(self.to.as_ref(), |to| alert.opened_at < *to)
    }
}

/// A page of the list.
#[derive(Debug, Clone, PartialEq)]
pub struct Page {
    /// The alerts, latest opened first.
    pub alerts: Vec<Arc<Alert>>,
    /// Where the next page begins; `None` on the last.
    pub next: Option<Cursor>,
}

impl AlertView {
    /// A page of the alerts that fit the filter, from this place on; at most `limit`, at least one.
    pub fn list(&self, filter: &AlertFilter, from: Option<&Cursor>, limit: usize) -> Page {
        let start = from.map_or(std::ops::Bound::Unbounded, std::ops::Bound::Included);
        let mut fitting = self
            .latest
            .range::<Cursor, _>((start, std::ops::Bound::Unbounded))
            .filter_map(|cursor| self.book.get(&cursor.alert))
            .map(|entry| &entry.alert)
            .filter(|alert| filter.admits(alert));
        let alerts = fitting.by_ref().take(limit.max(1)).cloned().collect();
        Page { alerts, next: fitting.next().map(|alert| Cursor::of(alert)) }
    }
    /// One alert, and its events in order.
    pub fn get(&self, id: &AlertId) -> Option<(Arc<Alert>, Vec<Arc<Event>>)> {
        let entry = self.book.get(id)?;
        Some((entry.alert.clone(), self.events.get(id).cloned().unwrap_or_default()))
    }
    /// What happened after the event of this key, as far as it is remembered; `None` where that event is not. A note and
    /// a delivery have the key of another event: then what came after the first of that key.
    pub fn events_after(&self, key: &str) -> Option<Vec<Arc<Event>>> {
        let (alert, sequence) = key.rsplit_once('.')?;
        let sequence: u32 = sequence.parse().ok()?;
        let is_it = |event: &Arc<Event>| event.alert.as_str() == alert && event.sequence == sequence;
        let place = self.recent.iter().position(is_it)?;
        Some(self.recent.iter().skip(place + 1).cloned().collect())
    }
    /// How many alerts that are not closed there are of each severity, trial ones left out.
    pub fn open_by_severity(&self) -> BTreeMap<Severity, usize> {
        let mut counts: BTreeMap<Severity, usize> =
            Severity::ALL.iter().map(|severity| (*severity, 0)).collect();
        for entry in self.book.iter().filter(|entry| !entry.is_closed() && !entry.alert.trial) {
            *counts.entry(entry.alert.severity).or_default() += 1;
        }
        counts
    }

    /// The place after the last entry that is in it: everything before is durable.
    pub const fn next_entry(&self) -> Offset {
        self.next
    }
    /// The entries of the log that hold copies of messages for this alert, in order.
    pub(crate) fn evidence(&self, id: &AlertId) -> Option<Vec<Offset>> {
        self.book.get(id).map(|_| self.evidence.get(id).cloned().unwrap_or_default())
    }

    /// Takes one record of the entry at this place of the log.
    pub(crate) fn apply(&mut self, place: Offset, record: &Record) -> Option<Arc<Event>> {
        self.next = self.next.max(place.next());
        self.book.apply(record);
        let Record::Event(event) = record else { return None };
        if let What::Opened(raise) = &event.what {
            self.latest.insert(Cursor::of(&raise.raised));
        }
        if event.what.raise().is_some_and(|raise| !raise.evidence.messages.is_empty()) {
            self.evidence.entry(event.alert.clone()).or_default().push(place);
        }
        let event = Arc::new(without_evidence(event));
        self.events.entry(event.alert.clone()).or_default().push(event.clone());
        if self.recent.len() == RECENT_MAX {
            self.recent.pop_front();
        }
        self.recent.push_back(event.clone());
        Some(event)
    }
}

/// The event without its copies of messages: they are large, and read from the log when somebody asks.
fn without_evidence(event: &Event) -> Event {
    let strip = |raise: &Raise| {
        let mut evidence = crate::evidence::EvidenceCopy::default();
        evidence.left_out = raise.evidence.left_out;
        Box::new(Raise { raised: raise.raised.clone(), reopen_window: raise.reopen_window, evidence })
    };
    let what = match &event.what {
        What::Opened(raise) => What::Opened(strip(raise)),
        What::Updated(Update::Again(raise)) => What::Updated(Update::Again(strip(raise))),
        What::Reopened { raise } => What::Reopened { raise: raise.as_deref().map(strip) },
        What::Updated(Update::GrewInto { .. } | Update::StillActive)
        | What::Cleared
        | What::Acknowledged
        | What::Resolved
        | What::Closed
        | What::Noted
        | What::Notified(_)
        | What::Failed { .. } => event.what.clone(),
    };
    Event {
        alert: event.alert.clone(),
        why: event.why.clone(),
        who: event.who.clone(),
        tell: event.tell.clone(),
        what,
        ..*event
    }
}
