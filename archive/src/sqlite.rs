//! The archive in a SQLite file: nothing to set up, readable with any tool.
//!
//! Write-ahead log with a full sync at each commit; beside the writer any number of readers. The layout's version is
//! `user_version`; times are microseconds since the epoch.

mod reader;

use std::path::Path;
use std::time::Duration;

use citywarden_model::{Digest, Offset, Timestamp};
use rusqlite::types::Value;
use rusqlite::{Connection, Transaction, params, params_from_iter};

use crate::batch::{AlertEventRow, AlertRow, Batch};
use crate::projection::Repeat;
use crate::query::{ReadingsPage, ReadingsQuery};
use crate::row::{Cell, Row};
use crate::store::{Applied, Archive, ArchiveError, Place, Queries, check_place, signed, unsigned};
use crate::table::{ColumnKind, Table};

pub use reader::SqliteReader;

/// The steps from an empty file to today's layout. Never changed, only added to.
const MIGRATIONS: &[&str] = &[include_str!("../migrations/sqlite/0001-tables.sql")];
/// How long a writer in another process is waited for.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Statements that are kept prepared: three a table, and the rest.
const STATEMENTS_MAX: usize = 64;

/// An archive in a file.
#[derive(Debug)]
pub struct SqliteArchive {
    connection: Connection,
}

fn away(error: &rusqlite::Error) -> ArchiveError {
    ArchiveError::Away(error.to_string())
}

/// What became of a write: a row that breaks a rule of the database, or has no place in it, breaks it whenever it comes.
fn unwritten(error: &rusqlite::Error) -> ArchiveError {
    use rusqlite::ErrorCode::{ConstraintViolation, TooBig, TypeMismatch};
    match error.sqlite_error_code() {
        Some(ConstraintViolation | TooBig | TypeMismatch) => ArchiveError::Refused(error.to_string()),
        _ => away(error),
    }
}

impl SqliteArchive {
    /// Opens the file, making it where it is not there, and brings its layout up to date.
    pub fn open(path: &Path) -> Result<Self, ArchiveError> {
        let mut connection = Connection::open(path).map_err(|error| away(&error))?;
        prepare(&mut connection, path)?;
        Ok(Self { connection })
    }
}

fn prepare(connection: &mut Connection, path: &Path) -> Result<(), ArchiveError> {
    connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
    let set_up = |connection: &Connection| {
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.pragma_update(None, "journal_mode", "WAL")?;
        connection.pragma_update(None, "synchronous", "FULL")
    };
    set_up(connection).map_err(|error| match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::NotADatabase) => {
            ArchiveError::Unusable(format!("{} is no SQLite file", path.display()))
        }
        _ => away(&error),
    })?;
    migrate(connection)
}

fn migrate(connection: &mut Connection) -> Result<(), ArchiveError> {
    let transaction = connection
        .transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)
        .map_err(|error| away(&error))?;
    let version: i64 = transaction
        .pragma_query_value(None, "user_version", |row| row.get(0))
        .map_err(|error| away(&error))?;
    let Some(missing) = usize::try_from(version).ok().and_then(|version| MIGRATIONS.get(version..)) else {
        let newest = MIGRATIONS.len();
        return Err(ArchiveError::Unusable(format!(
            "its layout is version {version}; this version knows {newest}"
        )));
    };
    let carry_out = || {
        for step in missing {
            transaction.execute_batch(step)?;
        }
        transaction.pragma_update(None, "user_version", signed(MIGRATIONS.len() as u64))
    };
    carry_out().map_err(|error| away(&error))?;
    transaction.commit().map_err(|error| away(&error))
}

impl Queries for SqliteArchive {
    fn readings(&mut self, query: &ReadingsQuery) -> Result<ReadingsPage, ArchiveError> {
        reader::read(&self.connection, query).map_err(|error| away(&error))
    }
}

impl Archive for SqliteArchive {
    fn applied(&mut self) -> Result<Applied, ArchiveError> {
        read_applied(&self.connection).map_err(|error| away(&error))
    }
    fn append(&mut self, batch: &Batch) -> Result<(), ArchiveError> {
        let behavior = rusqlite::TransactionBehavior::Immediate;
        let transaction =
            self.connection.transaction_with_behavior(behavior).map_err(|error| away(&error))?;
        check_place(batch, &read_applied(&transaction).map_err(|error| away(&error))?)?;
        write(&transaction, batch).and_then(|()| transaction.commit()).map_err(|error| unwritten(&error))
    }
    fn has(&mut self, repeat: &Repeat) -> Result<bool, ArchiveError> {
        let table = repeat.table.name();
        let sql = format!(
            "SELECT EXISTS (SELECT 1 FROM {table} WHERE device = ?1 AND observed_at BETWEEN ?2 AND ?3 AND untimed_sum = ?4)"
        );
        let ask = |connection: &Connection| {
            let place = params![repeat.device.as_str(), micros(repeat.from), micros(repeat.to), repeat.sum];
            connection.prepare_cached(&sql)?.query_row(place, |row| row.get(0))
        };
        ask(&self.connection).map_err(|error| away(&error))
    }
    fn health(&mut self) -> Result<String, ArchiveError> {
        self.applied()?;
        Ok(format!("SQLite {}", rusqlite::version()))
    }
}

fn read_applied(connection: &Connection) -> rusqlite::Result<Applied> {
    let sql = "SELECT journal_next, registry, alerts_next, messages, parts, lost FROM applied";
    connection.prepare_cached(sql)?.query_row([], |row| {
        let number = |column: usize| row.get(column).map(unsigned);
        let registry: Option<String> = row.get(1)?;
        Ok(Applied {
            place: Place {
                journal: Offset(number(0)?),
                registry: registry.and_then(|text| Digest::parse(&text)),
                alerts: Offset(number(2)?),
            },
            messages: number(3)?,
            parts: number(4)?,
            lost: number(5)?,
        })
    })
}

fn write(transaction: &Transaction<'_>, batch: &Batch) -> rusqlite::Result<()> {
    for table in Table::ALL {
        write_rows(transaction, *table, batch.rows(*table))?;
    }
    for row in batch.alerts() {
        write_alert(transaction, row)?;
    }
    for row in batch.alert_events() {
        write_alert_event(transaction, row)?;
    }
    let Applied { place, messages, parts, lost } = batch.after();
    let sql = "UPDATE applied SET journal_next = ?1, registry = ?2, alerts_next = ?3, messages = ?4, parts = ?5, lost = ?6";
    transaction.prepare_cached(sql)?.execute(params![
        signed(place.journal.0),
        place.registry.map(|digest| digest.to_string()),
        signed(place.alerts.0),
        signed(*messages),
        signed(*parts),
        signed(*lost),
    ])?;
    Ok(())
}

/// Inserts; where the key is there already, merges.
fn write_rows(transaction: &Transaction<'_>, table: Table, rows: &[Row]) -> rusqlite::Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let columns = table.all_columns();
    let places: Vec<_> = (1..=columns.len()).map(|place| format!("?{place}")).collect();
    let sql = format!(
        "INSERT INTO {} ({}) VALUES ({}) ON CONFLICT DO NOTHING",
        table.name(),
        columns.join(", "),
        places.join(", ")
    );
    let mut insert = transaction.prepare_cached(&sql)?;
    for row in rows {
        if insert.execute(params_from_iter(values_of(row)))? == 0 {
            merge(transaction, row)?;
        }
    }
    Ok(())
}

fn merge(transaction: &Transaction<'_>, later: &Row) -> rusqlite::Result<()> {
    let table = later.table;
    let values = table.value_columns();
    let is_it: Vec<_> =
        table.key_columns().iter().zip(1..).map(|(column, place)| format!("{column} = ?{place}")).collect();
    let is_it = is_it.join(" AND ");
    let sql = format!("SELECT {}, history FROM {} WHERE {is_it}", values.join(", "), table.name());
    let key = key_of(later);
    let mut first = transaction
        .prepare_cached(&sql)?
        .query_row(params_from_iter(&key), |found| read_row(found, later, values.len()))?;
    if !first.merge(later) {
        return Ok(());
    }
    let sets: Vec<_> = values.iter().chain(&["history"]).zip(key.len() + 1..).collect();
    let sets: Vec<_> = sets.iter().map(|(column, place)| format!("{column} = ?{place}")).collect();
    let sql = format!("UPDATE {} SET {} WHERE {is_it}", table.name(), sets.join(", "));
    let cells =
        first.cells.iter().zip(table.columns()).flat_map(|(cell, column)| cell_values(cell, column.kind));
    let all = key.into_iter().chain(cells).chain([history_of(&first)]);
    transaction.prepare_cached(&sql)?.execute(params_from_iter(all))?;
    Ok(())
}

/// A row as it is stored, with the key of `like`.
fn read_row(found: &rusqlite::Row<'_>, like: &Row, history: usize) -> rusqlite::Result<Row> {
    let mut at = 0;
    let mut cells = Vec::with_capacity(like.cells.len());
    for column in like.table.columns() {
        let (cell, width) = match column.kind {
            ColumnKind::Number => (found.get::<_, Option<f64>>(at)?.map(Cell::Number), 1),
            ColumnKind::Bool => (found.get::<_, Option<bool>>(at)?.map(Cell::Bool), 1),
            ColumnKind::Text => (found.get::<_, Option<String>>(at)?.map(Cell::Text), 1),
            ColumnKind::Any => {
                let number = found.get::<_, Option<f64>>(at)?.map(Cell::Number);
                (number.or(found.get::<_, Option<String>>(at + 1)?.map(Cell::Text)), 2)
            }
        };
        cells.push(cell.unwrap_or_default());
        at += width;
    }
    let history: Option<String> = found.get(history)?;
    let history = history.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    Ok(Row { cells, history, ..like.clone() })
}

fn micros(at: Timestamp) -> i64 {
    at.nanos().div_euclid(1_000)
}

fn key_of(row: &Row) -> Vec<Value> {
    let mut key =
        vec![text(row.device.as_str()), Value::Integer(micros(row.observed_at)), text(&row.flag.to_string())];
    key.extend((row.table.key_columns().len() > 3).then(|| text(&row.name)));
    key.extend((row.table == Table::Events).then(|| text(row.asset.as_str())));
    key
}

/// In the order of [`Table::all_columns`].
fn values_of(row: &Row) -> Vec<Value> {
    let mut values = key_of(row);
    values.extend((row.table != Table::Events).then(|| text(row.asset.as_str())));
    values.push(Value::Integer(micros(row.received_at)));
    values.push(Value::Integer(signed(row.offset.0)));
    values.push(Value::Integer(row.part.into()));
    if Table::FAMILIES.contains(&row.table) {
        values.push(row.claimed_at.map_or(Value::Null, |at| Value::Integer(micros(at))));
        values.push(row.untimed_sum.map_or(Value::Null, Value::Integer));
    }
    values.push(history_of(row));
    let columns = row.table.columns();
    values.extend(row.cells.iter().zip(columns).flat_map(|(cell, column)| cell_values(cell, column.kind)));
    values
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

fn history_of(row: &Row) -> Value {
    row.history_json().map_or(Value::Null, |history| Value::Text(history.to_string()))
}

fn cell_values(cell: &Cell, kind: ColumnKind) -> Vec<Value> {
    let value = match cell {
        Cell::Absent => Value::Null,
        Cell::Number(number) => Value::Real(*number),
        Cell::Bool(state) => Value::Integer((*state).into()),
        Cell::Text(text) => Value::Text(text.clone()),
    };
    match (kind, cell) {
        (ColumnKind::Any, Cell::Text(_)) => vec![Value::Null, value],
        (ColumnKind::Any, _) => vec![value, Value::Null],
        (ColumnKind::Number | ColumnKind::Bool | ColumnKind::Text, _) => vec![value],
    }
}

fn write_alert(transaction: &Transaction<'_>, row: &AlertRow) -> rusqlite::Result<()> {
    let alert = &row.alert;
    let sql = "INSERT OR REPLACE INTO alerts VALUES \
               (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17)";
    transaction.prepare_cached(sql)?.execute(params![
        alert.id.as_str(),
        alert.kind.as_str(),
        alert.rule.as_str(),
        alert.asset.id.as_str(),
        alert.asset.kind,
        alert.grid.as_ref().map(citywarden_model::GridId::as_str),
        alert.clause.as_ref().map(|clause| clause.item),
        alert.severity.as_str(),
        alert.state.as_str(),
        alert.condition.as_str(),
        alert.lead,
        alert.trial,
        alert.reconstructed,
        micros(alert.began_at),
        micros(alert.opened_at),
        alert.cleared_at.map(micros),
        serde_json::to_string(alert).unwrap_or_default(),
    ])?;
    Ok(())
}

fn write_alert_event(transaction: &Transaction<'_>, row: &AlertEventRow) -> rusqlite::Result<()> {
    let sql = "INSERT INTO alert_events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    transaction.prepare_cached(sql)?.execute(params![
        signed(row.entry.0),
        row.index,
        row.alert.as_str(),
        row.sequence,
        micros(row.at),
        row.event,
        row.who,
        row.why,
    ])?;
    Ok(())
}
