//! Values on their way to and from PostgreSQL.

use std::error::Error;

use bytes::BytesMut;
use citywarden_model::Timestamp;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type};

use crate::row::{Cell, Row};
use crate::table::{ColumnKind, Table};

/// 2000-01-01T00:00:00Z, where PostgreSQL's times begin, in microseconds since 1970.
const POSTGRES_EPOCH_US: i64 = 946_684_800_000_000;

/// A value of any column. Each goes only where its type belongs.
#[derive(Debug, Clone)]
pub(super) enum PgValue<'a> {
    Null,
    Text(&'a str),
    Letter(char),
    /// Microseconds since PostgreSQL's epoch.
    Time(i64),
    Long(i64),
    Int(i32),
    Number(f64),
    Bool(bool),
    Json(serde_json::Value),
}

impl PgValue<'_> {
    pub(super) fn time(at: Timestamp) -> Self {
        Self::Time(at.nanos().div_euclid(1_000) - POSTGRES_EPOCH_US)
    }
}

impl ToSql for PgValue<'_> {
    fn to_sql(&self, kind: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        match self {
            Self::Null => Ok(IsNull::Yes),
            Self::Text(text) => text.to_sql(kind, out),
            Self::Letter(letter) => (&*letter.encode_utf8(&mut [0; 4])).to_sql(kind, out),
            Self::Time(number) | Self::Long(number) => number.to_sql(kind, out),
            Self::Int(number) => number.to_sql(kind, out),
            Self::Number(number) => number.to_sql(kind, out),
            Self::Bool(state) => state.to_sql(kind, out),
            Self::Json(json) => json.to_sql(kind, out),
        }
    }
    fn accepts(_: &Type) -> bool {
        true
    }
    fn to_sql_checked(
        &self,
        kind: &Type,
        out: &mut BytesMut,
    ) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        self.to_sql(kind, out)
    }
}

/// A time, read.
pub(super) struct Micros(pub(super) Timestamp);

impl FromSql<'_> for Micros {
    fn from_sql(kind: &Type, raw: &[u8]) -> Result<Self, Box<dyn Error + Sync + Send>> {
        let micros = i64::from_sql(kind, raw)?.saturating_add(POSTGRES_EPOCH_US);
        Ok(Self(Timestamp::from_nanos(micros.saturating_mul(1_000))))
    }
    fn accepts(kind: &Type) -> bool {
        *kind == Type::TIMESTAMPTZ
    }
}

/// The key of a row, in the order of its table's key columns.
pub(super) fn key_of(row: &Row) -> Vec<PgValue<'_>> {
    let mut key =
        vec![PgValue::Text(row.device.as_str()), PgValue::time(row.observed_at), PgValue::Letter(row.flag)];
    key.extend((row.table.key_columns().len() > 3).then_some(PgValue::Text(&row.name)));
    key.extend((row.table == Table::Events).then(|| PgValue::Text(row.asset.as_str())));
    key
}

/// A row, in the order of [`Table::all_columns`].
pub(super) fn values_of(row: &Row) -> Vec<PgValue<'_>> {
    let mut values = key_of(row);
    values.extend((row.table != Table::Events).then(|| PgValue::Text(row.asset.as_str())));
    values.push(PgValue::time(row.received_at));
    values.push(PgValue::Long(crate::store::signed(row.offset.0)));
    values.push(PgValue::Int(i32::try_from(row.part).unwrap_or(i32::MAX)));
    if Table::FAMILIES.contains(&row.table) {
        values.push(row.claimed_at.map_or(PgValue::Null, PgValue::time));
        values.push(row.untimed_sum.map_or(PgValue::Null, PgValue::Long));
    }
    values.push(row.history_json().map_or(PgValue::Null, PgValue::Json));
    values.extend(cells_of(row));
    values
}

/// What a row holds, in the order of [`Table::value_columns`].
pub(super) fn cells_of(row: &Row) -> impl Iterator<Item = PgValue<'_>> {
    row.cells.iter().zip(row.table.columns()).flat_map(|(cell, column)| {
        let value = match cell {
            Cell::Absent => PgValue::Null,
            Cell::Number(number) => PgValue::Number(*number),
            Cell::Bool(state) => PgValue::Bool(*state),
            Cell::Text(text) => PgValue::Text(text),
        };
        let values = match (column.kind, cell) {
            (ColumnKind::Any, Cell::Text(_)) => [Some(PgValue::Null), Some(value)],
            (ColumnKind::Any, _) => [Some(value), Some(PgValue::Null)],
            (ColumnKind::Number | ColumnKind::Bool | ColumnKind::Text, _) => [Some(value), None],
        };
        values.into_iter().flatten()
    })
}

/// The types of [`Table::all_columns`].
pub(super) fn types_of(table: Table) -> Vec<Type> {
    let columns = table.all_columns();
    columns.into_iter().map(|column| type_of(table, column)).collect()
}

fn type_of(table: Table, column: &str) -> Type {
    match column {
        "observed_at" | "received_at" | "claimed_at" => Type::TIMESTAMPTZ,
        "journal_offset" | "untimed_sum" => Type::INT8,
        "part" => Type::INT4,
        "history" => Type::JSONB,
        "device" | "flag" | "quantity" | "name" | "asset" | "text" => Type::TEXT,
        "number" => Type::FLOAT8,
        _ => match table.column(column).map(|(_, kind)| kind) {
            Some(ColumnKind::Number) => Type::FLOAT8,
            Some(ColumnKind::Bool) => Type::BOOL,
            Some(ColumnKind::Text | ColumnKind::Any) | None => Type::TEXT,
        },
    }
}

/// The cells of a stored row, its value columns beginning at `at`.
pub(super) fn read_cells(
    row: &tokio_postgres::Row,
    table: Table,
    mut at: usize,
) -> Result<Vec<Cell>, tokio_postgres::Error> {
    let mut cells = Vec::with_capacity(table.columns().len());
    for column in table.columns() {
        let (cell, width) = match column.kind {
            ColumnKind::Number => (row.try_get::<_, Option<f64>>(at)?.map(Cell::Number), 1),
            ColumnKind::Bool => (row.try_get::<_, Option<bool>>(at)?.map(Cell::Bool), 1),
            ColumnKind::Text => (row.try_get::<_, Option<String>>(at)?.map(Cell::Text), 1),
            ColumnKind::Any => {
                let number = row.try_get::<_, Option<f64>>(at)?.map(Cell::Number);
                (number.or(row.try_get::<_, Option<String>>(at + 1)?.map(Cell::Text)), 2)
            }
        };
        cells.push(cell.unwrap_or_default());
        at += width;
    }
    Ok(cells)
}
