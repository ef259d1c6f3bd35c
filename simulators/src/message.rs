//! Messages as devices of the county publish them.

use std::fmt::Write as _;
use std::sync::Arc;

use citywarden_model::{Crs, DeviceId, LocalClock, Point, Timestamp};

/// A message and the moment at which the device publishes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimedMessage {
    /// When it is published, by the virtual clock.
    pub at: Timestamp,
    /// Who publishes it.
    pub device: DeviceId,
    /// To which topic: `citywarden/{region}/{device}/json`.
    pub topic: Arc<str>,
    /// What: one JSON object or an array of them.
    pub payload: Vec<u8>,
}

/// One JSON object in the making, member by member.
pub(crate) struct Payload {
    text: String,
    readings: String,
    rest: String,
}

impl Payload {
    /// With `ts` as RFC 3339 in local time.
    pub(crate) fn at(observed_at: Timestamp) -> Self {
        Self::with_ts(&format!("\"{}\"", LocalClock::default().write(observed_at)))
    }
    /// With `ts` as Unix milliseconds.
    pub(crate) fn at_millis(observed_at: Timestamp) -> Self {
        Self::with_ts(&(observed_at.nanos() / 1_000_000).to_string())
    }
    fn with_ts(ts: &str) -> Self {
        Self { text: format!("{{\"ts\":{ts}"), readings: String::new(), rest: String::new() }
    }
    pub(crate) fn reading(mut self, quantity: &str, value: &str) -> Self {
        if !self.readings.is_empty() {
            self.readings.push(',');
        }
        push(&mut self.readings, format_args!("\"{quantity}\":{value}"));
        self
    }
    /// A number with that many decimals.
    pub(crate) fn number(self, quantity: &str, value: f64, decimals: usize) -> Self {
        self.reading(quantity, &format!("{value:.decimals$}"))
    }
    pub(crate) fn state(self, quantity: &str, on: bool) -> Self {
        self.reading(quantity, if on { "true" } else { "false" })
    }
    pub(crate) fn word(self, quantity: &str, word: &str) -> Self {
        self.reading(quantity, &format!("\"{word}\""))
    }
    pub(crate) fn states(self, quantity: &str, states: &[bool]) -> Self {
        let states: Vec<&str> = states.iter().map(|on| if *on { "true" } else { "false" }).collect();
        self.reading(quantity, &format!("[{}]", states.join(",")))
    }
    /// Where the unit is, in the numbers of its datum.
    pub(crate) fn position(mut self, wgs84: Point, crs: Crs, speed_kmh: f64, heading: f64) -> Self {
        let Point { lat, lon } = crs.reported(wgs84);
        push(
            &mut self.rest,
            format_args!(
                ",\"position\":{{\"lat\":{lat:.6},\"lon\":{lon:.6},\"speed\":{speed_kmh:.1},\"heading\":{heading:.0}}}"
            ),
        );
        self
    }
    /// A wash of that truck, of that many seconds.
    pub(crate) fn washed(mut self, truck: &str, seconds: i64) -> Self {
        push(
            &mut self.rest,
            format_args!(",\"events\":[{{\"name\":\"washed\",\"asset\":\"{truck}\",\"seconds\":{seconds}}}]"),
        );
        self
    }
    pub(crate) fn flag(mut self, letter: char) -> Self {
        push(&mut self.rest, format_args!(",\"flag\":\"{letter}\""));
        self
    }
    pub(crate) fn finish(mut self) -> String {
        push(&mut self.text, format_args!(",\"readings\":{{{}}}{}}}", self.readings, self.rest));
        self.text
    }
}

/// Writing to a `String` cannot fail.
fn push(text: &mut String, words: std::fmt::Arguments<'_>) {
    text.write_fmt(words).expect("a string takes every text");
}
