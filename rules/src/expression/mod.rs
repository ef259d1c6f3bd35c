//! Expressions: what a condition or a let computes from slots. rhai is the language and the reference; behind
//! [`Expression`] another way of evaluating may stand later.

mod compare;

use std::collections::BTreeMap;

pub use compare::{Comparison, compare};

/// The value of a slot.
#[derive(Debug, Clone, Copy, PartialEq)]
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

/// A checked expression over slots.
#[derive(Debug)]
pub struct Expression {
    text: String,
    kind: Kind,
    reads: Vec<usize>,
    names: Vec<rhai::ImmutableString>,
    ast: rhai::AST,
    thresholds: BTreeMap<usize, Thresholds>,
}

/// What a slot is compared with in an expression.
#[derive(Debug, Default)]
pub struct Thresholds {
    /// Each comparison `slot <operator> limit` (turned round where it was written the other way), whose `limit` reads
    /// nothing but limits.
    pub crossings: Vec<Threshold>,
    /// Whether the slot is used in such comparisons only, so that between two crossings nothing can change.
    pub complete: bool,
}

/// A comparison of a slot with something that only limits decide.
#[derive(Debug)]
pub struct Threshold {
    /// The slot stands on its left.
    pub operator: Comparison,
    /// Its right side: a number.
    pub limit: Expression,
}

/// An expression could not be evaluated: the rule is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// The caller handed in a slot without a value.
    #[error("slot {0} has no value")]
    Missing(usize),
    /// The result is infinite or no number.
    #[error("`{0}` gives no finite number")]
    NotFinite(String),
    /// The engine gave up: too many operations, too deep, or a value of the wrong kind.
    #[error("`{expression}` failed: {message}")]
    Failed {
        /// The expression as written.
        expression: String,
        /// What the engine says.
        message: String,
    },
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
    /// What this slot is compared with; `None` where it is not read.
    pub fn thresholds_of(&self, slot: usize) -> Option<&Thresholds> {
        self.thresholds.get(&slot)
    }
}

/// Evaluates expressions; owned by whoever evaluates, so that its scope is used again and again.
#[derive(Debug)]
pub struct Interpreter {
    engine: rhai::Engine,
    scope: rhai::Scope<'static>,
}

impl Interpreter {
    /// A fresh one.
    pub fn new() -> Self {
        Self { engine: rhai::Engine::new_raw(), scope: rhai::Scope::new() }
    }
    /// Evaluates. Every slot in [`Expression::reads`] must have a value.
    pub fn evaluate(&mut self, expression: &Expression, slots: &[Scalar]) -> Result<Scalar, ExpressionError> {
        self.scope.clear();
        for (slot, name) in expression.reads.iter().zip(&expression.names) {
            match slots.get(*slot).copied().unwrap_or(Scalar::Missing) {
                Scalar::Number(number) => self.scope.push_constant(name.clone(), number),
                Scalar::Truth(truth) => self.scope.push_constant(name.clone(), truth),
                Scalar::Missing => return Err(ExpressionError::Missing(*slot)),
            };
        }
        let failed =
            |message: String| ExpressionError::Failed { expression: expression.text.clone(), message };
        let value: rhai::Dynamic = self
            .engine
            .eval_ast_with_scope(&mut self.scope, &expression.ast)
            .map_err(|error| failed(error.to_string()))?;
        match expression.kind {
            Kind::Truth => value.as_bool().map(Scalar::Truth).map_err(|kind| failed(format!("gives {kind}"))),
            Kind::Number => match value.as_float() {
                Ok(number) if number.is_finite() => Ok(Scalar::Number(number)),
                Ok(_) => Err(ExpressionError::NotFinite(expression.text.clone())),
                Err(kind) => Err(failed(format!("gives {kind}"))),
            },
        }
    }
}

impl Default for Interpreter {
    fn default() -> Self {
        Self::new()
    }
}
