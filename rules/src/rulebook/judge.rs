//! `[judge]`: how a rule decides.

use citywarden_model::Span;
use citywarden_problems::{Key, Section};

use super::declared::Declared;
use super::head::missing;
use super::lets::compile;
use super::written::Written;
use crate::expression::{Compiler, Expression, Kind};
use crate::rule::{Condition, Gate, Input, Judge, Reasoned, Window};

/// A part is mistaken, which is reported already.
struct Mistaken;

/// Reads the conditions; `None` where one is mistaken, or the violation is missing.
pub(crate) fn read(
    root: &Section<'_, '_>,
    compiler: &Compiler,
    declared: &Declared<'_>,
    inputs: &[Option<Input>],
) -> Option<Judge> {
    if root.take("judge").is_none() {
        missing(root, "[judge]", "[judge] and under it violation = '…'");
    }
    let section = root.section("judge")?;
    let reading = Reading { section: &section, compiler, declared };
    let judge = reading.judge(inputs);
    section.finish();
    judge
}

struct Reading<'a, 'd, 't> {
    section: &'a Section<'d, 't>,
    compiler: &'a Compiler,
    declared: &'a Declared<'d>,
}

impl Reading<'_, '_, '_> {
    fn judge(&self, inputs: &[Option<Input>]) -> Option<Judge> {
        let rests = self.section.take("rests").map(|key| self.truth(&key)).transpose();
        let [fault, undecided, excused] = ["fault", "undecided", "excused"].map(|name| self.reasoned(name));
        let warning = self.condition("warning", "warning_lasting");
        let violation = self.condition("violation", "violation_lasting");
        let clear = self.condition("clear", "clear_lasting");
        let clear_after = self.span("clear_after");
        self.require("violation", "violation = 'db > limit_db'");
        if self.section.take("rests").is_some() || inputs.iter().flatten().any(can_rest) {
            self.require(
                "clear_after",
                "clear_after = \"10m\": this rule can rest, and an alert must end then",
            );
        }
        Some(Judge {
            rests: rests.ok()?,
            fault: fault.ok()?,
            undecided: undecided.ok()?,
            excused: excused.ok()?,
            warning: warning.ok()?,
            violation: violation.ok()??,
            clear: clear.ok()?,
            clear_after: clear_after.ok()?,
        })
    }
    fn require(&self, name: &'static str, example: &str) {
        if self.section.take(name).is_none() {
            missing(self.section, name, example);
        }
    }
    fn truth(&self, key: &Key<'_, '_>) -> Result<Expression, Mistaken> {
        compile(self.section, self.compiler, self.declared, key, Some(Kind::Truth)).ok_or(Mistaken)
    }
    fn condition(&self, name: &'static str, lasting: &'static str) -> Result<Option<Condition>, Mistaken> {
        let span = self.span(lasting);
        let Some(key) = self.section.take(name) else {
            if let Some(alone) = self.section.take(lasting) {
                self.section.error(&alone.place(), format!("`{lasting}` without `{name}`"));
            }
            return Ok(None);
        };
        let expression = self.truth(&key)?;
        Ok(Some(Condition { expression, lasting: span?.unwrap_or(Window::Fixed(Span::ZERO)) }))
    }
    fn span(&self, name: &'static str) -> Result<Option<Window>, Mistaken> {
        let Some(key) = self.section.take(name) else { return Ok(None) };
        let Some(written) = Written::of(self.section, &key) else {
            self.section.error(&key.span(), format!("write {name} = \"20s\", or a limit's name in quotes"));
            return Err(Mistaken);
        };
        self.declared.window(written.text).map(Some).map_err(|message| {
            self.section.error(&written.place(0), message);
            Mistaken
        })
    }
    fn reasoned(&self, name: &'static str) -> Result<Vec<Reasoned>, Mistaken> {
        let Some(key) = self.section.take(name) else { return Ok(Vec::new()) };
        let Some(reasons) = self.section.section_of(&key) else {
            self.section
                .error(&key.span(), format!("`{name}` wants a reason; write {name}.\"reason\" = '…'"));
            return Err(Mistaken);
        };
        let conditions: Vec<_> = reasons.entries().iter().map(|key| self.reason(key)).collect();
        conditions.into_iter().collect()
    }
    fn reason(&self, key: &Key<'_, '_>) -> Result<Reasoned, Mistaken> {
        if key.name.trim().is_empty() {
            self.section.error(&key.place(), "a reason is missing");
        }
        Ok(Reasoned { reason: key.name.to_owned(), expression: self.truth(key)? })
    }
}

/// Whether a gate of the input, shut, makes the rule rest, so that `clear` is not asked: see `docs/writing-rules.md`.
fn can_rest(input: &Input) -> bool {
    input.gates.iter().any(|gate| matches!(gate, Gate::OnlyWhile { .. }))
}
