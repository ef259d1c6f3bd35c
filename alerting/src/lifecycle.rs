//! What follows from a transition, a command, or time: a pure function of the book. Whatever it decides is in the
//! records it returns; deciding changes nothing.
//!
//! * One active alert per rule, asset and kind. Raised again while it is active, or within the rule's `reopen_window`
//!   of clearing, it is the same alert: `updated`, or `reopened` where people had resolved or closed it. Later it is a
//!   new one; the older stays as it is until a person closes it.
//! * What is found in history (`reconstructed`) is an alert of its own, beside the live ones: it continues none, ends no
//!   early warning, and none continues it. Where the same violation was raised live, nothing is added.
//! * A violation ends the early warning of its rule and asset: `updated`, naming it.
//! * The removal of a rule or asset closes all its alerts.
//! * A transition at or before the applied position was taken already, and is dropped. One that changes nothing still
//!   moves the position, so that it stays dropped whatever people have done in between.

use citywarden_model::{Alert, AlertId, AlertKind, AlertState, Change, Span, Timestamp, Transition};

use crate::book::{AlertBook, Entry, Subject};
use crate::command::{Action, Command, CommandError, WORDS_BYTES_MAX};
use crate::event::{Actor, Cause, Event, Position, Raise, Record, Update, What};
use crate::evidence::EvidenceCopy;

/// What follows from a transition; `evidence` is what was copied for it.
pub fn decide(book: &AlertBook, transition: Transition, evidence: EvidenceCopy) -> Vec<Record> {
    let cause = Cause::of(&transition);
    if book.applied() >= Some(cause.position()) {
        return Vec::new();
    }
    let subject = Subject { rule: transition.rule, asset: transition.asset, kind: transition.kind };
    let by_rules = |alert: AlertId, sequence: u32, why: Option<String>, what: What| {
        let at = cause.moment.at;
        Event { alert, sequence, at, who: Actor::Rules, why, cause: Some(cause), tell: Vec::new(), what }
    };
    let next = |entry: &Entry| (entry.alert.id.clone(), entry.sequence + 1);
    let mut events = Vec::new();
    match transition.change {
        Change::Raised { alert, reopen_window, evidence: _ } if alert.reconstructed => {
            if book.get(&alert.id).is_none() {
                let raise = Box::new(Raise { raised: *alert, reopen_window, evidence });
                events.push(by_rules(raise.raised.id.clone(), 1, None, What::Opened(raise)));
            }
        }
        Change::Raised { alert, reopen_window, evidence: _ } => {
            if let Some(warning) = ended_warning(book, &subject, cause.position()) {
                let (id, sequence) = next(warning);
                let violation = continued(book, &subject, &alert.id, cause)
                    .map_or(&alert.id, |entry| &entry.alert.id)
                    .clone();
                let what = What::Updated(Update::GrewInto { violation });
                events.push(by_rules(id, sequence, None, what));
            }
            let raise = Box::new(Raise { raised: *alert, reopen_window, evidence });
            events.push(match continued(book, &subject, &raise.raised.id, cause) {
                None => by_rules(raise.raised.id.clone(), 1, None, What::Opened(raise)),
                Some(entry) => {
                    let (id, sequence) = next(entry);
                    by_rules(id, sequence, None, raised_again(entry, raise))
                }
            });
        }
        Change::Cleared(why) => {
            let active = book.of_subject(&subject).filter(|entry| entry.is_active());
            events.extend(active.map(|entry| {
                let (id, sequence) = next(entry);
                by_rules(id, sequence, Some(why.clone()), What::Cleared)
            }));
        }
        Change::Removed(why) => {
            let kept = book.of_subject(&subject).filter(|entry| !entry.is_closed() || entry.is_active());
            events.extend(kept.map(|entry| {
                let (id, sequence) = next(entry);
                by_rules(id, sequence, Some(why.clone()), What::Closed)
            }));
        }
    }
    if events.is_empty() {
        return vec![Record::Applied(cause.position())];
    }
    events.into_iter().map(Record::Event).collect()
}

/// The alert that goes on when its subject is raised: the latest, active or cleared not too long ago; or the one that
/// has this id already.
fn continued<'a>(book: &'a AlertBook, subject: &Subject, id: &AlertId, cause: Cause) -> Option<&'a Entry> {
    let within_window = |entry: &&Entry| {
        entry.is_active()
            || entry
                .alert
                .cleared_at
                .is_some_and(|cleared| cause.moment.at.since(cleared) <= entry.reopen_window)
    };
    let live = book.of_subject(subject).rfind(|entry| !entry.alert.reconstructed);
    live.filter(within_window).or_else(|| book.get(id))
}

fn raised_again(entry: &Entry, raise: Box<Raise>) -> What {
    match entry.alert.state {
        AlertState::Resolved | AlertState::Closed | AlertState::Withdrawn => {
            What::Reopened { raise: Some(raise) }
        }
        AlertState::Open | AlertState::Acknowledged | AlertState::Assigned | AlertState::Arrived => {
            What::Updated(Update::Again(raise))
        }
    }
}

/// The early warning that a violation of this subject ends: active, or cleared by the same record just before.
fn ended_warning<'a>(book: &'a AlertBook, subject: &Subject, position: Position) -> Option<&'a Entry> {
    if subject.kind != AlertKind::Violation {
        return None;
    }
    let warned = Subject { kind: AlertKind::EarlyWarning, ..subject.clone() };
    let by_same_record =
        |entry: &Entry| entry.cleared_by.is_some_and(|cleared| cleared.offset == position.offset);
    book.of_subject(&warned)
        .rfind(|entry| !entry.alert.reconstructed)
        .filter(|entry| entry.is_active() || by_same_record(entry))
}

/// What follows from a command: nothing where it is done already.
pub fn obey(book: &AlertBook, command: Command, now: Timestamp) -> Result<Vec<Record>, CommandError> {
    let Command { alert, who, action, why } = command;
    if let Some(words) = why.as_ref().filter(|words| words.len() > WORDS_BYTES_MAX) {
        return Err(CommandError::TooLong { bytes: words.len() });
    }
    let why = why.map(|words| words.trim().to_owned()).filter(|words| !words.is_empty());
    let entry = book.get(&alert).ok_or_else(|| CommandError::UnknownAlert(alert.clone()))?;
    let Some(what) = answer(entry, action, &who, why.as_deref())? else { return Ok(Vec::new()) };
    let sequence = entry.sequence + u32::from(what.is_notifiable());
    let at = now.max(entry.last_told);
    Ok(vec![Record::Event(Event { alert, sequence, at, who, why, cause: None, tell: Vec::new(), what })])
}

fn answer(
    entry: &Entry,
    action: Action,
    who: &Actor,
    why: Option<&str>,
) -> Result<Option<What>, CommandError> {
    use AlertState::{Acknowledged, Arrived, Assigned, Closed, Open, Resolved, Withdrawn};
    let state = entry.alert.state;
    let meaningless =
        |expected| Err(CommandError::Meaningless { alert: entry.alert.id.clone(), state, action, expected });
    match (action, state) {
        (Action::Acknowledge, Open) => Ok(Some(What::Acknowledged)),
        (Action::Acknowledge, Acknowledged | Assigned | Arrived | Resolved)
        | (Action::Resolve, Resolved)
        | (Action::Close, Closed)
        | (Action::Reopen, Open | Acknowledged | Assigned | Arrived) => Ok(None),
        (Action::Resolve, Open | Acknowledged | Assigned | Arrived) => Ok(Some(What::Resolved)),
        (Action::Close, Open | Acknowledged | Assigned | Arrived | Resolved) => Ok(Some(What::Closed)),
        (Action::Reopen, Resolved | Closed) => Ok(Some(What::Reopened { raise: None })),
        (Action::Note, _) => note(entry, who, why),
        (Action::Acknowledge | Action::Resolve, Closed | Withdrawn) => {
            meaningless("an alert that is not closed")
        }
        (Action::Close | Action::Reopen, Withdrawn) => meaningless("an alert that is not withdrawn"),
    }
}

fn note(entry: &Entry, who: &Actor, why: Option<&str>) -> Result<Option<What>, CommandError> {
    let words = why.ok_or(CommandError::NoWords)?;
    let is_repeated = entry.last_note.as_ref().is_some_and(|(author, note)| author == who && note == words);
    Ok((!is_repeated).then_some(What::Noted))
}

/// What follows from time alone: each alert that is active, that nobody has acknowledged and that somebody is told of
/// is told again `repeat_interval` after the last time.
pub fn repeat(
    book: &AlertBook,
    repeat_interval: Span,
    now: Timestamp,
    is_told: impl Fn(&Alert) -> bool,
) -> Vec<Record> {
    let is_due = |entry: &&Entry| now.since(entry.last_told) >= repeat_interval && is_told(&entry.alert);
    let told_again = |entry: &Entry| {
        Record::Event(Event {
            alert: entry.alert.id.clone(),
            sequence: entry.sequence + 1,
            at: now,
            who: Actor::Alerting,
            why: None,
            cause: None,
            tell: Vec::new(),
            what: What::Updated(Update::StillActive),
        })
    };
    book.unattended().filter(is_due).map(told_again).collect()
}
