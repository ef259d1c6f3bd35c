//! The messages that the facts of an example amount to, in the order of their arrival.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use citywarden_model::{DeviceId, Event, Fix, Observation, Point, Reading, Span, Timestamp};

use super::stage::Stage;
use crate::example::{Example, Fact, Movement, Step};

/// A message of a device of the example.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) received: Timestamp,
    pub(crate) device: DeviceId,
    pub(crate) observation: Observation<'static>,
}

/// A zone is entered and left by two fixes: the first comes so long before the time that the example names.
const FIRST_FIX_BEFORE: Span = Span::from_millis(1);
/// More times than a line of an example can mean: a day in seconds.
const TIMES_MAX: usize = 86_400;

/// All messages of an example.
pub(crate) fn of(stage: &Stage, example: &Example, midnight: Timestamp) -> Vec<Message> {
    let mut times: Vec<(Timestamp, &Step)> = example
        .steps
        .iter()
        .flat_map(|step| times(step).map(move |at| (midnight + at, step)))
        .filter(|(_, step)| !step.facts.is_empty())
        .collect();
    times.sort_by_key(|(at, _)| *at); // stable: lines with the same time stay in their order
    let mut inside = BTreeSet::new();
    let mut messages = Vec::new();
    for (at, step) in times {
        messages.extend(at_time(stage, step, at, &mut inside));
    }
    messages.sort_by_key(|message| message.received);
    messages
}

fn times(step: &Step) -> impl Iterator<Item = Span> {
    let every = step.every.filter(|every| *every > Span::ZERO);
    let until = step.until;
    std::iter::successors(Some(step.at), move |at| {
        every.map(|every| *at + every).filter(|next| *next <= until)
    })
    .take(TIMES_MAX)
}

fn at_time(stage: &Stage, step: &Step, at: Timestamp, inside: &mut BTreeSet<String>) -> Vec<Message> {
    let mut by_device: BTreeMap<DeviceId, Observation<'static>> = BTreeMap::new();
    let mut first_fix = None;
    let fresh = || Observation { observed_at: Some(at), ..Observation::default() };
    for fact in &step.facts {
        match fact {
            Fact::Reading { quantity, value } => {
                let Some(device) = stage.senders.get(quantity) else { continue };
                let quantity = Cow::Owned(quantity.as_str().to_owned());
                let reading = Reading { quantity, value: value.clone() };
                by_device.entry(device.clone()).or_insert_with(fresh).readings.push(reading);
            }
            Fact::Zone { movement, kind } => {
                let moved = match movement {
                    Movement::Inside | Movement::Entered => inside.insert(kind.clone()),
                    Movement::Left => inside.remove(kind),
                };
                first_fix = first_fix.or_else(|| moved.then_some(at - FIRST_FIX_BEFORE));
                by_device.entry(stage.tracker.clone()).or_insert_with(fresh);
            }
            Fact::Event { name, fields } => {
                let event = Event {
                    name: Cow::Owned(name.clone()),
                    asset: Some(Cow::Owned(stage.asset.to_string())),
                    fields: fields.iter().map(|(name, value)| (Cow::Owned(name.clone()), *value)).collect(),
                };
                by_device.entry(stage.events.clone()).or_insert_with(fresh).events.push(event);
            }
            Fact::Device { kind } => {
                let Some(device) = stage.kinds.get(kind) else { continue };
                by_device.entry(device.clone()).or_insert_with(fresh);
            }
        }
    }
    let place = stage.place(inside);
    let is_moving = stage.is_moving;
    if let Some(tracked) = by_device.get_mut(&stage.tracker).filter(|_| is_moving) {
        tracked.fix = Some(fix(place));
    }
    let first = first_fix.map(|at| Message {
        received: at + step.late,
        device: stage.tracker.clone(),
        observation: Observation { observed_at: Some(at), fix: Some(fix(place)), ..Observation::default() },
    });
    let rest = by_device.into_iter().map(|(device, observation)| Message {
        received: at + step.late,
        device,
        observation,
    });
    first.into_iter().chain(rest).collect()
}

fn fix(reported: Point) -> Fix {
    Fix { reported, valid: true, speed_kmh: None, heading_deg: None }
}
