//! A plain page with the alerts that are not closed: one file, nothing from elsewhere, no script.

use std::sync::LazyLock;

use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use citywarden_alerting::AlertFilter;
use citywarden_model::{Alert, AlertState, Digest, Severity};
use serde::Deserialize;

use crate::Console;

const SHOWN_MAX: usize = 200;
/// How many alerts are looked through for those that are not closed.
const SCANNED_MAX: usize = 5_000;

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;margin:1.5rem;color:#1d2733}\
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid #d8dee6}\
.urgent{color:#a4000f;font-weight:700}.serious{color:#b34700}nav{float:right}";

static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let style = STANDARD.encode(Digest::of(STYLE.as_bytes()).as_bytes());
    let policy =
        format!("default-src 'none'; style-src 'sha256-{style}'; frame-ancestors 'none'; base-uri 'none'");
    HeaderValue::from_str(&policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

#[derive(Deserialize)]
pub(crate) struct Wish {
    lang: Option<String>,
}

/// The words of one language.
struct Words {
    lang: &'static str,
    other: [&'static str; 2],
    title: &'static str,
    none: &'static str,
    columns: [&'static str; 6],
    severities: [&'static str; 4],
    active: &'static str,
    cleared: &'static str,
    states: [&'static str; 7],
    lead: &'static str,
}

const ZH: Words = Words {
    lang: "zh",
    other: ["en", "English"],
    title: "未结告警",
    none: "没有未结告警。",
    columns: ["等级", "告警", "对象", "发生时间", "状态", "说明"],
    severities: ["提示", "一般", "较重", "紧急"],
    active: "持续中",
    cleared: "已恢复",
    states: ["待处理", "已确认", "已派单", "已到场", "已处置", "已结案", "已撤销"],
    lead: "线索",
};
const EN: Words = Words {
    lang: "en",
    other: ["zh", "中文"],
    title: "Open alerts",
    none: "No open alerts.",
    columns: ["Severity", "Alert", "Asset", "Began", "State", "Summary"],
    severities: ["notice", "minor", "serious", "urgent"],
    active: "active",
    cleared: "cleared",
    states: ["open", "acknowledged", "assigned", "arrived", "resolved", "closed", "withdrawn"],
    lead: "lead",
};

pub(crate) async fn page(
    State(console): State<Console>,
    Query(wish): Query<Wish>,
    headers: HeaderMap,
) -> Response {
    let words = if wants_english(wish.lang.as_deref(), &headers) { &EN } else { &ZH };
    let all = console.alerting.view().list(&AlertFilter::default(), None, SCANNED_MAX);
    let open = all.alerts.iter().filter(|alert| alert.state < AlertState::Closed && !alert.trial);
    let html = render(words, open.take(SHOWN_MAX).map(|alert| &**alert));
    ([(header::CONTENT_SECURITY_POLICY, POLICY.clone())], Html(html)).into_response()
}

fn wants_english(wish: Option<&str>, headers: &HeaderMap) -> bool {
    let accepted =
        || headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    wish.map_or_else(|| accepted().starts_with("en"), |lang| lang == "en")
}

fn render<'a>(words: &Words, alerts: impl Iterator<Item = &'a Alert>) -> String {
    let rows: String = alerts.map(|alert| row(words, alert)).collect();
    let table = if rows.is_empty() {
        format!("<p>{}</p>", words.none)
    } else {
        let head = words.columns.map(|column| format!("<th>{column}</th>")).concat();
        format!("<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>")
    };
    let [lang, name] = words.other;
    format!(
        "<!doctype html><html lang=\"{}\"><meta charset=\"utf-8\"><meta http-equiv=\"refresh\" content=\"10\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>CityWarden</title><style>{STYLE}</style>\
         <nav><a href=\"/?lang={lang}\">{name}</a></nav><h1>{}</h1>{table}</html>\n",
        words.lang, words.title
    )
}

fn row(words: &Words, alert: &Alert) -> String {
    let [notice, minor, serious, urgent] = words.severities;
    let severity = match alert.severity {
        Severity::Notice => notice,
        Severity::Minor => minor,
        Severity::Serious => serious,
        Severity::Urgent => urgent,
    };
    let title = if words.lang == "zh" { &alert.title.zh } else { &alert.title.en };
    let lead = if alert.lead { format!(" ({})", words.lead) } else { String::new() };
    let cells = [
        format!("<td class=\"{}\">{severity}{lead}</td>", alert.severity.as_str()),
        format!("<td><a href=\"/api/v1/alerts/{}\">{}</a></td>", escape(alert.id.as_str()), escape(title)),
        format!("<td>{}</td>", escape(&alert.asset.name)),
        format!("<td>{}</td>", alert.began_at),
        format!("<td>{}</td>", state(words, alert)),
        format!("<td>{}</td>", escape(&alert.summary)),
    ];
    format!("<tr>{}</tr>", cells.concat())
}

fn state(words: &Words, alert: &Alert) -> String {
    let [open, acknowledged, assigned, arrived, resolved, closed, withdrawn] = words.states;
    let state = match alert.state {
        AlertState::Open => open,
        AlertState::Acknowledged => acknowledged,
        AlertState::Assigned => assigned,
        AlertState::Arrived => arrived,
        AlertState::Resolved => resolved,
        AlertState::Closed => closed,
        AlertState::Withdrawn => withdrawn,
    };
    let condition = match alert.condition {
        citywarden_model::Condition::Active => words.active,
        citywarden_model::Condition::Cleared => words.cleared,
    };
    format!("{state} · {condition}")
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            _ if letter.is_control() => escaped.push(' '),
            _ => escaped.push(letter),
        }
    }
    escaped
}
