//! Names of quantities as small numbers, so that the way of a reading compares no texts.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// A name that was seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Quantity(pub(crate) u32);

/// More names than this are not told apart: a device that invents names must not fill the memory.
const NAMES_MAX: usize = 4_096;

/// The names, in the order in which they were first seen.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Names {
    seen: Vec<Arc<str>>,
    by_name: BTreeMap<Arc<str>, u32>,
    /// How many readings each had.
    counts: Vec<u64>,
}

impl Names {
    /// The number of this name; `None` where it was never seen.
    pub(crate) fn find(&self, name: &str) -> Option<Quantity> {
        self.by_name.get(name).copied().map(Quantity)
    }

    /// The number of this name, a new one where there was none; `None` where there are too many.
    pub(crate) fn intern(&mut self, name: &str) -> Option<Quantity> {
        if let Some(known) = self.find(name) {
            return Some(known);
        }
        let number = u32::try_from(self.seen.len()).ok().filter(|_| self.seen.len() < NAMES_MAX)?;
        let name: Arc<str> = Arc::from(name);
        self.seen.push(Arc::clone(&name));
        self.counts.push(0);
        self.by_name.insert(name, number);
        Some(Quantity(number))
    }

    /// Counts a reading.
    pub(crate) fn count(&mut self, quantity: Quantity) {
        if let Some(count) = self.counts.get_mut(quantity.0 as usize) {
            *count += 1;
        }
    }

    /// Names with their counts, those without a reading left out.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&str, u64)> {
        self.seen
            .iter()
            .zip(&self.counts)
            .filter(|(_, count)| **count > 0)
            .map(|(name, count)| (&**name, *count))
    }
}
