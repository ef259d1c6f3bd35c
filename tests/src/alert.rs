//! The alert as others read it: every member of the contract, held to its form.

use std::path::Path;

use citywarden_model::{Digest, Timestamp};
use serde_json::Value;

use crate::county::REGION;
use crate::receiver::Delivery;

/// The members of an alert, in their order.
const MEMBERS: &[&str] = &[
    "id",
    "kind",
    "rule",
    "rule_digest",
    "ruleset_digest",
    "title",
    "clause",
    "severity",
    "lead",
    "asset",
    "region",
    "grid",
    "position",
    "responsible",
    "state",
    "condition",
    "began_at",
    "opened_at",
    "cleared_at",
    "values",
    "limits",
    "unit",
    "summary",
    "summary_en",
    "evidence",
];

/// What one alert has to say.
#[derive(Debug, Clone, Copy)]
pub struct Expected {
    /// `violation`, `early_warning`, `device`
    pub kind: &'static str,
    /// The clause's number.
    pub item: u64,
    /// Words of the clause.
    pub clause: &'static str,
    /// Its severity.
    pub severity: &'static str,
    /// Whether it is a lead only.
    pub lead: bool,
    /// A unit that answers for the clause.
    pub responsible: &'static str,
    /// What was measured: a name and a number, to a thousandth.
    pub value: (&'static str, f64),
    /// What it was measured against.
    pub limit: (&'static str, f64),
    /// The unit of the first limit.
    pub unit: &'static str,
}

/// Holds a delivered `opened` event to the contract: the envelope, the form of each member, and what is expected.
pub fn check_opened(delivery: &Delivery, expected: &Expected, rule_file: &Path) {
    check_envelope(delivery);
    let alert = delivery.alert();
    check_form(alert);
    check_content(alert, expected);
    let text = std::fs::read(rule_file).expect("the rule's file can be read");
    assert_eq!(alert["rule_digest"], Digest::of(&text).to_string(), "the digest of the rule's text: {alert}");
}

/// CloudEvents 1.0, structured, with the idempotency key as its id.
fn check_envelope(delivery: &Delivery) {
    let event = &delivery.event;
    assert!(delivery.content_type.starts_with("application/cloudevents+json"), "{}", delivery.content_type);
    assert_eq!(event["specversion"], "1.0", "{event}");
    assert_eq!(event["source"], format!("/regions/{REGION}"), "{event}");
    assert_eq!(event["id"], *delivery.id, "the envelope's id is the webhook-id: {event}");
    assert_eq!(event["subject"], event["data"]["id"], "{event}");
    assert_eq!(event["datacontenttype"], "application/json", "{event}");
    check_time(event, "time");
    let id = event["data"]["id"].as_str().expect("a text");
    let sequence = delivery.id.strip_prefix(id).and_then(|rest| rest.strip_prefix('.'));
    assert!(
        sequence.is_some_and(|number| number.parse::<u64>().is_ok()),
        "{} is not {id}.<number>",
        delivery.id
    );
}

/// The members, their order, and the form of each.
fn check_form(alert: &Value) {
    let members: Vec<_> = alert.as_object().expect("an object").keys().map(String::as_str).collect();
    let (reasons, members): (Vec<_>, Vec<_>) = members.into_iter().partition(|name| *name == "lead_reasons");
    assert_eq!(members, MEMBERS, "the members of the contract, in its order");
    assert_eq!(alert["lead"] == true, !reasons.is_empty(), "a lead says why, and nothing else does: {alert}");
    let id = alert["id"].as_str().expect("a text");
    let is_base32 = |c: char| c.is_ascii_uppercase() || ('2'..='7').contains(&c);
    assert!(id.len() == 26 && id.chars().all(is_base32), "{id} is not 26 characters of base32");
    for name in ["rule_digest", "ruleset_digest"] {
        check_digest(&alert[name]);
    }
    check_digest(&alert["evidence"]["digest"]);
    for name in ["began_at", "opened_at"] {
        check_time(alert, name);
    }
    for (outer, inner) in [("title", "zh"), ("title", "en"), ("clause", "reference"), ("asset", "name")] {
        assert!(
            alert[outer][inner].as_str().is_some_and(|text| !text.is_empty()),
            "{outer}.{inner}: {alert}"
        );
    }
    assert!(alert["summary"].as_str().is_some_and(|text| !text.contains(['{', '}'])), "{alert}");
    let offset = |end: &str| alert["evidence"]["journal"][end].as_u64().expect("an offset");
    assert!(offset("first") <= offset("last"), "{alert}");
    assert_eq!(alert["region"], REGION);
    assert_eq!(alert["cleared_at"], Value::Null, "it was only opened: {alert}");
}

fn check_content(alert: &Value, expected: &Expected) {
    let texts = [
        ("kind", expected.kind),
        ("severity", expected.severity),
        ("state", "open"),
        ("condition", "active"),
        ("unit", expected.unit),
    ];
    for (name, text) in texts {
        assert_eq!(alert[name], text, "{name}: {alert}");
    }
    assert_eq!(alert["lead"], expected.lead, "{alert}");
    assert_eq!(alert["clause"]["item"], expected.item, "{alert}");
    assert!(alert["clause"]["text"].as_str().is_some_and(|text| text.contains(expected.clause)), "{alert}");
    let responsible = alert["responsible"].as_array().expect("an array");
    assert!(responsible.iter().any(|unit| unit == expected.responsible), "{alert}");
    for (table, (name, wanted)) in [("values", expected.value), ("limits", expected.limit)] {
        let number = alert[table][name].as_f64();
        assert!(
            number.is_some_and(|number| (number - wanted).abs() < 1e-3),
            "{table}.{name} is {number:?}: {alert}"
        );
    }
}

fn check_digest(value: &Value) {
    let hex = value.as_str().and_then(|text| text.strip_prefix("sha256:")).unwrap_or_default();
    assert!(hex.len() == 64 && hex.chars().all(|c| c.is_ascii_hexdigit()), "{value} is no digest");
}

fn check_time(holder: &Value, name: &str) {
    let text = holder[name].as_str().unwrap_or_default();
    assert!(Timestamp::parse(text).is_ok(), "{name} is no RFC 3339 time: {holder}");
}
