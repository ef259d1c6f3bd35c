//! Writes the alert of a case that begins.

use citywarden_model::{
    Alert, AlertId, AlertKind, AlertState, Asset, AssetSummary, Condition, Evidence, LeadReason, Moment,
    Offset, Severity, Span, TimeSource, Timestamp, Titles, ValueMap,
};
use serde_json::Value;

use super::field::journal_range;
use super::fixed::rounded;
use super::inputs::View;
use super::options::EVIDENCE_MAX;
use super::plan::What;
use crate::expression::Scalar;
use crate::rule::{LimitValue, Rule, Status, Template, TemplatePart};

/// What an alert is about, beyond its case.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Occasion {
    pub(crate) kind: AlertKind,
    pub(crate) began: Timestamp,
    pub(crate) cause: Moment,
    pub(crate) source: TimeSource,
    /// Its device's clock is wrong.
    pub(crate) has_wrong_clock: bool,
    /// A number stood in for a condition of measuring.
    pub(crate) stood_in: bool,
}

impl Occasion {
    fn lead_reasons(&self, view: &View<'_>) -> Vec<LeadReason> {
        [
            (!is_reviewed(view, self.cause.at), LeadReason::NotReviewed),
            (self.has_wrong_clock, LeadReason::Clock),
            (self.stood_in, LeadReason::NotMeasured),
        ]
        .into_iter()
        .filter_map(|(is_so, reason)| is_so.then_some(reason))
        .collect()
    }
}

/// The alert, and the messages it rests on.
pub(crate) fn draft(view: &View<'_>, slots: &[Scalar], occasion: Occasion) -> Option<(Alert, Vec<Offset>)> {
    let plan = view.plan;
    let rule = &plan.rule;
    let asset = view.field.registry.assets.get(&view.field.assets.get(view.asset)?.id)?;
    let region = &view.options.region;
    let offsets = evidence(view, occasion.began);
    let limits = plan.shown_limits.of_kind(occasion.kind);
    let shown = limits.iter().filter_map(|slot| rule.limits.get(*slot));
    let lead_reasons = occasion.lead_reasons(view);
    let [summary, summary_en] = summary(rule, slots, occasion.kind, &lead_reasons);
    let alert = Alert {
        id: AlertId::derive(region, &rule.id, &asset.id, occasion.kind, occasion.began),
        kind: occasion.kind,
        rule: rule.id.clone(),
        rule_digest: rule.digest,
        ruleset_digest: view.field.rules.digest,
        title: title(rule, occasion.kind),
        clause: Some(rule.clause.clone()),
        severity: if occasion.kind == AlertKind::EarlyWarning { Severity::Notice } else { rule.severity },
        lead: !lead_reasons.is_empty(),
        trial: rule.status == Status::Trial,
        reconstructed: view.is_late,
        time_source: occasion.source,
        asset: AssetSummary { id: asset.id.clone(), kind: asset.kind.clone(), name: asset.name.clone() },
        region: region.clone(),
        grid: asset.grid.clone(),
        position: position(view, asset),
        responsible: rule.responsible.clone(),
        state: AlertState::Open,
        condition: if view.is_late { Condition::Cleared } else { Condition::Active },
        began_at: occasion.began,
        opened_at: occasion.cause.at,
        cleared_at: view.is_late.then_some(occasion.cause.at),
        values: values(rule, slots),
        limits: limits.iter().filter_map(|slot| limit(rule, *slot, slots)).collect(),
        unit: shown.map(|limit| limit.unit.clone()).next().unwrap_or_default(),
        summary,
        summary_en,
        lead_reasons,
        evidence: Evidence {
            journal: journal_range(&offsets, occasion.cause.offset),
            digest: citywarden_model::Digest::default(),
        },
    };
    Some((alert, offsets))
}

/// What people call it: an early warning is not called a violation.
fn title(rule: &Rule, kind: AlertKind) -> Titles {
    if kind != AlertKind::EarlyWarning {
        return rule.title.clone();
    }
    let prefixed = || Titles {
        zh: format!("预警：{}", rule.title.zh),
        en: format!("Early warning: {}", rule.title.en),
    };
    rule.warning_title.clone().unwrap_or_else(prefixed)
}

/// The sentence for people, Chinese and English: with what kind of alert it is where the rule has no words for that, and
/// with the reasons for which it is a lead only.
fn summary(rule: &Rule, slots: &[Scalar], kind: AlertKind, leads: &[LeadReason]) -> [String; 2] {
    let own = rule.warning_message.as_ref().filter(|_| kind == AlertKind::EarlyWarning);
    let is_unsaid = kind == AlertKind::EarlyWarning && own.is_none();
    let [zh, en] = own.unwrap_or(&rule.message);
    let (mut zh, mut en) = (write(zh, rule, slots), write(en, rule, slots));
    if is_unsaid {
        zh = format!("预警（尚未超标）：{zh}");
        en = format!("early warning, not a violation: {en}");
    }
    if !leads.is_empty() {
        let (mut why_zh, mut why_en) = (Vec::new(), Vec::new());
        for [zh, en] in leads.iter().map(|reason| reason.words()) {
            why_zh.push(zh);
            why_en.push(en);
        }
        zh = format!("{zh}（线索：{}）", why_zh.join("；"));
        en = format!("{en} (a lead: {})", why_en.join("; "));
    }
    [zh, en]
}

fn position(view: &View<'_>, asset: &Asset) -> Option<citywarden_model::Point> {
    let lane = view.states.get(view.asset)?.lane(view.is_late)?;
    lane.whereabouts.newest.map(|(_, point)| point).or(asset.position)
}

/// Decimals of values in an alert: as fine as readings are kept.
const DECIMALS: u8 = 6;

fn json(scalar: Scalar) -> Option<Value> {
    match scalar {
        Scalar::Number(number) => Some(Value::from(rounded(number, DECIMALS))),
        Scalar::Truth(truth) => Some(Value::from(truth)),
        Scalar::Missing => None,
    }
}

/// Inputs and lets by name.
pub(crate) fn values(rule: &Rule, slots: &[Scalar]) -> ValueMap {
    let inputs = rule.inputs.iter().map(|input| &input.name);
    let names = inputs.chain(rule.lets.iter().map(|one| &one.name));
    let slots = slots.iter().skip(rule.limits.len());
    names.zip(slots).filter_map(|(name, slot)| Some((name.clone(), json(*slot)?))).collect()
}

fn limit(rule: &Rule, slot: usize, slots: &[Scalar]) -> Option<(String, Value)> {
    Some((rule.limits.get(slot)?.name.clone(), json(*slots.get(slot)?)?))
}

/// A message with its values. Numbers are written with at most one decimal from 10 on, two below, and no zeros at
/// the end; durations in seconds, times of the day as HH:MM.
pub(crate) fn write(template: &Template, rule: &Rule, slots: &[Scalar]) -> String {
    let part = |part: &TemplatePart| match part {
        TemplatePart::Words(words) => words.clone(),
        TemplatePart::Slot(slot) => {
            let limit = rule.limits.get(*slot).map(|limit| limit.value);
            match (limit, slots.get(*slot)) {
                (Some(LimitValue::TimeOfDay(_)), Some(Scalar::Number(seconds))) => time_of_day(*seconds),
                (_, Some(Scalar::Number(number))) => number_for_people(*number),
                (_, Some(Scalar::Truth(truth))) => truth.to_string(),
                (_, Some(Scalar::Missing) | None) => "?".to_owned(),
            }
        }
    };
    template.0.iter().map(part).collect()
}

fn number_for_people(number: f64) -> String {
    rounded(number, if number.abs() < 10.0 { 2 } else { 1 }).to_string()
}

fn time_of_day(seconds: f64) -> String {
    let minutes = libm::floor(seconds / 60.0);
    let hours = libm::floor(minutes / 60.0);
    format!("{hours:02}:{:02}", minutes - hours * 60.0)
}

/// Whether every device that the rule reads has a valid review.
fn is_reviewed(view: &View<'_>, at: Timestamp) -> bool {
    let field = view.field;
    let registry = &field.registry.devices;
    let Some(lane) = view.states.get(view.asset).and_then(|state| state.lane(view.is_late)) else {
        return true;
    };
    let devices = field.assets.get(view.asset).map(|asset| asset.devices.as_slice()).unwrap_or_default();
    let channels: Vec<usize> =
        view.plan.reads.iter().filter_map(|quantity| field.channel(view.asset, *quantity)).collect();
    let own = devices.iter().zip(&lane.senders).filter(|(_, sender)| {
        let is_array = sender.arrays.iter().any(|array| view.plan.reads.contains(&array.quantity));
        is_array || channels.iter().any(|channel| sender.series(*channel).is_some())
    });
    let own = own.filter_map(|(device, _)| field.devices.get(*device));
    let owner = owner(view).and_then(|owner| field.assets.get(owner));
    let others =
        owner.into_iter().flat_map(|asset| &asset.devices).filter_map(|device| field.devices.get(*device));
    let others = others.filter(|device| {
        let is_named = |what: &What| matches!(what, What::DeviceSilence(kind) if *kind == device.kind);
        view.plan.inputs.iter().any(|input| is_named(&input.what))
    });
    own.chain(others).all(|device| registry.get(&device.id).is_some_and(|device| device.is_reviewed(at)))
}

/// The asset that owns the zone that was entered or left, where the rule looks at it.
fn owner(view: &View<'_>) -> Option<usize> {
    view.plan.inputs.iter().find(|input| input.at_zone.is_some())?;
    let zone = view.field.zones.areas.get(view.crossing?.zone)?;
    view.field.asset_of(zone.asset.as_deref()?)
}

/// The messages that carried what the rule reads or keeps, from one longest window before the alert began: the newest
/// of them, in order.
fn evidence(view: &View<'_>, began: Timestamp) -> Vec<Offset> {
    let own_reading = Span::from_nanos(1); // the reading that begins it is in, whatever the windows
    let from = began - view.plan.window(&view.case.slots).max(own_reading);
    let field = view.field;
    let mut offsets: Vec<Offset> = Vec::new();
    let lane = view.states.get(view.asset).and_then(|state| state.lane(view.is_late));
    for sender in lane.into_iter().flat_map(|lane| &lane.senders) {
        let channels = view.plan.evidence.iter().filter_map(|quantity| field.channel(view.asset, *quantity));
        for series in channels.filter_map(|channel| sender.series(channel)) {
            let held = series
                .holding(from)
                .into_iter()
                .filter(|_| series.between(from, Timestamp::MAX).next().is_none());
            offsets.extend(series.between(from, Timestamp::MAX).chain(held).map(|sample| sample.offset));
        }
        let arrays = sender.arrays.iter().filter(|array| view.plan.evidence.contains(&array.quantity));
        offsets.extend(arrays.map(|array| array.offset));
    }
    let owner = owner(view).and_then(|owner| view.states.get(owner)).map(|state| &state.live);
    let events = lane.into_iter().chain(owner).flat_map(|lane| &lane.events);
    let read = events.filter(|event| view.plan.reads_event(&event.name) && event.at > from);
    offsets.extend(read.map(|event| event.offset));
    offsets.sort_unstable();
    offsets.dedup();
    offsets.split_off(offsets.len().saturating_sub(EVIDENCE_MAX))
}
