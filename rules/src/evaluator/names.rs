//! Names of quantities as small numbers, so that the way of a reading compares no texts.

use std::collections::BTreeMap;
use std::sync::Arc;

use citywarden_model::known_quantity;
use serde::{Deserialize, Serialize};

/// A name that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Quantity(pub(crate) u32);

/// Names that devices made up, which no rule reads and no document lists: more of them than this, and longer ones, are
/// not told apart. A device that invents names must fill neither the memory nor the metrics, and takes no place from the
/// quantities that are known.
const INVENTED_MAX: u32 = 256;
/// What those are counted under.
const OTHER: &str = "other";
/// Bytes of a name.
const NAME_BYTES_MAX: usize = 64;

/// The names, in the order in which they were first seen.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Names {
    seen: Vec<Arc<str>>,
    by_name: BTreeMap<Arc<str>, u32>,
    /// How many of the names devices made up.
    invented: u32,
}

impl Names {
    /// The number of this name; `None` where it was never seen.
    pub(crate) fn find(&self, name: &str) -> Option<Quantity> {
        self.by_name.get(name).copied().map(Quantity)
    }

    /// The number of a name that a rule uses, a new one where there was none.
    pub(crate) fn declare(&mut self, name: &str) -> Quantity {
        if let Some(known) = self.find(name) {
            return known;
        }
        let number = u32::try_from(self.seen.len()).expect("names are bounded, and those of rules are few");
        let name: Arc<str> = Arc::from(name);
        self.seen.push(Arc::clone(&name));
        self.by_name.insert(name, number);
        Quantity(number)
    }

    /// Whether a name that was never seen gets a number when a device sends it.
    pub(crate) fn admits(&self, name: &str) -> bool {
        let has_room = self.invented < INVENTED_MAX && name.len() <= NAME_BYTES_MAX && name != OTHER;
        has_room || known_quantity(name).is_some()
    }

    /// The number of a name that a device sent and that is admitted ([`Self::admits`]).
    pub(crate) fn intern(&mut self, name: &str) -> Quantity {
        if self.find(name).is_none() && known_quantity(name).is_none() {
            self.invented += 1;
        }
        self.declare(name)
    }

    fn is(&self, quantity: Quantity, name: &str) -> bool {
        self.seen.get(quantity.0 as usize).is_some_and(|seen| **seen == *name)
    }
}

/// How many readings each quantity had.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Counts {
    of: Vec<Line>,
    /// Readings of names that are not told apart.
    pub(crate) others: u64,
}

/// Some counts in a row: no line of memory is of two shards, which are judged by two threads.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[repr(align(64))]
struct Line([u64; 8]);

impl Counts {
    /// Counts a reading.
    pub(crate) fn count(&mut self, quantity: Quantity) {
        self.add(quantity.0 as usize, 1);
    }

    fn add(&mut self, number: usize, readings: u64) {
        let (line, place) = (number / 8, number % 8);
        if self.of.len() <= line {
            self.of.resize(line + 1, Line::default());
        }
        if let Some(count) = self.of.get_mut(line).and_then(|line| line.0.get_mut(place)) {
            *count += readings;
        }
    }

    /// What several have counted.
    pub(crate) fn total<'c>(all: impl Iterator<Item = &'c Self>) -> Self {
        all.fold(Self::default(), |mut total, one| {
            let counts = one.of.iter().flat_map(|line| &line.0);
            counts.enumerate().for_each(|(number, count)| total.add(number, *count));
            total.others += one.others;
            total
        })
    }

    /// Names with their counts, those without a reading left out; what is not told apart last, under one name.
    pub(crate) fn named(self, names: &Names) -> impl Iterator<Item = (&str, u64)> {
        let known = names
            .seen
            .iter()
            .zip(self.of.into_iter().flat_map(|line| line.0))
            .filter(|(_, count)| *count > 0);
        known.map(|(name, count)| (&**name, count)).chain((self.others > 0).then_some((OTHER, self.others)))
    }
}

/// What came after each name last time (first: at the beginning of a message): devices keep their order, so the next name
/// is mostly found by one comparison. A guess only; nothing depends on it, and whoever reads on a thread of its own has its own.
#[derive(Debug, Clone, Default)]
pub struct Followers(Vec<Option<Quantity>>);

impl Followers {
    /// The number of a name that came right after another in a message; `None` where it was never seen.
    pub(crate) fn find(&mut self, names: &Names, before: Option<Quantity>, name: &str) -> Option<Quantity> {
        let place = before.map_or(0, |before| before.0 as usize + 1);
        let guess = self.0.get(place).copied().flatten();
        if let Some(guess) = guess.filter(|guess| names.is(*guess, name)) {
            return Some(guess);
        }
        let found = names.find(name)?;
        if self.0.len() <= place {
            self.0.resize(place + 1, None);
        }
        if let Some(follower) = self.0.get_mut(place) {
            *follower = Some(found);
        }
        Some(found)
    }
}
