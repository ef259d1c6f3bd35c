//! Names and kinds of an expression.

use std::collections::BTreeSet;

use super::Kind;
use super::compiler::{Names, SlotUse};
use super::engine::{FUNCTIONS, Function, function as known_function};
use super::mistake::{Mistake, suggestion};
use super::tree::{Local, Node, What};

/// Finds the kind of a tree and the slots it reads; `None` where a mistake leaves it open.
pub(crate) fn check(
    node: &Node,
    names: &Names<'_>,
    mistakes: &mut Vec<Mistake>,
) -> (Option<Kind>, BTreeSet<usize>) {
    let mut checking = Checking { names, mistakes, locals: Vec::new(), reads: BTreeSet::new() };
    (checking.kind_of(node), checking.reads)
}

struct Checking<'a, 'n> {
    names: &'a Names<'n>,
    mistakes: &'a mut Vec<Mistake>,
    locals: Vec<(String, Option<Kind>)>,
    reads: BTreeSet<usize>,
}

impl Checking<'_, '_> {
    fn mistake(&mut self, at: usize, message: impl Into<String>) {
        self.mistakes.push(Mistake::new(at, message));
    }
    fn kind_of(&mut self, node: &Node) -> Option<Kind> {
        match &node.what {
            What::Number(_) => Some(Kind::Number),
            What::Truth(_) => Some(Kind::Truth),
            What::Name(name) => self.name(name, node.at),
            What::Compare(_, two) => Some(self.compare(two)),
            What::Arithmetic(_, two) => Some(self.all(Kind::Number, two.as_slice())),
            What::Negative(one) => Some(self.all(Kind::Number, std::slice::from_ref(one))),
            What::Not(one) => Some(self.all(Kind::Truth, std::slice::from_ref(one))),
            What::Chain(_, nodes) => Some(self.all(Kind::Truth, nodes)),
            What::If(three) => self.choice(three),
            What::Call(function, arguments) => self.call(function, arguments, node.at),
            What::Block(locals, value) => self.block(locals, value),
            What::Refused => None,
        }
    }
    fn name(&mut self, name: &str, at: usize) -> Option<Kind> {
        if let Some((_, kind)) = self.locals.iter().rev().find(|(local, _)| local == name) {
            return *kind;
        }
        let Some((slot, slot_use)) = self.names.find(name) else {
            let near =
                suggestion(name, self.names.words().chain(self.locals.iter().map(|(l, _)| l.as_str())));
            self.mistake(at, format!("unknown name `{name}`{near}"));
            return None;
        };
        self.reads.insert(slot);
        match slot_use {
            SlotUse::Value(kind) => Some(kind),
            SlotUse::Unclear => None,
            SlotUse::TimeOfDay => {
                self.mistake(at, format!("`{name}` is a time of day; only `local_time` reads it"));
                None
            }
            SlotUse::Later => {
                self.mistake(
                    at,
                    format!("`{name}` stands further down; a let reads only what stands before it"),
                );
                None
            }
        }
    }
    /// Each part is of this kind; so is the whole.
    fn all(&mut self, wanted: Kind, nodes: &[Node]) -> Kind {
        for node in nodes {
            self.want(wanted, node);
        }
        wanted
    }
    fn want(&mut self, wanted: Kind, node: &Node) {
        if let Some(found) = self.kind_of(node)
            && found != wanted
        {
            self.mistake(node.at, format!("expected {}, found {}", wanted.as_str(), found.as_str()));
        }
    }
    fn compare(&mut self, [left, right]: &[Node; 2]) -> Kind {
        match self.kind_of(left) {
            Some(kind) => self.want(kind, right),
            None => drop(self.kind_of(right)),
        }
        Kind::Truth
    }
    fn choice(&mut self, [condition, then, otherwise]: &[Node; 3]) -> Option<Kind> {
        self.want(Kind::Truth, condition);
        let kind = self.kind_of(then);
        match kind {
            Some(kind) => self.want(kind, otherwise),
            None => return self.kind_of(otherwise),
        }
        kind
    }
    fn call(&mut self, function: &str, arguments: &[Node], at: usize) -> Option<Kind> {
        let Some(count) = known_function(function).map(Function::arguments) else {
            let near = suggestion(function, FUNCTIONS.iter().map(|(name, _)| *name));
            self.mistake(at, format!("unknown function `{function}`{near}"));
            return None;
        };
        if arguments.len() != count {
            let plural = if count == 1 { "number" } else { "numbers" };
            let found = arguments.len();
            self.mistake(at, format!("`{function}` takes {count} {plural}, found {found}"));
        }
        Some(self.all(Kind::Number, arguments))
    }
    fn block(&mut self, locals: &[Local], value: &Node) -> Option<Kind> {
        let outer = self.locals.len();
        for local in locals {
            let kind = self.kind_of(&local.value);
            if self.names.find(&local.name).is_some() {
                self.mistake(local.at, format!("`{}` is already a name of this rule", local.name));
            }
            self.locals.push((local.name.clone(), kind));
        }
        let kind = self.kind_of(value);
        self.locals.truncate(outer);
        kind
    }
}
