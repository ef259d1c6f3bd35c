//! Patterns for device ids.

use std::fmt;

/// A pattern for device ids: `*` stands for any run of characters, `?` for one, everything else for itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceGlob(String);

impl DeviceGlob {
    /// Reads a pattern; `None` if it is empty or holds blanks or characters that no level of a topic can have.
    pub fn parse(text: &str) -> Option<Self> {
        let unfit = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '/' | '#' | '+');
        (!text.is_empty() && !text.contains(unfit)).then(|| Self(text.to_owned()))
    }
    /// Whether it names this device.
    pub fn matches(&self, device: &str) -> bool {
        matches(&self.0, device)
    }
}

impl fmt::Display for DeviceGlob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Goes back to the last star only, which is enough: time is bounded by the product of both lengths.
fn matches(pattern: &str, text: &str) -> bool {
    let (mut pattern, mut text) = (pattern.chars(), text.chars());
    let mut retry: Option<(std::str::Chars<'_>, std::str::Chars<'_>)> = None;
    loop {
        let (before_pattern, before_text) = (pattern.clone(), text.clone());
        match (pattern.next(), text.next()) {
            (None, None) => return true,
            (Some('*'), _) => {
                retry = Some((pattern.clone(), before_text.clone()));
                text = before_text;
                continue;
            }
            (Some('?'), Some(_)) => continue,
            (Some(expected), Some(found)) if expected == found => continue,
            _ => drop(before_pattern),
        }
        let Some((after_star, mut from)) = retry.take() else { return false };
        if from.next().is_none() {
            return false;
        }
        (pattern, text) = (after_star.clone(), from.clone());
        retry = Some((after_star, from));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_is_any_run_and_a_question_mark_one_character() {
        let table = [
            ("dust-01", "dust-01", true),
            ("dust-01", "dust-011", false),
            ("*", "", true),
            ("*", "anything", true),
            ("dust-*", "dust-", true),
            ("dust-*", "dust", false),
            ("*-01", "dust-01-01", true),
            ("a*b*c", "axxbxxbxc", true),
            ("a*b*c", "axxbxx", false),
            ("du?t", "dust", true),
            ("du?t", "dut", false),
            ("洒?车", "洒水车", true),
            ("**", "x", true),
            ("?*", "", false),
        ];
        for (pattern, text, expected) in table {
            assert_eq!(DeviceGlob::parse(pattern).unwrap().matches(text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_pattern_that_no_device_can_have_is_refused() {
        for text in ["", "a b", "a/b", "+", "a#", "a\tb"] {
            assert_eq!(DeviceGlob::parse(text), None, "{text:?}");
        }
    }
}
