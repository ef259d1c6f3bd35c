//! A small county to raise alerts in.

use citywarden_model::{
    Alert, AlertId, AlertKind, AlertState, AssetId, AssetSummary, Change, Clause, Condition, Digest,
    Evidence, JournalRange, Moment, Offset, RegionId, RuleId, Severity, Span, TimeSource, Timestamp, Titles,
    Transition,
};

/// The rule's `reopen_window` everywhere here.
pub(crate) const REOPEN_WINDOW: Span = Span::from_mins(30);

/// `08:00` or `08:00:30` of the day on which everything here happens.
pub(crate) fn at(clock: &str) -> Timestamp {
    let seconds = if clock.len() == 5 { ":00" } else { "" };
    Timestamp::parse(&format!("2026-11-24T{clock}{seconds}Z")).unwrap()
}

/// An alert as the evaluator raises it.
pub(crate) fn alert(asset: &str, kind: AlertKind, began_at: Timestamp) -> Alert {
    let (region, rule, asset) = (RegionId::from("330624"), RuleId::from("site-dust"), AssetId::from(asset));
    Alert {
        id: AlertId::derive(&region, &rule, &asset, kind, began_at),
        kind,
        rule,
        rule_digest: Digest::of(b"rule"),
        ruleset_digest: Digest::of(b"rules"),
        title: Titles { zh: "扬尘".to_owned(), en: "Dust".to_owned() },
        clause: Some(Clause { item: 18, reference: "四（十八）".to_owned(), text: "…".to_owned() }),
        severity: Severity::Serious,
        lead: false,
        lead_reasons: Vec::new(),
        trial: false,
        reconstructed: false,
        time_source: TimeSource::Observed,
        asset: AssetSummary {
            id: asset, kind: "construction_site".to_owned(), name: "一号工地".to_owned()
        },
        region,
        grid: Some("330624-01".into()),
        position: None,
        responsible: vec!["建设局".to_owned()],
        state: AlertState::Open,
        condition: Condition::Active,
        began_at,
        opened_at: began_at,
        cleared_at: None,
        values: [("pm10".to_owned(), serde_json::json!(180.0))].into(),
        limits: [("limit".to_owned(), serde_json::json!(150.0))].into(),
        unit: "µg/m³".to_owned(),
        summary: "PM10 180 µg/m³".to_owned(),
        summary_en: String::new(),
        evidence: Evidence {
            journal: JournalRange { first: Offset(1), last: Offset(2) },
            digest: Digest::default(),
        },
    }
}

/// The transition that raises this alert.
pub(crate) fn raised(offset: u64, alert: Alert, reopen_window: Span) -> Transition {
    Transition {
        cause: Moment { offset: Offset(offset), at: alert.opened_at },
        index: 0,
        rule: alert.rule.clone(),
        asset: alert.asset.id.clone(),
        kind: alert.kind,
        change: Change::Raised { alert: Box::new(alert), reopen_window, evidence: Vec::new() },
    }
}

/// A transition of this alert's subject.
pub(crate) fn transition(offset: u64, at: Timestamp, alert: &Alert, change: Change) -> Transition {
    Transition {
        cause: Moment { offset: Offset(offset), at },
        index: 0,
        rule: alert.rule.clone(),
        asset: alert.asset.id.clone(),
        kind: alert.kind,
        change,
    }
}
