//! A text in the file, and where its own bytes stand there.

use std::ops::Range;

use citywarden_problems::{Key, Section};

use crate::expression::Mistake;

/// The text of a TOML string. Its bytes stand one for one in the file unless it is written with escapes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written<'d> {
    pub(crate) text: &'d str,
    /// Where the string begins, with its quotes.
    start: usize,
    /// Where its text begins, if it stands there as it is.
    text_start: Option<usize>,
}

impl<'d> Written<'d> {
    /// The text that this key's value is; `None` where it is none.
    pub(crate) fn of(section: &Section<'_, '_>, key: &Key<'d, '_>) -> Option<Self> {
        let (text, span) = (key.as_text()?, key.span());
        let raw = section.source().text.get(span.clone()).unwrap_or_default();
        let text_start = raw.find(text).map(|before| span.start + before);
        Some(Self { text, start: span.start, text_start })
    }
    /// Where this byte of the text stands in the file.
    pub(crate) fn place(&self, byte: usize) -> Range<usize> {
        let at = self.text_start.map_or(self.start, |start| start + byte.min(self.text.len()));
        at..at
    }
    /// Reports mistakes in the text, each at its place.
    pub(crate) fn report(&self, section: &Section<'_, '_>, mistakes: &[Mistake]) {
        for mistake in mistakes {
            section.error(&self.place(mistake.at), mistake.message.clone());
        }
    }
}
