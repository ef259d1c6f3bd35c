//! What messages say, in the evaluator's own terms: quantities by their numbers, values in fixed point. Whoever judges it
//! needs nothing of the messages themselves, which another thread may have read: it lies together, in the order of the
//! messages.

use std::borrow::Cow;
use std::ops::Range;

use citywarden_model::{Event, Fix, Flag, Observation, Reading, Timestamp, Value};

use super::fixed;
use super::names::{Followers, Names, Quantity};

/// What some messages say.
#[derive(Debug, Default)]
pub struct Recognised<'m> {
    parts: Vec<Part>,
    readings: Vec<Sent>,
    /// Names that had no number.
    unseen: Vec<Cow<'m, str>>,
    arrays: Vec<Vec<bool>>,
    fixes: Vec<Fix>,
    events: Vec<Event<'m>>,
}

/// One observation: where its parts are.
#[derive(Debug)]
struct Part {
    observed_at: Option<Timestamp>,
    flag: Flag,
    readings: Range<u32>,
    fix: Option<u32>,
    events: Range<u32>,
}

/// A reading.
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
            parts: Vec::with_capacity(messages),
            readings: Vec::with_capacity(messages * USUAL_READINGS),
            ..Self::default()
        }
    }

    /// How many observations there are.
    pub fn len(&self) -> usize {
        self.parts.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// What the observations at these places say.
    pub fn said(&self, places: Range<usize>) -> Said<'_, 'm> {
        Said { all: self, parts: self.parts.get(places).unwrap_or_default() }
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
            let quantity = known.map_or_else(|| self.unseen(quantity), Named::Known);
            let value = self.worth(value);
            self.readings.push(Sent { quantity, value });
        }
        let fix = observation.fix.map(|fix| {
            self.fixes.push(fix);
            place(self.fixes.len() - 1)
        });
        self.events.extend(observation.events);
        self.parts.push(Part {
            observed_at: observation.observed_at,
            flag: observation.flag,
            readings: first..place(self.readings.len()),
            fix,
            events: first_event..place(self.events.len()),
        });
        knows_names
    }

    fn unseen(&mut self, name: Cow<'m, str>) -> Named {
        self.unseen.push(name);
        Named::Unseen(place(self.unseen.len() - 1))
    }

    fn worth(&mut self, value: Value<'m>) -> Worth {
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
    parts: &'r [Part],
}

impl<'r, 'm> Said<'r, 'm> {
    pub(crate) fn observations(self) -> impl Iterator<Item = Observed<'r, 'm>> {
        self.parts.iter().map(move |part| Observed { all: self.all, part })
    }
}

/// One observation of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Observed<'r, 'm> {
    all: &'r Recognised<'m>,
    part: &'r Part,
}

impl<'r, 'm> Observed<'r, 'm> {
    /// The device's own time.
    pub(crate) fn at(self) -> Option<Timestamp> {
        self.part.observed_at
    }

    pub(crate) fn flag(self) -> Flag {
        self.part.flag
    }

    pub(crate) fn readings(self) -> &'r [Sent] {
        part_of(&self.all.readings, &self.part.readings)
    }

    pub(crate) fn fix(self) -> Option<Fix> {
        self.all.fixes.get(self.part.fix? as usize).copied()
    }

    pub(crate) fn events(self) -> &'r [Event<'m>] {
        part_of(&self.all.events, &self.part.events)
    }

    /// A name that had no number.
    pub(crate) fn name(self, unseen: u32) -> &'r str {
        self.all.unseen.get(unseen as usize).map_or("", |name| name)
    }

    pub(crate) fn array(self, place: u32) -> &'r [bool] {
        self.all.arrays.get(place as usize).map(Vec::as_slice).unwrap_or_default()
    }
}

fn part_of<'r, T>(all: &'r [T], places: &Range<u32>) -> &'r [T] {
    all.get(places.start as usize..places.end as usize).unwrap_or_default()
}
