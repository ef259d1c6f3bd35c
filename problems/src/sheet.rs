//! CSV as a spreadsheet writes it, with the place of each cell.
//!
//! Own code because the place of a cell inside its line is what a person needs to find a mistake, and because a quote
//! that is never closed must cost one line and not the rest of the file.

use std::borrow::Cow;
use std::ops::Range;

use crate::{Level, Problems, Source};

/// A table: a header row and the rows below it.
#[derive(Debug)]
pub struct Sheet<'t> {
    source: Source<'t>,
    /// The names of the columns, trimmed.
    pub header: Vec<Cell<'t>>,
    /// The rows that hold anything.
    pub rows: Vec<SheetRow<'t>>,
}

/// One cell: its text without quotes and outer blanks, and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell<'t> {
    /// The text; empty where the cell is.
    pub text: Cow<'t, str>,
    /// Its bytes in the file, quotes included.
    pub span: Range<usize>,
}

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SheetRow<'t> {
    /// Its cells, from the left.
    pub cells: Vec<Cell<'t>>,
    /// Its bytes in the file.
    pub span: Range<usize>,
    /// Whether its text is no CSV; that was reported, and the row must not be taken.
    pub broken: bool,
}

impl<'t> Sheet<'t> {
    /// Parses a text; a byte order mark in front is passed over. What is no CSV is reported and costs its own line.
    /// `None`, and one error, where there is no header row or the cells are not separated by commas.
    pub fn parse(source: Source<'t>, problems: &Problems) -> Option<Self> {
        let text = source.text.strip_prefix('\u{feff}').unwrap_or(source.text);
        let source = Source { text, ..source };
        let mut parser = Parser { source, problems, at: 0 };
        let mut rows = std::iter::from_fn(|| parser.row()).filter(|row| !row.is_empty());
        let Some(header) = rows.next() else {
            problems.push(source.problem(Level::Error, &(0..0), "the file is empty; expected a header row"));
            return None;
        };
        let rows = rows.collect();
        if let [only] = header.cells.as_slice()
            && let Some(separator) = [';', '\t', '，'].into_iter().find(|c| only.text.contains(*c))
        {
            let message =
                format!("cells are separated by {separator:?}; expected commas (save as \"CSV UTF-8\")");
            problems.push(source.problem(Level::Error, &only.span, message));
            return None;
        }
        Some(Self { source, header: header.cells, rows })
    }
    /// The text it was read from.
    pub fn source(&self) -> Source<'t> {
        self.source
    }
}

impl SheetRow<'_> {
    fn is_empty(&self) -> bool {
        !self.broken && self.cells.iter().all(|cell| cell.text.is_empty())
    }
}

struct Parser<'t, 'p> {
    source: Source<'t>,
    problems: &'p Problems,
    at: usize,
}

impl<'t> Parser<'t, '_> {
    fn rest(&self) -> &'t str {
        self.source.text.get(self.at..).unwrap_or_default()
    }
    fn row(&mut self) -> Option<SheetRow<'t>> {
        if self.rest().is_empty() {
            return None;
        }
        let start = self.at;
        let (mut cells, mut broken) = (Vec::new(), false);
        loop {
            let cell = self.cell();
            broken |= cell.is_none();
            cells.extend(cell);
            if !self.rest().starts_with(',') {
                break;
            }
            self.at += 1;
        }
        let span = start..self.at;
        self.end_line();
        Some(SheetRow { cells, span, broken })
    }
    /// The cell here; `None`, and an error, where it is no CSV: then the rest of the line is passed over.
    fn cell(&mut self) -> Option<Cell<'t>> {
        let rest = self.rest();
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let body = rest.get(blanks..).unwrap_or_default();
        if body.starts_with('"') {
            self.at += blanks;
            return self.quoted(body);
        }
        let length = rest.find([',', '\r', '\n']).unwrap_or(rest.len());
        let text = rest.get(..length).unwrap_or_default();
        let start = self.at + (text.len() - text.trim_start().len());
        self.at += length;
        Some(Cell { text: Cow::Borrowed(text.trim()), span: start..start + text.trim().len() })
    }
    fn quoted(&mut self, body: &'t str) -> Option<Cell<'t>> {
        let start = self.at;
        let Some(length) = quoted_length(body) else {
            return self.skip_line(start, "the quote is never closed");
        };
        let text = body.get(1..length - 1).unwrap_or_default();
        let text =
            if text.contains('"') { Cow::Owned(text.replace("\"\"", "\"")) } else { Cow::Borrowed(text) };
        self.at += length;
        let after = self.rest();
        self.at += after.len() - after.trim_start_matches([' ', '\t']).len();
        if self.rest().is_empty() || self.rest().starts_with([',', '\r', '\n']) {
            return Some(Cell { text: trim(text), span: start..start + length });
        }
        if text.contains('\n') {
            // the quote that seemed to close it opens a cell further down: only this line is lost
            self.at = start;
            return self.skip_line(start, "the quote is never closed");
        }
        self.skip_line(self.at, "text after the closing quote; expected a comma or the end of the line")
    }
    fn skip_line(&mut self, at: usize, message: &str) -> Option<Cell<'t>> {
        self.problems.push(self.source.problem(Level::Error, &(at..at), message));
        self.at += self.rest().find(['\r', '\n']).unwrap_or(self.rest().len());
        None
    }
    fn end_line(&mut self) {
        let rest = self.rest();
        self.at += if rest.starts_with("\r\n") { 2 } else { usize::from(!rest.is_empty()) };
    }
}

/// The bytes of a quoted cell, both quotes included.
fn quoted_length(body: &str) -> Option<usize> {
    let mut from = 1;
    loop {
        let quote = from + body.get(from..)?.find('"')?;
        if body.get(quote + 1..).is_some_and(|after| after.starts_with('"')) {
            from = quote + 2;
        } else {
            return Some(quote + 1);
        }
    }
}

fn trim(text: Cow<'_, str>) -> Cow<'_, str> {
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.trim()),
        Cow::Owned(text) => Cow::Owned(text.trim().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> (Vec<Vec<String>>, Vec<String>) {
        let problems = Problems::new();
        let sheet = Sheet::parse(Source::new("f.csv", text), &problems);
        let texts = |cells: &[Cell<'_>]| cells.iter().map(|cell| cell.text.to_string()).collect::<Vec<_>>();
        let rows = sheet.map_or(Vec::new(), |sheet| {
            std::iter::once(texts(&sheet.header))
                .chain(sheet.rows.iter().filter(|row| !row.broken).map(|row| texts(&row.cells)))
                .collect()
        });
        (rows, problems.into_sorted().iter().map(ToString::to_string).collect())
    }

    #[test]
    fn what_spreadsheets_write_is_read() {
        for (name, text, expected) in [
            ("plain", "id,kind\na,b\n", vec![vec!["id", "kind"], vec!["a", "b"]]),
            (
                "byte order mark and CRLF",
                "\u{feff}id,kind\r\na,b\r\n",
                vec![vec!["id", "kind"], vec!["a", "b"]],
            ),
            ("no newline at the end", "id,kind\na,b", vec![vec!["id", "kind"], vec!["a", "b"]]),
            ("empty rows", "id,kind\n\n,\n , \na,\n", vec![vec!["id", "kind"], vec!["a", ""]]),
            (
                "quotes",
                "id,n\n\"a,\"\"b\"\"\nc\", \" d \" \n",
                vec![vec!["id", "n"], vec!["a,\"b\"\nc", "d"]],
            ),
            ("a quote inside a bare cell", "id\n5\"\n", vec![vec!["id"], vec!["5\""]]),
        ] {
            assert_eq!(
                parse(text),
                (expected.iter().map(|r| r.iter().map(|c| (*c).to_owned()).collect()).collect(), vec![]),
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_no_csv_costs_its_own_line() {
        let (rows, problems) = parse("id,名\n甲,\"x\nb,2\nc,\"3\"4\nd,5\n");
        assert_eq!(rows, [["id", "名"], ["b", "2"], ["d", "5"]]);
        assert_eq!(
            problems,
            [
                "f.csv:2:3: the quote is never closed",
                "f.csv:4:6: text after the closing quote; expected a comma or the end of the line",
            ]
        );
    }

    #[test]
    fn other_separators_are_named() {
        for (text, expected) in [
            ("", "f.csv:1:1: the file is empty; expected a header row"),
            (
                "id;kind\na;b\n",
                "f.csv:1:1: cells are separated by ';'; expected commas (save as \"CSV UTF-8\")",
            ),
            (
                "id\tkind\n",
                "f.csv:1:1: cells are separated by '\\t'; expected commas (save as \"CSV UTF-8\")",
            ),
        ] {
            assert_eq!(parse(text), (vec![], vec![expected.to_owned()]));
        }
    }
}
