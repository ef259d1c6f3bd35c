//! The comparison at a limit: see `docs/decisions/0002-comparison-at-a-limit.md`.

use std::fmt;

/// A comparison of two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `<`
    Below,
    /// `<=`
    AtMost,
}

/// Compares two finite numbers as a rule does: those that differ by no more than [`f64::EPSILON`] relative to the
/// larger (absolutely, where their product is 0) are equal, so that `0.1 + 0.2 > 0.3` is false. This is what rhai does.
pub fn compare(left: f64, operator: Comparison, right: f64) -> bool {
    let larger = if left * right == 0.0 { 1.0 } else { left.abs().max(right.abs()) };
    let difference = (left - right) / larger;
    match operator {
        Comparison::Equal => difference.abs() <= f64::EPSILON,
        Comparison::NotEqual => difference.abs() > f64::EPSILON,
        Comparison::Above => difference > f64::EPSILON,
        Comparison::AtLeast => difference > -f64::EPSILON,
        Comparison::Below => -difference > f64::EPSILON,
        Comparison::AtMost => -difference > -f64::EPSILON,
    }
}

impl Comparison {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Equal, Self::NotEqual, Self::Above, Self::AtLeast, Self::Below, Self::AtMost];
    /// As rhai writes it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Above => ">",
            Self::AtLeast => ">=",
            Self::Below => "<",
            Self::AtMost => "<=",
        }
    }
    /// The comparison of this sign.
    pub fn parse(sign: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|comparison| comparison.as_str() == sign)
    }
    /// The comparison that says the same with its sides exchanged.
    #[must_use]
    pub const fn turned(self) -> Self {
        match self {
            Self::Above => Self::Below,
            Self::AtLeast => Self::AtMost,
            Self::Below => Self::Above,
            Self::AtMost => Self::AtLeast,
            Self::Equal | Self::NotEqual => self,
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
