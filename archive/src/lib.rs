//! The record for queries: projections of the journal and of the alert log into tables.
//!
//! ```text
//! observations + what the registry says of their device ──▶ Projection ──▶ rows ─┐
//! the alert log's events, alerts as they are now ────────────────────────────────┴▶ Batch ──▶ Archive ──▶ queries
//! ```
//!
//! **Promises.** Exactly once by position: rows and the places in the journal and the alert log that they reach are one
//! transaction, so that whoever reads on from [`Applied`] neither doubles nor leaves out anything, whenever it was killed.
//! One message part is one row of its family's table ([`Table`]); what has no column there is a row of the narrow table;
//! the view `readings` shows all of it as (device, quantity, `observed_at`, value). The same value for the same device,
//! quantity and time counts once; another one replaces it, and the row's history keeps the earlier ones. No text that a
//! device sends can make a row that a database refuses.
//!
//! **Knows:** the model; SQLite and PostgreSQL, with TimescaleDB where that is there, behind [`Archive`].
//! **Never:** is the truth: it can be thrown away and built again from journal and alert log, as far back as they are
//! kept. Reads neither of them, no clock, and keeps nobody waiting: that is its caller's matter.

mod aside;
mod batch;
mod projection;
mod query;
mod row;
mod sqlite;
mod store;
mod table;
mod timescale;

pub use aside::append_all_but_refused;
pub use batch::{AlertEventRow, AlertRow, Batch};
pub use projection::{Arrival, Projected, Projection, Repeat};
pub use query::{READINGS_MAX, ReadingsPage, ReadingsQuery, Sample};
pub use row::{Cell, Change, HISTORY_MAX, Row};
pub use sqlite::{SqliteArchive, SqliteReader};
pub use store::{Applied, Archive, ArchiveError, Place, Queries, open, open_reader};
pub use table::Table;
pub use timescale::{TimescaleArchive, TimescaleOptions, TimescaleReader};
