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
    /// How many readings each had.
    counts: Vec<u64>,
    /// How many of the names devices made up.
    invented: u32,
    /// Readings of names that are not told apart.
    others: u64,
    /// What came after each name last time (first: at the beginning of a message): devices keep their order, so the
    /// next name is mostly found by one comparison. A guess only; nothing depends on it.
    #[serde(skip)]
    followers: Vec<Option<Quantity>>,
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
        self.counts.push(0);
        self.by_name.insert(name, number);
        Quantity(number)
    }

    /// The number of a name that a device sent, a new one where there was none; `None` where there are too many.
    fn intern(&mut self, name: &str) -> Option<Quantity> {
        if let Some(known) = self.find(name) {
            return Some(known);
        }
        if known_quantity(name).is_some() {
            return Some(self.declare(name));
        }
        if self.invented >= INVENTED_MAX || name.len() > NAME_BYTES_MAX || name == OTHER {
            self.others += 1;
            return None;
        }
        self.invented += 1;
        Some(self.declare(name))
    }

    /// As [`Self::intern`], for a name that came right after another in a message.
    pub(crate) fn recognise(&mut self, before: Option<Quantity>, name: &str) -> Option<Quantity> {
        let place = before.map_or(0, |before| before.0 as usize + 1);
        let guess = self.followers.get(place).copied().flatten();
        if let Some(guess) = guess
            && self.seen.get(guess.0 as usize).is_some_and(|seen| **seen == *name)
        {
            return Some(guess);
        }
        let found = self.intern(name)?;
        if self.followers.len() <= place {
            self.followers.resize(place + 1, None);
        }
        if let Some(follower) = self.followers.get_mut(place) {
            *follower = Some(found);
        }
        Some(found)
    }

    /// Counts a reading.
    pub(crate) fn count(&mut self, quantity: Quantity) {
        if let Some(count) = self.counts.get_mut(quantity.0 as usize) {
            *count += 1;
        }
    }

    /// Names with their counts, those without a reading left out; what is not told apart last, under one name.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&str, u64)> {
        self.seen
            .iter()
            .zip(&self.counts)
            .filter(|(_, count)| **count > 0)
            .map(|(name, count)| (&**name, *count))
            .chain((self.others > 0).then_some((OTHER, self.others)))
    }
}
