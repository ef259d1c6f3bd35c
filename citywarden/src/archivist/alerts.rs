//! Follows the alert log: its events, and the alerts as they are after them.

use std::ops::ControlFlow;

use citywarden_alerting::book::AlertBook;
use citywarden_alerting::event::Record;
use citywarden_alerting::log::LogError;
use citywarden_alerting::{Event, Handle};
use citywarden_archive::{AlertEventRow, AlertRow, Batch};
use citywarden_model::Offset;

use super::is_full;

/// Folds the alert log; what comes after the archive's place becomes rows.
pub(super) struct AlertFollower {
    book: AlertBook,
    next: Offset,
}

impl AlertFollower {
    /// The alerts as they are at the archive's place.
    pub(super) fn open(alerting: &Handle, place: Offset) -> Result<Self, LogError> {
        let mut follower = Self { book: AlertBook::default(), next: Offset(0) };
        alerting.read_records(Offset(0), &mut |entry, records| {
            if entry >= place {
                return ControlFlow::Break(());
            }
            for record in &records {
                follower.book.apply(record);
            }
            follower.next = entry.next();
            ControlFlow::Continue(())
        })?;
        follower.next = follower.next.max(place);
        Ok(follower)
    }

    /// Reads what is durable, up to a full batch; whether there was any.
    pub(super) fn fill(&mut self, alerting: &Handle, batch: &mut Batch) -> Result<bool, LogError> {
        if alerting.view().next_entry() <= self.next {
            return Ok(false);
        }
        let before = self.next;
        alerting.read_records(self.next, &mut |entry, records| {
            if is_full(batch) {
                return ControlFlow::Break(());
            }
            for (record, index) in records.iter().zip(0..) {
                self.book.apply(record);
                if let Record::Event(event) = record {
                    let alert = self.book.get(&event.alert).map(|known| (*known.alert).clone());
                    batch.alert_event(row_of(entry, index, event), alert.map(|alert| AlertRow { alert }));
                }
            }
            self.next = entry.next();
            batch.reach_alerts(self.next);
            ControlFlow::Continue(())
        })?;
        Ok(self.next > before)
    }
}

fn row_of(entry: Offset, index: u32, event: &Event) -> AlertEventRow {
    AlertEventRow {
        entry,
        index,
        alert: event.alert.clone(),
        sequence: event.sequence,
        at: event.at,
        event: event.what.word().to_owned(),
        who: event.who.to_string(),
        why: event.why.clone(),
    }
}
