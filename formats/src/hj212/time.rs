//! Local time as the standard writes it: `YYYYMMDDhhmmss`, with or without three digits of milliseconds, UTC+8.

use citywarden_model::{LocalClock, Timestamp};

const TO_SECONDS: usize = 14;
const TO_MILLIS: usize = 17;

/// The moment that 14 or 17 digits mean; `None` where they are no date and time.
pub(crate) fn read(digits: &str) -> Option<Timestamp> {
    let has_length = matches!(digits.len(), TO_SECONDS | TO_MILLIS);
    if !has_length || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let part = |from: usize, to: usize| digits.get(from..to).unwrap_or_default();
    let (year, month, day) = (part(0, 4), part(4, 6), part(6, 8));
    let (hour, minute, second) = (part(8, 10), part(10, 12), part(12, 14));
    let millis = if digits.len() == TO_MILLIS { part(TO_SECONDS, TO_MILLIS) } else { "000" };
    Timestamp::parse(&format!("{year}-{month}-{day}T{hour}:{minute}:{second}.{millis}+08:00")).ok()
}

/// A moment in as many digits, 14 or 17.
pub(crate) fn write(at: Timestamp, digits: usize) -> String {
    // China has had no summer time since 1992: the zone is UTC+8
    let text = LocalClock::default().write(at);
    let local = text.split('+').next().unwrap_or_default();
    let mut written: String = local.chars().filter(char::is_ascii_digit).take(digits).collect();
    while written.len() < digits {
        written.push('0');
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn local_times_are_read_and_written_alike() {
        for (digits, utc) in [
            ("20261124080000", Some("2026-11-24T00:00:00Z")),
            ("20261124080000250", Some("2026-11-24T00:00:00.250Z")),
            ("20261231235959", Some("2026-12-31T15:59:59Z")),
            ("20261332080000", None),
            ("20261124246000", None),
            ("2026112408000", None),
            ("202611240800001", None),
            ("2026112408000x", None),
            ("99991231235959", None),
            ("", None),
        ] {
            let read = read(digits);
            assert_eq!(read, utc.map(|utc| Timestamp::parse(utc).unwrap()), "{digits}");
            if let Some(at) = read {
                assert_eq!(write(at, digits.len()), digits);
            }
        }
    }
}
