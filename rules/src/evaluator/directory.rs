//! Where devices are, by their ids: mostly found by one look, however many there are. With ten thousand devices that
//! send in turn, nothing of a search tree is in the processor's cache when it is needed.

/// Numbers by a hash of their id. Only asked for ids, never gone through: its order decides nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Directory {
    /// Number + 1, or 0; at most half of them are taken, so that a search ends.
    slots: Vec<u32>,
    /// All ids in one text, in their order, and where each of them ends.
    ids: String,
    ends: Vec<usize>,
}

impl Directory {
    /// The directory of these ids, numbered in their order.
    pub(crate) fn new<'i>(ids: impl ExactSizeIterator<Item = &'i str>) -> Self {
        let slots = vec![0; (ids.len() * 2).next_power_of_two().max(2)];
        let mut directory = Self { slots, ids: String::new(), ends: Vec::with_capacity(ids.len()) };
        for (number, id) in (1..).zip(ids) {
            let free =
                places(directory.slots.len(), id).find(|place| directory.slots.get(*place) == Some(&0));
            if let Some(slot) = free.and_then(|place| directory.slots.get_mut(place)) {
                *slot = number;
            }
            directory.ids.push_str(id);
            directory.ends.push(directory.ids.len());
        }
        directory
    }

    /// The number of this id.
    pub(crate) fn find(&self, id: &str) -> Option<usize> {
        places(self.slots.len(), id)
            .map_while(|place| self.slots.get(place)?.checked_sub(1))
            .map(|number| number as usize)
            .find(|number| self.id(*number) == Some(id))
    }

    fn id(&self, number: usize) -> Option<&str> {
        let start = number.checked_sub(1).map_or(Some(0), |before| self.ends.get(before).copied())?;
        self.ids.get(start..*self.ends.get(number)?)
    }
}

/// Where an id is looked for, in a table of so many slots (a power of two): from its hash on, once around.
fn places(slots: usize, id: &str) -> impl Iterator<Item = usize> {
    let mask = slots.wrapping_sub(1);
    let first = hash(id);
    (0..slots).map(move |step| first.wrapping_add(step) & mask)
}

/// FNV-1a, its upper half mixed into the lower, which chooses the slot.
#[expect(clippy::cast_possible_truncation, reason = "any of its bits will do")]
fn hash(id: &str) -> usize {
    let fnv = id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    (fnv ^ (fnv >> 32)) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_id_is_found_and_no_other(
            ids in prop::collection::btree_set("[a-c]{0,4}", 0..60),
            others in prop::collection::vec("[a-c]{0,5}", 0..60),
        ) {
            let ids: Vec<String> = ids.into_iter().collect();
            let directory = Directory::new(ids.iter().map(String::as_str));
            for wanted in ids.iter().chain(&others) {
                let found = directory.find(wanted);
                prop_assert_eq!(found, ids.iter().position(|id| id == wanted));
            }
        }
    }

    #[test]
    fn an_empty_directory_finds_nothing() {
        assert_eq!(Directory::default().find("a"), None);
        assert_eq!(Directory::new(std::iter::empty()).find("a"), None);
    }
}
