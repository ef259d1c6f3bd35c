//! From a text to an expression.

use std::collections::{BTreeMap, BTreeSet};

use rhai::{AST, Engine};

use super::engine::engine;
use super::lowered::Lowered;
use super::mistake::Mistake;
use super::threshold::crossings;
use super::tree::Node;
use super::{Expression, Kind, Threshold, Thresholds, checking, reading};

/// The names an expression may use: a rule's slots in order.
#[derive(Debug, Clone)]
pub(crate) struct Names<'n> {
    pub(crate) slots: Vec<SlotName<'n>>,
    /// The first so many are limits.
    pub(crate) limits: usize,
}

/// A slot's name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct SlotName<'n> {
    pub(crate) name: &'n str,
    pub(crate) slot_use: SlotUse,
}

/// What an expression may do with a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SlotUse {
    /// Read it.
    Value(Kind),
    /// Nothing: a time of day.
    TimeOfDay,
    /// Its definition is mistaken, which is reported there.
    Unclear,
    /// It is a let that stands further down.
    Later,
}

impl<'n> Names<'n> {
    /// The slot of this name.
    pub(crate) fn find(&self, name: &str) -> Option<(usize, SlotUse)> {
        let slot = self.slots.iter().position(|slot| slot.name == name)?;
        self.slots.get(slot).map(|found| (slot, found.slot_use))
    }
    pub(crate) fn words(&self) -> impl Iterator<Item = &'n str> {
        self.slots.iter().map(|slot| slot.name)
    }
    fn word(&self, slot: usize) -> &'n str {
        self.slots.get(slot).map_or("", |slot| slot.name)
    }
    fn is_limit(&self, name: &str) -> bool {
        self.find(name).is_some_and(|(slot, _)| slot < self.limits)
    }
}

/// Compiles expressions.
#[derive(Debug)]
pub(crate) struct Compiler {
    engine: Engine,
}

impl Compiler {
    pub(crate) fn new() -> Self {
        Self { engine: engine() }
    }
    /// Whether a rule may call something so: an identifier that the language does not use itself.
    pub(crate) fn is_free_name(&self, name: &str) -> bool {
        let begins_well = name.starts_with(|first: char| first.is_ascii_lowercase());
        let is_plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        begins_well && is_plain && self.engine.compile(format!("let {name} = 1.0; {name}")).is_ok()
    }
    /// The expression that this text is; every mistake in it otherwise. An empty list of mistakes means that it rests
    /// on a name whose own definition is mistaken.
    pub(crate) fn compile(
        &self,
        text: &str,
        wanted: Option<Kind>,
        names: &Names<'_>,
    ) -> Result<Expression, Vec<Mistake>> {
        if let Some(mistake) = reading::lone_equals(text) {
            return Err(vec![mistake]);
        }
        let ast = self.parse(text)?;
        let mut mistakes = Vec::new();
        let tree = reading::read(text, ast.statements(), &mut mistakes);
        let (kind, reads) = checking::check(&tree, names, &mut mistakes);
        if let (Some(kind), Some(wanted)) = (kind, wanted)
            && kind != wanted
        {
            mistakes.push(Mistake::new(0, format!("expected {}, found {}", wanted.as_str(), kind.as_str())));
        }
        match kind {
            Some(kind) if mistakes.is_empty() && !unclear(&reads, names) => {
                let thresholds = self.thresholds(&tree, &reads, names)?;
                Ok(expression((text.to_owned(), &tree, ast), kind, &reads, names, thresholds))
            }
            _ => Err(mistakes),
        }
    }
    fn parse(&self, text: &str) -> Result<AST, Vec<Mistake>> {
        self.engine.compile(text).map_err(|error| vec![reading::parse_mistake(text, &error)])
    }
    fn thresholds(
        &self,
        tree: &Node,
        reads: &BTreeSet<usize>,
        names: &Names<'_>,
    ) -> Result<BTreeMap<usize, Thresholds>, Vec<Mistake>> {
        let inputs = reads.iter().filter(|slot| **slot >= names.limits);
        inputs.map(|slot| Ok((*slot, self.thresholds_of(tree, names.word(*slot), names)?))).collect()
    }
    fn thresholds_of(&self, tree: &Node, name: &str, names: &Names<'_>) -> Result<Thresholds, Vec<Mistake>> {
        let (found, complete) = crossings(tree, name, &|other| names.is_limit(other));
        let crossings = found.into_iter().map(|(operator, limit)| {
            let (kind, reads) = checking::check(limit, names, &mut Vec::new());
            let text = limit.to_string();
            let ast = self.parse(&text)?;
            let kind = kind.unwrap_or(Kind::Number);
            Ok(Threshold {
                operator,
                limit: expression((text, limit, ast), kind, &reads, names, BTreeMap::new()),
            })
        });
        Ok(Thresholds { crossings: crossings.collect::<Result<_, Vec<Mistake>>>()?, complete })
    }
}

fn unclear(reads: &BTreeSet<usize>, names: &Names<'_>) -> bool {
    let uses = reads.iter().filter_map(|slot| names.slots.get(*slot));
    uses.into_iter().any(|slot| !matches!(slot.slot_use, SlotUse::Value(_)))
}

fn expression(
    (text, tree, ast): (String, &Node, AST),
    kind: Kind,
    reads: &BTreeSet<usize>,
    names: &Names<'_>,
    thresholds: BTreeMap<usize, Thresholds>,
) -> Expression {
    let reads: Vec<usize> = reads.iter().copied().collect();
    let words = reads.iter().map(|slot| names.word(*slot).into()).collect();
    let lowered = Lowered::new(tree, kind, names);
    Expression { text, kind, reads, names: words, ast, lowered, thresholds }
}
