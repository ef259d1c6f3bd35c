//! Where a moving asset is: zones entered and left by two of three fixes.

use citywarden_model::{Point, Timestamp};
use serde::{Deserialize, Serialize};

use super::absence::Absence;
use super::geometry::Zones;

/// Where an asset is and has been.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Whereabouts {
    /// The newest valid fix.
    pub(crate) newest: Option<(Timestamp, Point)>,
    /// Valid fixes so far, up to the two that are needed to say anything.
    fixes: u8,
    /// Zones it is in or near, by number.
    tracks: Vec<Track>,
}

/// An asset and one zone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Track {
    zone: usize,
    /// Since when it is inside: by the device and by the journal.
    inside: Option<(Timestamp, Timestamp)>,
    /// The last three fixes: whether each speaks for a change, when it was made and when it arrived; oldest first.
    votes: Vec<(bool, Timestamp, Timestamp)>,
}

/// A zone that was entered or left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Crossing {
    pub(crate) zone: usize,
    pub(crate) entered: bool,
    /// The observed time of the first fix on the other side.
    pub(crate) stamp: Timestamp,
}

/// A valid fix.
#[derive(Debug, Clone, Copy)]
pub(crate) struct FixAt {
    pub(crate) at: Timestamp,
    pub(crate) received: Timestamp,
    pub(crate) point: Point,
}

/// Fixes that speak together, and how many of them have to agree.
const VOTES: usize = 3;
const AGREE: usize = 2;

impl Whereabouts {
    /// Takes a fix in; what it entered and left. A fix that is older than the newest one changes nothing.
    pub(crate) fn take(&mut self, fix: FixAt, zones: &Zones) -> Vec<Crossing> {
        if self.newest.is_some_and(|(newest, _)| fix.at <= newest) {
            return Vec::new();
        }
        self.newest = Some((fix.at, fix.point));
        self.fixes = self.fixes.saturating_add(1).min(2);
        let around = zones.around(fix.point);
        for zone in &around {
            if let Err(place) = self.tracks.binary_search_by(|track| track.zone.cmp(zone)) {
                self.tracks.insert(place, Track { zone: *zone, inside: None, votes: Vec::new() });
            }
        }
        let mut crossings = Vec::new();
        for track in &mut self.tracks {
            let speaks = match track.inside {
                None => around.contains(&track.zone),
                Some(_) => zones.areas.get(track.zone).is_none_or(|area| area.is_well_outside(fix.point)),
            };
            crossings.extend(track.vote(speaks, fix));
        }
        self.tracks.retain(|track| track.inside.is_some() || track.votes.iter().any(|(speaks, ..)| *speaks));
        crossings
    }

    /// Whether it is in a zone of this kind; `None` before two fixes.
    pub(crate) fn is_inside(&self, kind: &str, zones: &Zones) -> Option<bool> {
        (self.fixes >= 2).then(|| self.since(kind, zones).is_some())
    }

    /// Since when it is in a zone of this kind, by the journal: the longest, where it is in several.
    pub(crate) fn since(&self, kind: &str, zones: &Zones) -> Option<Timestamp> {
        let of_kind = |track: &&Track| zones.areas.get(track.zone).is_some_and(|area| area.kind == kind);
        let inside = self.tracks.iter().filter(of_kind).filter_map(|track| track.inside);
        inside.map(|(_, received)| received).min()
    }

    /// Leaves out a time in which we were away of what is counted since its fixes arrived.
    pub(crate) fn excuse(&mut self, absence: Absence) {
        for track in &mut self.tracks {
            let inside = track.inside.iter_mut().map(|(_, received)| received);
            let votes = track.votes.iter_mut().map(|(_, _, received)| received);
            inside.chain(votes).for_each(|received| absence.excuse(received));
        }
    }

    /// Whether enough fixes came to say anything.
    pub(crate) fn is_known(&self) -> bool {
        self.fixes >= 2
    }

    /// The zones again by their numbers, after the registry changed; those that are gone are forgotten.
    pub(crate) fn renumber(&mut self, old: &Zones, new: &Zones) {
        for track in &mut self.tracks {
            let id = old.areas.get(track.zone).map(|area| &area.id);
            let number = id.and_then(|id| new.areas.iter().position(|area| area.id == *id));
            track.zone = number.unwrap_or(usize::MAX);
        }
        self.tracks.retain(|track| track.zone != usize::MAX);
        self.tracks.sort_by_key(|track| track.zone);
    }
}

impl Track {
    fn vote(&mut self, speaks: bool, fix: FixAt) -> Option<Crossing> {
        self.votes.push((speaks, fix.at, fix.received));
        if self.votes.len() > VOTES {
            self.votes.remove(0);
        }
        let mut agree = self.votes.iter().filter(|(speaks, ..)| *speaks);
        let (_, stamp, received) = *agree.next()?;
        if agree.count() + 1 < AGREE {
            return None;
        }
        self.votes.clear();
        let entered = self.inside.is_none();
        self.inside = entered.then_some((stamp, received));
        Some(Crossing { zone: self.zone, entered, stamp })
    }
}
