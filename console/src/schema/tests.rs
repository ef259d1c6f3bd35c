//! Each description against what the type it stands for is written as.

use std::collections::BTreeSet;

use citywarden_alerting::EvidenceMessage;
use citywarden_model::{Alert, AlertKind, AlertState, Asset, Condition, Crs, DeadLetterReason, Severity};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use utoipa::PartialSchema;

use super::*;

fn members(object: &Value) -> BTreeSet<String> {
    object.as_object().unwrap().keys().cloned().collect()
}

/// What is written of the real type has just the members that the description has; the rest of them may be absent.
fn check_object<S: PartialSchema, T: Serialize + DeserializeOwned>(full: &Value, absent: &[&str]) {
    let real: T = serde_json::from_value(full.clone()).unwrap();
    let mut written = members(&serde_json::to_value(real).unwrap());
    written.extend(absent.iter().map(|name| (*name).to_owned()));
    let schema = serde_json::to_value(S::schema()).unwrap();
    assert_eq!(members(&schema["properties"]), written);
    let optional: BTreeSet<_> = members(&schema["properties"])
        .into_iter()
        .filter(|name| !schema["required"].as_array().unwrap().contains(&json!(name)))
        .collect();
    for name in &optional {
        let mut without = full.clone();
        if without.as_object_mut().unwrap().remove(name).is_some() && !absent.is_empty() {
            continue;
        }
        let said = serde_json::from_value::<T>(without).map(|_| ());
        assert!(said.is_ok(), "{name} is not required, and {said:?}");
    }
}

fn check_words<S: PartialSchema, T: Serialize>(all: &[T]) {
    let schema = serde_json::to_value(S::schema()).unwrap();
    assert_eq!(schema["enum"], serde_json::to_value(all).unwrap());
}

#[test]
fn every_member_is_described() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let alert = json!({
        "id": "K5ZQ3V7N2M4TB6XWQH3YRAJD5E", "kind": "violation", "rule": "r", "rule_digest": digest, "ruleset_digest": digest,
        "title": {"zh": "", "en": ""}, "clause": {"item": 1, "reference": "", "text": ""}, "severity": "minor",
        "lead": true, "lead_reasons": ["clock"], "trial": true, "reconstructed": true, "time_source": "received",
        "asset": {"id": "a", "kind": "k", "name": "n"}, "region": "330624", "grid": null, "position": {"lat": 1.0, "lon": 2.0},
        "responsible": [], "state": "open", "condition": "active", "began_at": "2026-11-24T00:00:00Z",
        "opened_at": "2026-11-24T00:00:00Z", "cleared_at": null, "values": {}, "limits": {}, "unit": "", "summary": "", "summary_en": "s",
        "evidence": {"journal": {"first": 1, "last": 2}, "digest": digest},
    });
    check_object::<AlertSchema, Alert>(&alert, &[]);
    check_object::<TitlesSchema, citywarden_model::Titles>(&alert["title"], &[]);
    check_object::<ClauseSchema, citywarden_model::Clause>(&alert["clause"], &[]);
    check_object::<AssetSummarySchema, citywarden_model::AssetSummary>(&alert["asset"], &[]);
    check_object::<PointSchema, citywarden_model::Point>(&alert["position"], &[]);
    check_object::<EvidenceRangeSchema, citywarden_model::Evidence>(&alert["evidence"], &[]);
    check_object::<JournalRangeSchema, citywarden_model::JournalRange>(&alert["evidence"]["journal"], &[]);
    let asset = json!({
        "id": "a", "kind": "k", "name": "n", "region": "330624", "grid": null, "position": null, "attributes": {},
    });
    check_object::<AssetSchema, Asset>(&asset, &[]);
    let message = json!({"offset": 1, "received_at": "2026-11-24T00:00:00Z", "topic": "t", "payload": "p"});
    check_object::<EvidenceMessageSchema, EvidenceMessage>(&message, &["payload_base64"]);
}

#[test]
fn every_word_is_described() {
    check_words::<AlertKindSchema, _>(&[AlertKind::Violation, AlertKind::EarlyWarning, AlertKind::Device]);
    check_words::<SeveritySchema, _>(Severity::ALL);
    check_words::<AlertStateSchema, _>(&[
        AlertState::Open,
        AlertState::Acknowledged,
        AlertState::Assigned,
        AlertState::Arrived,
        AlertState::Resolved,
        AlertState::Closed,
        AlertState::Withdrawn,
    ]);
    check_words::<ConditionSchema, _>(&[Condition::Active, Condition::Cleared]);
    check_words::<CrsSchema, _>(&[Crs::Wgs84, Crs::Gcj02]);
    check_words::<DeadLetterReasonSchema, _>(DeadLetterReason::ALL);
}
