//! Problems in files that people write: what is wrong, where, and what was expected.
//!
//! Configuration, registry and rule files are read to the end and every problem is reported, not only the first.
//!
//! **Promises:** a line and a column (counted in characters, from 1) for each problem; a key that nobody asked for is
//! a problem with a suggestion.
//! **Knows:** texts and positions. **Never:** reads a file.

mod document;
mod problem;
mod sheet;
mod source;
mod suggestion;

pub use document::{Document, Key, Section};
pub use problem::{Level, Problem, Problems};
pub use sheet::{Cell, Sheet, SheetRow};
pub use source::Source;
pub use suggestion::{did_you_mean, half_width};
