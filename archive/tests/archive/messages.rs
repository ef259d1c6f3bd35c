//! Random histories of the model county, with resent minutes, other values, flags, and values of the wrong kind.

use citywarden_model::{Flag, Value};
use proptest::prelude::*;

use crate::county::Sent;

fn reading() -> impl Strategy<Value = (&'static str, Value<'static>)> {
    let number = (0..4u8).prop_map(|number| Value::Number(f64::from(number) + 0.5));
    prop_oneof![
        (prop_oneof![Just("pm10"), Just("sound_level"), Just("fume"), Just("odd")], number),
        (Just("chime"), any::<bool>().prop_map(Value::Bool)),
        (Just("nozzles"), proptest::collection::vec(any::<bool>(), 1..3).prop_map(Value::Bools)),
        (Just("odd_text"), prop_oneof![Just(Value::Text("半".into())), Just(Value::Number(7.0))]),
    ]
}

fn sent() -> impl Strategy<Value = Sent> {
    let readings = proptest::collection::vec(reading(), 0..4).prop_map(|mut readings| {
        let mut known = std::collections::BTreeSet::new();
        readings.retain(|(quantity, _)| known.insert(*quantity));
        readings
    });
    let minute = prop_oneof![9 => (0..5i64).prop_map(Some), 1 => Just(None)];
    let flag = prop_oneof![4 => Just(Flag::Normal), 1 => Just(Flag::Other('M'))];
    let event = prop_oneof![3 => Just(None), 1 => Just(Some("washed"))];
    (0..3usize, minute, flag, readings, event).prop_map(|(device, minute, flag, readings, event)| Sent {
        device,
        minute,
        flag,
        readings,
        event,
    })
}

/// Up to `max` messages.
pub(crate) fn histories(max: usize) -> impl Strategy<Value = Vec<Sent>> {
    proptest::collection::vec(sent(), 1..max)
}
