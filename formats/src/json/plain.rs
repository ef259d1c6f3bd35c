//! What nearly all devices send, read in one pass: one object with `ts` in milliseconds, readings that are numbers or
//! truths, a flag, and texts or numbers that nobody asks for. Whatever else there is, or is wrong, is left to the whole
//! reader, which also says what: here it is only nothing.

use std::borrow::Cow;

use citywarden_model::{Flag, Observation, Reading, Timestamp, Value};

use super::Limits;
use super::reading::{USUAL_READINGS, is_of_a_cover};

/// Decimal digits that a float holds exactly, whatever they are; and the powers of ten that it does: so many digits
/// divided by such a power are rounded once, as the nearest float is.
const DIGITS_MAX: usize = 15;
const POWERS_OF_TEN: [f64; DIGITS_MAX + 1] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15];

/// The observation; `None` where it is not as plain as that.
pub(super) fn read(limits: Limits, text: &str) -> Option<Observation<'_>> {
    let mut cursor = Cursor { text, place: 0 };
    let (mut ts, mut readings, mut flag) = (None, None, None);
    let mut members = Members::open(&mut cursor)?;
    while let Next::Member(name) = members.next(&mut cursor)? {
        match name {
            "ts" => set(&mut ts, cursor.millis()?)?,
            "readings" => set(&mut readings, cursor.readings(limits.readings)?)?,
            "flag" => set(&mut flag, Flag::parse(cursor.string()?)?)?,
            "position" | "events" => return None,
            _ => cursor.skip_plain()?,
        }
    }
    (cursor.place == text.len()).then(|| Observation {
        observed_at: ts,
        readings: readings.unwrap_or_default(),
        flag: flag.unwrap_or_default(),
        ..Observation::default()
    })
}

fn set<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    slot.replace(value).is_none().then_some(())
}

struct Cursor<'a> {
    text: &'a str,
    place: usize,
}

/// The members of an object, one after the other.
struct Members {
    is_first: bool,
}

/// What comes next in an object.
enum Next<'a> {
    /// The value of the member of this name.
    Member(&'a str),
    /// Nothing: the object has ended.
    End,
}

impl Members {
    fn open(cursor: &mut Cursor<'_>) -> Option<Self> {
        cursor.expect(b'{')?;
        Some(Self { is_first: true })
    }

    fn next<'a>(&mut self, cursor: &mut Cursor<'a>) -> Option<Next<'a>> {
        if cursor.peek()? == b'}' {
            cursor.place += 1;
            return Some(Next::End);
        }
        if !std::mem::replace(&mut self.is_first, false) {
            cursor.expect(b',')?;
        }
        let name = cursor.string()?;
        cursor.expect(b':')?;
        Some(Next::Member(name))
    }
}

impl<'a> Cursor<'a> {
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.place).copied()
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.byte() {
            self.place += 1;
        }
        self.byte()
    }

    fn expect(&mut self, wanted: u8) -> Option<()> {
        (self.peek()? == wanted).then(|| self.place += 1)
    }

    fn word(&mut self, word: &str) -> Option<()> {
        self.text.get(self.place..)?.starts_with(word).then(|| self.place += word.len())
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.place..).unwrap_or_default()
    }

    /// A text without anything escaped.
    fn string(&mut self) -> Option<&'a str> {
        self.expect(b'"')?;
        let start = self.place;
        let rest = self.rest();
        let len = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | ..0x20))?;
        self.place += len + 1;
        if rest.get(len) != Some(&b'"') {
            return None;
        }
        self.text.get(start..start + len)
    }

    /// Digits, added to what is there; how many.
    fn digits(&mut self, number: &mut u64) -> Option<usize> {
        let mut count = 0;
        for digit in self.rest().iter().map(|byte| byte.wrapping_sub(b'0')).take_while(|digit| *digit < 10) {
            *number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
            count += 1;
        }
        self.place += count;
        (1..=DIGITS_MAX).contains(&count).then_some(count)
    }

    /// The sign, the digits before the point, and how many these are.
    fn whole(&mut self) -> Option<(bool, u64, usize)> {
        let is_negative = self.peek()? == b'-';
        self.place += usize::from(is_negative);
        let (leads_with_zero, mut number) = (self.byte()? == b'0', 0);
        let count = self.digits(&mut number)?;
        (count == 1 || !leads_with_zero).then_some((is_negative, number, count))
    }

    fn millis(&mut self) -> Option<Timestamp> {
        let (is_negative, number, _) = self.whole()?;
        if matches!(self.byte(), Some(b'.' | b'e' | b'E')) || is_negative && number == 0 {
            return None; // minus nothing is no integer
        }
        let millis = number.cast_signed();
        Timestamp::from_millis(if is_negative { -millis } else { millis })
    }

    #[expect(clippy::cast_precision_loss, reason = "so few digits are below 2^53")]
    fn number(&mut self) -> Option<f64> {
        let (is_negative, mut digits, count) = self.whole()?;
        let mut decimals = 0;
        if self.byte() == Some(b'.') {
            self.place += 1;
            decimals = self.digits(&mut digits)?;
        }
        if count + decimals > DIGITS_MAX || matches!(self.byte(), Some(b'e' | b'E')) {
            return None;
        }
        let number = digits as f64 / POWERS_OF_TEN.get(decimals)?;
        Some(if is_negative { -number } else { number })
    }

    fn readings(&mut self, max: usize) -> Option<Vec<Reading<'a>>> {
        let mut readings: Vec<Reading<'a>> = Vec::with_capacity(USUAL_READINGS);
        let mut members = Members::open(self)?;
        while let Next::Member(quantity) = members.next(self)? {
            let is_known = readings.iter().any(|seen| seen.quantity == quantity);
            if is_known || is_of_a_cover(quantity) || readings.len() >= max {
                return None;
            }
            let value = self.value()?;
            readings.push(Reading { quantity: Cow::Borrowed(quantity), value });
        }
        Some(readings)
    }

    fn value(&mut self) -> Option<Value<'a>> {
        match self.peek()? {
            b't' => self.word("true").map(|()| Value::Bool(true)),
            b'f' => self.word("false").map(|()| Value::Bool(false)),
            _ => self.number().map(Value::Number),
        }
    }

    fn skip_plain(&mut self) -> Option<()> {
        match self.peek()? {
            b'"' => self.string().map(|_| ()),
            _ => self.value().map(|_| ()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by_the_whole_reader(text: &str) -> Option<Vec<Observation<'_>>> {
        let mut read = Vec::new();
        super::super::read_all(Limits::default(), text, &mut read).ok()?;
        Some(read)
    }

    fn bits(observation: &Observation<'_>) -> Vec<Option<u64>> {
        let bits = |reading: &Reading<'_>| match reading.value {
            Value::Number(number) => Some(number.to_bits()),
            Value::Bool(_) | Value::Text(_) | Value::Bools(_) => None,
        };
        observation.readings.iter().map(bits).collect()
    }

    fn number() -> impl Strategy<Value = String> {
        prop_oneof![
            "-?(0|[1-9][0-9]{0,6})(\\.[0-9]{1,9})?",
            "-?[0-9]{0,17}\\.?[0-9]{0,17}([eE][+-]?[0-9]{1,3})?"
        ]
    }

    fn value() -> impl Strategy<Value = String> {
        prop_oneof![6 => number(), 2 => prop::sample::select(ODD).prop_map(str::to_owned)]
    }

    fn object(names: &'static [&'static str]) -> impl Strategy<Value = String> {
        let member = (prop::sample::select(names), value(), "[ \n]?")
            .prop_map(|(name, value, space)| format!("{space}\"{name}\"{space}:{space}{value}{space}"));
        prop::collection::vec(member, 0..5).prop_map(|members| format!("{{{}}}", members.join(",")))
    }

    const ODD: &[&str] =
        &["true", "false", "null", "tru", "[true]", "\"half\"", "{}", "01", "-", "\"a\\\"b\"", "1.", "-0"];
    const QUANTITIES: &[&str] = &["pm10", "sound_level", "cover_closed", "cover_half", "声级", "a\\u0062"];

    proptest! {
        #[test]
        fn what_is_read_plainly_is_what_the_whole_reader_reads(
            ts in prop_oneof!["[0-9]{1,19}", "-?[0-9]{1,5}(\\.5)?", "\"2026-11-24T08:00:00\\+08:00\""],
            readings in object(QUANTITIES),
            flag in prop::sample::select(&["\"N\"", "\"M\"", "\"NN\"", "null", "1"][..]),
            more in value(),
            order in Just([0, 1, 2, 3]).prop_shuffle(),
            members in 0..5_usize,
            tail in prop::sample::select(&["", "}", " ", ",", "{}"][..]),
        ) {
            let parts = [
                format!("\"ts\":{ts}"),
                format!("\"readings\":{readings}"),
                format!("\"flag\":{flag}"),
                format!("\"serial\" : {more}"),
            ];
            let members: Vec<&str> = order.iter().take(members).map(|place| parts[*place].as_str()).collect();
            let text = format!("{{{}}}{tail}", members.join(","));
            if let Some(plain) = read(Limits::default(), &text) {
                let whole = by_the_whole_reader(&text);
                prop_assert_eq!(whole.as_deref().map(|all| all.iter().map(bits).collect()), Some(vec![bits(&plain)]));
                prop_assert_eq!(whole, Some(vec![plain]));
            }
        }

        #[test]
        fn a_number_is_read_as_the_nearest_float(text in number()) {
            let mut cursor = Cursor { text: &text, place: 0 };
            if let Some(number) = cursor.number().filter(|_| cursor.place == text.len()) {
                prop_assert_eq!(number.to_bits(), text.parse::<f64>().unwrap().to_bits());
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in ".{0,60}") {
            read(Limits::default(), &text);
        }
    }

    #[test]
    fn what_devices_send_is_plain() {
        for text in [
            r#"{"ts":1764000000000,"readings":{"pm10":75.4,"chime":true},"flag":"N","serial":"0001"}"#,
            "{ \"readings\" : { } }",
            "{}",
        ] {
            assert!(read(Limits::default(), text).is_some(), "{text}");
        }
        let two = Limits { readings: 2, ..Limits::default() };
        let readings = |count: usize| {
            let all: Vec<String> = (0..count).map(|number| format!("\"q{number}\":1")).collect();
            format!("{{\"readings\":{{{}}}}}", all.join(","))
        };
        assert!(read(two, &readings(2)).is_some() && read(two, &readings(3)).is_none());
    }
}
