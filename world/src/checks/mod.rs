//! The checkers: what was promised, held against what is on the disk and what came out, by people who know nothing of
//! how the service works inside.

mod acknowledged;
mod alerts;
mod chain;
mod force;
mod rejudged;
mod staged;
mod told;

use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard};

use citywarden_alerting::Event;
use citywarden_alerting::event::Record;
use citywarden_journal::{Body, Control, Disk, Reader, SimulatedDisk};
use citywarden_model::{Digest, Hasher, Offset, Timestamp};

use crate::county::{Script, topic};
use crate::device::Deeds;
use crate::machine::Machine;
use crate::random::Dice;
use crate::receiver::Told;
use crate::run::Figures;

/// Everything there is to look at when a world has ended.
pub(crate) struct Evidence<'w> {
    /// A disk with all of the journal, what was removed of it too.
    pub(crate) whole: SimulatedDisk,
    pub(crate) machine: &'w Machine,
    pub(crate) scripts: &'w [Arc<Script>],
    pub(crate) deeds: Vec<MutexGuard<'w, Deeds>>,
    pub(crate) told: Vec<Told>,
    /// By the service's clock: what was to be told until then was waited for.
    pub(crate) settled_at: Timestamp,
}

/// A message in the journal that a device has sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) offset: Offset,
    pub(crate) received_at: Timestamp,
    pub(crate) site: usize,
    /// Which of its messages.
    pub(crate) number: usize,
}

/// What a checker looks for went wrong so badly that it cannot even look.
type Unreadable = String;

/// From where on which rules were in force.
type InForce = Vec<(Offset, Digest)>;

/// What the checkers found.
pub(crate) struct Findings {
    /// Broken promises, in words.
    pub(crate) faults: Vec<String>,
    /// Over everything: two runs of a seed have the same.
    pub(crate) trace: Digest,
    pub(crate) figures: Figures,
    /// What came of the alerts, in words.
    pub(crate) events: Vec<String>,
}

/// Has every checker look.
pub(crate) fn check(evidence: &Evidence<'_>, dice: &mut Dice) -> Findings {
    let mut faults: Vec<String> = evidence.deeds.iter().flat_map(|deeds| deeds.faults.clone()).collect();
    let mut figures = evidence.figures();
    let (mut hasher, mut events) = (evidence.hasher(), Vec::new());
    let checked = chain::check(evidence, &mut faults).and_then(|[journal, alerts]| {
        hasher.update(format!("{:?}", (journal.head, alerts.head)).as_bytes());
        figures.records = journal.next.0;
        let (journal, rules) = read_journal(evidence, &mut faults)?;
        acknowledged::check(evidence, &journal, &mut faults);
        let log = alerts::read(evidence)?;
        figures.raised = log.iter().filter(|(_, record)| raise_of(record).is_some()).count() as u64;
        events.extend(log.iter().filter_map(|(_, record)| describe(record)));
        staged::check(evidence, &journal, &log, &mut faults);
        told::check(evidence, &log, &mut faults);
        force::check(&rules, &log, &mut faults);
        rejudged::check(evidence, &log, dice, &mut faults)
    });
    if let Err(unreadable) = checked {
        faults.push(unreadable);
    }
    Findings { faults, trace: hasher.finish(), figures, events }
}

/// Every message in the journal, in order, and from where on which rules were in force. What no device has sent is a fault:
/// nothing is invented.
fn read_journal(
    evidence: &Evidence<'_>,
    faults: &mut Vec<String>,
) -> Result<(Vec<Kept>, InForce), Unreadable> {
    let unreadable = |error: &dyn std::fmt::Display| format!("the journal can be read: {error}");
    let payloads = evidence.scripts.iter().flat_map(|script| {
        (0..script.len()).map(|number| ((topic(script.site), script.payload(number)), (script.site, number)))
    });
    let payloads: BTreeMap<_, _> = payloads.collect();
    let mut reader = Reader::open_oldest(&evidence.whole(), &Machine::layout().journal())
        .map_err(|error| unreadable(&error))?;
    let (mut kept, mut rules) = (Vec::new(), InForce::new());
    loop {
        let batch = reader.next_batch(None, 1_000).map_err(|error| unreadable(&error))?;
        if batch.is_empty() {
            return Ok((kept, rules));
        }
        for record in batch.iter() {
            let record = record.map_err(|error| unreadable(&error))?;
            if let Body::Control(Control::Rules { digest }) = record.body {
                rules.push((record.offset, digest));
            }
            let Body::Message(message) = record.body else { continue };
            let key = (message.topic.to_owned(), message.payload.to_vec());
            let (offset, received_at) = (record.offset, record.received_at);
            match payloads.get(&key) {
                Some((site, number)) => kept.push(Kept { offset, received_at, site: *site, number: *number }),
                None => faults.push(format!("nothing is invented: no device sent the message at {offset}")),
            }
        }
    }
}

impl Evidence<'_> {
    pub(crate) fn whole(&self) -> Arc<dyn Disk> {
        Arc::new(self.whole.clone())
    }
    /// Over what came out.
    fn hasher(&self) -> Hasher {
        let mut hasher = Hasher::new();
        for deeds in &self.deeds {
            hasher.update(format!("{:?}", deeds.acknowledged).as_bytes());
        }
        for told in &self.told {
            hasher.update(format!("{:?}", (told.at, &told.id, Digest::of(&told.body))).as_bytes());
        }
        hasher
    }

    fn figures(&self) -> Figures {
        Figures {
            starts: self.machine.starts.into(),
            failed_starts: self.machine.failed_starts.into(),
            connections: self.deeds.iter().map(|deeds| deeds.connections).sum(),
            acknowledged: self.deeds.iter().map(|deeds| deeds.acknowledged.len() as u64).sum(),
            resent: self.deeds.iter().map(|deeds| deeds.resent).sum(),
            told: self.told.len() as u64,
            removed: self.machine.watched.removed(),
            reloads: self.machine.reloads,
            ..Figures::default()
        }
    }
}

/// What the rules did to an alert, for people to read.
fn describe(record: &Record) -> Option<String> {
    let Record::Event(event) = record else { return None };
    let cause = event.cause?;
    let raised = raise_of(record).map(|(_, raise)| &raise.raised);
    let what = raised.map(|alert| format!("{} {} as of {}", alert.rule, alert.asset.id, alert.began_at));
    let (word, why) = (event.what.word(), event.why.as_deref().unwrap_or_default());
    Some(format!(
        "{} at {} record {} {word} {} {why}",
        event.alert,
        event.at,
        cause.moment.offset,
        what.unwrap_or_default()
    ))
}

/// The event of a record that raises something, and what.
fn raise_of(record: &Record) -> Option<(&Event, &citywarden_alerting::event::Raise)> {
    match record {
        Record::Event(event) => event.what.raise().map(|raise| (event, raise)),
        Record::Applied(_) => None,
    }
}
