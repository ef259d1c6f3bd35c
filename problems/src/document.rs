//! TOML documents, read key by key so that each mistake is reported at its place.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeArray, DeFloat, DeInteger, DeTable, DeValue};

use crate::{Level, Problems, Source, did_you_mean, half_width};

/// A parsed TOML text.
#[derive(Debug)]
pub struct Document<'t> {
    source: Source<'t>,
    table: Spanned<DeTable<'t>>,
    is_whole: bool,
}

/// A key of a section, with the place of key and value.
#[derive(Debug, Clone, Copy)]
pub struct Key<'d, 't> {
    /// As written.
    pub name: &'d str,
    /// Where the key stands.
    pub key_span: (usize, usize),
    value: &'d Spanned<DeValue<'t>>,
}

/// A table of the document. Keys are taken by name; [`Section::finish`] reports those that nobody took.
#[derive(Debug)]
pub struct Section<'d, 't> {
    source: &'d Source<'t>,
    problems: &'d Problems,
    table: &'d DeTable<'t>,
    span: Range<usize>,
    known: RefCell<BTreeSet<&'static str>>,
    taken: RefCell<BTreeSet<String>>,
    is_whole: bool,
}

impl<'t> Document<'t> {
    /// Parses a text. What is no TOML is reported, every mistake of it, and what could be read is handed on, so that
    /// the mistakes of the rest are found in the same run.
    pub fn parse(source: Source<'t>, problems: &Problems) -> Self {
        let text = source.text.strip_prefix('\u{feff}').unwrap_or(source.text);
        let (table, errors) = DeTable::parse_recoverable(text);
        let is_whole = errors.is_empty();
        for error in errors {
            let span = error.span().unwrap_or(0..0);
            let message = format!("{}{}", error.message(), full_width_hint(text, span.start));
            problems.push(source.problem(Level::Error, &span, message));
        }
        Self { source: Source { text, ..source }, table, is_whole }
    }
    /// The text it was read from.
    pub fn source(&self) -> &Source<'t> {
        &self.source
    }
    /// The top of the document.
    pub fn root<'d>(&'d self, problems: &'d Problems) -> Section<'d, 't> {
        Section {
            is_whole: self.is_whole,
            ..Section::new(&self.source, problems, self.table.get_ref(), 0..0)
        }
    }
}

impl<'d, 't> Key<'d, 't> {
    /// Where the key stands, in bytes of the text.
    pub fn place(&self) -> Range<usize> {
        self.key_span.0..self.key_span.1
    }
    /// Where the value stands, in bytes of the text.
    pub fn span(&self) -> Range<usize> {
        self.value.span()
    }
    /// The value as TOML.
    pub fn value(&self) -> &'d DeValue<'t> {
        self.value.get_ref()
    }
    /// The value, if it is a text.
    pub fn as_text(&self) -> Option<&'d str> {
        self.value.get_ref().as_str()
    }
}

impl<'d, 't> Section<'d, 't> {
    fn new(
        source: &'d Source<'t>,
        problems: &'d Problems,
        table: &'d DeTable<'t>,
        span: Range<usize>,
    ) -> Self {
        Self {
            source,
            problems,
            table,
            span,
            known: RefCell::default(),
            taken: RefCell::default(),
            is_whole: true,
        }
    }
    /// Reports an error at a place of this document.
    pub fn error(&self, at: &Range<usize>, message: impl Into<String>) {
        self.problems.push(self.source.problem(Level::Error, at, message));
    }
    /// Reports a warning at a place of this document.
    pub fn warning(&self, at: &Range<usize>, message: impl Into<String>) {
        self.problems.push(self.source.problem(Level::Warning, at, message));
    }
    /// The text this section stands in.
    pub fn source(&self) -> &'d Source<'t> {
        self.source
    }
    /// Whether all of the document could be read: what is missing here may otherwise stand where it could not.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }
    /// Where the section's header or braces stand.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }
    /// Every key in the order written, for sections whose keys are names of the author's own. Counts as taken.
    pub fn entries(&self) -> Vec<Key<'d, 't>> {
        let mut keys: Vec<_> = self.table.iter().map(|(name, value)| entry(name, value)).collect();
        keys.sort_by_key(|key| key.key_span);
        self.taken.borrow_mut().extend(keys.iter().map(|key| key.name.to_owned()));
        keys
    }
    /// The key of this name, if it is there.
    pub fn take(&self, name: &'static str) -> Option<Key<'d, 't>> {
        self.known.borrow_mut().insert(name);
        let (key, value) = self.table.iter().find(|(key, _)| key.get_ref() == name)?;
        self.taken.borrow_mut().insert(name.to_owned());
        Some(entry(key, value))
    }
    fn expect<T>(
        &self,
        name: &'static str,
        wanted: &str,
        read: impl Fn(&'d DeValue<'t>) -> Option<T>,
    ) -> Option<T> {
        let key = self.take(name)?;
        let value = read(key.value());
        if value.is_none() {
            self.error(&key.span(), format!("`{name}` is {}; expected {wanted}", kind_of(key.value())));
        }
        value
    }
    /// A text.
    pub fn text(&self, name: &'static str) -> Option<&'d str> {
        self.expect(name, "a text", DeValue::as_str)
    }
    /// A text that must be there.
    pub fn required_text(&self, name: &'static str) -> Option<&'d str> {
        if self.take(name).is_none() {
            self.error(&self.span.clone(), format!("`{name}` is missing"));
        }
        self.text(name)
    }
    /// True or false.
    pub fn boolean(&self, name: &'static str) -> Option<bool> {
        self.expect(name, "true or false", DeValue::as_bool)
    }
    /// A whole number, not negative.
    pub fn count(&self, name: &'static str) -> Option<u64> {
        self.expect(name, "a whole number", |value| {
            let number = value.as_integer()?;
            u64::from_str_radix(number.as_str(), number.radix()).ok()
        })
    }
    /// A number, with a point or without; never infinite.
    pub fn number(&self, name: &'static str) -> Option<f64> {
        self.expect(name, "a number", |value| {
            let whole = value.as_integer().filter(|whole| whole.radix() == 10).map(DeInteger::as_str);
            let text = whole.or_else(|| value.as_float().map(DeFloat::as_str))?;
            text.parse().ok().filter(|number: &f64| number.is_finite())
        })
    }
    /// Texts in an array.
    pub fn texts(&self, name: &'static str) -> Option<Vec<(&'d str, Range<usize>)>> {
        self.expect(name, "an array of texts", |value| texts_of(value.as_array()?))
    }
    /// A section inside this one.
    pub fn section(&self, name: &'static str) -> Option<Section<'d, 't>> {
        let key = self.take(name)?;
        let section = self.section_of(&key);
        if section.is_none() {
            self.error(&key.span(), format!("`{name}` is {}; expected a table", kind_of(key.value())));
        }
        section
    }
    /// The section that this key's value is, if it is one.
    pub fn section_of(&self, key: &Key<'d, 't>) -> Option<Section<'d, 't>> {
        let DeValue::Table(table) = key.value() else { return None };
        Some(self.inner(table, key.span()))
    }
    /// The sections of an array of tables (`[[name]]`).
    pub fn sections(&self, name: &'static str) -> Vec<Section<'d, 't>> {
        let Some(key) = self.take(name) else { return Vec::new() };
        let DeValue::Array(array) = key.value() else {
            self.error(
                &key.span(),
                format!("`{name}` is {}; expected [[{name}]] tables", kind_of(key.value())),
            );
            return Vec::new();
        };
        array.iter().filter_map(|item| self.array_section(name, item)).collect()
    }
    fn inner(&self, table: &'d DeTable<'t>, span: Range<usize>) -> Section<'d, 't> {
        Section { is_whole: self.is_whole, ..Section::new(self.source, self.problems, table, span) }
    }
    fn array_section(&self, name: &str, item: &'d Spanned<DeValue<'t>>) -> Option<Section<'d, 't>> {
        if let DeValue::Table(table) = item.get_ref() {
            return Some(self.inner(table, item.span()));
        }
        self.error(&item.span(), format!("`{name}` holds {}; expected a table", kind_of(item.get_ref())));
        None
    }
    /// Reports each key that nobody took, with the known key nearest to it.
    pub fn finish(self) {
        let taken = self.taken.borrow();
        for (key, _) in self.table.iter().filter(|(key, _)| !taken.contains(key.get_ref().as_ref())) {
            let known = self.known.borrow();
            let suggestion = did_you_mean(key.get_ref(), known.iter().copied());
            let suggestion = suggestion.map_or(String::new(), |known| format!(", did you mean `{known}`"));
            self.error(&key.span(), format!("unknown key `{}`{suggestion}", key.get_ref()));
        }
    }
}

/// What to write where TOML stumbles over a sign of a Chinese input method.
fn full_width_hint(text: &str, at: usize) -> String {
    let sign = text.get(at..).and_then(|rest| rest.chars().next());
    let halves = sign.and_then(|sign| Some((sign, half_width(sign)?)));
    halves.map_or(String::new(), |(sign, half)| format!("; full-width `{sign}`, write `{half}`"))
}

fn entry<'d, 't>(
    key: &'d Spanned<std::borrow::Cow<'t, str>>,
    value: &'d Spanned<DeValue<'t>>,
) -> Key<'d, 't> {
    let span = key.span();
    Key { name: key.get_ref(), key_span: (span.start, span.end), value }
}

fn texts_of<'d>(array: &'d DeArray<'_>) -> Option<Vec<(&'d str, Range<usize>)>> {
    array.iter().map(|item| Some((item.get_ref().as_str()?, item.span()))).collect()
}

fn kind_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "an array",
        DeValue::Table(_) => "a table",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems_of(text: &str, read: impl Fn(&Section<'_, '_>)) -> Vec<String> {
        let problems = Problems::new();
        let document = Document::parse(Source::new("f.toml", text), &problems);
        let root = document.root(&problems);
        read(&root);
        root.finish();
        problems.into_sorted().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_mistake_is_reported_at_its_place() {
        let text = "region = 3\nregoin = \"x\"\n\"中文\" = 1\n[rules]\ndir = true\n";
        let found = problems_of(text, |root| {
            root.required_text("region");
            root.required_text("timezone");
            root.section("rules").map(|rules| (rules.text("dir"), rules.finish()));
        });
        assert_eq!(
            found,
            [
                "f.toml:1:1: `timezone` is missing",
                "f.toml:1:10: `region` is a whole number; expected a text",
                "f.toml:2:1: unknown key `regoin`, did you mean `region`",
                "f.toml:3:1: unknown key `中文`",
                "f.toml:5:7: `dir` is true or false; expected a text",
            ]
        );
    }

    #[test]
    fn what_is_no_toml_does_not_hide_the_other_mistakes() {
        let found = problems_of("a = \nb = 1\n", |root| {
            root.text("a");
        });
        assert!(found.iter().any(|p| p.starts_with("f.toml:1:")), "{found:?}");
        assert!(found.iter().any(|p| p.contains("unknown key `b`")), "{found:?}");
    }
}
