//! The bytes that others rely on: the log's JSON, and CloudEvents.

use citywarden_alerting::cloud_event::Notification;
use citywarden_alerting::event::{Actor, Cause, Event, Headline, Raise, Record, Update, What};
use citywarden_alerting::evidence::{EvidenceCopy, EvidenceMessage};
use citywarden_model::{AlertKind, Moment, Offset};
use serde_json::{Value, json};

use crate::county::{REOPEN_WINDOW, alert, at};

fn opened() -> Event {
    let raised = alert("site-1", AlertKind::Violation, at("08:00"));
    let message = EvidenceMessage {
        offset: Offset(7),
        received_at: at("08:00"),
        topic: "citywarden/330624/dust-1/json".to_owned(),
        payload: b"{}".to_vec(),
    };
    let evidence = EvidenceCopy { messages: vec![message], left_out: 0 };
    Event {
        alert: raised.id.clone(),
        sequence: 1,
        at: at("08:00"),
        who: Actor::Rules,
        why: None,
        cause: Some(Cause { moment: Moment { offset: Offset(7), at: at("08:00") }, index: 0, more: false }),
        tell: Vec::new(),
        what: What::Opened(Box::new(Raise { raised, reopen_window: REOPEN_WINDOW, evidence })),
    }
}

#[test]
fn an_event_in_the_log_is_flat_and_reads_back_the_same() {
    let record = Record::Event(opened());
    let json = serde_json::to_value(&record).unwrap();
    assert_eq!(json["record"], "event");
    assert_eq!(json["event"], "opened");
    assert_eq!(json["who"], "rules");
    assert_eq!(json["cause"], json!({"offset": 7, "at": "2026-11-24T08:00:00Z", "index": 0}));
    assert_eq!(json["evidence"]["messages"][0]["payload"], "{}");
    assert_eq!(json["raised"]["asset"]["id"], "site-1");
    assert_eq!(serde_json::from_value::<Record>(json).unwrap(), record);
}

#[test]
fn a_notification_is_a_cloud_event_of_the_alert_as_it_then_was() {
    let event = opened();
    let alert = alert("site-1", AlertKind::Violation, at("08:00"));
    let notification = Notification::of(&Headline::of(&event), &alert);
    let body: Value = serde_json::from_slice(&notification.body).unwrap();
    assert_eq!(notification.id, format!("{}.1", alert.id));
    assert_eq!(body["specversion"], "1.0");
    assert_eq!(body["type"], "citywarden.alert.opened");
    assert_eq!(body["source"], "/regions/330624");
    assert_eq!(body["id"], notification.id.as_str());
    assert_eq!(body["subject"], alert.id.as_str());
    assert_eq!(body["time"], "2026-11-24T08:00:00Z");
    assert_eq!(body["sequence"], "1");
    assert_eq!(body["data"], serde_json::to_value(&alert).unwrap());
}

#[test]
fn every_attribute_has_a_name_and_a_value_that_cloud_events_allows() {
    let mut event = opened();
    event.who = Actor::Person("li\u{7f}".to_owned());
    event.why = Some("two\nlines".to_owned());
    event.what = What::Updated(Update::GrewInto { violation: "OTHER".into() });
    let alert = alert("site-1", AlertKind::EarlyWarning, at("08:00"));
    let body: Value = serde_json::from_slice(&Notification::of(&Headline::of(&event), &alert).body).unwrap();
    for (name, value) in body.as_object().unwrap() {
        assert!(name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit()), "{name}");
        if name != "data" {
            assert!(!value.as_str().unwrap().contains(char::is_control), "{name}");
        }
    }
    assert_eq!(body["relatedalert"], "OTHER");
    assert_eq!(body["reason"], "two lines");
}
