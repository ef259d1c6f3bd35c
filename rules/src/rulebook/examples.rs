//! `[example]`: what the rule says in cases that somebody thought of.

use citywarden_problems::{Key, Section};

use super::written::Written;
use crate::example::parsing::{Vocabulary, parse};
use crate::example::{Example, Place};
use crate::rule::{Gate, Input, Otherwise, Statistic, SumOf};

/// What a rule of this id reads, where its inputs are right.
pub(crate) fn vocabulary<'v>(
    id: Option<&str>,
    limits: impl Iterator<Item = &'v str>,
    inputs: Option<&'v [Input]>,
) -> Vocabulary<'v> {
    let id = id.unwrap_or_default();
    let overrides = limits.map(|name| format!("limit.{id}.{name}")).collect();
    let mut vocabulary = Vocabulary { is_whole: inputs.is_some(), overrides, ..Vocabulary::default() };
    inputs.unwrap_or_default().iter().for_each(|input| collect(input, &mut vocabulary));
    vocabulary
}

/// Reads the examples.
pub(crate) fn read(root: &Section<'_, '_>, vocabulary: &Vocabulary<'_>) -> Vec<Example> {
    let Some(section) = root.section("example") else { return Vec::new() };
    section.entries().iter().filter_map(|key| one(&section, key, vocabulary)).collect()
}

fn one(section: &Section<'_, '_>, key: &Key<'_, '_>, vocabulary: &Vocabulary<'_>) -> Option<Example> {
    let Some(written) = Written::of(section, key) else {
        section.error(&key.span(), "write the lines of the example between ''' and '''");
        return None;
    };
    let lines = parse(written.text, vocabulary, &|byte| place(section, written.place(byte).start));
    written.report(section, &lines.mistakes);
    if lines.mistakes.is_empty() && lines.steps.iter().all(|step| step.expect.is_none()) {
        section
            .error(&key.place(), "the example expects nothing; end a line with `=> compliant` or the like");
    }
    let place = place(section, key.key_span.0);
    Some(Example { name: key.name.to_owned(), place, given: lines.given, steps: lines.steps })
}

fn place(section: &Section<'_, '_>, byte: usize) -> Place {
    let (line, column) = section.source().place(byte);
    Place { line, column }
}

fn collect<'v>(input: &'v Input, vocabulary: &mut Vocabulary<'v>) {
    match &input.statistic {
        Statistic::Last(quantity)
        | Statistic::Laeq(quantity, _)
        | Statistic::Mean(quantity, _)
        | Statistic::Max(quantity, _)
        | Statistic::Min(quantity, _)
        | Statistic::Coverage(quantity, _)
        | Statistic::ShareOfTime(quantity, _)
        | Statistic::LongestRun(quantity, _)
        | Statistic::Since(quantity)
        | Statistic::Silence(quantity)
        | Statistic::Sum(SumOf::Quantity(quantity), _)
        | Statistic::Count(SumOf::Quantity(quantity), _) => vocabulary.quantities.push(quantity.as_str()),
        Statistic::Sum(SumOf::Event { name, field }, _)
        | Statistic::Count(SumOf::Event { name, field }, _) => {
            vocabulary.events.push(name);
            vocabulary.fields.extend(field.as_deref());
        }
        Statistic::DeviceSilence(kind) => vocabulary.devices.push(kind),
        Statistic::LargestGap { chainages, length, closed } => {
            vocabulary.attributes.extend([chainages.as_str(), length, closed]);
        }
        Statistic::Left(_)
        | Statistic::Entered(_)
        | Statistic::Inside(_)
        | Statistic::Dwell(_)
        | Statistic::Permit(_)
        | Statistic::LocalTime(..) => {}
    }
    vocabulary.quantities.extend(input.gates.iter().filter_map(|gate| match gate {
        Gate::OnlyWhile { quantity, .. } | Gate::OnlyWhere(quantity) => Some(quantity.as_str()),
        Gate::AtZone(_) | Gate::RestartOn(_) => None,
    }));
    if let Some(Otherwise::Input(other)) = &input.otherwise {
        collect(other, vocabulary);
    }
}
