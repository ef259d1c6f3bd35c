//! The archive in PostgreSQL, its tables hypertables where TimescaleDB is there.
//!
//! Rows go in by binary COPY; only a batch that meets a key which is there already takes the slow way (see
//! [`write`]). Each archive is one connection; when it breaks, open another.

mod reader;
mod setup;
mod value;
mod write;

use std::error::Error as _;
use std::future::Future;
use std::time::Duration;

use citywarden_model::{Digest, Offset};
use tokio::runtime::Runtime;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::{Client, GenericClient, NoTls};

use self::value::PgValue;
use crate::batch::Batch;
use crate::projection::Repeat;
use crate::query::{ReadingsPage, ReadingsQuery};
use crate::store::{Applied, Archive, ArchiveError, Place, Queries, check_place, unsigned};

pub use self::reader::TimescaleReader;

/// How long a connection may take to come about.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// After so long without an answer to anything sent the connection is broken.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(30);
/// How long one call may take in all; a batch takes milliseconds.
const CALL_TIMEOUT: Duration = Duration::from_mins(2);

/// Which database, and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimescaleOptions {
    config: tokio_postgres::Config,
}

impl TimescaleOptions {
    /// Reads a `postgres://` URL; the password may be in it or be handed in beside. The error says what is wrong, without
    /// the password.
    pub fn parse(url: &str, password: Option<&str>) -> Result<Self, String> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err("no archive; expected postgres://user@host/database".to_owned());
        }
        let mut config: tokio_postgres::Config = url.parse().map_err(|error| explain(&error))?;
        if config.get_hosts().is_empty() || config.get_dbname().is_none() {
            return Err("no host or no database in it; expected postgres://user@host/database".to_owned());
        }
        if config.get_ssl_mode() == SslMode::Require {
            return Err("TLS to the database is not in this version; leave `sslmode` out".to_owned());
        }
        if let Some(password) = password {
            config.password(password);
        }
        config
            .application_name("citywarden")
            .connect_timeout(CONNECT_TIMEOUT)
            .keepalives_idle(SILENCE_TIMEOUT)
            .tcp_user_timeout(SILENCE_TIMEOUT);
        Ok(Self { config })
    }
    /// Whether the database is on this machine: beyond it, what is sent can be read on the way.
    pub fn is_local(&self) -> bool {
        self.config.get_hosts().iter().all(|host| match host {
            Host::Tcp(name) => {
                name == "localhost" || name.parse().is_ok_and(|ip: std::net::IpAddr| ip.is_loopback())
            }
            Host::Unix(_) => true,
        })
    }
}

/// An archive in a database: one connection.
#[derive(Debug)]
pub struct TimescaleArchive {
    runtime: Runtime,
    client: Client,
    description: String,
}

pub(crate) fn explain(error: &tokio_postgres::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let inner_text = inner.to_string();
        if !text.contains(&inner_text) {
            text = format!("{text}: {inner_text}");
        }
        source = inner.source();
    }
    text
}

fn away(error: &tokio_postgres::Error) -> ArchiveError {
    ArchiveError::Away(explain(error))
}

/// Classes of SQLSTATE that say that a row is at fault: data exceptions, broken constraints, what a function of the
/// database's owner raised, limits of a row's size.
const REFUSALS: &[&str] = &["22", "23", "P0", "54"];

/// What became of a write.
fn unwritten(error: &tokio_postgres::Error) -> ArchiveError {
    let class = error.code().and_then(|code| code.code().get(..2));
    let is_refusal = class.is_some_and(|class| REFUSALS.contains(&class));
    if is_refusal { ArchiveError::Refused(explain(error)) } else { away(error) }
}

impl TimescaleArchive {
    /// Connects, and brings the layout up to date.
    pub fn open(options: &TimescaleOptions) -> Result<Self, ArchiveError> {
        let runtime = runtime()?;
        let (client, description) = wait(&runtime, CALL_TIMEOUT, async {
            let mut client = connect(options).await?;
            let description = setup::prepare(&mut client).await?;
            Ok((client, description))
        })?;
        Ok(Self { runtime, client, description })
    }
}

fn runtime() -> Result<Runtime, ArchiveError> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.map_err(|error| ArchiveError::Away(error.to_string()))
}

async fn connect(options: &TimescaleOptions) -> Result<Client, ArchiveError> {
    let (client, connection) = options.config.connect(NoTls).await.map_err(|error| away(&error))?;
    // it ends when the client is dropped or the connection breaks; whoever calls next hears of it
    tokio::spawn(async move { drop(connection.await) });
    Ok(client)
}

/// Waits for a call; a database that does not answer is away.
fn wait<T>(
    runtime: &Runtime,
    timeout: Duration,
    call: impl Future<Output = Result<T, ArchiveError>>,
) -> Result<T, ArchiveError> {
    runtime.block_on(async {
        let limited = tokio::time::timeout(timeout, call).await;
        limited.unwrap_or_else(|_| Err(ArchiveError::Away(format!("no answer in {timeout:?}"))))
    })
}

impl Queries for TimescaleArchive {
    fn readings(&mut self, query: &ReadingsQuery) -> Result<ReadingsPage, ArchiveError> {
        let Self { runtime, client, .. } = self;
        wait(runtime, CALL_TIMEOUT, reader::read(client, query))
    }
}

impl Archive for TimescaleArchive {
    fn applied(&mut self) -> Result<Applied, ArchiveError> {
        let Self { runtime, client, .. } = self;
        wait(runtime, CALL_TIMEOUT, async { read_applied(client, "").await.map_err(|error| away(&error)) })
    }
    fn append(&mut self, batch: &Batch) -> Result<(), ArchiveError> {
        let Self { runtime, client, .. } = self;
        wait(runtime, CALL_TIMEOUT, append(client, batch))
    }
    fn has(&mut self, repeat: &Repeat) -> Result<bool, ArchiveError> {
        let Self { runtime, client, .. } = self;
        wait(runtime, CALL_TIMEOUT, async { has(client, repeat).await.map_err(|error| away(&error)) })
    }
    fn health(&mut self) -> Result<String, ArchiveError> {
        self.applied()?;
        Ok(self.description.clone())
    }
}

async fn read_applied(client: &impl GenericClient, lock: &str) -> Result<Applied, tokio_postgres::Error> {
    let sql =
        format!("SELECT journal_next, registry, alerts_next, messages, parts, lost FROM applied {lock}");
    let row = client.query_one(&sql, &[]).await?;
    let number = |column: usize| row.try_get(column).map(unsigned);
    let registry: Option<String> = row.try_get(1)?;
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
}

async fn append(client: &mut Client, batch: &Batch) -> Result<(), ArchiveError> {
    let mut transaction = client.transaction().await.map_err(|error| away(&error))?;
    let found = read_applied(&transaction, "FOR UPDATE").await.map_err(|error| away(&error))?;
    check_place(batch, &found)?;
    write::write(&mut transaction, batch).await.map_err(|error| unwritten(&error))?;
    transaction.commit().await.map_err(|error| unwritten(&error))
}

async fn has(client: &Client, repeat: &Repeat) -> Result<bool, tokio_postgres::Error> {
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM {} WHERE device = $1 AND observed_at BETWEEN $2 AND $3 AND untimed_sum = $4)",
        repeat.table.name()
    );
    let [from, to] = [PgValue::time(repeat.from), PgValue::time(repeat.to)];
    client.query_one(&sql, &[&repeat.device.as_str(), &from, &to, &repeat.sum]).await?.try_get(0)
}
