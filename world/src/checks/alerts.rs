//! The alert log as it is on the disk.

use std::ops::ControlFlow;

use citywarden_alerting::event::Record;
use citywarden_alerting::log::{Chain as _, JournalledLog};
use citywarden_model::Offset;

use super::{Evidence, Unreadable};
use crate::machine::Machine;

/// Every record, with the place of its entry.
pub(super) fn read(evidence: &Evidence<'_>) -> Result<Vec<(Offset, Record)>, Unreadable> {
    let unreadable = |error: &dyn std::fmt::Display| format!("the alert log can be read: {error}");
    let (log, _) =
        JournalledLog::open_sized(&evidence.machine.disk(), &Machine::layout().alerts(), Machine::ALERT_LOG)
            .map_err(|error| unreadable(&error))?;
    let mut records = Vec::new();
    let mut wrong = None;
    let read = log.reader().read(Offset(0), &mut |place, bytes| match serde_json::from_slice::<Vec<Record>>(
        bytes,
    ) {
        Ok(step) => {
            records.extend(step.into_iter().map(|record| (place, record)));
            ControlFlow::Continue(())
        }
        Err(error) => {
            wrong = Some(format!("the alert log can be read: entry {place}: {error}"));
            ControlFlow::Break(())
        }
    });
    read.map_err(|error| unreadable(&error))?;
    wrong.map_or(Ok(records), Err)
}
