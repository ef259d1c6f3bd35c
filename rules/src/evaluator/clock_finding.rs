//! The finding that a device's clock is wrong.

use citywarden_model::{
    Alert, AlertId, AlertKind, AlertState, Asset, AssetSummary, Condition, Device, Digest, Evidence,
    JournalRange, LeadReason, Moment, RuleId, Severity, TimeSource, Titles,
};
use serde_json::Value;

use super::options::EvaluatorOptions;

/// The rule that such findings are raised by: no file, and no clause.
pub(crate) fn rule_id() -> RuleId {
    RuleId::from("device-clock")
}

/// The finding on the first device of an asset whose clock is found wrong; ahead is positive.
pub(crate) fn draft(
    asset: &Asset,
    device: &Device,
    wrong_by_s: f64,
    cause: Moment,
    ruleset: Digest,
    options: &EvaluatorOptions,
) -> Alert {
    let (limit_name, limit) = if wrong_by_s > 0.0 {
        ("ahead_max_s", options.future_skew.seconds())
    } else {
        ("behind_max_s", options.late_after.seconds())
    };
    let (zh, en) = if wrong_by_s > 0.0 { ("快", "ahead") } else { ("慢", "behind") };
    let seconds = wrong_by_s.abs();
    Alert {
        id: AlertId::derive(&options.region, &rule_id(), &asset.id, AlertKind::Device, cause.at),
        kind: AlertKind::Device,
        rule: rule_id(),
        rule_digest: Digest::default(),
        ruleset_digest: ruleset,
        title: Titles { zh: "设备时钟错误".to_owned(), en: "Device clock is wrong".to_owned() },
        clause: None,
        severity: Severity::Notice,
        lead: true,
        lead_reasons: vec![LeadReason::Clock],
        trial: false,
        reconstructed: false,
        time_source: TimeSource::Received,
        asset: AssetSummary { id: asset.id.clone(), kind: asset.kind.clone(), name: asset.name.clone() },
        region: options.region.clone(),
        grid: asset.grid.clone(),
        position: asset.position,
        responsible: Vec::new(),
        state: AlertState::Open,
        condition: Condition::Active,
        began_at: cause.at,
        opened_at: cause.at,
        cleared_at: None,
        values: [
            ("device".to_owned(), Value::from(device.id.as_str())),
            ("ahead_s".to_owned(), Value::from(wrong_by_s)),
        ]
        .into(),
        limits: [(limit_name.to_owned(), Value::from(limit))].into(),
        unit: "s".to_owned(),
        summary: format!("设备 {} 的时钟{zh} {seconds} 秒，按到达时间判定", device.id),
        summary_en: format!(
            "the clock of device {} is {seconds} s {en}; judged by the time of arrival",
            device.id
        ),
        evidence: Evidence {
            journal: JournalRange { first: cause.offset, last: cause.offset },
            digest: Digest::default(),
        },
    }
}
