//! An expression as a tree of what the rule language allows.

use std::fmt;

use super::Comparison;

/// A part of an expression, and the byte of the text at which it begins.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) at: usize,
    pub(crate) what: What,
}

/// What a part is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum What {
    /// A literal number.
    Number(f64),
    /// `true`, `false`.
    Truth(bool),
    /// A slot's or let's name.
    Name(String),
    /// `a > b`.
    Compare(Comparison, Box<[Node; 2]>),
    /// `a + b`.
    Arithmetic(Arithmetic, Box<[Node; 2]>),
    /// `-a`.
    Negative(Box<Node>),
    /// `!a`.
    Not(Box<Node>),
    /// `a && b && …` or `a || b || …`.
    Chain(Connective, Vec<Node>),
    /// `if a { b } else { c }`.
    If(Box<[Node; 3]>),
    /// `f(a, …)`.
    Call(String, Vec<Node>),
    /// `{ let a = …; …; b }`.
    Block(Vec<Local>, Box<Node>),
    /// Something the language has no place for; its mistake is already noted.
    Refused,
}

/// A `let` inside an expression.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Local {
    pub(crate) name: String,
    pub(crate) at: usize,
    pub(crate) value: Node,
}

/// An operator between numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Plus,
    Minus,
    Times,
    Over,
    Remainder,
}

/// An operator between truths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Connective {
    And,
    Or,
}

impl Arithmetic {
    const ALL: [(Self, &'static str); 5] = [
        (Self::Plus, "+"),
        (Self::Minus, "-"),
        (Self::Times, "*"),
        (Self::Over, "/"),
        (Self::Remainder, "%"),
    ];
    pub(crate) fn parse(sign: &str) -> Option<Self> {
        Self::ALL.iter().find(|(_, written)| *written == sign).map(|(operator, _)| *operator)
    }
    fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(operator, _)| *operator == self).map_or("", |(_, written)| *written)
    }
}

impl Connective {
    const fn as_str(self) -> &'static str {
        match self {
            Self::And => "&&",
            Self::Or => "||",
        }
    }
}

impl Node {
    /// The parts of this part, lets first.
    pub(crate) fn parts(&self) -> Vec<&Node> {
        match &self.what {
            What::Number(_) | What::Truth(_) | What::Name(_) | What::Refused => Vec::new(),
            What::Compare(_, two) | What::Arithmetic(_, two) => two.iter().collect(),
            What::Negative(one) | What::Not(one) => vec![one],
            What::Chain(_, nodes) | What::Call(_, nodes) => nodes.iter().collect(),
            What::If(three) => three.iter().collect(),
            What::Block(locals, value) => locals.iter().map(|local| &local.value).chain([&**value]).collect(),
        }
    }
    /// Whether it is exactly this name.
    pub(crate) fn is_name(&self, wanted: &str) -> bool {
        matches!(&self.what, What::Name(name) if name == wanted)
    }
}

/// As rhai reads it back: the same value, brackets wherever they might matter.
impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            What::Number(number) => write_number(f, *number),
            What::Truth(truth) => write!(f, "{truth}"),
            What::Name(name) => f.write_str(name),
            What::Compare(operator, two) => write_between(f, operator.as_str(), two.as_slice()),
            What::Arithmetic(operator, two) => write_between(f, operator.as_str(), two.as_slice()),
            What::Chain(operator, nodes) => write_between(f, operator.as_str(), nodes),
            What::Negative(one) => write!(f, "(-{one})"),
            What::Not(one) => write!(f, "(!{one})"),
            What::If(three) => {
                let [condition, then, otherwise] = &**three;
                write!(f, "if {condition} {{ {then} }} else {{ {otherwise} }}")
            }
            What::Call(function, nodes) => {
                let arguments: Vec<String> = nodes.iter().map(ToString::to_string).collect();
                write!(f, "{function}({})", arguments.join(", "))
            }
            What::Block(locals, value) => {
                f.write_str("{ ")?;
                for local in locals {
                    write!(f, "let {} = {}; ", local.name, local.value)?;
                }
                write!(f, "{value} }}")
            }
            What::Refused => Ok(()),
        }
    }
}

fn write_between(f: &mut fmt::Formatter<'_>, operator: &str, nodes: &[Node]) -> fmt::Result {
    let sides: Vec<String> = nodes.iter().map(ToString::to_string).collect();
    write!(f, "({})", sides.join(&format!(" {operator} ")))
}

/// Digits with a point, never an exponent: the same number is read back.
fn write_number(f: &mut fmt::Formatter<'_>, number: f64) -> fmt::Result {
    let digits = number.to_string();
    let point = if digits.contains('.') { "" } else { ".0" };
    write!(f, "({digits}{point})")
}
