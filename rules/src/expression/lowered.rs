//! The plain part of the language as native code: comparisons, `&&`, `||`, `!`, arithmetic, `if` and the functions, over
//! slots. It says what rhai says, or nothing: then rhai is asked. See `docs/decisions/0031-lowered-conditions.md`.

use super::compiler::{Names, SlotUse};
use super::engine::{Function, function};
use super::tree::{Arithmetic, Connective, Node, What};
use super::{Comparison, Kind, Scalar, compare};

/// Larger expressions are left to rhai and its bound on operations, far above this.
const NODES_MAX: usize = 1_000;

/// An expression that was lowered.
#[derive(Debug)]
pub(crate) enum Lowered {
    Number(Numeric),
    Truth(Logic),
}

/// What gives a number.
#[derive(Debug)]
pub(crate) enum Numeric {
    Constant(f64),
    Slot(usize),
    Negative(Box<Numeric>),
    Arithmetic(Arithmetic, Box<[Numeric; 2]>),
    Call1(fn(f64) -> f64, Box<Numeric>),
    Call2(fn(f64, f64) -> f64, Box<[Numeric; 2]>),
    If(Box<(Logic, Numeric, Numeric)>),
}

/// What gives true or false.
#[derive(Debug)]
pub(crate) enum Logic {
    Constant(bool),
    Slot(usize),
    Compare(Comparison, Box<[Numeric; 2]>),
    Not(Box<Logic>),
    All(Vec<Logic>),
    Any(Vec<Logic>),
    If(Box<(Logic, Logic, Logic)>),
}

impl Lowered {
    /// Lowers a checked tree; `None` where a part of it is not plain.
    pub(crate) fn new(node: &Node, kind: Kind, names: &Names<'_>) -> Option<Self> {
        let mut lowering = Lowering { names, left: NODES_MAX };
        match kind {
            Kind::Number => lowering.numeric(node).map(Self::Number),
            Kind::Truth => lowering.logic(node).map(Self::Truth),
        }
    }

    /// The value; `None` where a number on the way is not finite, or a slot holds something of another kind.
    pub(crate) fn value(&self, slots: &[Scalar]) -> Option<Scalar> {
        match self {
            Self::Number(numeric) => numeric.value(slots).map(Scalar::Number),
            Self::Truth(logic) => logic.value(slots).map(Scalar::Truth),
        }
    }
}

impl Numeric {
    fn value(&self, slots: &[Scalar]) -> Option<f64> {
        let number = match self {
            Self::Constant(number) => *number,
            Self::Slot(slot) => match slots.get(*slot) {
                Some(Scalar::Number(number)) => *number,
                Some(Scalar::Truth(_) | Scalar::Missing) | None => return None,
            },
            Self::Negative(one) => -one.value(slots)?,
            Self::Arithmetic(operator, two) => {
                let [left, right] = both(two, slots)?;
                match operator {
                    Arithmetic::Plus => left + right,
                    Arithmetic::Minus => left - right,
                    Arithmetic::Times => left * right,
                    Arithmetic::Over => left / right,
                    Arithmetic::Remainder => left % right,
                }
            }
            Self::Call1(call, one) => call(one.value(slots)?),
            Self::Call2(call, two) => {
                let [left, right] = both(two, slots)?;
                call(left, right)
            }
            Self::If(parts) => {
                let (condition, then, otherwise) = &**parts;
                if condition.value(slots)? { then.value(slots)? } else { otherwise.value(slots)? }
            }
        };
        number.is_finite().then_some(number)
    }
}

fn both(two: &[Numeric; 2], slots: &[Scalar]) -> Option<[f64; 2]> {
    let [left, right] = two;
    Some([left.value(slots)?, right.value(slots)?])
}

impl Logic {
    fn value(&self, slots: &[Scalar]) -> Option<bool> {
        match self {
            Self::Constant(truth) => Some(*truth),
            Self::Slot(slot) => match slots.get(*slot) {
                Some(Scalar::Truth(truth)) => Some(*truth),
                Some(Scalar::Number(_) | Scalar::Missing) | None => None,
            },
            Self::Compare(comparison, two) => {
                let [left, right] = both(two, slots)?;
                Some(compare(left, *comparison, right))
            }
            Self::Not(one) => Some(!one.value(slots)?),
            Self::All(parts) => until(false, parts, slots),
            Self::Any(parts) => until(true, parts, slots),
            Self::If(parts) => {
                let (condition, then, otherwise) = &**parts;
                if condition.value(slots)? { then.value(slots) } else { otherwise.value(slots) }
            }
        }
    }
}

/// This truth as soon as a part has it, from the left; the other one where none has.
fn until(wanted: bool, parts: &[Logic], slots: &[Scalar]) -> Option<bool> {
    for part in parts {
        if part.value(slots)? == wanted {
            return Some(wanted);
        }
    }
    Some(!wanted)
}

struct Lowering<'a, 'n> {
    names: &'a Names<'n>,
    /// So many parts more.
    left: usize,
}

impl Lowering<'_, '_> {
    fn numeric(&mut self, node: &Node) -> Option<Numeric> {
        self.left = self.left.checked_sub(1)?;
        match &node.what {
            What::Number(number) => Some(Numeric::Constant(*number)),
            What::Name(name) => self.slot(name, Kind::Number).map(Numeric::Slot),
            What::Arithmetic(operator, two) => Some(Numeric::Arithmetic(*operator, self.two(two)?)),
            What::Negative(one) => Some(Numeric::Negative(Box::new(self.numeric(one)?))),
            What::If(three) => {
                let [condition, then, otherwise] = &**three;
                let parts = (self.logic(condition)?, self.numeric(then)?, self.numeric(otherwise)?);
                Some(Numeric::If(Box::new(parts)))
            }
            What::Call(name, arguments) => match (function(name)?, arguments.as_slice()) {
                (Function::Of1(call), [one]) => Some(Numeric::Call1(call, Box::new(self.numeric(one)?))),
                (Function::Of2(call), [left, right]) => {
                    Some(Numeric::Call2(call, Box::new([self.numeric(left)?, self.numeric(right)?])))
                }
                (Function::Of1(_) | Function::Of2(_), _) => None,
            },
            What::Truth(_)
            | What::Compare(..)
            | What::Not(_)
            | What::Chain(..)
            | What::Block(..)
            | What::Refused => None,
        }
    }

    fn logic(&mut self, node: &Node) -> Option<Logic> {
        self.left = self.left.checked_sub(1)?;
        match &node.what {
            What::Truth(truth) => Some(Logic::Constant(*truth)),
            What::Name(name) => self.slot(name, Kind::Truth).map(Logic::Slot),
            What::Compare(comparison, two) => Some(Logic::Compare(*comparison, self.two(two)?)),
            What::Not(one) => Some(Logic::Not(Box::new(self.logic(one)?))),
            What::Chain(connective, nodes) => {
                let parts = nodes.iter().map(|node| self.logic(node)).collect::<Option<Vec<_>>>()?;
                Some(match connective {
                    Connective::And => Logic::All(parts),
                    Connective::Or => Logic::Any(parts),
                })
            }
            What::If(three) => {
                let [condition, then, otherwise] = &**three;
                let parts = (self.logic(condition)?, self.logic(then)?, self.logic(otherwise)?);
                Some(Logic::If(Box::new(parts)))
            }
            What::Number(_)
            | What::Arithmetic(..)
            | What::Negative(_)
            | What::Call(..)
            | What::Block(..)
            | What::Refused => None,
        }
    }

    fn two(&mut self, [left, right]: &[Node; 2]) -> Option<Box<[Numeric; 2]>> {
        Some(Box::new([self.numeric(left)?, self.numeric(right)?]))
    }

    /// The slot of this name, where it has this kind.
    fn slot(&self, name: &str, kind: Kind) -> Option<usize> {
        let (slot, slot_use) = self.names.find(name)?;
        (slot_use == SlotUse::Value(kind)).then_some(slot)
    }
}
