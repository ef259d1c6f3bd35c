//! `[let]`: values computed from other slots.

use citywarden_problems::{Key, Section};

use super::declared::Declared;
use super::written::Written;
use crate::expression::{Compiler, Expression, Kind, SlotUse};
use crate::rule::Let;

/// Reads the lets and declares their names. A let reads limits, inputs and the lets before it.
pub(crate) fn read<'d>(
    root: &Section<'d, '_>,
    compiler: &Compiler,
    declared: &mut Declared<'d>,
) -> Vec<Option<Let>> {
    let Some(section) = root.section("let") else { return Vec::new() };
    let keys = section.entries();
    let first = declared.names.slots.len();
    for key in &keys {
        declared.declare(&section, compiler, key, SlotUse::Later);
    }
    keys.iter().enumerate().map(|(nth, key)| one(&section, compiler, declared, key, first + nth)).collect()
}

fn one(
    section: &Section<'_, '_>,
    compiler: &Compiler,
    declared: &mut Declared<'_>,
    key: &Key<'_, '_>,
    slot: usize,
) -> Option<Let> {
    let expression = compile(section, compiler, declared, key, None);
    let kind = expression.as_ref().map_or(SlotUse::Unclear, |expression| SlotUse::Value(expression.kind()));
    if let Some(name) = declared.names.slots.get_mut(slot) {
        name.slot_use = kind;
    }
    Some(Let { name: key.name.to_owned(), expression: expression? })
}

/// Compiles the expression that this key's value is, and reports its mistakes.
pub(crate) fn compile(
    section: &Section<'_, '_>,
    compiler: &Compiler,
    declared: &Declared<'_>,
    key: &Key<'_, '_>,
    wanted: Option<Kind>,
) -> Option<Expression> {
    let Some(written) = Written::of(section, key) else {
        section.error(&key.span(), format!("write the expression of `{}` in quotes: '…'", key.name));
        return None;
    };
    let expression = compiler.compile(written.text, wanted, &declared.names);
    expression.map_err(|mistakes| written.report(section, &mistakes)).ok()
}
