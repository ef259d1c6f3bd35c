//! Questions to the file, beside its writer: in WAL mode neither waits for the other.

use std::path::Path;

use citywarden_model::Timestamp;
use rusqlite::{Connection, OpenFlags, params};

use super::{BUSY_TIMEOUT, MIGRATIONS, away, micros};
use crate::query::{Found, ReadingsPage, ReadingsQuery, Sampler, select};
use crate::store::{ArchiveError, Queries, check_layout};

/// An archive in a file, for questions alone.
#[derive(Debug)]
pub struct SqliteReader {
    connection: Connection,
}

impl SqliteReader {
    /// Opens the file, which has to be there with today's layout.
    pub fn open(path: &Path) -> Result<Self, ArchiveError> {
        // a reader of a file in WAL mode writes to its shared index
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = || {
            let connection = Connection::open_with_flags(path, flags)?;
            connection.busy_timeout(BUSY_TIMEOUT)?;
            connection.pragma_update(None, "query_only", true)?;
            let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
            Ok((connection, version))
        };
        let (connection, version) = open().map_err(|error| away(&error))?;
        check_layout(version, MIGRATIONS.len())?;
        Ok(Self { connection })
    }
}

impl Queries for SqliteReader {
    fn readings(&mut self, query: &ReadingsQuery) -> Result<ReadingsPage, ArchiveError> {
        read(&self.connection, query).map_err(|error| away(&error))
    }
}

pub(super) fn read(connection: &Connection, query: &ReadingsQuery) -> rusqlite::Result<ReadingsPage> {
    let as_real = |column: &str| format!("CAST({column} AS REAL)");
    let sql = select(query, as_real, as_real);
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params![
        query.device.as_str(),
        micros(query.from),
        micros(query.to),
        query.quantity.as_str()
    ])?;
    let mut sampler = Sampler::new(query);
    while let Some(row) = rows.next()? {
        let flag: String = row.get(3)?;
        let found = Found {
            at: Timestamp::from_nanos(row.get::<_, i64>(0)?.saturating_mul(1_000)),
            number: row.get(1)?,
            text: row.get(2)?,
            flag: flag.chars().next().unwrap_or('?'),
        };
        if !sampler.take(found) {
            break;
        }
    }
    Ok(sampler.finish())
}
