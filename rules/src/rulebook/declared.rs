//! What a rule has declared so far: its slots, by name.

use std::ops::Range;

use citywarden_problems::{Key, Section};

use crate::expression::{Compiler, Names, SlotName, SlotUse};
use crate::rule::{Limit, LimitValue, Window};
use citywarden_model::Span;

/// A window or duration at most so long: what a rule remembers is bounded by it.
pub(crate) const WINDOW_MAX: Span = Span::from_secs(31 * 86_400);

/// A rule's slots while its file is read.
#[derive(Debug)]
pub(crate) struct Declared<'d> {
    pub(crate) names: Names<'d>,
    /// The limits; `None` where one is mistaken.
    pub(crate) limits: Vec<Option<Limit>>,
    /// Where each slot's name stands.
    pub(crate) places: Vec<Range<usize>>,
}

impl<'d> Declared<'d> {
    pub(crate) fn new() -> Self {
        Self { names: Names { slots: Vec::new(), limits: 0 }, limits: Vec::new(), places: Vec::new() }
    }
    /// Adds a slot, and reports a name that cannot be one.
    pub(crate) fn declare(
        &mut self,
        section: &Section<'_, '_>,
        compiler: &Compiler,
        key: &Key<'d, '_>,
        slot_use: SlotUse,
    ) {
        let (name, place) = (key.name, key.place());
        if self.names.find(name).is_some() {
            section.error(
                &place,
                format!("`{name}` is declared twice; limits, inputs and lets share one row of names"),
            );
        }
        if !compiler.is_free_name(name) {
            section.error(&place, format!("`{name}` cannot be a name; write small letters, digits and `_`, and no word of the language"));
        }
        self.names.slots.push(SlotName { name, slot_use });
        self.places.push(place);
    }
    /// A span of time: digits, or the name of a limit that is one. Says what is wrong otherwise.
    pub(crate) fn window(&self, text: &str) -> Result<Window, String> {
        if !text.starts_with(|first: char| first.is_ascii_lowercase()) {
            return span(text).map(Window::Fixed);
        }
        match self.limit(text)? {
            (slot, Some(Limit { value: LimitValue::Duration(_), .. }) | None) => Ok(Window::Limit(slot)),
            _ => Err(format!("`{text}` is no duration; its limit would be written \"20s\", \"5m\", \"1h\"")),
        }
    }
    /// The slot of a limit, and the limit where it is right.
    pub(crate) fn limit(&self, name: &str) -> Result<(usize, Option<&Limit>), String> {
        let words = || self.names.words().take(self.limits.len());
        let Some(slot) = words().position(|word| word == name) else {
            let near = crate::expression::suggestion(name, words());
            return Err(format!("unknown limit `{name}`{near}"));
        };
        Ok((slot, self.limits.get(slot).and_then(Option::as_ref)))
    }
}

/// A span of time in digits and a unit, above zero.
pub(crate) fn span(text: &str) -> Result<Span, String> {
    let span = Span::parse(text).map_err(|error| error.to_string())?;
    if span == Span::ZERO {
        return Err(format!("`{text}` is no time at all"));
    }
    if span > WINDOW_MAX {
        return Err(format!("`{text}` is too long; at most 31d"));
    }
    Ok(span)
}
