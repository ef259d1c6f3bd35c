//! Running an expression.

use rhai::{Dynamic, Engine, EvalAltResult, Scope};

use super::engine::engine;
use super::{Expression, Kind, Scalar};

/// An expression could not be evaluated: the rule is at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionError {
    /// The caller handed in a slot without a value.
    #[error("slot {0} has no value")]
    Missing(usize),
    /// A number on the way, or the result, is infinite or none.
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

/// Evaluates expressions; owned by whoever evaluates, so that its scope is used again and again.
#[derive(Debug)]
pub struct Interpreter {
    engine: Engine,
    scope: Scope<'static>,
}

impl Interpreter {
    /// A fresh one.
    pub fn new() -> Self {
        Self { engine: engine(), scope: Scope::new() }
    }
    /// Evaluates. Every slot in [`Expression::reads`] must have a value. A number that is not finite is an error.
    pub fn evaluate(&mut self, expression: &Expression, slots: &[Scalar]) -> Result<Scalar, ExpressionError> {
        let is_known = |slot: &usize| !matches!(slots.get(*slot), None | Some(Scalar::Missing));
        if let Some(missing) = expression.reads.iter().find(|slot| !is_known(slot)) {
            return Err(ExpressionError::Missing(*missing));
        }
        match expression.lowered.as_ref().and_then(|lowered| lowered.value(slots)) {
            Some(value) => Ok(value),
            None => self.evaluate_by_rhai(expression, slots),
        }
    }
    /// As [`Self::evaluate`], by the language itself.
    pub(crate) fn evaluate_by_rhai(
        &mut self,
        expression: &Expression,
        slots: &[Scalar],
    ) -> Result<Scalar, ExpressionError> {
        self.scope.clear();
        for (slot, name) in expression.reads.iter().zip(&expression.names) {
            match slots.get(*slot).copied().unwrap_or(Scalar::Missing) {
                Scalar::Number(number) => self.scope.push_constant(name.clone(), number),
                Scalar::Truth(truth) => self.scope.push_constant(name.clone(), truth),
                Scalar::Missing => return Err(ExpressionError::Missing(*slot)),
            };
        }
        let value = self.engine.eval_ast_with_scope(&mut self.scope, &expression.ast);
        let value = value.map_err(|error| {
            if matches!(*error, EvalAltResult::ErrorArithmetic(..)) {
                ExpressionError::NotFinite(expression.text.clone())
            } else {
                failed(expression, error.to_string())
            }
        })?;
        scalar(expression, &value)
    }
}

impl Default for Interpreter {
    fn default() -> Self {
        Self::new()
    }
}

fn scalar(expression: &Expression, value: &Dynamic) -> Result<Scalar, ExpressionError> {
    let wrong_kind = |kind| failed(expression, format!("gives {kind}"));
    match expression.kind {
        Kind::Truth => value.as_bool().map(Scalar::Truth).map_err(wrong_kind),
        Kind::Number => {
            let number = value.as_float().map_err(wrong_kind)?;
            let finite = number.is_finite().then_some(Scalar::Number(number));
            finite.ok_or_else(|| ExpressionError::NotFinite(expression.text.clone()))
        }
    }
}

fn failed(expression: &Expression, message: String) -> ExpressionError {
    ExpressionError::Failed { expression: expression.text.clone(), message }
}
