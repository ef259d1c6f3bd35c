//! A CSV file as typed rows: columns by name, cells that report their own mistakes.

use std::ops::Range;

use citywarden_model::Attributes;
use citywarden_problems::{Cell, Level, Problems, Sheet, SheetRow, Source, did_you_mean};

use crate::attribute;

/// More rows than this are refused: a county has thousands of devices, not hundreds of thousands.
const MAX_ROWS: usize = 200_000;

/// What a file's columns are.
pub(crate) struct Columns {
    /// Must be there.
    pub(crate) required: &'static [&'static str],
    /// Have a meaning of their own where they are there.
    pub(crate) optional: &'static [&'static str],
    /// Attributes that are known for this file, to catch slips of the fingers.
    pub(crate) attributes: &'static [&'static str],
}

/// A parsed file whose header is in order.
pub(crate) struct Table<'t, 'p> {
    sheet: Sheet<'t>,
    columns: &'static Columns,
    problems: &'p Problems,
}

/// One row of it.
#[derive(Clone, Copy)]
pub(crate) struct Line<'a, 't> {
    table: &'a Table<'t, 'a>,
    row: &'a SheetRow<'t>,
}

impl<'t, 'p> Table<'t, 'p> {
    /// `None`, and errors, where the file as a whole cannot be read.
    pub(crate) fn parse(
        source: Source<'t>,
        columns: &'static Columns,
        problems: &'p Problems,
    ) -> Option<Self> {
        let sheet = Sheet::parse(source, problems)?;
        let table = Self { sheet, columns, problems };
        let missing = table.check_missing();
        let doubled = table.check_header();
        let long = table.sheet.rows.len() > MAX_ROWS;
        if long {
            table.report(Level::Error, &(0..0), format!("more than {MAX_ROWS} rows"));
        }
        (!missing && !doubled && !long).then_some(table)
    }
    fn check_missing(&self) -> bool {
        let missing: Vec<_> =
            self.columns.required.iter().filter(|name| self.column(name).is_none()).collect();
        for name in &missing {
            self.report(Level::Error, &(0..0), format!("column `{name}` is missing"));
        }
        !missing.is_empty()
    }
    /// Whether a column is there twice. Names that look like slips are warned of.
    fn check_header(&self) -> bool {
        let mut doubled = false;
        for (at, cell) in self.sheet.header.iter().enumerate() {
            if self.column(&cell.text) != Some(at) && !cell.text.is_empty() {
                self.report(Level::Error, &cell.span, format!("column `{}` is there twice", cell.text));
                doubled = true;
            }
            self.check_spelling(cell);
        }
        doubled
    }
    fn check_spelling(&self, cell: &Cell<'_>) {
        let Columns { required, optional, attributes } = self.columns;
        let known = || required.iter().chain(*optional).chain(*attributes).copied();
        if cell.text.is_empty() || known().any(|name| name == cell.text) {
            return;
        }
        if let Some(near) = did_you_mean(&cell.text, known().filter(|name| name.len() > 3)) {
            let message = format!("column `{}` is kept as an attribute, did you mean `{near}`", cell.text);
            self.report(Level::Warning, &cell.span, message);
        }
    }
    fn column(&self, name: &str) -> Option<usize> {
        self.sheet.header.iter().position(|cell| cell.text == name)
    }
    fn has_meaning(&self, name: &str) -> bool {
        self.columns.required.contains(&name) || self.columns.optional.contains(&name)
    }
    pub(crate) fn lines(&self) -> impl Iterator<Item = Line<'_, 't>> {
        self.sheet.rows.iter().map(|row| Line { table: self, row })
    }
    pub(crate) fn report(&self, level: Level, at: &Range<usize>, message: impl Into<String>) {
        self.problems.push(self.sheet.source().problem(level, at, message));
    }
}

impl<'a, 't> Line<'a, 't> {
    /// Whether the line is no CSV, or has more cells than there are columns; reported.
    pub(crate) fn is_broken(&self) -> bool {
        let columns = self.table.sheet.header.len();
        let beyond = self.row.cells.iter().skip(columns).find(|cell| !cell.text.is_empty());
        if let Some(cell) = beyond {
            let cells = self.row.cells.len();
            self.error(&cell.span, format!("{cells} cells; the header has {columns} columns"));
        }
        self.row.broken || beyond.is_some()
    }
    /// The cell of this column, where it holds anything.
    pub(crate) fn cell(&self, column: &str) -> Option<&'a Cell<'t>> {
        let at = self.table.column(column)?;
        self.row.cells.get(at).filter(|cell| !cell.text.is_empty())
    }
    /// The text of this column, where it holds anything.
    pub(crate) fn text(&self, column: &str) -> Option<&'a str> {
        self.cell(column).map(|cell| cell.text.as_ref())
    }
    /// The cell of this column; an error at the line where it is empty.
    pub(crate) fn required(&self, column: &str) -> Option<&'a Cell<'t>> {
        let cell = self.cell(column);
        if cell.is_none() {
            self.error(&self.row.span.clone(), format!("`{column}` is empty"));
        }
        cell
    }
    /// The cell of this column, read; `Err` where that failed, which `read`'s message reports.
    pub(crate) fn read<T>(
        &self,
        column: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<Option<T>, Refused> {
        let Some(cell) = self.cell(column) else { return Ok(None) };
        read(&cell.text).map(Some).map_err(|message| self.error(&cell.span, message))
    }
    /// The required cell of this column, read.
    pub(crate) fn need<T>(
        &self,
        column: &str,
        read: impl Fn(&str) -> Result<T, String>,
    ) -> Result<T, Refused> {
        self.required(column).ok_or(Refused)?;
        self.read(column, read)?.ok_or(Refused)
    }
    /// Every column without a meaning of its own; those of known form are checked, with a warning.
    pub(crate) fn attributes(&self) -> Attributes {
        let named = self.table.sheet.header.iter().zip(&self.row.cells);
        let extra = named.filter(|(name, cell)| {
            !name.text.is_empty() && !cell.text.is_empty() && !self.table.has_meaning(&name.text)
        });
        extra
            .inspect(|(name, cell)| {
                if let Err(expected) = attribute::check(&name.text, &cell.text) {
                    self.warning(
                        &cell.span,
                        format!("`{}` is `{}`; expected {expected}", name.text, cell.text),
                    );
                }
            })
            .map(|(name, cell)| (name.text.to_string(), cell.text.to_string()))
            .collect()
    }
    /// Reports an error at a place of this file.
    pub(crate) fn error(&self, at: &Range<usize>, message: impl Into<String>) -> Refused {
        self.table.report(Level::Error, at, message);
        Refused
    }
    pub(crate) fn warning(&self, at: &Range<usize>, message: impl Into<String>) {
        self.table.report(Level::Warning, at, message);
    }
}

/// The line is refused; why was reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refused;
