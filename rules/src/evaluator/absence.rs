//! Time in which we took no messages in: nobody's silence but ours.
//!
//! What is counted by the journal's clock (silence, `since`, `dwell`, what lasts or clears without a reading,
//! `clear_after`) stands still meanwhile, and goes on where it stood. No timer fires in that time: what changed is found
//! when we are back. What is *known* does not stand still: the newest value of a device with an interval holds no longer
//! for our having been away, so that nothing is judged by it until the device speaks again.

use citywarden_model::{Moment, Timestamp, Transition};

use super::Evaluator;
use super::case::Stage;
use super::lane::{AssetState, Sender};
use super::meter::Meter;

/// A stretch of time that does not count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Absence {
    pub(crate) from: Timestamp,
    pub(crate) to: Timestamp,
}

impl Absence {
    /// Moves the beginning of something so that as much has passed since then as without the absence.
    pub(crate) fn excuse(self, since: &mut Timestamp) {
        if since.nanos() < self.to.nanos() {
            *since = *since + self.to.since(self.from.max(*since));
        }
    }
}

impl Evaluator {
    /// We are back at `at`, and took in nothing since `last_received`: the time between is not counted as anybody's
    /// silence.
    pub fn resume(&mut self, at: Moment, last_received: Timestamp, out: &mut Vec<Transition>) {
        let from = last_received.max(self.moment().at).min(at.at);
        let mut scope = self.scope();
        scope.advance(Moment { offset: at.offset, at: from }, out);
        scope.enter(at);
        let absence = Absence { from, to: at.at };
        for shard in &mut *scope.shards {
            shard.numbered_mut().for_each(|(_, state)| state.excuse(absence));
            shard.timers.clear();
            shard.meters_mut().for_each(Meter::disarm);
        }
        scope.begin_anew(at, out);
    }
}

impl AssetState {
    fn excuse(&mut self, absence: Absence) {
        self.live.senders.iter_mut().for_each(|sender| sender.excuse(absence));
        self.live.whereabouts.excuse(absence);
        for case in &mut self.live.cases {
            case.violation.excuse(absence);
            case.warning.excuse(absence);
            case.armed = None;
        }
    }
}

impl Sender {
    fn excuse(&mut self, absence: Absence) {
        if let Some(since) = &mut self.silent_since {
            absence.excuse(since);
        }
        self.series.iter_mut().flatten().for_each(|series| series.excuse(absence));
    }
}

impl Stage {
    fn excuse(&mut self, absence: Absence) {
        match self {
            Self::Normal => {}
            Self::Pending { began, violated } => {
                absence.excuse(&mut began.received);
                absence.excuse(violated);
            }
            Self::Firing(firing) => {
                absence.excuse(&mut firing.violated);
                if let Some(clearing) = &mut firing.clearing {
                    absence.excuse(&mut clearing.received);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use citywarden_model::Span;

    use super::*;

    #[test]
    fn as_much_has_passed_as_without_the_absence() {
        let second = |seconds| Timestamp::EPOCH + Span::from_secs(seconds);
        let absence = Absence { from: second(100), to: second(160) };
        for (since, moved) in [(40, 100), (100, 160), (130, 160), (160, 160), (200, 200)] {
            let mut found = second(since);
            absence.excuse(&mut found);
            assert_eq!(found, second(moved), "{since}");
        }
    }
}
