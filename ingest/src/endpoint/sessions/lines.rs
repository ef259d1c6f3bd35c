//! The file of sessions: a line each, with a check of its own, so that damage costs the lines it is in and no others.
//!
//! ```text
//! citywarden-sessions 1
//! kept <64 hexadecimal digits of the key> <seconds> <check>
//! left <key> <nanoseconds since 1970> <check>
//! ended <key> <check>
//! ```
//!
//! A later line about a key counts. `left` is written at an orderly end only and is not in the file of a running
//! endpoint: whoever comes back would have to be written down too.

use std::collections::HashMap;

use citywarden_model::{Digest, Timestamp};

use super::table::{Change, Key, Remembered};

/// The first line; another version's file is not understood.
const HEADER: &str = "citywarden-sessions 1";
/// Hexadecimal digits of a line's digest.
const CHECK_DIGITS: usize = 8;

/// What a file says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Read {
    pub(crate) sessions: Vec<Remembered>,
    /// Lines that are not whole.
    pub(crate) damaged: usize,
}

/// The whole of a file. Running: without the ends of connections.
pub(crate) fn write_all(sessions: &[Remembered], with_ends: bool) -> String {
    let mut out = format!("{HEADER}\n");
    for Remembered { key, expiry_s, left_at } in sessions {
        write_change(&mut out, Change::Kept(*key, *expiry_s));
        if let Some(at) = left_at.filter(|_| with_ends) {
            write_line(&mut out, &format!("left {} {}", key.0.hex(), at.nanos()));
        }
    }
    out
}

/// A line to be added.
pub(crate) fn write_change(out: &mut String, change: Change) {
    match change {
        Change::Kept(key, expiry_s) => write_line(out, &format!("kept {} {expiry_s}", key.0.hex())),
        Change::Ended(key) => write_line(out, &format!("ended {}", key.0.hex())),
    }
}

fn write_line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push(' ');
    out.push_str(&check(text));
    out.push('\n');
}

fn check(text: &str) -> String {
    let mut digits = Digest::of(text.as_bytes()).hex();
    digits.truncate(CHECK_DIGITS);
    digits
}

/// Reads a file; of another version everything is damage.
pub(crate) fn read(bytes: &[u8]) -> Read {
    let mut lines = bytes.split(|byte| *byte == b'\n');
    if lines.next() != Some(HEADER.as_bytes()) {
        return Read { sessions: Vec::new(), damaged: usize::from(!bytes.is_empty()) };
    }
    let (mut sessions, mut damaged) = (HashMap::new(), 0);
    for line in lines.filter(|line| !line.is_empty()) {
        damaged += usize::from(read_line(line, &mut sessions).is_none());
    }
    Read { sessions: sessions.into_values().collect(), damaged }
}

fn read_line(line: &[u8], sessions: &mut HashMap<Key, Remembered>) -> Option<()> {
    let (text, found) = str::from_utf8(line).ok()?.rsplit_once(' ')?;
    if check(text) != found {
        return None;
    }
    let mut words = text.split(' ');
    let (what, key) = (words.next()?, Key(Digest::parse(words.next()?)?));
    match what {
        "kept" => {
            let expiry_s = words.next()?.parse().ok()?;
            sessions.insert(key, Remembered { key, expiry_s, left_at: None });
        }
        "left" => {
            let at = Timestamp::from_nanos(words.next()?.parse().ok()?);
            sessions.get_mut(&key)?.left_at = Some(at);
        }
        "ended" => drop(sessions.remove(&key)),
        _ => return None,
    }
    Some(())
}
