//! What messages say, in the evaluator's own terms: quantities by their numbers, values in fixed point. Whoever judges them
//! compares no known name again, and finds all of it together, though another thread may have read the messages.

use std::borrow::Cow;
use std::ops::Range;

use citywarden_model::{Event, Fix, Flag, Observation, Reading, Timestamp, Value};

use super::fixed;
use super::names::{Followers, Names, Quantity};

/// What some messages say.
#[derive(Debug, Default)]
pub struct Recognised<'m> {
    outlines: Vec<Outline>,
    readings: Vec<Sent>,
    /// Names that had no number.
    unseen: Vec<Cow<'m, str>>,
    arrays: Vec<Vec<bool>>,
    fixes: Vec<Fix>,
    events: Vec<Event<'m>>,
}

/// Where what one observation says is.
#[derive(Debug)]
struct Outline {
    observed_at: Option<Timestamp>,
    flag: Flag,
    readings: Range<u32>,
    fix: Option<u32>,
    events: Range<u32>,
}

/// A reading as it was sent.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    pub(crate) quantity: Named,
    pub(crate) value: Worth,
}

/// What was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Named {
    Known(Quantity),
    /// Its name had no number when it was read: see [`Observed::name`].
    Unseen(u32),
}

/// A value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Worth {
    /// A number or a truth, in fixed point.
    Number(i64),
    OutOfRange,
    Text,
    /// States: see [`Observed::array`].
    Array(u32),
}

impl Worth {
    pub(crate) fn of(number: f64) -> Self {
        fixed::from_number(number).map_or(Self::OutOfRange, Self::Number)
    }
}

/// Readings that a message mostly has: room for them is made at once.
const USUAL_READINGS: usize = 6;

impl<'m> Recognised<'m> {
    /// With room for about so many messages.
    pub fn with_room_for(messages: usize) -> Self {
        Self {
            outlines: Vec::with_capacity(messages),
            readings: Vec::with_capacity(messages * USUAL_READINGS),
            ..Self::default()
        }
    }

    /// How many observations there are.
    pub fn len(&self) -> usize {
        self.outlines.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.outlines.is_empty()
    }

    /// What the observations at these places say.
    pub fn said(&self, places: Range<usize>) -> Said<'_, 'm> {
        Said { all: self, outlines: self.outlines.get(places).unwrap_or_default() }
    }

    /// Adds an observation; whether all names that count are known.
    pub(crate) fn add(
        &mut self,
        observation: Observation<'m>,
        names: &Names,
        followers: &mut Followers,
    ) -> bool {
        let (first, first_event) = (place(self.readings.len()), place(self.events.len()));
        let (mut before, mut knows_names) = (None, true);
        for Reading { quantity, value } in observation.readings {
            let known = followers.find(names, before, &quantity);
            before = known.or(before);
            knows_names &= known.is_some() || !names.admits(&quantity);
            let quantity = known.map_or_else(|| self.set_aside(quantity), Named::Known);
            let value = self.recognise_value(value);
            self.readings.push(Sent { quantity, value });
        }
        let fix = observation.fix.map(|fix| {
            self.fixes.push(fix);
            place(self.fixes.len() - 1)
        });
        self.events.extend(observation.events);
        self.outlines.push(Outline {
            observed_at: observation.observed_at,
            flag: observation.flag,
            readings: first..place(self.readings.len()),
            fix,
            events: first_event..place(self.events.len()),
        });
        knows_names
    }

    fn set_aside(&mut self, name: Cow<'m, str>) -> Named {
        self.unseen.push(name);
        Named::Unseen(place(self.unseen.len() - 1))
    }

    fn recognise_value(&mut self, value: Value<'m>) -> Worth {
        match value {
            Value::Number(number) => Worth::of(number),
            Value::Bool(truth) => Worth::Number(fixed::from_truth(truth)),
            Value::Text(_) => Worth::Text,
            Value::Bools(states) => {
                self.arrays.push(states);
                Worth::Array(place(self.arrays.len() - 1))
            }
        }
    }
}

fn place(length: usize) -> u32 {
    u32::try_from(length).expect("messages are bounded, and those that are read at once are few")
}

/// What one message says.
#[derive(Debug, Clone, Copy)]
pub struct Said<'r, 'm> {
    all: &'r Recognised<'m>,
    outlines: &'r [Outline],
}

impl<'r, 'm> Said<'r, 'm> {
    pub(crate) fn observations(self) -> impl Iterator<Item = Observed<'r, 'm>> {
        self.outlines.iter().map(move |outline| Observed { all: self.all, outline })
    }
}

/// One observation of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Observed<'r, 'm> {
    all: &'r Recognised<'m>,
    outline: &'r Outline,
}

impl<'r, 'm> Observed<'r, 'm> {
    /// The device's own time.
    pub(crate) fn observed_at(self) -> Option<Timestamp> {
        self.outline.observed_at
    }

    pub(crate) fn flag(self) -> Flag {
        self.outline.flag
    }

    pub(crate) fn readings(self) -> &'r [Sent] {
        slice_of(&self.all.readings, &self.outline.readings)
    }

    pub(crate) fn fix(self) -> Option<Fix> {
        self.all.fixes.get(self.outline.fix? as usize).copied()
    }

    pub(crate) fn events(self) -> &'r [Event<'m>] {
        slice_of(&self.all.events, &self.outline.events)
    }

    /// A name that had no number.
    pub(crate) fn name(self, unseen: u32) -> Option<&'r str> {
        self.all.unseen.get(unseen as usize).map(|name| &**name)
    }

    pub(crate) fn array(self, place: u32) -> &'r [bool] {
        self.all.arrays.get(place as usize).map(Vec::as_slice).unwrap_or_default()
    }
}

fn slice_of<'r, T>(all: &'r [T], places: &Range<u32>) -> &'r [T] {
    all.get(places.start as usize..places.end as usize).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use citywarden_model::Point;

    use super::*;

    fn observation(number: u8) -> Observation<'static> {
        let reading =
            |quantity: &str, value| Reading { quantity: format!("{quantity}-{number}").into(), value };
        let known = Reading { quantity: "pm10".into(), value: Value::Number(f64::from(number)) };
        let at = f64::from(number);
        Observation {
            observed_at: Some(Timestamp::from_nanos(i64::from(number))),
            readings: vec![
                known,
                reading("states", Value::Bools(vec![true; usize::from(number)])),
                reading("text", Value::Text("a text".into())),
                reading("large", Value::Number(1e13)),
            ],
            fix: Some(Fix {
                reported: Point { lat: at, lon: at },
                valid: true,
                speed_kmh: None,
                heading_deg: None,
            }),
            events: vec![Event { name: format!("event-{number}").into(), asset: None, fields: Vec::new() }],
            flag: Flag::Other(char::from(b'a' + number)),
        }
    }

    #[test]
    fn what_each_of_several_observations_says_is_found_again() {
        let (mut names, mut followers) = (Names::default(), Followers::default());
        let pm10 = names.declare("pm10");
        let mut recognised = Recognised::default();
        for number in 0..3 {
            assert!(!recognised.add(observation(number), &names, &mut followers), "names are new");
        }
        for (place, number) in (0..3_u8).enumerate() {
            let observed = recognised.said(place..place + 1).observations().next().unwrap();
            let sent = observation(number);
            assert_eq!(observed.observed_at(), sent.observed_at);
            assert_eq!((observed.flag(), observed.fix()), (sent.flag, sent.fix));
            assert_eq!(observed.events(), sent.events);
            let [known, states, text, large] = observed.readings() else { panic!("four readings") };
            assert_eq!(known.quantity, Named::Known(pm10));
            assert!(matches!(known.value, Worth::Number(value) if value == i64::from(number) * 1_000_000));
            let (Named::Unseen(name), Worth::Array(array)) = (states.quantity, states.value) else {
                panic!("{states:?}")
            };
            assert_eq!(observed.name(name), Some(format!("states-{number}").as_str()));
            assert_eq!(observed.array(array).len(), usize::from(number));
            assert!(matches!((text.value, large.value), (Worth::Text, Worth::OutOfRange)));
        }
    }
}
