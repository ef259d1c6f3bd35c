//! A text with a name, and where its bytes stand.

use std::ops::Range;

use crate::{Level, Problem};

/// A file's text: turns byte positions into lines and columns.
#[derive(Debug, Clone, Copy)]
pub struct Source<'t> {
    /// The file's name, as problems show it.
    pub name: &'t str,
    /// Its text.
    pub text: &'t str,
}

impl<'t> Source<'t> {
    /// A text and the name problems call it by.
    pub const fn new(name: &'t str, text: &'t str) -> Self {
        Self { name, text }
    }
    /// Line and column of a byte, both from 1, the column in characters. Past the end is the end.
    pub fn place(&self, byte: usize) -> (usize, usize) {
        let mut end = byte.min(self.text.len());
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        let before = self.text.get(..end).unwrap_or_default();
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let column =
            before.get(line_start..).unwrap_or_default().chars().filter(|c| *c != '\u{feff}').count() + 1;
        (before.matches('\n').count() + 1, column)
    }
    /// A problem at the start of this stretch of bytes.
    pub fn problem(&self, level: Level, at: &Range<usize>, message: impl Into<String>) -> Problem {
        let (line, column) = self.place(at.start);
        Problem { file: self.name.to_owned(), line, column, level, message: message.into() }
    }
}
