//! What one transaction writes: rows, each key once, and the places they reach.

use std::collections::{BTreeMap, HashMap};

use citywarden_model::{Alert, AlertId, Digest, Offset, Timestamp};

use crate::projection::{Projected, Repeat};
use crate::row::{Row, RowKey};
use crate::store::Applied;
use crate::table::Table;

/// Rows to be written together.
#[derive(Debug, Clone)]
pub struct Batch {
    before: Applied,
    after: Applied,
    rows: BTreeMap<Table, Vec<Row>>,
    places: HashMap<RowKey, usize>,
    alerts: BTreeMap<AlertId, AlertRow>,
    alert_events: Vec<AlertEventRow>,
    count: usize,
    weight: usize,
}

/// An alert as it is now.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertRow {
    /// The alert.
    pub alert: Alert,
}

/// An event of an alert.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertEventRow {
    /// Its entry in the alert log.
    pub entry: Offset,
    /// Its place in that entry, from 0.
    pub index: u32,
    /// The alert.
    pub alert: AlertId,
    /// Its number among those of the alert.
    pub sequence: u32,
    /// When, by the journal's clock.
    pub at: Timestamp,
    /// What happened, as a word.
    pub event: String,
    /// Who did it.
    pub who: String,
    /// Why, in words.
    pub why: Option<String>,
}

impl Batch {
    /// A batch that goes on where the archive is.
    pub fn new(applied: &Applied) -> Self {
        Self {
            before: applied.clone(),
            after: applied.clone(),
            rows: BTreeMap::new(),
            places: HashMap::new(),
            alerts: BTreeMap::new(),
            alert_events: Vec::new(),
            count: 0,
            weight: 0,
        }
    }

    /// The same in two batches that follow on each other; only the second reaches the places. `None` where there are no two
    /// rows.
    pub(crate) fn halves(&self) -> Option<(Self, Self)> {
        let rows: Vec<&Row> = self.rows.values().flatten().collect();
        let of = |rows: &[&Row], events: &[AlertEventRow], after: &Applied| {
            let mut half = Self { after: after.clone(), ..Self::new(&self.before) };
            for row in rows {
                half.row((*row).clone());
            }
            for event in events {
                half.alert_event(event.clone(), self.alerts.get(&event.alert).cloned());
            }
            half
        };
        let events = &self.alert_events[..];
        let (rows, events) = match (rows.len(), events.len()) {
            (0, 0 | 1) | (1, 0) => return None,
            (0, count) => ((&[][..], &[][..]), events.split_at(count / 2)),
            (count, 0) => (rows.split_at(count / 2), (&[][..], &[][..])),
            (..) => ((&rows[..], &[][..]), (&[][..], events)),
        };
        Some((of(rows.0, events.0, &self.before), of(rows.1, events.1, &self.after)))
    }
    /// The places alone.
    pub(crate) fn without_rows(&self) -> Self {
        Self { after: self.after.clone(), ..Self::new(&self.before) }
    }
    /// The first row, or else the first event, by where it is from.
    pub(crate) fn first_in_words(&self) -> String {
        let row = self.rows.values().flatten().next();
        let event = self.alert_events.first();
        match (row, event) {
            (Some(row), _) => format!(
                "record {} of the journal, device {}, observed {}, for {}",
                row.offset,
                row.device,
                row.observed_at,
                row.table.name()
            ),
            (None, Some(event)) => format!("entry {} of the alert log, alert {}", event.entry, event.alert),
            (None, None) => "nothing".to_owned(),
        }
    }

    /// Takes the rows of the message at the next offset.
    pub fn message(&mut self, message: Projected) {
        self.after.messages += 1;
        self.after.parts += u64::from(message.parts);
        for row in message.rows {
            self.row(row);
        }
    }
    fn row(&mut self, row: Row) {
        let rows = self.rows.entry(row.table).or_default();
        let place = *self.places.entry(row.key()).or_insert(rows.len());
        if let Some(first) = rows.get_mut(place) {
            first.merge(&row);
            return;
        }
        self.count += 1;
        self.weight += row.weight();
        rows.push(row);
    }
    /// Takes an event of the alert log, and the alert as it is after it.
    pub fn alert_event(&mut self, event: AlertEventRow, alert: Option<AlertRow>) {
        self.count += 1;
        self.weight += 4096;
        if let Some(row) = alert {
            self.alerts.insert(row.alert.id.clone(), row);
        }
        self.alert_events.push(event);
    }

    /// Everything in the journal before this offset is in the batch.
    pub const fn reach_journal(&mut self, next: Offset) {
        self.after.place.journal = next;
    }
    /// From here on this registry is in force.
    pub const fn registry(&mut self, digest: Digest) {
        self.after.place.registry = Some(digest);
    }
    /// Everything in the alert log before this entry is in the batch.
    pub const fn reach_alerts(&mut self, next: Offset) {
        self.after.place.alerts = next;
    }
    /// So many records are gone from the journal without having been archived.
    pub const fn lose(&mut self, records: u64) {
        self.after.lost += records;
    }

    /// Whether such a message is among the rows.
    pub fn has(&self, repeat: &Repeat) -> bool {
        let rows = self.rows.get(&repeat.table).into_iter().flatten();
        rows.into_iter().any(|row| {
            row.device == repeat.device
                && row.untimed_sum == Some(repeat.sum)
                && (repeat.from..=repeat.to).contains(&row.observed_at)
        })
    }

    /// Where the archive must be for the batch to fit.
    pub const fn before(&self) -> &Applied {
        &self.before
    }
    /// Where it is with the batch.
    pub const fn after(&self) -> &Applied {
        &self.after
    }
    /// The rows of a table.
    pub fn rows(&self, table: Table) -> &[Row] {
        self.rows.get(&table).map(Vec::as_slice).unwrap_or_default()
    }
    /// The alerts as they are.
    pub fn alerts(&self) -> impl Iterator<Item = &AlertRow> {
        self.alerts.values()
    }
    /// The events of alerts.
    pub fn alert_events(&self) -> &[AlertEventRow] {
        &self.alert_events
    }
    /// How many rows there are.
    pub const fn len(&self) -> usize {
        self.count
    }
    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.count == 0
    }
    /// About the bytes it takes.
    pub const fn weight(&self) -> usize {
        self.weight
    }
}
