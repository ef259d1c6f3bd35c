//! The same journal gives the same alerts, byte by byte: judged again in batches of ten thousand, shared by shards wherever a few
//! records in a row can be, and once more record by record in batches of one or of seven, or with a restart from a snapshot in the middle, as the seed says; and they are the ones in the
//! alert log.

use std::collections::BTreeMap;

use citywarden::judge::{JournalEvidence, Judge, Judged, Sharing, Stored, collect_evidence};
use citywarden_alerting::Position;
use citywarden_alerting::event::Record;
use citywarden_journal::{Places, Reader};
use citywarden_model::{Change, Offset, Transition};

use super::{Evidence, Unreadable, raise_of};
use crate::machine::Machine;
use crate::random::Dice;

/// How the journal is judged again.
#[derive(Debug, Clone, Copy)]
struct Way {
    batch: usize,
    is_shared: bool,
    restart_at: Option<Offset>,
}

/// As seldom as a world has more than a thousand messages before it: few are enough here.
const SHARING: Sharing = Sharing { records_a_chunk: 4, chunks_min: 2 };

pub(super) fn check(
    evidence: &Evidence<'_>,
    log: &[(Offset, Record)],
    dice: &mut Dice,
    faults: &mut Vec<String>,
) -> Result<(), Unreadable> {
    let whole = judge(evidence, Way { batch: 10_000, is_shared: true, restart_at: None })?;
    let end = whole.last().map_or(1, |(transition, _)| transition.cause.offset.0.max(1));
    let restart_at = Some(Offset(dice.below(end)));
    let way = match dice.below(4) {
        0 => Way { batch: 1, is_shared: false, restart_at: None },
        1 => Way { batch: 1, is_shared: false, restart_at },
        _ => Way { batch: 7, is_shared: false, restart_at },
    };
    let again = judge(evidence, way)?;
    if again.iter().map(|(_, bytes)| bytes).ne(whole.iter().map(|(_, bytes)| bytes)) {
        faults.push(format!("the same journal gives the same alerts: not when judged as {way:?}"));
    }
    compare(&whole, log, faults);
    Ok(())
}

type Derived = Vec<(Transition, Vec<u8>)>;

fn judge(evidence: &Evidence<'_>, way: Way) -> Result<Derived, Unreadable> {
    let unreadable = |error: &dyn std::fmt::Display| format!("the journal can be judged again: {error}");
    let (disk, dir) = (evidence.whole(), Machine::layout().journal());
    let stored = evidence.machine.stored().map_err(|error| unreadable(&error))?;
    let mut judge: Judge<Stored> = Judge::new(Machine::evaluation(), stored.clone()).sharing(SHARING);
    let mut messages = JournalEvidence::new(disk.clone(), dir.clone(), Places::default());
    let mut reader = Reader::open_oldest(&disk, &dir).map_err(|error| unreadable(&error))?;
    let (mut derived, mut transitions) = (Vec::new(), Vec::new());
    let mut derive = |derived: &mut Derived, transitions: Vec<Transition>| -> Result<(), Unreadable> {
        for mut transition in transitions {
            collect_evidence(&mut transition, &mut messages).map_err(|error| unreadable(&error))?;
            let bytes = serde_json::to_vec(&transition).map_err(|error| unreadable(&error))?;
            derived.push((transition, bytes));
        }
        Ok(())
    };
    loop {
        let batch = reader.next_batch(None, way.batch).map_err(|error| unreadable(&error))?;
        if batch.is_empty() {
            return Ok(derived);
        }
        if way.is_shared {
            let mut judged = Judged::default();
            judge.take_batch(batch, &mut judged).map_err(|error| unreadable(&error))?;
            derive(&mut derived, judged.transitions)?;
            continue;
        }
        for record in batch.iter() {
            let record = record.map_err(|error| unreadable(&error))?;
            judge.take(&record, &mut transitions).map_err(|error| unreadable(&error))?;
            derive(&mut derived, std::mem::take(&mut transitions))?;
            if way.restart_at == Some(record.offset)
                && let Some(snapshot) = judge.snapshot(record.offset.next())
            {
                judge = Judge::restore(Machine::evaluation(), stored.clone(), &snapshot)
                    .map_err(|error| unreadable(&error))?;
            }
        }
    }
}

fn position(transition: &Transition) -> Position {
    Position { offset: transition.cause.offset, index: transition.index }
}

/// What is in the log was derived, and what raises an alert is in the log, once.
fn compare(derived: &Derived, log: &[(Offset, Record)], faults: &mut Vec<String>) {
    let derived: BTreeMap<Position, &Transition> =
        derived.iter().map(|(transition, _)| (position(transition), transition)).collect();
    let mut logged = BTreeMap::new();
    let mut last = None;
    for (place, record) in log {
        let Record::Event(event) = record else { continue };
        let Some(cause) = event.cause else { continue };
        let at = cause.position();
        if !derived.contains_key(&at) {
            faults.push(format!(
                "an alert follows from the journal: entry {place} names {at:?}, where nothing follows"
            ));
        }
        if last.is_some_and(|last| at < last) {
            faults.push(format!("transitions are taken in order: entry {place} goes back to {at:?}"));
        }
        last = Some(at);
        if let Some((_, raise)) = raise_of(record)
            && logged.insert(at, raise).is_some()
        {
            faults.push(format!("a transition is taken once: {at:?} was taken twice"));
        }
    }
    for (at, transition) in &derived {
        let Change::Raised { alert, .. } = &transition.change else { continue };
        match logged.get(at) {
            Some(raise) if raise.raised == **alert => {}
            Some(_) => {
                faults.push(format!("the log holds what follows from the journal: at {at:?} something else"));
            }
            None if alert.reconstructed => {}
            None => faults.push(format!("no alert is lost: the one raised at {at:?} is not in the log")),
        }
    }
}
