//! When deliveries are tried, on a clock that is moved by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use citywarden_alerting::event::{Actor, Event, Raise, Recipient, What};
use citywarden_alerting::evidence::EvidenceCopy;
use citywarden_alerting::outbox::{ChannelLimits, Due, Outbox, OutboxLimits};
use citywarden_alerting::receiver::Outcome;
use citywarden_model::{Alert, AlertKind, Severity, Span, Timestamp};

use crate::county::{REOPEN_WINDOW, alert, at};

const DAY: Span = Span::from_mins(24 * 60);

/// An outbox, and the log that it is the fold of.
pub(crate) struct Post {
    pub(crate) outbox: Outbox,
    log: Vec<(Event, Arc<Alert>)>,
    receivers: BTreeMap<citywarden_alerting::ReceiverName, ChannelLimits>,
}

impl Post {
    pub(crate) fn new(receivers: &[(&str, ChannelLimits)]) -> Self {
        let receivers: BTreeMap<_, _> =
            receivers.iter().map(|(name, limits)| ((*name).into(), *limits)).collect();
        Self { outbox: Outbox::new(receivers.clone(), OutboxLimits::default()), log: Vec::new(), receivers }
    }
    /// As after a restart: nothing is known but the log.
    pub(crate) fn restart(&mut self) {
        self.outbox = Outbox::new(self.receivers.clone(), OutboxLimits::default());
        for (event, alert) in &self.log {
            self.outbox.apply(event, alert);
        }
    }
    fn write(&mut self, event: Event, alert: Arc<Alert>) {
        self.outbox.apply(&event, &alert);
        self.log.push((event, alert));
    }
    pub(crate) fn tell(
        &mut self,
        asset: &str,
        severity: Severity,
        sequence: u32,
        receivers: &[&str],
        now: Timestamp,
    ) {
        let alert = Alert { severity, ..alert(asset, AlertKind::Violation, at("07:00")) };
        let tell = receivers
            .iter()
            .map(|name| Recipient { receiver: (*name).into(), since: now, due: now })
            .collect();
        let raise =
            Raise { raised: alert.clone(), reopen_window: REOPEN_WINDOW, evidence: EvidenceCopy::default() };
        let what = if sequence == 1 { What::Opened(Box::new(raise)) } else { What::Cleared };
        let event = Event {
            alert: alert.id.clone(),
            sequence,
            at: now,
            who: Actor::Rules,
            why: None,
            cause: None,
            tell,
            what,
        };
        self.write(event, Arc::new(alert));
    }
    pub(crate) fn conclude(&mut self, due: &Due, outcome: Outcome, now: Timestamp) -> Option<&'static str> {
        let event = self.outbox.conclude(&due.receiver, &due.key, outcome, now)?;
        let word = event.what.word();
        self.write(event, Arc::new(alert("site-1", AlertKind::Violation, at("07:00"))));
        Some(word)
    }
}

pub(crate) fn retry() -> Outcome {
    Outcome::Retry { why: "away".to_owned(), after: None }
}

#[test]
fn one_alert_is_told_in_order_and_others_do_not_wait_for_it() {
    let now = at("08:00");
    let mut post = Post::new(&[("a", ChannelLimits::default())]);
    post.tell("site-1", Severity::Minor, 1, &["a"], now);
    post.tell("site-1", Severity::Minor, 2, &["a"], now);
    post.tell("site-2", Severity::Minor, 1, &["a"], now);
    let started = post.outbox.start(now);
    assert_eq!(started.iter().map(|due| due.key.sequence).collect::<Vec<_>>(), [1, 1]);
    let first = started.iter().find(|due| due.key.alert == post.log[0].0.alert).unwrap().clone();
    post.conclude(&first, retry(), now);
    assert_eq!(post.outbox.start(now), []);
    let later = now + Span::from_secs(2);
    let again = post.outbox.start(later);
    assert_eq!(again, std::slice::from_ref(&first), "the same key and the same bytes");
    assert_eq!(post.conclude(&first, Outcome::Delivered, later), Some("notified"));
    assert_eq!(post.outbox.start(later)[0].key.sequence, 2);
}

#[test]
fn a_receiver_that_is_away_for_hours_gets_everything_when_it_is_back() {
    let mut post = Post::new(&[("a", ChannelLimits::default())]);
    let mut now = at("00:00");
    for asset in ["site-1", "site-2", "site-3"] {
        post.tell(asset, Severity::Minor, 1, &["a"], now);
        post.tell(asset, Severity::Minor, 2, &["a"], now);
    }
    let (mut attempts, mut words) = (0, Vec::new());
    while now < at("20:00") {
        for due in post.outbox.start(now) {
            attempts += 1;
            words.extend(post.conclude(&due, retry(), now));
        }
        now = now + Span::from_secs(10);
    }
    assert_eq!(words, ["failed"; 3], "the first failure of each alert is in the log, and no other");
    assert!((600..1200).contains(&attempts), "about one attempt in 5 min and alert, not {attempts}");
    post.restart();
    let mut taken = Vec::new();
    for _ in 0..2 {
        for due in post.outbox.start(now) {
            post.conclude(&due, Outcome::Delivered, now);
            taken.push(due.key.to_string());
        }
    }
    assert_eq!(taken.len(), 6);
    assert!(taken[..3].iter().all(|key| key.ends_with(".1")), "{taken:?}");
    assert_eq!(post.outbox.backlog().map(|(_, events)| events).sum::<usize>(), 0);
}

#[test]
fn what_is_not_taken_for_a_day_is_a_dead_letter_and_stays_visible() {
    let mut post = Post::new(&[("a", ChannelLimits::default())]);
    let start = at("00:00");
    post.tell("site-1", Severity::Minor, 1, &["a"], start);
    let due = post.outbox.start(start).remove(0);
    post.conclude(&due, retry(), start);
    let nearly = start + DAY - Span::from_secs(1);
    let due = post.outbox.start(nearly).remove(0);
    assert_eq!(post.conclude(&due, retry(), nearly), None);
    let over = nearly + Span::from_secs(10);
    let due = post.outbox.start(over).remove(0);
    assert_eq!(post.conclude(&due, retry(), over), Some("failed"));
    assert_eq!(post.outbox.start(over + DAY), []);
    post.restart();
    let dead: Vec<_> = post.outbox.dead().map(|dead| (dead.key.to_string(), dead.why.clone())).collect();
    assert_eq!(dead, [(due.key.to_string(), "away".to_owned())]);
}

#[test]
fn a_refusal_is_final_and_the_next_event_follows() {
    let now = at("08:00");
    let mut post = Post::new(&[("a", ChannelLimits::default())]);
    post.tell("site-1", Severity::Minor, 1, &["a"], now);
    post.tell("site-1", Severity::Minor, 2, &["a"], now);
    let due = post.outbox.start(now).remove(0);
    assert_eq!(post.conclude(&due, Outcome::Refused { why: "gone".to_owned() }, now), Some("failed"));
    assert_eq!(post.outbox.start(now)[0].key.sequence, 2);
    assert_eq!(post.outbox.dead().count(), 1);
}

#[test]
fn a_dead_receiver_delays_nobody_else() {
    let now = at("08:00");
    let limits = ChannelLimits { in_flight_max: 2, per_minute: None };
    let mut post = Post::new(&[("alive", limits), ("dead", limits)]);
    for asset in 0..10 {
        post.tell(&format!("site-{asset}"), Severity::Minor, 1, &["alive", "dead"], now);
    }
    let mut delivered = 0;
    loop {
        let started = post.outbox.start(now);
        let alive: Vec<_> = started.into_iter().filter(|due| due.receiver.as_str() == "alive").collect();
        assert!(alive.len() <= 2, "at most so many at a time");
        if alive.is_empty() {
            break;
        }
        for due in alive {
            post.conclude(&due, Outcome::Delivered, now);
            delivered += 1;
        }
    }
    assert_eq!(delivered, 10);
}

#[test]
fn where_the_rate_is_short_the_more_severe_goes_first() {
    let now = at("08:00");
    let mut post = Post::new(&[("robot", ChannelLimits { in_flight_max: 10, per_minute: Some(2) })]);
    post.tell("site-1", Severity::Notice, 1, &["robot"], now);
    post.tell("site-2", Severity::Minor, 1, &["robot"], now);
    post.tell("site-3", Severity::Urgent, 1, &["robot"], now);
    post.tell("site-4", Severity::Serious, 1, &["robot"], now);
    let assets = |started: Vec<Due>| {
        let asset = |due: &Due| {
            let body: serde_json::Value = serde_json::from_slice(&due.notification.body).unwrap();
            body["data"]["asset"]["id"].as_str().unwrap().to_owned()
        };
        started.iter().map(asset).collect::<Vec<_>>()
    };
    assert_eq!(assets(post.outbox.start(now)), ["site-3", "site-4"]);
    assert_eq!(assets(post.outbox.start(now + Span::from_secs(59))), [""; 0]);
    assert_eq!(assets(post.outbox.start(now + Span::from_secs(60))), ["site-2", "site-1"]);
}

#[test]
fn what_was_for_a_receiver_that_is_gone_waits_for_it_and_is_then_given_up() {
    let now = at("08:00");
    let mut post = Post::new(&[]);
    post.tell("site-1", Severity::Minor, 1, &["gone"], now);
    assert_eq!(post.outbox.start(now), []);
    assert_eq!(post.outbox.expire(now + DAY - Span::from_secs(1)), []);
    let given_up = post.outbox.expire(now + DAY);
    assert_eq!(given_up[0].why.as_deref(), Some("there is no receiver `gone` any more"));
    for event in given_up {
        post.write(event, Arc::new(alert("site-1", AlertKind::Violation, at("07:00"))));
    }
    assert_eq!(post.outbox.expire(now + DAY), []);
}
