//! What stands before the first table: what a rule is called, rests on, watches and tells.

use citywarden_model::{ASSET_KINDS, Clause, LocalClock, Severity, Span, Timestamp, Titles};
use citywarden_problems::{Section, did_you_mean};
use toml::de::DeValue;

use super::declared::span;
use super::written::Written;
use crate::rule::{InForce, Status};

/// Active again within this span of clearing, an alert goes on; a rule may say otherwise.
const REOPEN_WINDOW: Span = Span::from_mins(30);

/// The head of a rule. Everything that must be there is an option: `None` where it is missing or wrong.
#[derive(Debug)]
pub(crate) struct Head<'d> {
    pub(crate) id: Option<&'d str>,
    pub(crate) status: Option<Status>,
    pub(crate) severity: Option<Severity>,
    pub(crate) in_force: Option<InForce>,
    pub(crate) document: Option<&'d str>,
    pub(crate) title: Option<Titles>,
    pub(crate) clause: Option<Clause>,
    pub(crate) watches: Vec<String>,
    pub(crate) responsible: Vec<String>,
    pub(crate) message: Option<[Written<'d>; 2]>,
    pub(crate) warning_title: Option<Titles>,
    pub(crate) warning_message: Option<[Written<'d>; 2]>,
    pub(crate) reopen_window: Span,
}

impl<'d> Head<'d> {
    pub(crate) fn read(root: &Section<'d, '_>, clock: LocalClock) -> Self {
        Self {
            id: id(root),
            status: word(root, "status", &["active", "trial"], |word| {
                Some(if word == "active" { Status::Active } else { Status::Trial })
            }),
            severity: word(root, "severity", &["notice", "minor", "serious", "urgent"], Severity::parse),
            in_force: in_force(root, clock),
            document: root.text("document"),
            title: bilingual(root, "title").map(titles),
            clause: clause(root),
            watches: watches(root),
            responsible: filled(root, "responsible", "[\"建设局\"]")
                .into_iter()
                .map(|(text, _)| text.to_owned())
                .collect(),
            message: bilingual(root, "message"),
            warning_title: optional(root, "warning_title").map(titles),
            warning_message: optional(root, "warning_message"),
            reopen_window: reopen_window(root),
        }
    }
}

/// Reports that a key is not there, where its section begins, and how it would be written.
pub(crate) fn missing(section: &Section<'_, '_>, name: &str, written: &str) {
    if !section.is_whole() {
        return; // it may stand where the file could not be read
    }
    let begin = section.span();
    let at = if begin == (0..0) { first_key(section) } else { begin };
    section.error(&at, format!("`{name}` is missing; write {written}"));
}

fn first_key(root: &Section<'_, '_>) -> std::ops::Range<usize> {
    root.take("rule").map_or(0..0, |key| key.place())
}

/// A text that must be there and not be empty.
pub(crate) fn required<'d>(section: &Section<'d, '_>, name: &'static str, example: &str) -> Option<&'d str> {
    let Some(key) = section.take(name) else {
        missing(section, name, &format!("{name} = {example}"));
        return None;
    };
    let text = section.text(name)?;
    if text.trim().is_empty() {
        section.error(&key.span(), format!("`{name}` is empty; write {name} = {example}"));
        return None;
    }
    Some(text)
}

fn id<'d>(root: &Section<'d, '_>) -> Option<&'d str> {
    let id = required(root, "rule", "\"site-dust\"")?;
    let plain = id.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if !plain || id.starts_with('-') {
        let at = root.take("rule").map_or(0..0, |key| key.span());
        root.error(&at, format!("`{id}` is no rule's id; write small letters, digits and `-`"));
        return None;
    }
    Some(id)
}

/// One of a few words.
fn word<T>(
    root: &Section<'_, '_>,
    name: &'static str,
    words: &[&str],
    read: impl Fn(&str) -> Option<T>,
) -> Option<T> {
    let example = words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" or ");
    let text = required(root, name, &example)?;
    if words.contains(&text) {
        return read(text);
    }
    let near = did_you_mean(text, words.iter().copied());
    let hint = near.map_or(format!("; write {example}"), |near| format!(", did you mean `{near}`"));
    let at = root.take(name).map_or(0..0, |key| key.span());
    root.error(&at, format!("unknown {name} `{text}`{hint}"));
    None
}

fn in_force(root: &Section<'_, '_>, clock: LocalClock) -> Option<InForce> {
    if root.take("in_force").is_none() {
        missing(root, "in_force", "in_force = \"2024-10-22\"");
    }
    let (from, until) = (date(root, "in_force", clock), date(root, "until", clock));
    if let (Some(from), Some(until), Some(key)) = (from, until, root.take("until"))
        && until <= from
    {
        root.error(&key.span(), "`until` is not after `in_force`");
    }
    Some(InForce { from: from?, until })
}

/// The local midnight that begins a day, written in quotes or bare.
fn date(root: &Section<'_, '_>, name: &'static str, clock: LocalClock) -> Option<Timestamp> {
    let key = root.take(name)?;
    let written = match key.value() {
        DeValue::String(text) => text.to_string(),
        DeValue::Datetime(date) => date.to_string(),
        DeValue::Integer(_)
        | DeValue::Float(_)
        | DeValue::Boolean(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => String::new(),
    };
    let midnight =
        (written.len() == "2024-10-22".len()).then(|| clock.parse(&format!("{written} 00:00"))).flatten();
    if midnight.is_none() {
        root.error(&key.span(), format!("`{name}` is no date; write {name} = \"2024-10-22\""));
    }
    midnight
}

/// A text in Chinese and English.
fn bilingual<'d>(root: &Section<'d, '_>, name: &'static str) -> Option<[Written<'d>; 2]> {
    let Some(key) = root.take(name) else {
        missing(root, name, &format!("{name} = {{ zh = \"…\", en = \"…\" }}"));
        return None;
    };
    let Some(section) = root.section_of(&key) else {
        root.error(&key.span(), format!("write {name} = {{ zh = \"…\", en = \"…\" }}"));
        return None;
    };
    let [zh, en] = ["zh", "en"].map(|language| {
        required(&section, language, "\"…\"")?;
        Written::of(&section, &section.take(language)?)
    });
    section.finish();
    Some([zh?, en?])
}

/// The same where it need not be there.
fn optional<'d>(root: &Section<'d, '_>, name: &'static str) -> Option<[Written<'d>; 2]> {
    root.take(name)?;
    bilingual(root, name)
}

fn titles([zh, en]: [Written<'_>; 2]) -> Titles {
    Titles { zh: zh.text.to_owned(), en: en.text.to_owned() }
}

fn clause(root: &Section<'_, '_>) -> Option<Clause> {
    let Some(key) = root.take("clause") else {
        missing(root, "clause", "clause = { item = 18, text = \"…\" }");
        return None;
    };
    let Some(section) = root.section_of(&key) else {
        root.error(&key.span(), "write clause = { item = 18, text = \"…\" }");
        return None;
    };
    if section.take("item").is_none() {
        missing(&section, "item", "item = 18, the number in part four of the document");
    }
    let item = section.count("item");
    let item = item.and_then(|item| item_in_range(&section, item));
    let text = required(&section, "text", "the clause's words");
    let reference = section.text("reference").map(str::to_owned);
    section.finish();
    let item = item?;
    Some(Clause { item, reference: reference.unwrap_or_else(|| reference_of(item)), text: text?.to_owned() })
}

fn item_in_range(section: &Section<'_, '_>, item: u64) -> Option<u8> {
    let found = u8::try_from(item).ok().filter(|item| (1..=25).contains(item));
    if found.is_none() {
        let at = section.take("item").map_or(0..0, |key| key.span());
        section.error(&at, format!("there is no clause {item}; part four of the document has 1 to 25"));
    }
    found
}

/// Where an item stands in the document: part four, its chapter, its number.
fn reference_of(item: u8) -> String {
    let chapter = match item {
        0..=4 => "一",
        5..=10 => "二",
        11..=13 => "三",
        14..=16 => "四",
        17 => "五",
        18..=20 => "六",
        21..=23 => "七",
        _ => "八",
    };
    format!("四（{chapter}）{item}")
}

/// Texts in an array that must hold at least one.
pub(crate) fn filled<'d>(
    root: &Section<'d, '_>,
    name: &'static str,
    example: &str,
) -> Vec<(&'d str, std::ops::Range<usize>)> {
    let Some(key) = root.take(name) else {
        missing(root, name, &format!("{name} = {example}"));
        return Vec::new();
    };
    let texts = root.texts(name);
    if texts.as_ref().is_some_and(Vec::is_empty) {
        root.error(&key.span(), format!("`{name}` is empty; write {name} = {example}"));
    }
    texts.unwrap_or_default()
}

fn watches(root: &Section<'_, '_>) -> Vec<String> {
    let kinds = filled(root, "watches", "[\"construction_site\"]");
    for (kind, at) in kinds.iter().filter(|(kind, _)| !ASSET_KINDS.contains(kind)) {
        let near = crate::expression::suggestion(kind, ASSET_KINDS.iter().copied());
        root.error(at, format!("unknown kind of asset `{kind}`{near}"));
    }
    kinds.into_iter().map(|(kind, _)| kind.to_owned()).collect()
}

fn reopen_window(root: &Section<'_, '_>) -> Span {
    let Some(text) = root.text("reopen_window") else { return REOPEN_WINDOW };
    span(text).unwrap_or_else(|message| {
        let at = root.take("reopen_window").map_or(0..0, |key| key.span());
        root.error(&at, message);
        REOPEN_WINDOW
    })
}
