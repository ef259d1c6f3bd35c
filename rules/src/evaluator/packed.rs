//! Series as bytes in a snapshot: a county's windows hold millions of samples, and a start has to read all of them.
//!
//! By columns, each number as its difference to what was expected, in as few bytes as it needs. What a device measures in
//! one message it measures at one time: the times and records of a series are mostly the newest ones of another series of
//! the device, and are written once.

use std::collections::VecDeque;

use citywarden_model::{Offset, Timestamp};
use serde::de::{Deserializer, Error as _, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::series::{Run, Sample, Series};

/// A series without its samples.
#[derive(Serialize, Deserialize)]
struct Head {
    run: Option<Run>,
    is_level: bool,
    horizon: Timestamp,
    samples: u32,
    /// The place of an earlier series whose newest samples came with these; `None`: their moments are written.
    as_in: Option<u32>,
}

/// Writes the series of a device.
pub(crate) fn serialize<S: Serializer>(series: &[Option<Series>], serializer: S) -> Result<S::Ok, S::Error> {
    let mut columns = Columns::default();
    let heads: Vec<Option<Head>> = (0..series.len()).map(|place| columns.write(series, place)).collect();
    (heads, Bytes(&columns.0)).serialize(serializer)
}

/// Reads what [`serialize`] wrote.
pub(crate) fn deserialize<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Vec<Option<Series>>, D::Error> {
    let (heads, Bytes(bytes)) = <(Vec<Option<Head>>, Bytes<'de>)>::deserialize(deserializer)?;
    let mut reader = Reader { rest: bytes };
    let mut series = Vec::with_capacity(heads.len());
    for head in heads {
        let read = head.map(|head| reader.series(&head, &series)).transpose();
        series.push(read.map_err(|Torn| D::Error::custom("the samples of a device are torn"))?);
    }
    Ok(series)
}

/// Bytes that are written and read as one piece.
struct Bytes<'b>(&'b [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl<'de> Deserialize<'de> for Bytes<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Borrowed;
        impl<'de> Visitor<'de> for Borrowed {
            type Value = Bytes<'de>;
            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("bytes")
            }
            fn visit_borrowed_bytes<E>(self, bytes: &'de [u8]) -> Result<Self::Value, E> {
                Ok(Bytes(bytes))
            }
        }
        deserializer.deserialize_bytes(Borrowed)
    }
}

#[derive(Default)]
struct Columns(Vec<u8>);

impl Columns {
    fn write(&mut self, all: &[Option<Series>], place: usize) -> Option<Head> {
        let series = all.get(place)?.as_ref()?;
        let as_in = all.iter().take(place).position(|other| {
            other.as_ref().is_some_and(|other| came_together(other.samples(), series.samples()))
        });
        if as_in.is_none() {
            self.moments(series.samples());
        }
        let mut expected = 0;
        for sample in series.samples() {
            self.number(sample.value.wrapping_sub(expected));
            expected = sample.value;
        }
        Some(Head {
            run: series.run(),
            is_level: series.is_level(),
            horizon: series.horizon(),
            samples: u32::try_from(series.samples().len()).expect("memory holds fewer samples of a device"),
            as_in: as_in.and_then(|place| u32::try_from(place).ok()),
        })
    }

    fn moments(&mut self, samples: &VecDeque<Sample>) {
        let mut last = Last::default();
        for sample in samples {
            let (at, lag, offset) = last.differences(sample);
            self.number(at);
            self.number(lag);
            self.number(offset);
        }
    }

    /// Seven bits a byte, small numbers of either sign first.
    #[expect(clippy::cast_possible_truncation, reason = "seven bits are taken each time")]
    fn number(&mut self, number: i64) {
        let mut left = ((number << 1) ^ (number >> 63)).cast_unsigned();
        while left >= 0x80 {
            self.0.push(left as u8 | 0x80);
            left >>= 7;
        }
        self.0.push(left as u8);
    }
}

/// Whether the newest samples of one series came in the same messages as all of the other.
fn came_together(one: &VecDeque<Sample>, other: &VecDeque<Sample>) -> bool {
    let moment = |sample: &Sample| (sample.at, sample.received, sample.offset);
    let older = one.len().checked_sub(other.len());
    older.is_some_and(|older| one.range(older..).map(moment).eq(other.iter().map(moment)))
}

/// What the next moment is measured from: devices keep their rhythm, and what they send takes its time to arrive.
#[derive(Default)]
struct Last {
    at: i64,
    step: i64,
    lag: i64,
    offset: i64,
}

impl Last {
    fn differences(&mut self, sample: &Sample) -> (i64, i64, i64) {
        let (at, received) = (sample.at.nanos(), sample.received.nanos());
        let (step, lag) = (at.wrapping_sub(self.at), received.wrapping_sub(at));
        let offset = sample.offset.0.cast_signed();
        let differences =
            (step.wrapping_sub(self.step), lag.wrapping_sub(self.lag), offset.wrapping_sub(self.offset));
        *self = Self { at, step, lag, offset };
        differences
    }

    fn moment(&mut self, at: i64, lag: i64, offset: i64) -> Sample {
        self.step = self.step.wrapping_add(at);
        self.at = self.at.wrapping_add(self.step);
        self.lag = self.lag.wrapping_add(lag);
        self.offset = self.offset.wrapping_add(offset);
        Sample {
            at: Timestamp::from_nanos(self.at),
            received: Timestamp::from_nanos(self.at.wrapping_add(self.lag)),
            value: 0,
            offset: Offset(self.offset.cast_unsigned()),
        }
    }
}

/// There are fewer bytes than there should be.
struct Torn;

struct Reader<'b> {
    rest: &'b [u8],
}

impl Reader<'_> {
    fn series(&mut self, head: &Head, before: &[Option<Series>]) -> Result<Series, Torn> {
        let count = head.samples as usize;
        if count > self.rest.len() {
            return Err(Torn); // each sample has a byte at least: memory is only taken for what is there
        }
        let mut samples = match head.as_in {
            None => self.moments(count)?,
            Some(place) => moments_of(before.get(place as usize), count).ok_or(Torn)?,
        };
        let mut value = 0_i64;
        for sample in &mut samples {
            value = value.wrapping_add(self.number()?);
            sample.value = value;
        }
        Ok(Series::restored(samples.into(), head.run, head.is_level, head.horizon))
    }

    fn moments(&mut self, count: usize) -> Result<Vec<Sample>, Torn> {
        let mut last = Last::default();
        let mut samples = Vec::with_capacity(count);
        for _ in 0..count {
            let (at, lag, offset) = (self.number()?, self.number()?, self.number()?);
            samples.push(last.moment(at, lag, offset));
        }
        Ok(samples)
    }

    fn number(&mut self) -> Result<i64, Torn> {
        let (mut number, mut shift) = (0_u64, 0);
        loop {
            let (byte, rest) = self.rest.split_first().ok_or(Torn)?;
            self.rest = rest;
            number |= u64::from(byte & 0x7f) << shift;
            if *byte < 0x80 {
                return Ok((number >> 1).cast_signed() ^ -(number & 1).cast_signed());
            }
            shift += 7;
            if shift > 63 {
                return Err(Torn);
            }
        }
    }
}

/// The moments of the newest so many samples.
fn moments_of(series: Option<&Option<Series>>, count: usize) -> Option<Vec<Sample>> {
    let samples = series?.as_ref()?.samples();
    let older = samples.len().checked_sub(count)?;
    Some(samples.range(older..).copied().collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Serialize, Deserialize)]
    struct Sent(#[serde(with = "super")] Vec<Option<Series>>);

    fn bytes_of(series: &[Option<Series>]) -> Vec<u8> {
        postcard::to_stdvec(&Sent(series.to_vec())).unwrap()
    }

    fn at(nanos: i64) -> Timestamp {
        Timestamp::from_nanos(nanos)
    }

    type Message = (i64, i64, u64, Vec<Option<i64>>);

    fn series_of(messages: &[Message]) -> Vec<Option<Series>> {
        let mut series: Vec<Option<Series>> = vec![None; 4];
        for (observed, received, offset, values) in messages {
            for (slot, value) in series.iter_mut().zip(values) {
                if let Some(value) = value {
                    let series = slot.get_or_insert_with(|| Series::new(*value > 0));
                    series.insert(at(*observed), at(*received), *value, Offset(*offset));
                }
            }
        }
        series
    }

    fn messages() -> impl Strategy<Value = Vec<Message>> {
        let time = || prop_oneof![0..2_000_000_000_i64, any::<i64>()];
        let value = prop::option::weighted(0.9, prop_oneof![0..100_000_000_i64, any::<i64>()]);
        let message = (time(), time(), any::<u64>(), prop::collection::vec(value, 4));
        prop::collection::vec(message, 0..30)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(messages in messages(), forgotten in any::<i64>()) {
            let mut series = series_of(&messages);
            if let Some(first) = series.iter_mut().flatten().next() {
                first.forget(at(forgotten));
            }
            let bytes = bytes_of(&series);
            let Sent(read) = postcard::from_bytes(&bytes).unwrap();
            prop_assert_eq!(bytes_of(&read), bytes.clone());
            let parts = |series: &Series| {
                (series.samples().clone(), series.run(), series.is_level(), series.horizon())
            };
            for (one, other) in series.iter().zip(&read) {
                prop_assert_eq!(one.as_ref().map(parts), other.as_ref().map(parts));
            }
            for end in (0..bytes.len()).step_by(7) {
                prop_assert!(postcard::from_bytes::<Sent>(&bytes[..end]).is_err());
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            postcard::from_bytes::<Sent>(&bytes).ok();
        }
    }

    #[test]
    fn what_came_in_the_same_messages_is_written_once() {
        let minute = 60_000_000_000;
        let messages: Vec<Message> = (0..100_i64)
            .map(|n| (n * minute, n * minute + 40_000_000, n.cast_unsigned() * 1_000, vec![Some(n); 4]))
            .collect();
        let mut series = series_of(&messages);
        if let Some(Some(last)) = series.last_mut() {
            last.forget(at(50 * minute));
        }
        let bytes = bytes_of(&series).len();
        assert!(bytes < 100 * (1 + 1 + 2) + 350 + 150, "{bytes} bytes");
    }
}
