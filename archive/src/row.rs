//! A row, and what becomes of it when its message comes again with other values.

use citywarden_model::{AssetId, DeviceId, Offset, Timestamp};
use serde::{Deserialize, Serialize};

use crate::table::{Keyed, Table};

/// Changes of one row that are kept; beyond, those in the middle go. All of them are in the journal.
pub const HISTORY_MAX: usize = 64;

/// One row of a table.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Where it belongs.
    pub table: Table,
    /// The device that sent it.
    pub device: DeviceId,
    /// The end of the interval it stands for, in whole microseconds.
    pub observed_at: Timestamp,
    /// The data flag; `N` is normal.
    pub flag: char,
    /// In the narrow tables the quantity, or the event's name; else empty.
    pub name: String,
    /// The asset it is about.
    pub asset: AssetId,
    /// When its message entered the journal, in whole microseconds.
    pub received_at: Timestamp,
    /// The message.
    pub offset: Offset,
    /// The part of the message, from 0.
    pub part: u32,
    /// What the device gave as its time, where that lay too far ahead to be true.
    pub claimed_at: Option<Timestamp>,
    /// Of a part that stands under its arrival: the beginning of the payload's digest, by which a second delivery is
    /// known.
    pub untimed_sum: Option<i64>,
    /// Its values, in the order of the table's columns.
    pub cells: Vec<Cell>,
    /// What its values were before, oldest first.
    pub history: Vec<Change>,
}

/// One value.
#[derive(Debug, Clone, PartialEq, Default)]
pub enum Cell {
    /// Not sent.
    #[default]
    Absent,
    /// A finite number.
    Number(f64),
    /// True or false.
    Bool(bool),
    /// A text without NUL.
    Text(String),
}

/// A value that was replaced, or was not there at first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Change {
    /// Of this quantity.
    pub quantity: String,
    /// The value before; null: there was none.
    pub was: serde_json::Value,
    /// The record that brought the next value.
    pub by: Offset,
    /// The part of that record.
    pub part: u32,
}

/// What tells a row from every other.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RowKey {
    table: Table,
    device: DeviceId,
    observed_at: Timestamp,
    flag: char,
    name: String,
    about: Option<AssetId>,
}

impl Row {
    pub(crate) fn key(&self) -> RowKey {
        RowKey {
            table: self.table,
            device: self.device.clone(),
            observed_at: self.observed_at,
            flag: self.flag,
            name: self.name.clone(),
            about: (self.table.keyed() == Keyed::Event).then(|| self.asset.clone()),
        }
    }

    /// Takes what a later message says of the same moment: equal values count once, others replace what was there,
    /// which is kept. Whether anything changed.
    pub fn merge(&mut self, later: &Self) -> bool {
        let mut changes = Vec::new();
        for ((cell, next), column) in self.cells.iter_mut().zip(&later.cells).zip(self.table.columns()) {
            if *next == Cell::Absent || cell == next {
                continue;
            }
            let was = std::mem::replace(cell, next.clone()).into_json();
            let quantity = if self.name.is_empty() { column.name } else { &self.name };
            changes.push(Change { quantity: quantity.to_owned(), was, by: later.offset, part: later.part });
        }
        let is_changed = !changes.is_empty();
        self.history.extend(changes);
        self.history.extend(later.history.iter().cloned());
        if self.history.len() > HISTORY_MAX {
            let excess = self.history.len() - HISTORY_MAX;
            self.history.drain(HISTORY_MAX / 2..HISTORY_MAX / 2 + excess);
        }
        is_changed
    }

    /// The history as it is stored; `None` where there is none.
    pub(crate) fn history_json(&self) -> Option<serde_json::Value> {
        if self.history.is_empty() { None } else { serde_json::to_value(&self.history).ok() }
    }
    /// About what it takes in memory and on the wire.
    pub(crate) fn weight(&self) -> usize {
        let texts = self.cells.iter().map(|cell| if let Cell::Text(text) = cell { text.len() } else { 0 });
        128 + self.name.len() + 32 * self.cells.len() + texts.sum::<usize>()
    }
}

impl Cell {
    fn into_json(self) -> serde_json::Value {
        match self {
            Self::Absent => serde_json::Value::Null,
            Self::Number(number) => number.into(),
            Self::Bool(state) => state.into(),
            Self::Text(text) => text.into(),
        }
    }
}
