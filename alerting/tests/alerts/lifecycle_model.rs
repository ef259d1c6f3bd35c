//! Any sequence of transitions and commands, against a model that knows one subject and a few words.

use citywarden_alerting::book::{AlertBook, Subject};
use citywarden_alerting::event::{Actor, Record};
use citywarden_alerting::evidence::EvidenceCopy;
use citywarden_alerting::lifecycle::{decide, obey};
use citywarden_alerting::{Action, Command};
use citywarden_model::{AlertKind, Change, Condition, Span, Timestamp, Transition};
use proptest::prelude::*;

use crate::county::{REOPEN_WINDOW, alert, raised, transition};

#[derive(Debug, Clone, Copy)]
enum Step {
    Raise(Place),
    Clear(Place),
    Remove(Place),
    Do(Action),
}

/// The asset and whether it is an early warning.
type Place = (usize, bool);

fn steps() -> impl Strategy<Value = Vec<(i64, Step)>> {
    let place = || (0..2_usize, any::<bool>());
    let step = prop_oneof![
        4 => place().prop_map(Step::Raise),
        4 => place().prop_map(Step::Clear),
        1 => place().prop_map(Step::Remove),
        3 => prop::sample::select(Action::ALL).prop_map(Step::Do),
    ];
    prop::collection::vec((0..1500_i64, step), 1..60)
}

fn subject(step: Place, now: Timestamp) -> citywarden_model::Alert {
    let kind = if step.1 { AlertKind::EarlyWarning } else { AlertKind::Violation };
    alert(["site-1", "site-2"][step.0], kind, now)
}

/// What the transitions and commands make of an empty book; and all transitions with the records of each step.
fn play(steps: &[(i64, Step)]) -> (AlertBook, Vec<Transition>, Vec<Vec<Record>>) {
    let (mut book, mut transitions, mut log) = (AlertBook::default(), Vec::new(), Vec::new());
    let mut now = Timestamp::EPOCH;
    for (offset, (pause, step)) in steps.iter().enumerate() {
        now = now + Span::from_secs(*pause + 1);
        let offset = offset as u64;
        let change = |place, change| transition(offset, now, &subject(place, now), change);
        let made = match *step {
            Step::Raise(place) => Some(raised(offset, subject(place, now), REOPEN_WINDOW)),
            Step::Clear(place) => Some(change(place, Change::Cleared("below".to_owned()))),
            Step::Remove(place) => Some(change(place, Change::Removed("gone".to_owned()))),
            Step::Do(_) => None,
        };
        let records = match (made, *step) {
            (Some(transition), _) => {
                transitions.push(transition.clone());
                decide(&book, transition, EvidenceCopy::default())
            }
            (None, Step::Do(action)) => obey_any(&book, action, now),
            (None, Step::Raise(_) | Step::Clear(_) | Step::Remove(_)) => Vec::new(),
        };
        for record in &records {
            book.apply(record);
        }
        log.push(records);
    }
    (book, transitions, log)
}

fn obey_any(book: &AlertBook, action: Action, now: Timestamp) -> Vec<Record> {
    let Some(entry) = book.iter().next() else { return Vec::new() };
    let command = Command {
        alert: entry.alert.id.clone(),
        who: Actor::Person("li".to_owned()),
        action,
        why: Some("because".to_owned()),
    };
    obey(book, command, now).unwrap_or_default()
}

/// The model: for each place whether it is active, and since when it is not.
fn expected_alerts(steps: &[(i64, Step)]) -> (usize, usize) {
    let mut places: std::collections::BTreeMap<Place, (bool, i64)> = std::collections::BTreeMap::new();
    let (mut opened, mut now) = (0, 0);
    for (pause, step) in steps {
        now += pause + 1;
        match *step {
            Step::Raise(place) => {
                if !place.1
                    && let Some(warning @ (true, _)) = places.get_mut(&(place.0, true))
                {
                    *warning = (false, now);
                }
                let known = places.get(&place).copied();
                if known.is_none_or(|(active, ended)| !active && now - ended > 1800) {
                    opened += 1;
                }
                places.insert(place, (true, 0));
            }
            Step::Clear(place) | Step::Remove(place) => {
                if let Some(known @ (true, _)) = places.get_mut(&place) {
                    *known = (false, now);
                }
            }
            Step::Do(_) => {}
        }
    }
    (opened, places.values().filter(|(active, _)| *active).count())
}

proptest! {
    #[test]
    fn there_are_as_many_alerts_as_a_simple_model_counts(steps in steps()) {
        let (book, _, _) = play(&steps);
        let active = book.iter().filter(|entry| entry.alert.condition == Condition::Active).count();
        prop_assert_eq!((book.len(), active), expected_alerts(&steps));
    }

    #[test]
    fn a_subject_has_one_active_alert_at_most_and_sequences_have_no_gap(steps in steps()) {
        let (book, _, log) = play(&steps);
        for entry in book.iter() {
            let alert = &entry.alert;
            let subject = Subject { rule: alert.rule.clone(), asset: alert.asset.id.clone(), kind: alert.kind };
            prop_assert!(book.of_subject(&subject).filter(|entry| entry.is_active()).count() <= 1);
            prop_assert_eq!(alert.cleared_at.is_none(), entry.is_active());
            let told: Vec<u32> = log.iter().flatten().filter_map(|record| match record {
                Record::Event(event) if event.alert == alert.id && event.what.is_notifiable() => Some(event.sequence),
                Record::Event(_) | Record::Applied(_) => None,
            }).collect();
            prop_assert_eq!(told, (1..=entry.sequence).collect::<Vec<_>>());
        }
    }

    #[test]
    fn transitions_derived_again_after_a_restart_change_nothing(steps in steps(), from in 0..60_usize) {
        let (book, transitions, log) = play(&steps);
        let mut restarted = AlertBook::default();
        for record in log.iter().flatten() {
            let text = serde_json::to_string(record).unwrap();
            restarted.apply(&serde_json::from_str(&text).unwrap());
        }
        prop_assert_eq!(&restarted, &book);
        for transition in transitions.into_iter().skip(from).chain(None) {
            let again = decide(&restarted, transition, EvidenceCopy::default());
            prop_assert!(again.is_empty(), "{again:?}");
        }
    }

    #[test]
    fn what_a_crash_cut_off_is_made_up_for_by_deriving_it_again(steps in steps(), kept in 0..60_usize) {
        // commands are not derived again, so this is about transitions alone
        let steps: Vec<_> = steps.into_iter().filter(|(_, step)| !matches!(step, Step::Do(_))).collect();
        let (book, transitions, log) = play(&steps);
        let mut restarted = AlertBook::default();
        log.iter().take(kept).flatten().for_each(|record| restarted.apply(record));
        for transition in transitions {
            let records = decide(&restarted, transition, EvidenceCopy::default());
            for record in &records {
                restarted.apply(record);
            }
        }
        prop_assert_eq!(restarted, book);
    }
}
