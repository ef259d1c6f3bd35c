//! The page's words: none is missing in either language, none is left over.

use std::collections::BTreeSet;

use citywarden_alerting::{Action, What};
use citywarden_model::Verdict;

use super::{FILES, File};

/// What the page says of names that come from the API.
const FROM_OUTSIDE: [&str; 9] =
    ["quantity.", "update.", "asset-kind.", "device-kind.", "dead.", "part.", "who.", "why.", "wrong."];

/// The table: key, Chinese, English.
fn table() -> Vec<(&'static str, &'static str, &'static str)> {
    let words = FILES.iter().find(|file| file.name == "words.js").map_or("", |file| file.text);
    let rows = words.lines().filter_map(|line| {
        let (key, texts) = line.trim().strip_prefix('"')?.split_once("\": [\"")?;
        let (zh, en) = texts.strip_suffix("\"],")?.split_once("\", \"")?;
        Some((key, zh, en))
    });
    rows.collect()
}

/// The keys that a file names between `before` and a quote.
fn named(file: &'static File, before: &str) -> impl Iterator<Item = &'static str> {
    let pieces: Vec<_> = file.text.split(before).skip(1).collect();
    pieces.into_iter().filter_map(|rest| rest.split_once('"').map(|(key, _)| key))
}

fn used() -> BTreeSet<String> {
    let literal = FILES.iter().flat_map(|file| {
        let marks = ["word(\"", "data-word=\"", "data-word-title=\"", "\"devices.", "\"chart.", "&& \"mark."];
        marks.into_iter().flat_map(move |mark| {
            let prefix = mark.trim_start_matches("&& ").strip_prefix('"').unwrap_or_default();
            named(file, mark).map(move |key| format!("{prefix}{key}"))
        })
    });
    let all = |prefix: &str, names: &[&str]| {
        names.iter().map(|name| format!("{prefix}.{name}")).collect::<Vec<_>>()
    };
    let states = ["open", "acknowledged", "assigned", "arrived", "resolved", "closed", "withdrawn"];
    let actions: Vec<_> = Action::ALL.iter().map(|action| action.as_str()).collect();
    let built = [
        all("state", &states),
        all("severity", &["notice", "minor", "serious", "urgent"]),
        all("kind", &["violation", "early_warning", "device"]),
        all("condition", &["active", "cleared"]),
        all("event", What::WORDS),
        all("verdict", Verdict::WORDS),
        all("act", &actions),
        all("chart", &["began", "opened"]),
        all("lead", &["not_reviewed", "clock", "not_measured"]),
    ];
    literal.chain(built.concat()).filter(|key| !key.ends_with(['.', '$'])).collect()
}

#[test]
fn every_word_the_page_says_is_there_in_both_languages() {
    let table = table();
    assert!(table.len() > 80, "the table is read: {}", table.len());
    for (key, zh, en) in &table {
        assert!(!zh.is_empty() && !en.is_empty(), "{key}");
        assert_eq!(zh.contains("{0}"), en.contains("{0}"), "{key}");
    }
    let keys: BTreeSet<_> = table.iter().map(|(key, ..)| (*key).to_owned()).collect();
    assert_eq!(keys.len(), table.len(), "a key stands twice");
    let used = used();
    let missing: Vec<_> = used.difference(&keys).collect();
    assert!(missing.is_empty(), "the table has no {missing:?}");
    let left: Vec<_> =
        keys.difference(&used).filter(|key| !FROM_OUTSIDE.iter().any(|from| key.starts_with(from))).collect();
    assert!(left.is_empty(), "nobody says {left:?}");
}

#[test]
fn nothing_is_loaded_from_elsewhere_and_text_never_becomes_markup() {
    for file in &FILES {
        assert!(file.text.lines().count() < 500, "{} is too long", file.name);
        for mark in
            ["innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "style=\"", "onclick=\""]
        {
            assert!(!file.text.contains(mark), "{} holds {mark}", file.name);
        }
        let namespaces = file.text.replace("http://www.w3.org/2000/svg", "");
        assert!(!namespaces.contains("http://") && !namespaces.contains("https://"), "{}", file.name);
    }
}
