//! Brings a database's layout up to date, and makes hypertables of its tables where it can.

use tokio_postgres::{Client, GenericClient};

use super::away;
use crate::store::{ArchiveError, check_layout};
use crate::table::Table;

/// The steps from an empty database to today's layout. Never changed, only added to.
const MIGRATIONS: &[&str] = &[include_str!("../../migrations/postgres/0001-tables.sql")];
/// How far the layout is.
const NEWEST_STEP: &str = "SELECT coalesce(max(version), 0) FROM layout_versions";
/// Holds off everybody else who would change the layout: any number that nobody else uses.
const MIGRATION_LOCK: i64 = 0x6369_7479_7761_7264;
/// The time that one chunk covers: a county's week fits in memory with its index.
const CHUNK: &str = "7 days";

/// Makes the database ready; says what it is.
pub(super) async fn prepare(client: &mut Client) -> Result<String, ArchiveError> {
    client
        .batch_execute("SET lock_timeout = '30s'; SET idle_in_transaction_session_timeout = '5min'")
        .await
        .map_err(|error| away(&error))?;
    let has_timescale = load_extension(client).await.map_err(|error| away(&error))?;
    migrate(client).await?;
    let mut description = version(client, "SHOW server_version").await.map_err(|error| away(&error))?;
    description = format!("PostgreSQL {description}");
    if has_timescale {
        make_hypertables(client).await.map_err(|error| away(&error))?;
        let sql = "SELECT extversion FROM pg_extension WHERE extname = 'timescaledb'";
        let version = version(client, sql).await.map_err(|error| away(&error))?;
        description = format!("{description}, TimescaleDB {version}");
    } else {
        tracing::warn!("the archive's database has no TimescaleDB: plain tables, which grow slower with age");
    }
    Ok(description)
}

/// Whether the database has today's layout.
pub(super) async fn check(client: &Client) -> Result<(), ArchiveError> {
    let row = client.query_one(NEWEST_STEP, &[]).await.map_err(|error| away(&error))?;
    check_layout(row.try_get(0).map_err(|error| away(&error))?, MIGRATIONS.len())
}

async fn version(client: &Client, sql: &str) -> Result<String, tokio_postgres::Error> {
    client.query_one(sql, &[]).await?.try_get(0)
}

/// Whether TimescaleDB is there; it is put into the database where the server has it and we may.
async fn load_extension(client: &Client) -> Result<bool, tokio_postgres::Error> {
    let installed = "SELECT EXISTS (SELECT 1 FROM pg_extension WHERE extname = 'timescaledb')";
    if client.query_one(installed, &[]).await?.try_get(0)? {
        return Ok(true);
    }
    let offered = "SELECT EXISTS (SELECT 1 FROM pg_available_extensions WHERE name = 'timescaledb')";
    if !client.query_one(offered, &[]).await?.try_get::<_, bool>(0)? {
        return Ok(false);
    }
    match client.batch_execute("CREATE EXTENSION IF NOT EXISTS timescaledb").await {
        Ok(()) => Ok(true),
        Err(error) if error.as_db_error().is_some() && !client.is_closed() => {
            tracing::warn!("TimescaleDB is there and cannot be used: {}", super::explain(&error));
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

async fn migrate(client: &mut Client) -> Result<(), ArchiveError> {
    let transaction = client.transaction().await.map_err(|error| away(&error))?;
    let version = layout_version(&transaction).await.map_err(|error| away(&error))?;
    let missing = usize::try_from(version).ok().and_then(|version| MIGRATIONS.get(version..));
    let Some(missing) = missing else {
        let newest = MIGRATIONS.len();
        return Err(ArchiveError::Unusable(format!(
            "its layout is version {version}; this version knows {newest}"
        )));
    };
    for (step, number) in missing.iter().zip(version + 1..) {
        transaction.batch_execute(step).await.map_err(|error| away(&error))?;
        let note = "INSERT INTO layout_versions (version) VALUES ($1)";
        transaction.execute(note, &[&number]).await.map_err(|error| away(&error))?;
    }
    transaction.commit().await.map_err(|error| away(&error))
}

async fn layout_version(client: &impl GenericClient) -> Result<i64, tokio_postgres::Error> {
    client.query_one("SELECT pg_advisory_xact_lock($1)", &[&MIGRATION_LOCK]).await?;
    let table = "CREATE TABLE IF NOT EXISTS layout_versions \
                 (version BIGINT PRIMARY KEY, at TIMESTAMPTZ NOT NULL DEFAULT now())";
    client.batch_execute(table).await?;
    client.query_one(NEWEST_STEP, &[]).await?.try_get(0)
}

/// Tables that were filled before TimescaleDB came stay plain: to move them takes as long as they are large.
async fn make_hypertables(client: &Client) -> Result<(), tokio_postgres::Error> {
    let sql = "SELECT hypertable_name::text FROM timescaledb_information.hypertables \
               WHERE hypertable_schema = current_schema()";
    let rows = client.query(sql, &[]).await?;
    let known: Vec<String> = rows.iter().map(|row| row.try_get(0)).collect::<Result<_, _>>()?;
    for table in
        Table::ALL.iter().map(|table| table.name()).filter(|name| !known.iter().any(|one| one == name))
    {
        let filled = format!("SELECT EXISTS (SELECT 1 FROM {table})");
        if client.query_one(&filled, &[]).await?.try_get(0)? {
            tracing::warn!(
                "the archive's table {table} was filled before TimescaleDB came, and stays a plain one"
            );
            continue;
        }
        let sql = format!(
            "SELECT create_hypertable('{table}', 'observed_at', chunk_time_interval => INTERVAL '{CHUNK}', \
             create_default_indexes => FALSE, if_not_exists => TRUE)"
        );
        client.query(&sql, &[]).await?;
    }
    Ok(())
}
