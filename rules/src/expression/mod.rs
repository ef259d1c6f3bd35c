//! Expressions: what a condition or a let computes from slots.
//!
//! ```text
//! text ──rhai──▶ AST ──reading──▶ Tree ──checking──▶ Expression ──Interpreter──▶ Scalar
//!                                   └────lowering──▶ Lowered ─────────┘ where it is plain
//! ```
//!
//! rhai is the language and the reference. Its syntax tree is read once, into a [`tree`] of our own that holds only what
//! the rule language allows; names, kinds and thresholds are found there. Only `reading` touches rhai's unstable
//! `internals`. What is plain is [`lowered`] from the tree and runs natively; everything else, and whatever is not finite
//! on the way, runs in rhai. Tests hold the two ways equal.

mod background;
mod checking;
mod compare;
mod compiler;
mod engine;
mod interpreter;
mod lowered;
mod mistake;
mod reading;
mod threshold;
mod tree;

use std::collections::BTreeMap;

pub use background::background_corrected;
pub use compare::{Comparison, compare};
pub(crate) use compiler::{Compiler, Names, SlotName, SlotUse};
pub use interpreter::{ExpressionError, Interpreter};
pub(crate) use mistake::{Mistake, suggestion};
pub use threshold::{Threshold, Thresholds};

/// The value of a slot. In whole words: what was just written by bytes cannot be read at once by words.
#[derive(Debug, Clone, Copy, PartialEq)]
#[repr(u64)]
pub enum Scalar {
    /// A number; durations are seconds.
    Number(f64),
    /// True or false.
    Truth(bool),
    /// There is none. Never handed to an expression: whoever evaluates settles that first.
    Missing,
}

/// What an expression gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number.
    Number,
    /// True or false.
    Truth,
}

impl Kind {
    /// In messages.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Truth => "true or false",
        }
    }
}

/// A checked expression over slots.
#[derive(Debug)]
pub struct Expression {
    text: String,
    kind: Kind,
    reads: Vec<usize>,
    names: Vec<rhai::ImmutableString>,
    ast: rhai::AST,
    lowered: Option<lowered::Lowered>,
    thresholds: BTreeMap<usize, Thresholds>,
}

impl Expression {
    /// As it is written in the rule.
    pub fn text(&self) -> &str {
        &self.text
    }
    /// What it gives.
    pub fn kind(&self) -> Kind {
        self.kind
    }
    /// The slots it reads, ascending, each once.
    pub fn reads(&self) -> &[usize] {
        &self.reads
    }
    /// What this slot is compared with; `None` where it is not read, or a limit.
    pub fn thresholds_of(&self, slot: usize) -> Option<&Thresholds> {
        self.thresholds.get(&slot)
    }
}

#[cfg(test)]
mod tests;
