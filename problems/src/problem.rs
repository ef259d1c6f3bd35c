//! One problem, and a collection of them.

use std::cell::RefCell;
use std::fmt;

/// Whether a problem refuses the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The file, or that line of it, is refused.
    Error,
    /// It is taken; somebody should look.
    Warning,
}

/// A problem at its place; shown as `file:line:column: what is wrong, what was expected`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// The file's name, as it was handed in.
    pub file: String,
    /// From 1.
    pub line: usize,
    /// From 1, in characters.
    pub column: usize,
    /// Whether it refuses the file.
    pub level: Level,
    /// What is wrong and what was expected.
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, level, message } = self;
        let warning = if *level == Level::Warning { "warning: " } else { "" };
        write!(f, "{file}:{line}:{column}: {warning}{message}")
    }
}

/// Collects problems while files are read. Shared by reference: reading one part never stops another.
#[derive(Debug, Default)]
pub struct Problems(RefCell<Vec<Problem>>);

impl Problems {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }
    /// Adds one.
    pub fn push(&self, problem: Problem) {
        self.0.borrow_mut().push(problem);
    }
    /// Whether any of them refuses a file.
    pub fn has_errors(&self) -> bool {
        self.0.borrow().iter().any(|problem| problem.level == Level::Error)
    }
    /// How many refuse a file.
    pub fn error_count(&self) -> usize {
        self.0.borrow().iter().filter(|problem| problem.level == Level::Error).count()
    }
    /// All of them, by file and place.
    pub fn into_sorted(self) -> Vec<Problem> {
        let mut problems = self.0.into_inner();
        problems.sort();
        problems.dedup();
        problems
    }
}
