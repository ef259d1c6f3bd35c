//! The time of the tests: the machine's, as devices beside a live service have it.

use citywarden_model::{Span, Timestamp};

/// The machine's time.
#[expect(clippy::disallowed_methods, reason = "devices beside a live service live by the machine's clock")]
pub fn now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    Timestamp::from_nanos(i64::try_from(since.as_nanos()).expect("before 2262"))
}

/// That many seconds before.
pub fn ago(now: Timestamp, seconds: i64) -> Timestamp {
    now - Span::from_secs(seconds)
}

/// The name of a time zone in which it is about noon: no night falls within the next hours, whenever a test runs.
pub fn zone_where_it_is_noon(now: Timestamp) -> String {
    let hour = now.nanos() / 3_600_000_000_000 % 24;
    match 12 - hour {
        0 => "Etc/GMT".to_owned(),
        // POSIX signs: west is positive
        east if east > 0 => format!("Etc/GMT-{east}"),
        east => format!("Etc/GMT+{}", -east),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_noon_in_the_zone_that_is_named() {
        for (utc, zone) in
            [("00", "Etc/GMT-12"), ("11", "Etc/GMT-1"), ("12", "Etc/GMT"), ("23", "Etc/GMT+11")]
        {
            let at = Timestamp::parse(&format!("2026-11-24T{utc}:30:00Z")).expect("a time");
            assert_eq!(zone_where_it_is_noon(at), zone);
            let clock = citywarden_model::LocalClock::named(zone).expect("a zone");
            assert_eq!(clock.second_of_day(at), 12 * 3600 + 1800, "{zone}");
        }
    }
}
