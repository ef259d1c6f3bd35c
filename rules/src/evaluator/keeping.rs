//! Which messages an alert may yet rest on: whoever removes old records keeps these.

use citywarden_model::Offset;

use super::Evaluator;
use super::lane::{AssetState, Lane, Sender};
use super::series::Series;

impl Evaluator {
    /// The records before `end` that an alert raised from now on may name as its evidence: what windows still hold, and
    /// values that hold until the device says otherwise, however old. What comes later adds none before `end`, where
    /// everything before `end` was taken. In no order, and one as often as it gave a reading: whoever asks for millions
    /// sorts them, not the judge.
    pub fn evidence_before(&self, end: Offset) -> Vec<Offset> {
        let lanes = self.states().all().flat_map(AssetState::lanes);
        lanes.flat_map(offsets).filter(|offset| *offset < end).collect()
    }
}

fn offsets(lane: &Lane) -> impl Iterator<Item = Offset> {
    let events = lane.events.iter().map(|event| event.offset);
    events.chain(lane.senders.iter().flat_map(sent))
}

fn sent(sender: &Sender) -> impl Iterator<Item = Offset> {
    let arrays = sender.arrays.iter().map(|array| array.offset);
    arrays.chain(sender.series.iter().flatten().flat_map(Series::offsets))
}
