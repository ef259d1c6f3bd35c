//! Texts with one mistake in them, and the mistake's place: `§` stands where it is, and is not part of the text.

use std::process::Output;

/// A text without its mark, and the line and column (from 1, in characters) where the mark was; the first place where
/// there is none.
pub fn marked(text: &str) -> (String, usize, usize) {
    let Some((before, after)) = text.split_once('§') else { return (text.to_owned(), 1, 1) };
    assert!(!after.contains('§'), "one mark a text: {text}");
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    (format!("{before}{after}"), line, column)
}

/// A text with a mistake, where it is, and what has to be said of it.
#[derive(Debug)]
pub struct Mistake<'a> {
    /// The file, as it is named in messages.
    pub file: &'a str,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// How the message begins.
    pub message: &'a str,
}

impl Mistake<'_> {
    /// What is wrong with what a command said of the mistake, and how it ended; `None`: nothing.
    pub fn missed(&self, output: &Output) -> Option<String> {
        let Self { file, line, column, message } = self;
        let wanted = format!("{file}:{line}:{column}: {message}");
        let said = String::from_utf8_lossy(&output.stderr);
        let is_said = said.lines().any(|line| line.starts_with(&wanted));
        let ended = output.status.code();
        let is_right = is_said && ended == Some(1);
        (!is_right).then(|| format!("expected: {wanted}\nsaid:\n{said}ended with {ended:?}\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mark_is_counted_in_characters() {
        assert_eq!(marked("a\n市§b"), ("a\n市b".to_owned(), 2, 2));
        assert_eq!(marked("§"), (String::new(), 1, 1));
        assert_eq!(marked("none"), ("none".to_owned(), 1, 1));
    }
}
