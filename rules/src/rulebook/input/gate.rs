//! Gates.

use super::reading::{Reading, Wanted};
use super::syntax::{Argument, Call, Chain, What};
use super::vocabulary::{GATES, usage};
use crate::expression::suggestion;
use crate::rule::{Gate, Otherwise, Statistic};

/// What stands in, and where it is written.
type StandIn = Option<(usize, Otherwise)>;

impl Reading<'_, '_> {
    /// The gates of a chain, and what stands in.
    pub(super) fn gates(&mut self, chain: &Chain, statistic: Option<&Statistic>) -> (Vec<Gate>, StandIn) {
        let (mut gates, mut otherwise): (Vec<Gate>, StandIn) = (Vec::new(), None);
        for call in &chain.gates {
            if otherwise.is_some() {
                self.mistake(call.at, "`or` stands last");
            }
            if call.name == "or" {
                otherwise = self.stand_in(call);
                continue;
            }
            let gate = self.gate(call);
            if gate.is_some() && statistic.is_some_and(|statistic| !applies(&call.name, statistic)) {
                let statistic = &chain.statistic.name;
                self.mistake(call.at, format!("`{}` does not go with `{statistic}`", call.name));
            }
            if let Some(gate) = gate {
                if gates.iter().any(|other| std::mem::discriminant(other) == std::mem::discriminant(&gate)) {
                    self.mistake(call.at, format!("`{}` stands twice", call.name));
                }
                gates.push(gate);
            }
        }
        (gates, otherwise)
    }
    fn gate(&mut self, call: &Call) -> Option<Gate> {
        let usage = usage(GATES, &call.name);
        if usage.is_empty() {
            let near = suggestion(&call.name, GATES.iter().map(|(word, _)| *word));
            self.mistake(call.at, format!("unknown gate `{}`{near}", call.name));
            return None;
        }
        let [argument] = self.arguments(call, usage)?;
        match call.name.as_str() {
            "only_while" => self.only_while(argument),
            "only_where" => Some(Gate::OnlyWhere(self.quantity(argument, Wanted::Array)?.0)),
            "at_zone" => Some(Gate::AtZone(self.zone(argument)?)),
            _ => self.restart_on(argument),
        }
    }
    fn only_while(&mut self, argument: &Argument) -> Option<Gate> {
        let What::Word { word, field: None, negated } = &argument.what else {
            self.mistake(argument.at, "expected a quantity that is true or false");
            return None;
        };
        let at = argument.at + usize::from(*negated);
        let (quantity, _) = self.quantity_named(at, word, Wanted::Truth)?;
        Some(Gate::OnlyWhile { quantity, negated: *negated })
    }
    fn restart_on(&mut self, argument: &Argument) -> Option<Gate> {
        let word = self.word(argument, "the name of an input that is true or false")?;
        let Some(nth) = self.words.iter().position(|name| *name == word) else {
            let near = suggestion(word, self.words.iter().copied());
            self.mistake(argument.at, format!("unknown input `{word}`{near}"));
            return None;
        };
        Some(Gate::RestartOn(self.declared.limits.len() + nth))
    }
    fn stand_in(&mut self, call: &Call) -> StandIn {
        let [argument] = self.arguments(call, usage(GATES, "or"))?;
        let other = match &argument.what {
            What::Number(digits) => self.number(argument.at, digits).map(Otherwise::Number),
            What::Word { word, field: None, negated: false } if word == "true" => {
                Some(Otherwise::Truth(true))
            }
            What::Word { word, field: None, negated: false } if word == "false" => {
                Some(Otherwise::Truth(false))
            }
            What::Chain(chain) => self.input(chain).map(|input| Otherwise::Input(Box::new(input))),
            What::Word { .. } | What::Text(_) => {
                self.mistake(argument.at, "expected a number with a point, true, false or another statistic");
                None
            }
        };
        Some((argument.at, other?))
    }
    fn number(&mut self, at: usize, digits: &str) -> Option<f64> {
        let number = digits.parse().ok().filter(|number: &f64| number.is_finite());
        if number.is_none() {
            self.mistake(at, format!("`{digits}` is no number"));
        } else if !digits.contains('.') {
            self.mistake(at, format!("write {digits}.0: numbers carry a decimal point"));
        }
        number
    }
}

/// Whether a gate means something for a statistic.
fn applies(gate: &str, statistic: &Statistic) -> bool {
    let events = matches!(statistic, Statistic::Sum(..) | Statistic::Count(..));
    let window = events
        || matches!(
            statistic,
            Statistic::Laeq(..)
                | Statistic::Mean(..)
                | Statistic::Max(..)
                | Statistic::Min(..)
                | Statistic::Coverage(..)
                | Statistic::ShareOfTime(..)
                | Statistic::LongestRun(..)
        );
    match gate {
        "only_while" => window || matches!(statistic, Statistic::Last(_)),
        "restart_on" => window,
        "only_where" => matches!(statistic, Statistic::LargestGap { .. }),
        _ => {
            window
                || matches!(
                    statistic,
                    Statistic::Last(_) | Statistic::DeviceSilence(_) | Statistic::Silence(_)
                )
        }
    }
}
