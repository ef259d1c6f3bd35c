//! A small county: three devices, what they send, and a model of what an archive of it must show.

use std::collections::BTreeMap;

use citywarden_archive::{
    Applied, Archive, ArchiveError, Arrival, Batch, Projected, Projection, ReadingsQuery,
};
use citywarden_model::{
    AssetId, Crs, Device, DeviceId, Event, Flag, Observation, Offset, QuantityName, Reading, Span, Timestamp,
    Value,
};

/// 2026-11-24T00:00:00Z.
pub(crate) const START: Timestamp = Timestamp::from_nanos(1_795_478_400_000_000_000);

/// A device and the kind of its asset.
pub(crate) fn device(number: usize) -> (Device, &'static str) {
    let (id, asset, kind) = [
        ("truck-1", "sprinkler-07", "sprinkler_truck"),
        ("dust-1", "site-01", "construction_site"),
        ("fume-1", "kitchen-01", "restaurant"),
    ][number % 3];
    let device = Device {
        id: DeviceId::from(id),
        kind: "any".to_owned(),
        asset: AssetId::from(asset),
        interval: Some(Span::from_secs(60)),
        crs: Crs::Wgs84,
        attributes: [].into_iter().collect(),
    };
    (device, kind)
}

/// A message of the model county.
#[derive(Debug, Clone)]
pub(crate) struct Sent {
    pub(crate) device: usize,
    /// Minutes from the start; `None`: it gives no time.
    pub(crate) minute: Option<i64>,
    pub(crate) flag: Flag,
    pub(crate) readings: Vec<(&'static str, Value<'static>)>,
    pub(crate) event: Option<&'static str>,
}

impl Sent {
    pub(crate) fn number(device: usize, minute: i64, quantity: &'static str, number: f64) -> Self {
        Self {
            device,
            minute: Some(minute),
            flag: Flag::Normal,
            readings: vec![(quantity, Value::Number(number))],
            event: None,
        }
    }
    fn observation(&self) -> Observation<'_> {
        let readings = self.readings.iter();
        Observation {
            observed_at: self.minute.map(|minute| START + Span::from_secs(60 * minute)),
            readings: readings
                .map(|(quantity, value)| Reading { quantity: (*quantity).into(), value: value.clone() })
                .collect(),
            fix: None,
            events: self
                .event
                .iter()
                .map(|name| Event { name: (*name).into(), asset: None, fields: vec![] })
                .collect(),
            flag: self.flag,
        }
    }
    /// Received as record `offset`, ten minutes after the start and a second a record.
    pub(crate) fn project(&self, offset: usize) -> Projected {
        self.project_as(offset, false, false)
    }
    pub(crate) fn project_as(&self, offset: usize, duplicate: bool, retained: bool) -> Projected {
        let (device, kind) = device(self.device);
        let arrival = Arrival {
            offset: Offset(offset as u64),
            received_at: received(offset),
            duplicate,
            retained,
            payload: b"the same bytes",
        };
        Projection::default().project(&arrival, &device, kind, &[self.observation()])
    }
}

pub(crate) fn received(offset: usize) -> Timestamp {
    START + Span::from_secs(600 + i64::try_from(offset).expect("small"))
}

type Key = (String, String, Timestamp, char);

/// What the archive must hold after these messages: by the rule that the same device, quantity and time has one value,
/// the last one.
pub(crate) fn expected(messages: &[Sent]) -> BTreeMap<Key, Value<'static>> {
    let mut model = BTreeMap::new();
    for (offset, sent) in messages.iter().enumerate() {
        let id = device(sent.device).0.id.to_string();
        let at = sent.minute.map_or(received(offset), |minute| START + Span::from_secs(60 * minute));
        let flag = match sent.flag {
            Flag::Normal => 'N',
            Flag::Other(letter) => letter,
        };
        for (quantity, value) in &sent.readings {
            model.insert((id.clone(), (*quantity).to_owned(), at, flag), value.clone());
        }
    }
    model
}

/// Asserts that the archive holds what it must, no more and no less.
pub(crate) fn assert_holds(archive: &mut dyn Archive, messages: &[Sent]) {
    assert_holds_with(archive, messages, messages.len());
}

/// As [`assert_holds`], where so many records were read to get them.
pub(crate) fn assert_holds_with(archive: &mut dyn Archive, messages: &[Sent], read: usize) {
    let model = expected(messages);
    let mut found = BTreeMap::new();
    for number in 0..3 {
        for quantity in QUANTITIES {
            let page = archive.readings(&all_of(number, quantity)).expect("readable");
            for sample in page.samples {
                let key = (device(number).0.id.to_string(), (*quantity).to_owned(), sample.at, sample.flag);
                let shown = (sample.value, sample.text);
                assert_eq!(found.insert(key.clone(), shown), None, "twice: {key:?}");
            }
        }
    }
    let model: BTreeMap<_, _> = model.into_iter().map(|(key, value)| (key, shown(&value))).collect();
    assert_eq!(found, model);
    let applied = archive.applied().expect("readable");
    assert_eq!(applied.messages, read as u64);
    assert_eq!(applied.place.journal, Offset(read as u64));
}

/// Everything that the model county measures.
pub(crate) const QUANTITIES: &[&str] =
    &["pm10", "sound_level", "fume", "chime", "nozzles", "odd", "odd_text"];

fn shown(value: &Value<'_>) -> (Option<f64>, Option<String>) {
    match value {
        Value::Number(number) => (Some(*number), None),
        Value::Bool(state) => (Some(f64::from(u8::from(*state))), None),
        Value::Text(text) => (None, Some(text.clone().into_owned())),
        Value::Bools(states) => {
            (None, Some(states.iter().map(|state| if *state { '1' } else { '0' }).collect()))
        }
    }
}

pub(crate) fn all_of(number: usize, quantity: &str) -> ReadingsQuery {
    ReadingsQuery {
        device: device(number).0.id,
        quantity: QuantityName::from(quantity),
        from: START - Span::from_secs(86_400),
        to: START + Span::from_secs(86_400),
        step: None,
    }
}

/// A batch of the next `count` messages from where the archive is.
pub(crate) fn batch(applied: &Applied, messages: &[Sent], count: usize) -> Batch {
    let from = usize::try_from(applied.place.journal.0).expect("small");
    let mut batch = Batch::new(applied);
    for (offset, sent) in messages.iter().enumerate().skip(from).take(count) {
        batch.message(sent.project(offset));
        batch.reach_journal(Offset(offset as u64 + 1));
    }
    batch
}

/// Archives all of them in batches of this size.
pub(crate) fn take_all(
    archive: &mut dyn Archive,
    messages: &[Sent],
    size: usize,
) -> Result<(), ArchiveError> {
    loop {
        let applied = archive.applied()?;
        if applied.place.journal.0 >= messages.len() as u64 {
            return Ok(());
        }
        archive.append(&batch(&applied, messages, size))?;
    }
}
