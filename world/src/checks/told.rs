//! The receiver has every event that was for it, each with the same bytes at every attempt, those of an alert in order;
//! and nothing that is not in the log.

use std::collections::{BTreeMap, BTreeSet};

use citywarden_alerting::event::Record;
use citywarden_model::Offset;

use super::Evidence;
use crate::machine::RECEIVER;

pub(super) fn check(evidence: &Evidence<'_>, log: &[(Offset, Record)], faults: &mut Vec<String>) {
    let (mut due, mut later) = (BTreeSet::new(), BTreeSet::new());
    for (_, record) in log {
        let Record::Event(event) = record else { continue };
        let mine = event.tell.iter().find(|recipient| recipient.receiver.as_str() == RECEIVER);
        match mine.map(|recipient| recipient.due <= evidence.settled_at) {
            Some(true) => drop(due.insert(event.key().to_string())),
            Some(false) => drop(later.insert(event.key().to_string())),
            None => {}
        }
    }
    let mut bodies: BTreeMap<&str, &[u8]> = BTreeMap::new();
    let mut latest: BTreeMap<&str, u32> = BTreeMap::new();
    for told in &evidence.told {
        if !due.contains(&told.id) && !later.contains(&told.id) {
            faults.push(format!("nothing is told that is not in the log: {} was", told.id));
        }
        let body = bodies.entry(&told.id).or_insert(&told.body);
        if *body != told.body {
            faults.push(format!("a key has the same bytes at each attempt: {} has not", told.id));
        }
        let Some((alert, sequence)) = told.id.rsplit_once('.') else { continue };
        let (sequence, latest) = (sequence.parse().unwrap_or(0), latest.entry(alert).or_insert(0));
        if sequence < *latest {
            faults.push(format!("an alert's events are told in order: {} came after {latest}", told.id));
        }
        *latest = sequence.max(*latest);
    }
    let untold = due.iter().filter(|key| !bodies.contains_key(key.as_str()));
    faults.extend(untold.map(|key| format!("every event is told: {key} was not")));
}
