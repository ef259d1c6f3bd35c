//! `[route]`: which alerts go to whom.

use std::collections::BTreeSet;

use citywarden_alerting::ReceiverName;
use citywarden_alerting::route::{GROUP_WAIT, GroupBy, Match, Pace, REPEAT_INTERVAL, Route};
use citywarden_model::Span;
use citywarden_problems::did_you_mean;

use super::fields::{Fields, Text};

/// The deepest tree of routes: each level is a level of the grid, or a duty roster.
const MAX_DEPTH: usize = 8;

/// The tree of routes and its pace; `None` for the tree where nobody is to be told.
pub(crate) fn read(fields: Fields<'_, '_>, receivers: &BTreeSet<String>) -> (Option<Route>, Pace) {
    let pace = Pace {
        group_by: group_by(&fields),
        group_wait: fields.duration("group_wait", GROUP_WAIT, Span::ZERO..=Span::from_mins(60)),
        repeat_interval: fields.duration(
            "repeat_interval",
            REPEAT_INTERVAL,
            Span::from_mins(1)..=Span::from_mins(30 * 24 * 60),
        ),
    };
    if let Some(at) = fields.place("match") {
        fields.error(&at, "the root of the routes takes every alert; write `match` in [[route.routes]]");
    }
    let reader = RouteReader { receivers };
    let receiver = fields.required("receiver").and_then(|text| reader.receiver(&fields, &text));
    let routes = receiver.as_ref().map(|receiver| reader.children(&fields, receiver, 1));
    if routes.is_none() {
        reader.children(&fields, &ReceiverName::from(""), 1);
    }
    reader.escalation(&fields);
    fields.finish();
    let root = receiver.zip(routes).map(|(receiver, routes)| Route {
        matches: Vec::new(),
        receiver,
        continues: false,
        routes,
    });
    (root, pace)
}

fn group_by(fields: &Fields<'_, '_>) -> GroupBy {
    let Some((names, at)) = fields.section.texts("group_by").zip(fields.place("group_by")) else {
        return GroupBy::Asset;
    };
    let group = match names.as_slice() {
        [(name, _)] => GroupBy::parse(name),
        _ => None,
    };
    group.unwrap_or_else(|| {
        fields.error(&at, "`group_by` takes one of [\"asset\"], [\"grid\"], [\"alert\"]");
        GroupBy::Asset
    })
}

struct RouteReader<'r> {
    receivers: &'r BTreeSet<String>,
}

impl RouteReader<'_> {
    fn receiver(&self, fields: &Fields<'_, '_>, text: &Text) -> Option<ReceiverName> {
        if self.receivers.contains(&text.value) {
            return Some(ReceiverName::from(text.value.as_str()));
        }
        let near = did_you_mean(&text.value, self.receivers.iter().map(String::as_str));
        let hint = near.map_or(String::new(), |near| format!(", did you mean `{near}`"));
        fields.error(&text.at, format!("no [[receiver]] is called `{}`{hint}", text.value));
        None
    }
    fn children(&self, fields: &Fields<'_, '_>, parent: &ReceiverName, depth: usize) -> Vec<Route> {
        let children = fields.tables("routes");
        if let Some(child) = children.first().filter(|_| depth > MAX_DEPTH) {
            child.error(&child.at(), format!("routes are nested deeper than {MAX_DEPTH}"));
            return Vec::new();
        }
        children.into_iter().map(|child| self.child(child, parent, depth)).collect()
    }
    fn child(&self, fields: Fields<'_, '_>, parent: &ReceiverName, depth: usize) -> Route {
        let named = fields.text("receiver").and_then(|text| self.receiver(&fields, &text));
        let receiver = named.unwrap_or_else(|| parent.clone());
        let matches = matches(&fields);
        let continues = fields.section.boolean("continue").unwrap_or(false);
        let routes = self.children(&fields, &receiver, depth + 1);
        self.escalation(&fields);
        fields.finish();
        Route { matches, receiver, continues, routes }
    }
    /// Escalation is checked and said to be missing: who relies on it must know.
    fn escalation(&self, fields: &Fields<'_, '_>) {
        for step in fields.tables("escalation") {
            step.warning(&step.at(), "not in this version: nobody is told when this step is due");
            step.duration("after", Span::ZERO, Span::ZERO..=Span::from_mins(30 * 24 * 60));
            step.parsed("unless", |text| match text {
                "acknowledged" | "arrived" | "resolved" => Ok(()),
                _ => Err(format!("`unless` is `{text}`; expected acknowledged, arrived or resolved")),
            });
            if let Some(text) = step.required("receiver") {
                self.receiver(&step, &text);
            }
            step.finish();
        }
    }
}

fn matches(fields: &Fields<'_, '_>) -> Vec<Match> {
    let Some(section) = fields.section.section("match") else {
        if fields.place("match").is_none() {
            fields.error(&fields.at(), "`match` is missing: this route would take every alert");
        }
        return Vec::new();
    };
    let mut matches = Vec::new();
    for key in section.entries() {
        let Some(value) = fields.expanded(&key) else {
            if key.as_text().is_none() {
                fields.error(&key.span(), format!("`{}` is no text; expected a text", key.name));
            }
            continue;
        };
        match Match::parse(key.name, &value.value) {
            Ok(condition) => matches.push(condition),
            Err(error) => fields.error(&key.span(), error.to_string()),
        }
    }
    if section.entries().is_empty() {
        fields.error(&section.span(), "`match` is empty: this route would take every alert");
    }
    section.finish();
    matches
}
