//! The lines of an example.

use citywarden_model::{DailyHours, KNOWN_QUANTITIES, Span, Value, ValueKind, known_quantity};

use super::{Expectation, Fact, Given, Movement, Place, Step};
use crate::expression::{Mistake, suggestion};
use crate::rulebook::{ATTRIBUTES, PERMIT_KINDS, ZONE_KINDS};

/// What an example may name beside the known quantities: what its rule reads.
#[derive(Debug, Default)]
pub(crate) struct Vocabulary<'v> {
    pub(crate) quantities: Vec<&'v str>,
    pub(crate) events: Vec<&'v str>,
    /// Fields of these events.
    pub(crate) fields: Vec<&'v str>,
    /// Kinds of device whose silence it reads.
    pub(crate) devices: Vec<&'v str>,
    /// Attributes that it reads.
    pub(crate) attributes: Vec<&'v str>,
    /// Attributes that override its limits.
    pub(crate) overrides: Vec<String>,
    /// Whether the rule's inputs are right, so that an unknown name is a mistake here.
    pub(crate) is_whole: bool,
}

/// The lines of an example, and what is wrong with them.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    pub(crate) given: Vec<Given>,
    pub(crate) steps: Vec<Step>,
    pub(crate) mistakes: Vec<Mistake>,
}

const DAY: Span = Span::from_secs(86_400);
const HALF_A_DAY: Span = Span::from_secs(43_200);
/// A range may hold so many times.
const TIMES_MAX: i64 = 20_000;

/// Reads the lines of an example. `place` says where a byte of the text stands in the file.
pub(crate) fn parse(text: &str, vocabulary: &Vocabulary<'_>, place: &dyn Fn(usize) -> Place) -> Lines {
    let mut lines = Lines::default();
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let words = words_of(line, start);
        start += line.len();
        let Some(first) = words.first() else { continue };
        if first.text.starts_with('#') {
            continue;
        }
        let previous = lines.steps.last().map(|step| step.at);
        let mut line = Line { words: &words, next: 0, vocabulary, mistakes: &mut lines.mistakes };
        if first.text == "given" {
            line.next = 1;
            lines.given.extend(line.given());
        } else if let Some(step) = line.step(previous, place(first.at)) {
            lines.steps.push(step);
        }
    }
    lines
}

/// A word of a line and the byte of the text at which it begins.
#[derive(Debug, Clone, Copy)]
struct Word<'t> {
    at: usize,
    text: &'t str,
}

fn words_of(line: &str, start: usize) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let mut at = 0;
    for text in line.split(char::is_whitespace) {
        if !text.is_empty() {
            words.push(Word { at: start + at, text });
        }
        at += text.len()
            + line.get(at + text.len()..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
    }
    words
}

struct Line<'l, 't> {
    words: &'l [Word<'t>],
    next: usize,
    vocabulary: &'l Vocabulary<'l>,
    mistakes: &'l mut Vec<Mistake>,
}

impl<'t> Line<'_, 't> {
    fn peek(&self) -> Option<Word<'t>> {
        self.words.get(self.next).copied()
    }
    fn take(&mut self) -> Option<Word<'t>> {
        let word = self.peek()?;
        self.next += 1;
        Some(word)
    }
    fn take_if(&mut self, wanted: &str) -> bool {
        let found = self.peek().is_some_and(|word| word.text == wanted);
        self.next += usize::from(found);
        found
    }
    fn mistake(&mut self, at: usize, message: impl Into<String>) {
        self.mistakes.push(Mistake::new(at, message));
    }
    /// The next word, or a mistake at the end of the line.
    fn wanted(&mut self, what: &str) -> Option<Word<'t>> {
        let word = self.take();
        if word.is_none() {
            let at = self.words.last().map_or(0, |last| last.at + last.text.len());
            self.mistake(at, format!("expected {what}"));
        }
        word
    }
    fn given(&mut self) -> Vec<Given> {
        let mut given = Vec::new();
        while let Some(word) = self.take() {
            match word.text.split_once('=') {
                Some(("permit", permit)) => given.extend(self.permit(word.at + "permit=".len(), permit)),
                Some((name, text)) if !name.is_empty() && !text.is_empty() => {
                    self.check_attribute(name, word.at);
                    given.push(Given::Attribute { name: name.to_owned(), text: text.to_owned() });
                }
                _ => self.mistake(word.at, format!("`{}` is not name=value", word.text)),
            }
        }
        given
    }
    /// An attribute may be any name, but no slip of one that the rule reads, and no limit that it has not.
    fn check_attribute(&mut self, name: &str, at: usize) {
        let vocabulary = self.vocabulary;
        let overrides = || vocabulary.overrides.iter().map(String::as_str);
        let known =
            || ATTRIBUTES.iter().copied().chain(vocabulary.attributes.iter().copied()).chain(overrides());
        if known().any(|known| known == name) || !vocabulary.is_whole {
            return;
        }
        let near = suggestion(name, known());
        if name.starts_with("limit.") || !near.is_empty() {
            self.mistake(at, format!("unknown attribute `{name}`{near}"));
        }
    }
    fn permit(&mut self, at: usize, text: &str) -> Option<Given> {
        let (kind, hours) = text.split_once('@').map_or((text, None), |(kind, hours)| (kind, Some(hours)));
        if !PERMIT_KINDS.contains(&kind) {
            let near = suggestion(kind, PERMIT_KINDS.iter().copied());
            self.mistake(at, format!("unknown kind of permit `{kind}`{near}"));
        }
        let Some(hours) = hours else {
            return Some(Given::Permit { kind: kind.to_owned(), hours: None });
        };
        let times = hours.split_once("..").map(|(from, to)| (time(from), time(to)));
        let Some((Some(from), Some(to))) = times else {
            self.mistake(at + kind.len() + 1, format!("`{hours}` are no hours; write 22:00..06:00"));
            return None;
        };
        Some(Given::Permit { kind: kind.to_owned(), hours: Some((from, to)) })
    }
    fn step(&mut self, previous: Option<Span>, place: Place) -> Option<Step> {
        let mistakes = self.mistakes.len();
        let at = self.time(previous)?;
        let mut step =
            Step { place, at, until: at, every: None, late: Span::ZERO, facts: Vec::new(), expect: None };
        if self.take_if("..") {
            step.until = self.time(Some(at))?;
            step.every = Some(self.every(at, step.until)?);
        }
        if self.take_if("late") {
            step.late = self.span("how late, such as 5m")?;
        }
        while let Some(word) = self.take() {
            if word.text == "=>" {
                step.expect = self.expectation();
                break;
            }
            step.facts.extend(self.fact(word));
        }
        if self.mistakes.len() == mistakes {
            self.check(&step);
        }
        Some(step)
    }
    fn check(&mut self, step: &Step) {
        let at = self.words.first().map_or(0, |word| word.at);
        if step.expect.is_some() && step.every.is_some() {
            self.mistake(at, "an expectation stands on a line with a single time");
        } else if step.expect.is_none() && step.facts.is_empty() {
            self.mistake(at, "nothing happens on this line; write name=value, or `=> compliant`");
        }
    }
    /// A time of day. One that lies more than half a day before the line above is on the next day.
    fn time(&mut self, previous: Option<Span>) -> Option<Span> {
        let word = self.wanted("a time such as 10:00 or 10:00:30")?;
        let Some(of_day) = time(word.text) else {
            self.mistake(
                word.at,
                format!("`{}` is no time; write 10:00 or 10:00:30, or given name=value", word.text),
            );
            return None;
        };
        let previous = previous.unwrap_or(of_day);
        let days = previous.nanos() / DAY.nanos();
        let same_day = Span::from_nanos(days * DAY.nanos()) + of_day;
        Some(if previous - same_day > HALF_A_DAY { same_day + DAY } else { same_day })
    }
    fn every(&mut self, from: Span, until: Span) -> Option<Span> {
        let at = self.words.first().map_or(0, |word| word.at);
        if !self.take_if("every") {
            let at = self.peek().map_or(at, |word| word.at);
            self.mistake(at, "a range of times wants a step; write every 10s");
            return None;
        }
        let every = self.span("a step such as 10s")?;
        let times = (until - from).nanos() / every.nanos();
        if until < from || times > TIMES_MAX {
            self.mistake(at, format!("this is no range of 1 to {TIMES_MAX} times"));
            return None;
        }
        Some(every)
    }
    fn span(&mut self, what: &str) -> Option<Span> {
        let word = self.wanted(what)?;
        match Span::parse(word.text) {
            Ok(span) if span > Span::ZERO => Some(span),
            _ => {
                self.mistake(word.at, format!("`{}` is no duration; write 20s, 5m, 1h", word.text));
                None
            }
        }
    }
    fn expectation(&mut self) -> Option<Expectation> {
        let word = self.wanted("a verdict such as compliant")?;
        let expectation = Expectation::parse(word.text);
        if expectation.is_none() {
            let near = suggestion(word.text, Expectation::ALL.iter().map(|(word, _)| *word));
            self.mistake(word.at, format!("unknown verdict `{}`{near}", word.text));
        }
        if let Some(more) = self.take() {
            self.mistake(more.at, "nothing may stand behind the verdict");
            self.next = self.words.len();
        }
        expectation
    }
    fn fact(&mut self, word: Word<'t>) -> Option<Fact> {
        match word.text {
            "inside" => self.zone(Movement::Inside),
            "entered" => self.zone(Movement::Entered),
            "left" => self.zone(Movement::Left),
            "event" => self.event(),
            "device" => self.device(),
            _ => self.reading(word),
        }
    }
    fn zone(&mut self, movement: Movement) -> Option<Fact> {
        let word = self.wanted("a kind of zone")?;
        if !ZONE_KINDS.contains(&word.text) {
            let near = suggestion(word.text, ZONE_KINDS.iter().copied());
            self.mistake(word.at, format!("unknown kind of zone `{}`{near}", word.text));
            return None;
        }
        Some(Fact::Zone { movement, kind: word.text.to_owned() })
    }
    /// A word that the rule has to read: one that it does not would say nothing.
    fn must_be_read(&mut self, what: &str, word: &str, at: usize, read: &[&str]) {
        if self.vocabulary.is_whole && !read.contains(&word) {
            let near = suggestion(word, read.iter().copied());
            self.mistake(at, format!("the rule reads no {what} `{word}`{near}"));
        }
    }
    fn device(&mut self) -> Option<Fact> {
        let word = self.wanted("a kind of device")?;
        self.must_be_read("silence of a device", word.text, word.at, &self.vocabulary.devices);
        Some(Fact::Device { kind: word.text.to_owned() })
    }
    fn event(&mut self) -> Option<Fact> {
        let word = self.wanted("an event's name")?;
        self.must_be_read("event", word.text, word.at, &self.vocabulary.events);
        let mut fields = Vec::new();
        while let Some(field) = self.peek().filter(|word| word.text != "=>") {
            self.next += 1;
            match field.text.split_once('=').map(|(name, text)| (name, number(text))) {
                Some((name, Some(number))) => {
                    if !self.vocabulary.fields.is_empty() {
                        self.must_be_read("field", name, field.at, &self.vocabulary.fields);
                    }
                    fields.push((name.to_owned(), number));
                }
                _ => self.mistake(field.at, format!("`{}` is no field=number of the event", field.text)),
            }
        }
        Some(Fact::Event { name: word.text.to_owned(), fields })
    }
    fn reading(&mut self, word: Word<'t>) -> Option<Fact> {
        let Some((name, text)) = word.text.split_once('=') else {
            self.mistake(word.at, format!("`{}` is no name=value, and no line begins so", word.text));
            return None;
        };
        self.check_quantity(name, word.at)?;
        let Some(value) = value(text) else {
            self.mistake(
                word.at + name.len() + 1,
                format!("`{text}` is no value; write 45, 45.5, true, false or [true,false]"),
            );
            return None;
        };
        if let Some(known) = known_quantity(name)
            && known.kind != kind_of(&value)
        {
            self.mistake(word.at + name.len() + 1, format!("`{name}` is {}", kind_word(known.kind)));
            return None;
        }
        Some(Fact::Reading { quantity: name.into(), value })
    }
    fn check_quantity(&mut self, name: &str, at: usize) -> Option<()> {
        let read = &self.vocabulary.quantities;
        if known_quantity(name).is_some() || read.contains(&name) || !self.vocabulary.is_whole {
            return Some(());
        }
        let near =
            suggestion(name, KNOWN_QUANTITIES.iter().map(|known| known.name).chain(read.iter().copied()));
        self.mistake(at, format!("unknown quantity `{name}`{near}"));
        None
    }
}

/// `HH:MM` or `HH:MM:SS`.
fn time(text: &str) -> Option<Span> {
    let (minutes, seconds) = match text.rsplit_once(':') {
        Some((before, seconds)) if before.contains(':') => (before, Some(seconds)),
        _ => (text, None),
    };
    let minutes = DailyHours::parse_time(minutes).filter(|time| *time < DAY)?;
    let seconds = match seconds {
        None => 0,
        Some(digits) if digits.len() == 2 => digits.parse().ok().filter(|seconds: &u8| *seconds < 60)?,
        Some(_) => return None,
    };
    Some(minutes + Span::from_secs(i64::from(seconds)))
}

fn number(text: &str) -> Option<f64> {
    let begins_well = text.starts_with(|first: char| first.is_ascii_digit() || first == '-');
    text.parse().ok().filter(|number: &f64| begins_well && number.is_finite())
}

fn value(text: &str) -> Option<Value<'static>> {
    if let Some(inside) = text.strip_prefix('[') {
        let items = inside.strip_suffix(']')?.split(',').map(truth);
        return items.collect::<Option<Vec<bool>>>().map(Value::Bools);
    }
    truth(text).map(Value::Bool).or_else(|| number(text).map(Value::Number))
}

fn truth(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

fn kind_of(value: &Value<'_>) -> ValueKind {
    match value {
        Value::Number(_) | Value::Text(_) => ValueKind::Number,
        Value::Bool(_) => ValueKind::Bool,
        Value::Bools(_) => ValueKind::Bools,
    }
}

const fn kind_word(kind: ValueKind) -> &'static str {
    match kind {
        ValueKind::Number => "a number",
        ValueKind::Bool => "true or false",
        ValueKind::Bools => "an array such as [true,false]",
    }
}
