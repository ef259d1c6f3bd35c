//! The verdict: rule files, and the evaluator that judges readings by them.
//!
//! ```text
//! rule texts ──▶ rulebook ──▶ RuleSet ─┐
//! registry ────────────────────────────┼─▶ Evaluator ──▶ transitions (an alert begins, an alert ends)
//! observations, in journal order ──────┘
//! ```
//!
//! **Promises:** the same observations in the same order with the same rules and registry give the same transitions,
//! on any machine, at any speed, in any batches, with a restart from a snapshot anywhere between.
//! **Knows:** the nouns of `model/`. It is handed readings, rule texts and time.
//! **Never:** does I/O, reads a clock, is async, iterates in hash order, sends anything to anyone.

mod evaluator;
mod example;
mod expression;
mod pack;
mod rule;
mod rulebook;
mod trial;

pub use evaluator::{
    Arrival, Brought, CaseState, DeviceNumber, Devices, Evaluator, EvaluatorOptions, Explanation, Followers,
    Installation, Recognised, RestoreError, RuleTally, Said, ShardJudge, VerdictLine,
};
pub use example::{Example, Expectation, Fact, Given, Movement, Place, Step};
pub use expression::{
    Comparison, Expression, ExpressionError, Interpreter, Kind, Scalar, Threshold, Thresholds,
    background_corrected, compare,
};
pub use pack::built_in_pack;
pub use rule::{
    Condition, Gate, InForce, Input, InputName, Judge, Let, Limit, LimitValue, Otherwise, Reasoned, Rule,
    RuleSet, Stage, Statistic, Status, SumOf, Template, TemplatePart, Window,
};
pub use rulebook::{FILE_BYTES_MAX, RuleFile, load};
pub use trial::{TrialReport, run_examples};
