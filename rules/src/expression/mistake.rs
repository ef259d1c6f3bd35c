//! A mistake in an expression or input, at a byte of its own text.

use citywarden_problems::did_you_mean;

/// What is wrong, and at which byte of the text it stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mistake {
    pub(crate) at: usize,
    pub(crate) message: String,
}

impl Mistake {
    pub(crate) fn new(at: usize, message: impl Into<String>) -> Self {
        Self { at, message: message.into() }
    }
}

/// `, did you mean …`, or nothing.
pub(crate) fn suggestion<'c>(word: &str, known: impl IntoIterator<Item = &'c str>) -> String {
    did_you_mean(word, known).map_or(String::new(), |known| format!(", did you mean `{known}`"))
}
