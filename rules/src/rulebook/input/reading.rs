//! From the form of an input to its meaning: arguments.

use citywarden_model::{KNOWN_QUANTITIES, QuantityName, ValueKind, known_quantity};

use super::super::declared::Declared;
use super::syntax::{Argument, Call, Chain, What};
use super::vocabulary::{ATTRIBUTES, PERMIT_KINDS, ZONE_KINDS};
use crate::expression::{Mistake, suggestion};
use crate::rule::{Input, LimitValue, Otherwise, SumOf, Window};

/// Reads one input and collects what is wrong with it.
pub(super) struct Reading<'a, 'd> {
    pub(super) declared: &'a Declared<'d>,
    /// The names of all inputs of the rule, in order.
    pub(super) words: &'a [&'a str],
    name: &'a str,
    pub(super) mistakes: Vec<Mistake>,
    /// What may be meant, and should be looked at.
    pub(super) doubts: Vec<Mistake>,
}

/// What a statistic takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    Number,
    Truth,
    Array,
    /// A number, or true or false.
    Scalar,
    Any,
}

impl<'a, 'd> Reading<'a, 'd> {
    pub(super) fn new(declared: &'a Declared<'d>, words: &'a [&'a str], name: &'a str) -> Self {
        Self { declared, words, name, mistakes: Vec::new(), doubts: Vec::new() }
    }
    /// A statistic with its gates.
    pub(super) fn input(&mut self, chain: &Chain) -> Option<Input> {
        let statistic = self.statistic(&chain.statistic);
        let (gates, otherwise) = self.gates(chain, statistic.as_ref().map(|(statistic, _)| statistic));
        let (statistic, kind) = statistic?;
        let is_truth =
            kind.unwrap_or_else(|| otherwise.as_ref().is_some_and(|(_, other)| stands_for_truth(other)));
        if let Some((at, other)) = otherwise.as_ref().filter(|(_, other)| stands_for_truth(other) != is_truth)
        {
            let [wanted, found] = [is_truth, stands_for_truth(other)]
                .map(|truth| if truth { "true or false" } else { "a number" });
            self.mistake(*at, format!("expected {wanted}, found {found}"));
        }
        let name = self.name.to_owned();
        Some(Input { name, statistic, gates, otherwise: otherwise.map(|(_, other)| other), is_truth })
    }
    pub(super) fn mistake(&mut self, at: usize, message: impl Into<String>) {
        self.mistakes.push(Mistake::new(at, message));
    }
    /// The arguments, if there are as many as wanted.
    pub(super) fn arguments<'c, const N: usize>(
        &mut self,
        call: &'c Call,
        usage: &str,
    ) -> Option<[&'c Argument; N]> {
        let arguments: Vec<&Argument> = call.arguments.iter().collect();
        let found = arguments.try_into().ok();
        if found.is_none() {
            self.mistake(call.at, format!("write {usage}"));
        }
        found
    }
    /// A word that stands alone.
    pub(super) fn word<'c>(&mut self, argument: &'c Argument, wanted: &str) -> Option<&'c str> {
        match &argument.what {
            What::Word { word, field: None, negated: false } => Some(word),
            What::Word { .. } | What::Text(_) | What::Number(_) | What::Chain(_) => {
                self.mistake(argument.at, format!("expected {wanted}"));
                None
            }
        }
    }
    /// A quantity, and whether it is known to be true or false.
    pub(super) fn quantity(
        &mut self,
        argument: &Argument,
        wanted: Wanted,
    ) -> Option<(QuantityName, Option<bool>)> {
        let word = self.word(argument, "a quantity, without quotes")?;
        self.quantity_named(argument.at, word, wanted)
    }
    pub(super) fn quantity_named(
        &mut self,
        at: usize,
        word: &str,
        wanted: Wanted,
    ) -> Option<(QuantityName, Option<bool>)> {
        let Some(known) = known_quantity(word) else {
            self.unknown_quantity(at, word)?;
            return Some((word.into(), None));
        };
        let (fits, found) = match known.kind {
            ValueKind::Number => {
                (matches!(wanted, Wanted::Number | Wanted::Scalar | Wanted::Any), "a number")
            }
            ValueKind::Bool => {
                (matches!(wanted, Wanted::Truth | Wanted::Scalar | Wanted::Any), "true or false")
            }
            ValueKind::Bools => (matches!(wanted, Wanted::Array | Wanted::Any), "an array"),
        };
        if !fits {
            self.mistake(at, format!("`{word}` is {found}; expected {}", wanted.as_str()));
            return None;
        }
        Some((word.into(), Some(known.kind == ValueKind::Bool)))
    }
    /// A doubt, or a mistake where it looks like a misspelt known one.
    fn unknown_quantity(&mut self, at: usize, word: &str) -> Option<()> {
        let near = suggestion(word, KNOWN_QUANTITIES.iter().map(|known| known.name));
        if near.is_empty() {
            self.doubts.push(Mistake::new(at, format!("unknown quantity `{word}`: taken as it is")));
            return Some(());
        }
        self.mistake(at, format!("unknown quantity `{word}`{near}"));
        None
    }
    /// A quantity, an event, or an event's field.
    pub(super) fn sum_of(&mut self, argument: &Argument, wants_field: bool) -> Option<SumOf> {
        if let What::Word { word, field: Some(field), negated: false } = &argument.what {
            if !wants_field {
                self.mistake(argument.at, format!("an event is counted whole; write {word}"));
                return None;
            }
            return Some(SumOf::Event { name: word.clone(), field: Some(field.clone()) });
        }
        let word = self.word(argument, "a quantity, or an event's field such as washed.seconds")?;
        let is_quantity = known_quantity(word).is_some();
        if wants_field || is_quantity {
            let wanted = if wants_field { Wanted::Number } else { Wanted::Any };
            return self.quantity(argument, wanted).map(|(quantity, _)| SumOf::Quantity(quantity));
        }
        let near = suggestion(word, KNOWN_QUANTITIES.iter().map(|known| known.name));
        if !near.is_empty() {
            self.mistake(argument.at, format!("unknown quantity `{word}`{near}"));
            return None;
        }
        Some(SumOf::Event { name: word.to_owned(), field: None })
    }
    /// `"20s"`, or the name of a limit that is a duration.
    pub(super) fn window(&mut self, argument: &Argument) -> Option<Window> {
        let text = match &argument.what {
            What::Text(text) if text.starts_with(|c: char| c.is_ascii_digit()) || text.is_empty() => text,
            What::Text(text) => {
                self.mistake(argument.at + 1, format!("`{text}` is no duration; write 20s, 5m, 1h"));
                return None;
            }
            What::Number(_) | What::Chain(_) => {
                self.mistake(
                    argument.at,
                    "a window is written \"20s\", \"5m\", \"1h\", or is a limit's name",
                );
                return None;
            }
            What::Word { .. } => return self.window_named(argument),
        };
        let window = self.declared.window(text);
        window.map_err(|message| self.mistake(argument.at + 1, message)).ok()
    }
    fn window_named(&mut self, argument: &Argument) -> Option<Window> {
        let word = self.word(argument, "a window such as \"20s\", or a limit's name")?;
        let window = self.declared.window(word);
        window.map_err(|message| self.mistake(argument.at, message)).ok()
    }
    /// The slot of a limit that is a time of day.
    pub(super) fn time_of_day(&mut self, argument: &Argument) -> Option<usize> {
        let word = self.word(argument, "the name of a limit that is a time of day")?;
        match self.declared.limit(word) {
            Ok((slot, Some(limit))) if matches!(limit.value, LimitValue::TimeOfDay(_)) => Some(slot),
            Ok((slot, None)) => Some(slot),
            Ok(_) => {
                self.mistake(
                    argument.at,
                    format!("`{word}` is no time of day; its limit would be written \"22:00\""),
                );
                None
            }
            Err(message) => {
                self.mistake(argument.at, message);
                None
            }
        }
    }
    /// An attribute of the asset: any name, but no slip of a known one.
    pub(super) fn attribute(&mut self, argument: &Argument) -> Option<String> {
        let word = self.word(argument, "an attribute of the asset")?;
        let near = suggestion(word, ATTRIBUTES.iter().copied());
        if !ATTRIBUTES.contains(&word) && !near.is_empty() {
            self.mistake(argument.at, format!("unknown attribute `{word}`{near}"));
            return None;
        }
        Some(word.to_owned())
    }
    pub(super) fn zone(&mut self, argument: &Argument) -> Option<String> {
        self.one_of(argument, "kind of zone", ZONE_KINDS)
    }
    pub(super) fn permit(&mut self, argument: &Argument) -> Option<String> {
        self.one_of(argument, "kind of permit", PERMIT_KINDS)
    }
    fn one_of(&mut self, argument: &Argument, what: &str, known: &[&str]) -> Option<String> {
        let word = match &argument.what {
            What::Text(text) => text,
            What::Word { .. } | What::Number(_) | What::Chain(_) => {
                self.word(argument, &format!("a {what}"))?
            }
        };
        if !known.contains(&word) {
            let near = suggestion(word, known.iter().copied());
            self.mistake(argument.at, format!("unknown {what} `{word}`{near}"));
            return None;
        }
        Some(word.to_owned())
    }
}

impl Wanted {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Number => "a number",
            Self::Truth => "one that is true or false",
            Self::Array => "an array of true and false",
            Self::Scalar => "a number, or true or false",
            Self::Any => "any quantity",
        }
    }
}

fn stands_for_truth(otherwise: &Otherwise) -> bool {
    match otherwise {
        Otherwise::Number(_) => false,
        Otherwise::Truth(_) => true,
        Otherwise::Input(input) => input.is_truth,
    }
}
