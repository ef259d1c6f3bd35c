//! Who is told: the tree of routes, and when: groups.
//!
//! * An alert goes down the tree from the root: into the first child that matches, and on to the next where that child
//!   says `continue`; the deepest route on each way names the receiver.
//! * The receivers of the responsible units (`units.csv`) are told as well.
//! * An early warning goes only where a route on its way names `kind = "early_warning"`, that is, to the operator's
//!   receiver: never to enforcement by default, and never to the units. Where no route names it, it is in the log and on
//!   the page alone.
//! * What a rule on trial raises, and what was found in readings that came too late, is told to nobody.

use std::collections::{BTreeMap, BTreeSet};

use citywarden_model::{Alert, AlertKind, GridId, Severity, Span, Timestamp};

use crate::event::{ReceiverName, Recipient};

/// `group_wait` where the configuration names none.
pub const GROUP_WAIT: Span = Span::from_secs(5);
/// `repeat_interval` where the configuration names none.
pub const REPEAT_INTERVAL: Span = Span::from_mins(4 * 60);

/// The receiver of a responsible unit, by the unit's name and the alert's grid: the registry knows.
pub type UnitReceivers = Box<dyn Fn(&str, Option<&GridId>) -> Vec<ReceiverName> + Send>;

/// A route and those below it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// What an alert must be to go this way: all of them. None on the root.
    pub matches: Vec<Match>,
    /// Whom to tell.
    pub receiver: ReceiverName,
    /// Whether the routes after this one are looked at as well.
    pub continues: bool,
    /// More particular ways, in order.
    pub routes: Vec<Route>,
}

/// How what is told is spread over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// What one group is.
    pub group_by: GroupBy,
    /// What comes for a group that was just told waits until this long after it, and is then told together.
    pub group_wait: Span,
    /// What is active and unacknowledged is told again this long after the last time.
    pub repeat_interval: Span,
}

impl Default for Pace {
    fn default() -> Self {
        Self { group_by: GroupBy::Asset, group_wait: GROUP_WAIT, repeat_interval: REPEAT_INTERVAL }
    }
}

/// What one group is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GroupBy {
    /// All alerts of one asset: one event, one visit (综合查一次).
    Asset,
    /// All alerts of one grid cell.
    Grid,
    /// Each alert for itself.
    Alert,
}

impl GroupBy {
    /// The grouping of this name.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "asset" => Some(Self::Asset),
            "grid" => Some(Self::Grid),
            "alert" => Some(Self::Alert),
            _ => None,
        }
    }
}

/// One condition of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Match {
    /// Of this severity.
    Severity(Severity),
    /// Of this kind.
    Kind(AlertKind),
    /// This unit is among those responsible.
    Responsible(String),
    /// Of this rule.
    Rule(String),
    /// About this asset.
    Asset(String),
    /// About an asset of this kind.
    AssetKind(String),
    /// In this grid cell.
    Grid(String),
}

/// A key or value of `match` that means nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MatchError {
    /// No such key.
    #[error(
        "`{0}` cannot be matched on, expected `severity`, `kind`, `responsible`, `rule`, `asset`, `asset_kind` or `grid`"
    )]
    UnknownKey(String),
    /// No such severity.
    #[error("`{0}` is no severity, expected `notice`, `minor`, `serious` or `urgent`")]
    UnknownSeverity(String),
    /// No such kind.
    #[error("`{0}` is no kind of alert, expected `violation`, `early_warning` or `device`")]
    UnknownKind(String),
}

impl Match {
    /// Reads `key = "value"` of a route's `match`.
    pub fn parse(key: &str, value: &str) -> Result<Self, MatchError> {
        let text = value.to_owned();
        match key {
            "severity" => Severity::parse(value).map(Self::Severity).ok_or(MatchError::UnknownSeverity(text)),
            "kind" => [AlertKind::Violation, AlertKind::EarlyWarning, AlertKind::Device]
                .into_iter()
                .find(|kind| kind.as_str() == value)
                .map(Self::Kind)
                .ok_or(MatchError::UnknownKind(text)),
            "responsible" => Ok(Self::Responsible(text)),
            "rule" => Ok(Self::Rule(text)),
            "asset" => Ok(Self::Asset(text)),
            "asset_kind" => Ok(Self::AssetKind(text)),
            "grid" => Ok(Self::Grid(text)),
            _ => Err(MatchError::UnknownKey(key.to_owned())),
        }
    }
    fn holds(&self, alert: &Alert) -> bool {
        match self {
            Self::Severity(severity) => alert.severity == *severity,
            Self::Kind(kind) => alert.kind == *kind,
            Self::Responsible(unit) => alert.responsible.contains(unit),
            Self::Rule(rule) => alert.rule.as_str() == rule,
            Self::Asset(asset) => alert.asset.id.as_str() == asset,
            Self::AssetKind(kind) => alert.asset.kind == *kind,
            Self::Grid(grid) => alert.grid.as_ref().is_some_and(|cell| cell.as_str() == grid),
        }
    }
}

impl Route {
    /// A route to this receiver for whatever is not told elsewhere.
    pub fn to(receiver: &str) -> Self {
        Self { matches: Vec::new(), receiver: receiver.into(), continues: false, routes: Vec::new() }
    }
    /// Every receiver that this tree names.
    pub fn receivers(&self) -> BTreeSet<&ReceiverName> {
        let below = self.routes.iter().flat_map(Self::receivers);
        below.chain([&self.receiver]).collect()
    }
    fn names_early_warnings(&self) -> bool {
        self.matches.contains(&Match::Kind(AlertKind::EarlyWarning))
    }
    fn collect<'a>(&'a self, alert: &Alert, is_named: bool, found: &mut BTreeSet<&'a ReceiverName>) {
        let is_named = is_named || self.names_early_warnings();
        let mut is_taken = false;
        for route in &self.routes {
            if route.matches.iter().all(|condition| condition.holds(alert)) {
                route.collect(alert, is_named, found);
                is_taken = true;
                if !route.continues {
                    break;
                }
            }
        }
        if !is_taken && (is_named || alert.kind != AlertKind::EarlyWarning) {
            found.insert(&self.receiver);
        }
    }
}

/// Decides whom to tell, and from when.
pub struct Router {
    root: Option<Route>,
    known: BTreeSet<ReceiverName>,
    units: UnitReceivers,
    pace: Pace,
    last_told: BTreeMap<String, Timestamp>,
}

impl Router {
    /// A router over this tree; `None` tells nobody but the units. A unit's receiver that is not among `known` is left
    /// out: the registry's own check says so.
    pub fn new(root: Option<Route>, known: BTreeSet<ReceiverName>, units: UnitReceivers, pace: Pace) -> Self {
        Self { root, known, units, pace, last_told: BTreeMap::new() }
    }
    /// The pace it keeps.
    pub const fn pace(&self) -> Pace {
        self.pace
    }
    /// Whom to tell of this alert, by name.
    pub fn receivers(&self, alert: &Alert) -> BTreeSet<ReceiverName> {
        if alert.trial || alert.reconstructed {
            return BTreeSet::new();
        }
        let mut found = BTreeSet::new();
        if let Some(root) = &self.root {
            root.collect(alert, false, &mut found);
        }
        let mut found: BTreeSet<ReceiverName> = found.into_iter().cloned().collect();
        if alert.kind != AlertKind::EarlyWarning {
            let units = alert.responsible.iter().flat_map(|unit| (self.units)(unit, alert.grid.as_ref()));
            found.extend(units.filter(|receiver| self.known.contains(receiver)));
        }
        found
    }
    /// Whom to tell of an event of this alert, and from when: what is urgent, and the first after a quiet `group_wait`,
    /// at once; the rest when the group is next told.
    pub fn address(&mut self, alert: &Alert, now: Timestamp) -> Vec<Recipient> {
        let receivers = self.receivers(alert);
        if receivers.is_empty() {
            return Vec::new();
        }
        let due = if alert.severity == Severity::Urgent { now } else { self.due(alert, now) };
        receivers.into_iter().map(|receiver| Recipient { receiver, since: now, due }).collect()
    }
    fn due(&mut self, alert: &Alert, now: Timestamp) -> Timestamp {
        self.last_told.retain(|_, told| now.since(*told) < self.pace.group_wait);
        let group = match self.pace.group_by {
            GroupBy::Asset => alert.asset.id.to_string(),
            GroupBy::Grid => alert.grid.as_ref().map(ToString::to_string).unwrap_or_default(),
            GroupBy::Alert => alert.id.to_string(),
        };
        let told = self.last_told.entry(group).or_insert(now - self.pace.group_wait);
        if now >= *told {
            *told = now.max(*told + self.pace.group_wait);
        }
        *told
    }
}
