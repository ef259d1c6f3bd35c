//! `[input]`: what a rule reads. `statistic(quantity, "window").gate(…)`, one line each.

mod gate;
mod reading;
mod statistic;
mod syntax;
mod vocabulary;

use citywarden_problems::{Key, Section};

use super::declared::Declared;
use super::written::Written;
use crate::expression::{Compiler, Kind, SlotUse};
use crate::rule::{Gate, Input};
use reading::Reading;
pub(crate) use vocabulary::{ATTRIBUTES, PERMIT_KINDS, ZONE_KINDS};

/// Reads the inputs and declares their names; `None` where one is mistaken.
pub(crate) fn read<'d>(
    root: &Section<'d, '_>,
    compiler: &Compiler,
    declared: &mut Declared<'d>,
) -> Vec<Option<Input>> {
    let Some(section) = root.section("input") else { return Vec::new() };
    let keys = section.entries();
    let words: Vec<&str> = keys.iter().map(|key| key.name).collect();
    let mut inputs = Vec::new();
    for key in &keys {
        let input = one(&section, declared, &words, key);
        let kind = input.as_ref().map_or(SlotUse::Unclear, |input| SlotUse::Value(kind_of(input)));
        declared.declare(&section, compiler, key, kind);
        inputs.push(input);
    }
    check_restarts(&section, declared, &inputs);
    inputs
}

const fn kind_of(input: &Input) -> Kind {
    if input.is_truth { Kind::Truth } else { Kind::Number }
}

fn one(
    section: &Section<'_, '_>,
    declared: &Declared<'_>,
    words: &[&str],
    key: &Key<'_, '_>,
) -> Option<Input> {
    let Some(written) = Written::of(section, key) else {
        section.error(&key.span(), format!("write {} = 'last(speed)', in quotes", key.name));
        return None;
    };
    let chain = syntax::parse(written.text).map_err(|mistake| written.report(section, &[mistake])).ok()?;
    let mut reading = Reading::new(declared, words, key.name);
    let input = reading.input(&chain);
    written.report(section, &reading.mistakes);
    for doubt in &reading.doubts {
        section.warning(&written.place(doubt.at), doubt.message.clone());
    }
    input.filter(|_| reading.mistakes.is_empty())
}

/// An input restarts on a boolean one that does not itself restart.
fn check_restarts(section: &Section<'_, '_>, declared: &Declared<'_>, inputs: &[Option<Input>]) {
    let first = declared.limits.len();
    for (nth, input) in inputs.iter().enumerate() {
        let gates = input.iter().flat_map(|input| &input.gates);
        for gate in gates {
            let Gate::RestartOn(slot) = gate else { continue };
            let Some(Some(target)) = inputs.get(slot - first) else { continue };
            let restarts = target.gates.iter().any(|gate| matches!(gate, Gate::RestartOn(_)));
            if !target.is_truth || restarts {
                let at = declared.places.get(first + nth).cloned().unwrap_or_default();
                section.error(
                    &at,
                    format!(
                        "`restart_on({})` wants an input that is true or false and does not restart itself",
                        target.name
                    ),
                );
            }
        }
    }
}
