//! Questions to the database, on a connection of their own.

use std::time::Duration;

use futures_util::TryStreamExt as _;
use tokio::runtime::Runtime;
use tokio_postgres::Client;
use tokio_postgres::error::SqlState;

use super::value::{Micros, PgValue};
use super::{TimescaleOptions, away, connect, explain, runtime, setup, wait};
use crate::query::{Found, ReadingsPage, ReadingsQuery, Sampler, select};
use crate::store::{ArchiveError, Queries};

/// How long the database may think about one question; whoever asked would not wait longer.
const STATEMENT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long a question may take in all.
const QUESTION_TIMEOUT: Duration = Duration::from_secs(20);

/// An archive in a database, for questions alone: one connection.
#[derive(Debug)]
pub struct TimescaleReader {
    runtime: Runtime,
    client: Client,
}

impl TimescaleReader {
    /// Connects to a database that has today's layout.
    pub fn open(options: &TimescaleOptions) -> Result<Self, ArchiveError> {
        let runtime = runtime()?;
        let client = wait(&runtime, QUESTION_TIMEOUT, async {
            let client = connect(options).await?;
            let milliseconds = STATEMENT_TIMEOUT.as_millis();
            let settings =
                format!("SET statement_timeout = {milliseconds}; SET default_transaction_read_only = on");
            client.batch_execute(&settings).await.map_err(|error| away(&error))?;
            setup::check(&client).await?;
            Ok(client)
        })?;
        Ok(Self { runtime, client })
    }
}

impl Queries for TimescaleReader {
    fn readings(&mut self, query: &ReadingsQuery) -> Result<ReadingsPage, ArchiveError> {
        let Self { runtime, client } = self;
        wait(runtime, QUESTION_TIMEOUT, read(client, query))
    }
}

pub(super) async fn read(client: &Client, query: &ReadingsQuery) -> Result<ReadingsPage, ArchiveError> {
    collect(client, query).await.map_err(|error| {
        let was_stopped = error.code() == Some(&SqlState::QUERY_CANCELED);
        if was_stopped { ArchiveError::Slow(explain(&error)) } else { away(&error) }
    })
}

async fn collect(client: &Client, query: &ReadingsQuery) -> Result<ReadingsPage, tokio_postgres::Error> {
    let sql = select(
        query,
        |column| format!("{column}::double precision"),
        |column| format!("{column}::integer::double precision"),
    );
    let parameters = [
        PgValue::Text(query.device.as_str()),
        PgValue::time(query.from),
        PgValue::time(query.to),
        PgValue::Text(query.quantity.as_str()),
    ];
    let rows = client.query_raw(&sql, parameters).await?;
    tokio::pin!(rows);
    let mut sampler = Sampler::new(query);
    while let Some(row) = rows.try_next().await? {
        let flag: &str = row.try_get(3)?;
        let found = Found {
            at: row.try_get::<_, Micros>(0)?.0,
            number: row.try_get(1)?,
            text: row.try_get(2)?,
            flag: flag.chars().next().unwrap_or('?'),
        };
        if !sampler.take(found) {
            break;
        }
    }
    Ok(sampler.finish())
}
