//! Messages with named values in them.

use crate::expression::{Mistake, Names, suggestion};
use crate::rule::{Template, TemplatePart};

/// Reads `words {name} words`. `{{` and `}}` are braces.
pub(crate) fn parse(text: &str, names: &Names<'_>) -> (Template, Vec<Mistake>) {
    let (mut parts, mut mistakes, mut words) = (Vec::new(), Vec::new(), String::new());
    let mut rest = text;
    while let Some(brace) = rest.find(['{', '}']) {
        let at = text.len() - rest.len() + brace;
        let (before, after) = rest.split_at(brace);
        words.push_str(before);
        match value(after, names) {
            Ok((Some(part), length)) => {
                if !words.is_empty() {
                    parts.push(TemplatePart::Words(std::mem::take(&mut words)));
                }
                parts.push(part);
                rest = after.get(length..).unwrap_or_default();
            }
            Ok((None, length)) => {
                words.push_str(after.get(..1).unwrap_or_default());
                rest = after.get(length..).unwrap_or_default();
            }
            Err((mistake, length)) => {
                mistakes.push(Mistake::new(at + mistake.at, mistake.message));
                rest = after.get(length..).unwrap_or_default();
            }
        }
    }
    words.push_str(rest);
    if !words.is_empty() {
        parts.push(TemplatePart::Words(words));
    }
    (Template(parts), mistakes)
}

/// What stands at a brace, or is wrong with it, and how many bytes it takes; `None` is a brace that is meant.
fn value(text: &str, names: &Names<'_>) -> Result<(Option<TemplatePart>, usize), (Mistake, usize)> {
    if text.starts_with("{{") || text.starts_with("}}") {
        return Ok((None, 2));
    }
    let Some(inside) = text.strip_prefix('{') else {
        return Err((Mistake::new(0, "`}` closes nothing; write `}}` for a brace"), 1));
    };
    let Some(end) = inside.find('}') else {
        return Err((Mistake::new(0, "`{` is not closed; write {name}, or `{{` for a brace"), 1));
    };
    let name = inside.get(..end).unwrap_or_default();
    let Some((slot, _)) = names.find(name) else {
        let near = suggestion(name, names.words());
        return Err((Mistake::new(1, format!("message names unknown value `{name}`{near}")), end + 2));
    };
    Ok((Some(TemplatePart::Slot(slot)), end + 2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::expression::{Kind, SlotName, SlotUse};

    #[test]
    fn words_and_values_take_turns() {
        let slots = vec![SlotName { name: "db", slot_use: SlotUse::Value(Kind::Number) }];
        let names = Names { slots, limits: 0 };
        let words = |text: &str| TemplatePart::Words(text.to_owned());
        for (text, parts) in [
            ("", vec![]),
            ("提示音 {db} dB", vec![words("提示音 "), TemplatePart::Slot(0), words(" dB")]),
            ("{db}{db}", vec![TemplatePart::Slot(0), TemplatePart::Slot(0)]),
            ("a {{db}} b", vec![words("a {db} b")]),
        ] {
            assert_eq!(parse(text, &names), (Template(parts), vec![]), "{text}");
        }
        for (text, at) in [("音 {bd} x", 5), ("{db", 0), ("db}", 2), ("{}", 1), ("{ {db}", 1)] {
            let (_, mistakes) = parse(text, &names);
            assert_eq!(mistakes.first().map(|mistake| mistake.at), Some(at), "{text}: {mistakes:?}");
        }
    }
}
