//! Texts with one mistake in them, and the mistake's place: `§` stands where it is, and is not part of the text.

/// A text without its mark, and the line and column (from 1, in characters) where the mark was; the first place where
/// there is none.
pub fn marked(text: &str) -> (String, usize, usize) {
    let Some((before, after)) = text.split_once('§') else { return (text.to_owned(), 1, 1) };
    assert!(!after.contains('§'), "one mark a text: {text}");
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count()) + 1;
    (format!("{before}{after}"), line, column)
}

/// Asserts that one of the lines that were said begins with `file:line:column: message`.
pub fn check_said(said: &str, file: &str, line: usize, column: usize, message: &str) {
    let wanted = format!("{file}:{line}:{column}: {message}");
    assert!(said.lines().any(|line| line.starts_with(&wanted)), "expected: {wanted}\nsaid:\n{said}");
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
