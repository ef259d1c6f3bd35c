//! Texts of the protocol: UTF-8 without what the standard forbids or lets a server refuse, topic names and filters.

use super::error::DecodeError;

const NOT_UTF8: DecodeError = DecodeError::Malformed("a text that is not UTF-8");
const NOT_PRINTABLE: DecodeError = DecodeError::Malformed("a text with a control character or non-character");

/// Refuses what is no text of the protocol (MQTT 5, section 1.5.4).
pub(crate) fn check(bytes: &[u8]) -> Result<&str, DecodeError> {
    let text = std::str::from_utf8(bytes).map_err(|_| NOT_UTF8)?;
    // folded, not searched: most texts are plain, and this way the compiler uses wide registers
    let plain = bytes.iter().fold(true, |plain, byte| plain & matches!(byte, 0x20..=0x7e));
    if plain || text.chars().all(is_allowed) { Ok(text) } else { Err(NOT_PRINTABLE) }
}

/// Refuses the start of a text that no continuation makes one.
pub(crate) fn check_start(bytes: &[u8]) -> Result<(), DecodeError> {
    let whole = match std::str::from_utf8(bytes) {
        Ok(_) => bytes,
        Err(error) if error.error_len().is_some() => return Err(NOT_UTF8),
        Err(error) => bytes.get(..error.valid_up_to()).unwrap_or_default(),
    };
    check(whole).map(|_| ())
}

fn is_allowed(c: char) -> bool {
    let non_character = matches!(c, '\u{fdd0}'..='\u{fdef}') || u32::from(c) & 0xfffe == 0xfffe;
    !c.is_control() && !non_character
}

/// Refuses what is no topic name: empty, or with a wildcard (MQTT 5, section 4.7).
pub(crate) fn check_topic_name(name: &str) -> Result<(), DecodeError> {
    if name.is_empty() {
        return Err(DecodeError::Malformed("an empty topic name"));
    }
    // `+` and `#` are the only bytes with these values in UTF-8
    let wildcard = name.bytes().fold(false, |found, byte| found | matches!(byte, b'+' | b'#'));
    if wildcard { Err(DecodeError::Malformed("a topic name with a wildcard")) } else { Ok(()) }
}

/// Refuses what is no topic filter: empty, `#` elsewhere than alone at the end, `+` beside other characters, a
/// shared subscription without a name or filter.
pub(crate) fn check_topic_filter(filter: &str) -> Result<(), DecodeError> {
    const BAD: DecodeError = DecodeError::Malformed("a topic filter that is none");
    let filter = match filter.strip_prefix("$share/") {
        Some(shared) => shared_filter(shared).ok_or(BAD)?,
        None => filter,
    };
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        let allowed = match level {
            "#" => levels.peek().is_none(),
            "+" => true,
            other => !other.contains(['#', '+']),
        };
        if !allowed {
            return Err(BAD);
        }
    }
    if filter.is_empty() { Err(BAD) } else { Ok(()) }
}

fn shared_filter(shared: &str) -> Option<&str> {
    let (name, filter) = shared.split_once('/')?;
    (!name.is_empty() && !name.contains(['#', '+'])).then_some(filter)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_utf8_without_control_and_non_characters() {
        let table: &[(&[u8], bool)] = &[
            (b"", true),
            (b"plain text~", true),
            ("洒水车/07".as_bytes(), true),
            ("\u{feff}bom".as_bytes(), true),
            ("\u{fffd}\u{a0}".as_bytes(), true),
            (b"\x00", false),
            (b"\x01", false),
            (b"\x1f", false),
            (b"\x7f", false),
            ("\u{80}".as_bytes(), false),
            ("\u{9f}".as_bytes(), false),
            ("\u{ffff}".as_bytes(), false),
            ("\u{fdd0}".as_bytes(), false),
            ("\u{1fffe}".as_bytes(), false),
            (b"\xed\xa0\x80", false), // a surrogate
            (b"\xc0\x80", false),     // an overlong zero
            (b"\xf4\x90\x80\x80", false),
            (b"\xe6\xb4", false), // the start of a character
        ];
        for (bytes, allowed) in table {
            assert_eq!(check(bytes).is_ok(), *allowed, "{bytes:02x?}");
        }
    }

    #[test]
    fn the_start_of_a_text_is_refused_only_if_nothing_can_make_it_good() {
        let table: &[(&[u8], bool)] = &[
            (b"", true),
            (b"\xe6\xb4", true),
            (b"ab\xe6", true),
            (b"ab\x00\xe6", false),
            (b"\xed\xa0", false),
            (b"\xff", false),
        ];
        for (bytes, allowed) in table {
            assert_eq!(check_start(bytes).is_ok(), *allowed, "{bytes:02x?}");
        }
    }

    #[test]
    fn topic_names_and_filters_are_told_from_what_is_none() {
        for (name, allowed) in
            [("a", true), ("/", true), ("a b/洒", true), ("", false), ("a/#", false), ("+", false)]
        {
            assert_eq!(check_topic_name(name).is_ok(), allowed, "{name}");
        }
        let filters = [
            ("#", true),
            ("a/+/b/#", true),
            ("/", true),
            ("+", true),
            ("$share/g/a/#", true),
            ("$share", true),
            ("", false),
            ("a#", false),
            ("#/a", false),
            ("a+/b", false),
            ("$share/g", false),
            ("$share/g/", false),
            ("$share//a", false),
            ("$share/+/a", false),
        ];
        for (filter, allowed) in filters {
            assert_eq!(check_topic_filter(filter).is_ok(), allowed, "{filter}");
        }
    }
}
