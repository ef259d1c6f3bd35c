//! What stays in force of the version before, where a line or a file is refused.

use std::collections::{BTreeMap, BTreeSet};

/// The rows of one file as they were read.
#[derive(Debug)]
pub(crate) struct Rows<K, V> {
    /// By id.
    pub(crate) good: BTreeMap<K, V>,
    /// The ids of lines that were refused.
    pub(crate) refused: BTreeSet<K>,
}

/// How much of the version before a file may lose.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct LossLimit {
    /// As a share of the rows before; `None`: a person has accepted the loss.
    pub(crate) share: Option<f64>,
}

/// What is in force of one file.
#[derive(Debug, PartialEq)]
pub(crate) enum Settled<V> {
    /// The new rows, and the last good ones of refused lines.
    New(V),
    /// The rows before: the file lost this many of them.
    Lost { kept: V, lost: usize, before: usize },
}

impl<K: Ord + Clone, V: Clone> Rows<K, V> {
    pub(crate) fn new() -> Self {
        Self { good: BTreeMap::new(), refused: BTreeSet::new() }
    }
    /// Whether a line of this id was read, taken or refused.
    pub(crate) fn holds(&self, id: &K) -> bool {
        self.good.contains_key(id) || self.refused.contains(id)
    }
    /// The rows in force: these, with the last good row where a line was refused; or those before, where too many of
    /// them are gone.
    pub(crate) fn settle(
        self,
        previous: Option<&BTreeMap<K, V>>,
        limit: LossLimit,
    ) -> Settled<BTreeMap<K, V>> {
        let Some(previous) = previous else { return Settled::New(self.good) };
        let gone = |id: &&K| !self.holds(id);
        let (lost, before) = (previous.keys().filter(gone).count(), previous.len());
        if limit.forbids(lost, before) {
            return Settled::Lost { kept: previous.clone(), lost, before };
        }
        let mut rows = self.good;
        for id in self.refused {
            if let (false, Some(last_good)) = (rows.contains_key(&id), previous.get(&id)) {
                rows.insert(id, last_good.clone());
            }
        }
        Settled::New(rows)
    }
}

impl LossLimit {
    #[expect(clippy::cast_precision_loss, reason = "row counts are far below 2^53")]
    fn forbids(self, lost: usize, before: usize) -> bool {
        self.share.is_some_and(|share| lost as f64 > before as f64 * share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(good: &[(u8, char)], refused: &[u8]) -> Rows<u8, char> {
        Rows { good: good.iter().copied().collect(), refused: refused.iter().copied().collect() }
    }

    #[test]
    fn a_refused_line_keeps_its_last_good_row_and_too_great_a_loss_keeps_all() {
        let before: BTreeMap<u8, char> = (1..=5).map(|id| (id, 'a')).collect();
        let fifth = LossLimit { share: Some(0.2) };
        let lost = |lost| Settled::Lost { kept: before.clone(), lost, before: 5 };
        let new = |all: &[(u8, char)]| Settled::New(all.iter().copied().collect());
        for (name, read, limit, expected) in [
            (
                "one of five gone",
                rows(&[(1, 'b'), (2, 'b'), (3, 'b'), (4, 'b')], &[]),
                fifth,
                new(&[(1, 'b'), (2, 'b'), (3, 'b'), (4, 'b')]),
            ),
            ("two of five gone", rows(&[(1, 'b'), (2, 'b'), (3, 'b')], &[]), fifth, lost(2)),
            (
                "two gone, accepted",
                rows(&[(1, 'b'), (2, 'b'), (3, 'b')], &[]),
                LossLimit { share: None },
                new(&[(1, 'b'), (2, 'b'), (3, 'b')]),
            ),
            (
                "refused is not gone",
                rows(&[(1, 'b')], &[2, 3, 4, 9]),
                fifth,
                new(&[(1, 'b'), (2, 'a'), (3, 'a'), (4, 'a')]),
            ),
            (
                "first of a double stands",
                rows(&[(1, 'b'), (2, 'b'), (3, 'b'), (4, 'b'), (5, 'b')], &[1]),
                fifth,
                new(&[(1, 'b'), (2, 'b'), (3, 'b'), (4, 'b'), (5, 'b')]),
            ),
        ] {
            assert_eq!(read.settle(Some(&before), limit), expected, "{name}");
        }
        assert_eq!(rows(&[(1, 'b')], &[2]).settle(None, fifth), new(&[(1, 'b')]), "nothing before");
    }
}
