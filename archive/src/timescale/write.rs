//! One batch into the database, within a transaction.
//!
//! Binary COPY straight into the tables: as long as no key comes twice, nothing else is needed. Where one does (a device
//! sent a minute again), the database refuses, the batch is taken back to before its rows, those that are there are
//! looked up and merged, and only the rest is copied.

use std::collections::BTreeMap;

use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::error::SqlState;
use tokio_postgres::{GenericClient, Transaction};

use super::value::{PgValue, cells_of, key_of, read_cells, types_of, values_of};
use crate::batch::{AlertEventRow, AlertRow, Batch};
use crate::row::Row;
use crate::store::signed;
use crate::table::Table;

type Outcome<T = ()> = Result<T, tokio_postgres::Error>;

pub(super) async fn write(transaction: &mut Transaction<'_>, batch: &Batch) -> Outcome {
    if Table::ALL.iter().any(|table| !batch.rows(*table).is_empty()) {
        let trial = transaction.savepoint("rows").await?;
        match copy_all(&trial, batch).await {
            Ok(()) => trial.commit().await?,
            Err(error) if error.code() == Some(&SqlState::UNIQUE_VIOLATION) => {
                trial.rollback().await?;
                for table in Table::ALL {
                    merge_all(transaction, *table, batch.rows(*table)).await?;
                }
            }
            Err(error) => return Err(error),
        }
    }
    for row in batch.alerts() {
        write_alert(transaction, row).await?;
    }
    for row in batch.alert_events() {
        write_alert_event(transaction, row).await?;
    }
    write_applied(transaction, batch).await
}

async fn copy_all(client: &Transaction<'_>, batch: &Batch) -> Outcome {
    for table in Table::ALL {
        copy(client, *table, batch.rows(*table)).await?;
    }
    Ok(())
}

async fn copy(client: &Transaction<'_>, table: Table, rows: impl IntoIterator<Item = &Row>) -> Outcome {
    let mut rows = rows.into_iter().peekable();
    if rows.peek().is_none() {
        return Ok(());
    }
    let sql =
        format!("COPY {} ({}) FROM STDIN (FORMAT BINARY)", table.name(), table.all_columns().join(", "));
    let sink = client.copy_in(&sql).await?;
    let writer = BinaryCopyInWriter::new(sink, &types_of(table));
    tokio::pin!(writer);
    for row in rows {
        writer.as_mut().write_raw(values_of(row)).await?;
    }
    writer.finish().await.map(drop)
}

/// The slow way: what is there is merged, the rest copied.
async fn merge_all(client: &Transaction<'_>, table: Table, rows: &[Row]) -> Outcome {
    if rows.is_empty() {
        return Ok(());
    }
    let stored = look_up(client, table, rows).await?;
    let sql = update_sql(table);
    for (place, mut first) in stored.iter().map(|(place, row)| (*place, row.clone())) {
        let Some(later) = rows.get(place) else { continue };
        if first.merge(later) {
            let history = first.history_json().map_or(PgValue::Null, PgValue::Json);
            let values: Vec<_> = key_of(later).into_iter().chain(cells_of(&first)).chain([history]).collect();
            client.query_raw(&sql, values).await.map(drop)?;
        }
    }
    let news = rows.iter().enumerate().filter(|(place, _)| !stored.contains_key(place)).map(|(_, row)| row);
    copy(client, table, news).await
}

/// The rows whose keys are in the database, by their place in `rows`.
async fn look_up(client: &impl GenericClient, table: Table, rows: &[Row]) -> Outcome<BTreeMap<usize, Row>> {
    let columns = table.key_columns();
    let mut keys: Vec<Vec<PgValue<'_>>> = vec![Vec::with_capacity(rows.len()); columns.len()];
    for row in rows {
        for (list, value) in keys.iter_mut().zip(key_of(row)) {
            list.push(value);
        }
    }
    let lists: Vec<_> = columns
        .iter()
        .zip(1..)
        .map(|(column, place)| {
            let kind = if *column == "observed_at" { "timestamptz" } else { "text" };
            format!("${place}::{kind}[]")
        })
        .collect();
    let values: Vec<_> = table.value_columns().iter().map(|column| format!("t.{column}")).collect();
    let sql = format!(
        "SELECT k.place, t.history, {values} FROM unnest({lists}) WITH ORDINALITY AS k({columns}, place) \
         JOIN {table} t USING ({columns})",
        values = values.join(", "),
        lists = lists.join(", "),
        columns = columns.join(", "),
        table = table.name(),
    );
    let parameters: Vec<&(dyn tokio_postgres::types::ToSql + Sync)> =
        keys.iter().map(|list| list as &(dyn tokio_postgres::types::ToSql + Sync)).collect();
    let mut stored = BTreeMap::new();
    for found in client.query(&sql, &parameters).await? {
        let ordinal: i64 = found.try_get(0)?;
        let Ok(place) = usize::try_from(ordinal - 1) else { continue };
        let Some(like) = rows.get(place) else { continue };
        let history: Option<serde_json::Value> = found.try_get(1)?;
        let history = history.and_then(|json| serde_json::from_value(json).ok()).unwrap_or_default();
        let cells = read_cells(&found, table, 2)?;
        stored.insert(place, Row { cells, history, ..like.clone() });
    }
    Ok(stored)
}

fn update_sql(table: Table) -> String {
    let keys = table.key_columns();
    let is_it: Vec<_> = keys.iter().zip(1..).map(|(column, place)| format!("{column} = ${place}")).collect();
    let values = table.value_columns();
    let sets: Vec<_> = values
        .iter()
        .chain(&["history"])
        .zip(keys.len() + 1..)
        .map(|(column, place)| format!("{column} = ${place}"))
        .collect();
    format!("UPDATE {} SET {} WHERE {}", table.name(), sets.join(", "), is_it.join(" AND "))
}

async fn write_alert(client: &impl GenericClient, row: &AlertRow) -> Outcome {
    let alert = &row.alert;
    let names = [
        "id",
        "kind",
        "rule",
        "asset",
        "asset_kind",
        "grid",
        "clause",
        "severity",
        "state",
        "condition",
        "lead",
        "trial",
        "reconstructed",
        "began_at",
        "opened_at",
        "cleared_at",
        "alert",
    ];
    let values = vec![
        PgValue::Text(alert.id.as_str()),
        PgValue::Text(alert.kind.as_str()),
        PgValue::Text(alert.rule.as_str()),
        PgValue::Text(alert.asset.id.as_str()),
        PgValue::Text(&alert.asset.kind),
        alert.grid.as_ref().map_or(PgValue::Null, |grid| PgValue::Text(grid.as_str())),
        alert.clause.as_ref().map_or(PgValue::Null, |clause| PgValue::Int(clause.item.into())),
        PgValue::Text(alert.severity.as_str()),
        PgValue::Text(alert.state.as_str()),
        PgValue::Text(alert.condition.as_str()),
        PgValue::Bool(alert.lead),
        PgValue::Bool(alert.trial),
        PgValue::Bool(alert.reconstructed),
        PgValue::time(alert.began_at),
        PgValue::time(alert.opened_at),
        alert.cleared_at.map_or(PgValue::Null, PgValue::time),
        PgValue::Json(without_nul(serde_json::to_value(alert).unwrap_or_default())),
    ];
    let places: Vec<_> = (1..=names.len()).map(|place| format!("${place}")).collect();
    let sets: Vec<_> = names.iter().skip(1).map(|name| format!("{name} = EXCLUDED.{name}")).collect();
    let sql = format!(
        "INSERT INTO alerts ({}) VALUES ({}) ON CONFLICT (id) DO UPDATE SET {}",
        names.join(", "),
        places.join(", "),
        sets.join(", ")
    );
    client.query_raw(&sql, values).await.map(drop)
}

/// PostgreSQL holds every character in a JSON text but NUL.
fn without_nul(json: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match json {
        Value::String(text) => Value::String(text.replace('\0', "\u{fffd}")),
        Value::Array(items) => Value::Array(items.into_iter().map(without_nul).collect()),
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, value)| (name.replace('\0', "\u{fffd}"), without_nul(value)))
                .collect(),
        ),
        Value::Null | Value::Bool(_) | Value::Number(_) => json,
    }
}

async fn write_alert_event(client: &impl GenericClient, row: &AlertEventRow) -> Outcome {
    let why = row.why.as_ref().map(|why| why.replace('\0', "\u{fffd}"));
    let who = row.who.replace('\0', "\u{fffd}");
    let values = vec![
        PgValue::Long(signed(row.entry.0)),
        PgValue::Int(i32::try_from(row.index).unwrap_or(i32::MAX)),
        PgValue::Text(row.alert.as_str()),
        PgValue::Long(row.sequence.into()),
        PgValue::time(row.at),
        PgValue::Text(&row.event),
        PgValue::Text(&who),
        why.as_deref().map_or(PgValue::Null, PgValue::Text),
    ];
    let sql = "INSERT INTO alert_events (entry, place, alert, sequence, at, event, who, why) \
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    client.query_raw(sql, values).await.map(drop)
}

async fn write_applied(client: &impl GenericClient, batch: &Batch) -> Outcome {
    let after = batch.after();
    let registry = after.place.registry.map(|digest| digest.to_string());
    let values = vec![
        PgValue::Long(signed(after.place.journal.0)),
        registry.as_deref().map_or(PgValue::Null, PgValue::Text),
        PgValue::Long(signed(after.place.alerts.0)),
        PgValue::Long(signed(after.messages)),
        PgValue::Long(signed(after.parts)),
        PgValue::Long(signed(after.lost)),
    ];
    let sql = "UPDATE applied SET journal_next = $1, registry = $2, alerts_next = $3, messages = $4, parts = $5, lost = $6";
    client.query_raw(sql, values).await.map(drop)
}
