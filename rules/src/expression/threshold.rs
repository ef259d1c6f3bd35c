//! What a growing value has to reach for an expression to change.

use super::tree::{Node, What};
use super::{Comparison, Expression};

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

/// The comparisons of exactly this name with something that `is_fixed`, and whether it is used otherwise.
pub(crate) fn crossings<'n>(
    node: &'n Node,
    name: &str,
    is_fixed: &impl Fn(&str) -> bool,
) -> (Vec<(Comparison, &'n Node)>, bool) {
    let mut found = Vec::new();
    let complete = collect(node, name, is_fixed, &mut found);
    (found, complete)
}

fn collect<'n>(
    node: &'n Node,
    name: &str,
    is_fixed: &impl Fn(&str) -> bool,
    found: &mut Vec<(Comparison, &'n Node)>,
) -> bool {
    if node.is_name(name) {
        return false;
    }
    if let What::Compare(operator, two) = &node.what {
        let [left, right] = &**two;
        if left.is_name(name) && only_fixed(right, is_fixed) {
            found.push((*operator, right));
            return true;
        }
        if right.is_name(name) && only_fixed(left, is_fixed) {
            found.push((operator.turned(), left));
            return true;
        }
    }
    let mut complete = true;
    for part in node.parts() {
        complete &= collect(part, name, is_fixed, found);
    }
    complete
}

fn only_fixed(node: &Node, is_fixed: &impl Fn(&str) -> bool) -> bool {
    if let What::Name(name) = &node.what {
        return is_fixed(name);
    }
    node.parts().into_iter().all(|part| only_fixed(part, is_fixed))
}
