//! What is remembered of an asset: the readings of its devices, its events, where it is, and how its cases stand.
//! One lane for what arrives in time, and, where something came too late, a second one that lives in the time of the
//! late readings and never touches the first.

use std::collections::VecDeque;
use std::iter;

use citywarden_model::{Offset, Span, Timestamp};
use serde::{Deserialize, Serialize};

use super::case::Case;
use super::names::Quantity;
use super::options::{grace, last_holds};
use super::packed;
use super::series::Series;
use super::whereabouts::Whereabouts;

/// An asset's memory. Here and in a lane, what every message needs stands first, so that it lies together.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[repr(C)]
pub(crate) struct AssetState {
    /// Quantities that a device of it has ever sent.
    pub(crate) fitted: Fitted,
    pub(crate) late: Option<Box<Lane>>,
    pub(crate) live: Lane,
}

/// One line of time of an asset.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[repr(C)]
pub(crate) struct Lane {
    /// By the device's place among the asset's.
    pub(crate) senders: Vec<Sender>,
    /// By the rule's place among those of the asset's kind.
    pub(crate) cases: Vec<Case>,
    /// The greatest observed time so far.
    pub(crate) clock: Option<Timestamp>,
    /// Events that its devices sent, or that concern it, in the order of their arrival.
    pub(crate) events: VecDeque<Happening>,
    pub(crate) whereabouts: Whereabouts,
}

/// A device in a lane.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Sender {
    /// By the place of the channel.
    #[serde(with = "packed")]
    pub(crate) series: Vec<Option<Series>>,
    /// Arrays of states, as last sent.
    pub(crate) arrays: Vec<StateArray>,
    /// Its newest reading.
    pub(crate) newest: Option<Seen>,
    /// When anything came from it, or when it was first known of.
    pub(crate) heard: Option<Timestamp>,
    /// From when on its silence is counted: `heard`, moved on by the time in which we were away.
    pub(crate) silent_since: Option<Timestamp>,
}

/// An array of states.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StateArray {
    pub(crate) quantity: Quantity,
    pub(crate) at: Timestamp,
    pub(crate) states: Vec<bool>,
    pub(crate) offset: Offset,
}

/// When something was observed, and when it arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seen {
    pub(crate) observed: Timestamp,
    pub(crate) received: Timestamp,
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Happening {
    pub(crate) name: String,
    pub(crate) at: Timestamp,
    pub(crate) offset: Offset,
    /// Whether a device of this asset sent it.
    pub(crate) is_own: bool,
    /// The asset it concerns, where it names one.
    pub(crate) concerns: Option<String>,
    pub(crate) fields: Vec<(String, i64)>,
}

/// Some quantities.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Fitted {
    /// A bit each of the first numbers: rules name theirs first, so that these are mostly all.
    first: u64,
    /// The others, sorted.
    others: Vec<Quantity>,
}

impl Fitted {
    fn bit(quantity: Quantity) -> Option<u64> {
        1_u64.checked_shl(quantity.0)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.first == 0 && self.others.is_empty()
    }

    fn has(&self, quantity: Quantity) -> bool {
        match Self::bit(quantity) {
            Some(bit) => self.first & bit != 0,
            None => self.others.binary_search(&quantity).is_ok(),
        }
    }

    /// Adds one; whether it is new.
    fn add(&mut self, quantity: Quantity) -> bool {
        if let Some(bit) = Self::bit(quantity) {
            let is_new = self.first & bit == 0;
            self.first |= bit;
            return is_new;
        }
        match self.others.binary_search(&quantity) {
            Ok(_) => false,
            Err(place) => {
                self.others.insert(place, quantity);
                true
            }
        }
    }
}

impl AssetState {
    /// Notes that a quantity was sent; whether that is new.
    pub(crate) fn fit(&mut self, quantity: Quantity) -> bool {
        self.fitted.add(quantity)
    }

    pub(crate) fn is_fitted(&self, quantity: Quantity) -> bool {
        self.fitted.has(quantity)
    }

    pub(crate) fn lane(&self, is_late: bool) -> Option<&Lane> {
        if is_late { self.late.as_deref() } else { Some(&self.live) }
    }

    /// Its lanes: the live one, and that of what came late where there is one.
    pub(crate) fn lanes(&self) -> impl Iterator<Item = &Lane> {
        iter::once(&self.live).chain(self.late.as_deref())
    }

    /// As [`Self::lanes`].
    pub(crate) fn lanes_mut(&mut self) -> impl Iterator<Item = &mut Lane> {
        iter::once(&mut self.live).chain(self.late.as_deref_mut())
    }

    pub(crate) fn lane_mut(&mut self, is_late: bool) -> Option<&mut Lane> {
        if is_late { self.late.as_deref_mut() } else { Some(&mut self.live) }
    }
}

impl Lane {
    /// An empty lane for so many devices, channels and cases.
    pub(crate) fn new(devices: usize, channels: usize, cases: usize) -> Self {
        Self {
            senders: vec![Sender::with_channels(channels); devices],
            cases: vec![Case::default(); cases],
            ..Self::default()
        }
    }

    pub(crate) fn advance_clock(&mut self, observed: Timestamp) {
        self.clock = Some(self.clock.map_or(observed, |clock| clock.max(observed)));
    }

    /// Notes an event; false where it is there already.
    pub(crate) fn note(&mut self, happening: Happening, keep: Span, most: usize) -> bool {
        let same = |other: &Happening| {
            (&other.name, other.at, other.is_own, &other.concerns, &other.fields)
                == (&happening.name, happening.at, happening.is_own, &happening.concerns, &happening.fields)
        };
        if self.events.iter().any(same) {
            return false;
        }
        self.advance_clock(happening.at);
        let oldest = self.clock.map(|clock| clock - keep);
        while self.events.len() >= most || self.events.front().is_some_and(|front| Some(front.at) <= oldest) {
            self.events.pop_front();
        }
        self.events.push_back(happening);
        true
    }
}

impl Sender {
    pub(crate) fn with_channels(channels: usize) -> Self {
        Self { series: vec![None; channels], ..Self::default() }
    }

    pub(crate) fn series(&self, channel: usize) -> Option<&Series> {
        self.series.get(channel)?.as_ref()
    }

    /// Notes a sign of life.
    pub(crate) fn hear(&mut self, at: Timestamp) {
        self.heard = Some(at);
        self.silent_since = Some(at);
    }

    /// Notes a reading's time; whether it is the newest.
    pub(crate) fn see(&mut self, observed: Timestamp, received: Timestamp) {
        if self.newest.is_none_or(|newest| newest.observed < observed) {
            self.newest = Some(Seen { observed, received });
        }
    }

    /// Where its windows end: at its own newest reading, moved on by the journal's clock since that arrived. Half an
    /// interval is left to the network before a reading counts as missing.
    pub(crate) fn anchor(&self, interval: Option<Span>, now: Timestamp) -> Option<Timestamp> {
        let newest = self.newest?;
        let elapsed = now.since(newest.received) - interval.map_or(Span::ZERO, grace);
        Some(newest.observed + elapsed.max(Span::ZERO))
    }

    /// Whether its newest values still hold.
    pub(crate) fn holds(&self, interval: Option<Span>, now: Timestamp) -> bool {
        let Some(newest) = self.newest else { return false };
        interval.is_none_or(|interval| now.since(newest.received) <= last_holds(interval))
    }

    /// When its silence next changes what is known: the next missed interval, as long as a window of this length has
    /// anything in it, or the moment its last value holds no longer.
    pub(crate) fn next_due(&self, interval: Option<Span>, keep: Span, now: Timestamp) -> Option<Timestamp> {
        let (interval, received) = (interval?, self.newest?.received);
        let lost = received + last_holds(interval) + Span::from_millis(1);
        let late = now.since(received + grace(interval)).nanos();
        let missed = if late < 0 { 1 } else { late / interval.nanos() + 1 };
        let next = received + grace(interval) + Span::from_nanos(interval.nanos().saturating_mul(missed));
        let is_over = next.since(received) > keep + interval + interval;
        let next = (!is_over).then_some(next);
        next.into_iter().chain([lost]).filter(|due| *due > now).min()
    }
}
