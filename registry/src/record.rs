//! A line of a CSV file, as what it stands for.

use std::borrow::Borrow;
use std::collections::BTreeMap;

use citywarden_model::{LocalClock, RegionId};
use citywarden_problems::Problems;

use crate::files::{Opened, RegistryFiles};
use crate::keep::Rows;
use crate::reference::Reference;
use crate::table::{Columns, Line, Refused, Table};

/// The longest id: it is part of topics, addresses and file names.
const MAX_ID: usize = 64;

/// What a line needs to know of the world to be read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Locality<'a> {
    pub(crate) region: &'a RegionId,
    pub(crate) clock: LocalClock,
}

/// A kind of line.
pub(crate) trait Record: Clone {
    type Id: Ord + Clone + for<'a> From<&'a str> + Borrow<str>;
    const FILE: &'static str;
    const COLUMNS: Columns;

    /// The line, every cell of it checked.
    fn read(id: Self::Id, line: &Line<'_, '_>, locality: Locality<'_>) -> Result<Self, Refused>;
    /// What it says of others, by column.
    fn references(&self) -> Vec<Reference<'_>>;
}

/// The file of this kind of line.
pub(crate) fn open<'f, 'p, R: Record + 'static>(
    files: &'f RegistryFiles,
    problems: &'p Problems,
) -> Opened<Table<'f, 'p>> {
    files.open(R::FILE, problems).and_then(|source| Table::parse(source, &R::COLUMNS, problems))
}

/// Every line of the file.
pub(crate) fn read_all<R: Record>(table: &Table<'_, '_>, locality: Locality<'_>) -> Rows<R::Id, R> {
    let mut rows = Rows::new();
    for line in table.lines() {
        read_line(&mut rows, &line, locality);
    }
    rows
}

fn read_line<R: Record>(rows: &mut Rows<R::Id, R>, line: &Line<'_, '_>, locality: Locality<'_>) {
    if line.is_broken() {
        rows.refused.extend(line.text("id").map(R::Id::from));
        return;
    }
    let Ok(id) = line.need("id", |text| check_id(text).map(|()| R::Id::from(text))) else { return };
    if rows.holds(&id) {
        if let Some(cell) = line.cell("id") {
            line.error(&cell.span, format!("`{}` is there twice; the first line stands", cell.text));
        }
        return;
    }
    match R::read(id.clone(), line, locality) {
        Ok(record) => drop(rows.good.insert(id, record)),
        Err(Refused) => drop(rows.refused.insert(id)),
    }
}

/// Warns of each cell that names something nobody has.
pub(crate) fn check_references<R: Record>(
    table: &Table<'_, '_>,
    rows: &BTreeMap<R::Id, R>,
    mut is_known: impl FnMut(&Reference<'_>) -> bool,
) {
    for line in table.lines() {
        let Some(record) = line.text("id").and_then(|id| rows.get(id)) else { continue };
        for reference in record.references() {
            // a kept row of before may name something else than the refused cell
            let cell = line.cell(reference.column).filter(|cell| cell.text == reference.id);
            if let (Some(cell), false) = (cell, is_known(&reference)) {
                line.warning(&cell.span, reference.unknown());
            }
        }
    }
}

/// Whether this can be an id.
pub(crate) fn check_id(text: &str) -> Result<(), String> {
    let safe = text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    let holds = safe && text.len() <= MAX_ID && text.starts_with(|c: char| c.is_ascii_alphanumeric());
    if holds {
        return Ok(());
    }
    Err(format!(
        "`{text}` cannot be an id; expected a letter or digit, then letters, digits, `.`, `_`, `-`, at most {MAX_ID}"
    ))
}
