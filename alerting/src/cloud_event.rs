//! An event as receivers get it: CloudEvents 1.0, structured JSON.
//!
//! `data` is the alert object as it was after the event. What the object does not say is in extension attributes:
//! `sequence` (of the alert, as a string: the extension of that name in the CloudEvents repository), `actor`, `reason`
//! (why), and `relatedalert` (the violation an early warning grew into). The bytes are a pure function of the alert log,
//! so each attempt sends the same.

use citywarden_model::{Alert, AlertId, RegionId, Timestamp};
use serde::Serialize;

use crate::event::Headline;

/// The media type of structured JSON.
pub const CONTENT_TYPE: &str = "application/cloudevents+json";
/// The type of what `receivers test` sends.
pub const TEST_TYPE: &str = "citywarden.test";

#[derive(Serialize)]
struct CloudEvent<'a, D> {
    specversion: &'static str,
    id: String,
    source: String,
    r#type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    time: Timestamp,
    datacontenttype: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    relatedalert: Option<&'a str>,
    data: D,
}

/// What a receiver is handed: the same bytes at each attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notification {
    /// The idempotency key.
    pub id: String,
    /// The alert's id; `None` for a test.
    pub alert: Option<AlertId>,
    /// The region.
    pub region: RegionId,
    /// The event in structured JSON.
    pub body: Vec<u8>,
}

#[derive(Serialize)]
struct TestData {
    message: &'static str,
}

impl Notification {
    /// The notification of an event with this headline, of the alert as it was after it.
    pub fn of(headline: &Headline, alert: &Alert) -> Self {
        let id = headline.key.to_string();
        let cloud_event = CloudEvent {
            specversion: "1.0",
            id: id.clone(),
            source: source(&alert.region),
            r#type: format!("citywarden.alert.{}", headline.word),
            subject: Some(alert.id.as_str()),
            time: headline.at,
            datacontenttype: "application/json",
            sequence: Some(headline.key.sequence.to_string()),
            actor: Some(attribute(&headline.who.to_string())),
            reason: headline.why.as_deref().map(attribute),
            relatedalert: headline.related.as_ref().map(AlertId::as_str),
            data: alert,
        };
        Self { id, alert: Some(alert.id.clone()), region: alert.region.clone(), body: encode(&cloud_event) }
    }
    /// What `receivers test` sends: no alert, and said so.
    pub fn test(region: &RegionId, now: Timestamp) -> Self {
        let id = format!("test.{}", now.nanos());
        let cloud_event = CloudEvent {
            specversion: "1.0",
            id: id.clone(),
            source: source(region),
            r#type: TEST_TYPE.to_owned(),
            subject: None,
            time: now,
            datacontenttype: "application/json",
            sequence: None,
            actor: None,
            reason: None,
            relatedalert: None,
            data: TestData { message: "测试消息，无需处理。A test: nothing to do." },
        };
        Self { id, alert: None, region: region.clone(), body: encode(&cloud_event) }
    }
}

/// A text as an attribute may hold it: CloudEvents knows no control characters there.
fn attribute(text: &str) -> String {
    text.replace(char::is_control, " ")
}

fn source(region: &RegionId) -> String {
    format!("/regions/{region}")
}

fn encode<D: Serialize>(event: &CloudEvent<'_, D>) -> Vec<u8> {
    serde_json::to_vec(event).expect("an alert has only text keys and finite numbers")
}
