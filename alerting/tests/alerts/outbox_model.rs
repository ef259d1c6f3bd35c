//! Any order of events, answers, crashes and time, against what a receiver must see: each event at least once, those of
//! one alert in order, each time the same bytes, and none again once its delivery is in the log.

use std::collections::{BTreeMap, BTreeSet};

use citywarden_alerting::outbox::{ChannelLimits, Due};
use citywarden_alerting::receiver::Outcome;
use citywarden_model::{Severity, Span};
use proptest::prelude::*;

use crate::county::at;
use crate::outbox::{Post, retry};

#[derive(Debug, Clone, Copy)]
enum Step {
    Tell(usize),
    /// How many of the attempts under way end, and whether the receiver took it.
    Answer(usize, bool),
    /// The receiver took it, and the crash came before that was written.
    Crash(bool),
    Wait(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => (0..3_usize).prop_map(Step::Tell),
        4 => (1..4_usize, any::<bool>()).prop_map(|(count, taken)| Step::Answer(count, taken)),
        1 => any::<bool>().prop_map(Step::Crash),
        3 => (0..400_i64).prop_map(Step::Wait),
    ];
    prop::collection::vec(step, 1..80)
}

/// What the receiver has seen.
#[derive(Default)]
struct Seen {
    bytes: BTreeMap<String, Vec<u8>>,
    order: BTreeMap<String, Vec<u32>>,
    settled: BTreeSet<String>,
}

impl Seen {
    fn take(&mut self, due: &Due) {
        let id = due.notification.id.clone();
        assert!(!self.settled.contains(&id), "{id} again after it was settled");
        let first = self.bytes.entry(id.clone()).or_insert_with(|| due.notification.body.clone());
        assert_eq!(*first, due.notification.body, "other bytes of {id}");
        let order = self.order.entry(due.key.alert.to_string()).or_default();
        if order.last() != Some(&due.key.sequence) {
            assert_eq!(due.key.sequence, order.last().map_or(1, |last| last + 1), "{id} out of order");
            order.push(due.key.sequence);
        }
    }
}

proptest! {
    #[test]
    fn a_receiver_sees_each_event_at_least_once_and_in_order(steps in steps()) {
        let mut post = Post::new(&[("a", ChannelLimits { in_flight_max: 2, per_minute: None })]);
        let (mut now, mut seen, mut told) = (at("00:00"), Seen::default(), [0_u32; 3]);
        let mut under_way: Vec<Due> = Vec::new();
        for step in steps {
            match step {
                Step::Tell(asset) => {
                    told[asset] += 1;
                    post.tell(&format!("site-{asset}"), Severity::Minor, told[asset], &["a"], now);
                }
                Step::Answer(count, taken) => {
                    for due in under_way.drain(..count.min(under_way.len())) {
                        let outcome = if taken { Outcome::Delivered } else { retry() };
                        post.conclude(&due, outcome, now);
                        if taken {
                            seen.settled.insert(due.notification.id);
                        }
                    }
                }
                Step::Crash(in_time) => {
                    if in_time {
                        for due in &under_way {
                            post.conclude(due, Outcome::Delivered, now);
                            seen.settled.insert(due.notification.id.clone());
                        }
                    }
                    under_way.clear();
                    post.restart();
                }
                Step::Wait(seconds) => now = now + Span::from_secs(seconds),
            }
            for due in post.outbox.start(now) {
                seen.take(&due);
                under_way.push(due);
            }
            prop_assert!(under_way.len() <= 2);
        }
        finish(&mut post, &mut seen, under_way, now + Span::from_mins(6));
        prop_assert_eq!(seen.settled.len(), told.iter().sum::<u32>() as usize);
    }
}

/// The receiver is back, and takes everything.
fn finish(post: &mut Post, seen: &mut Seen, mut under_way: Vec<Due>, now: citywarden_model::Timestamp) {
    loop {
        for due in under_way.drain(..) {
            post.conclude(&due, Outcome::Delivered, now);
            seen.settled.insert(due.notification.id);
        }
        under_way = post.outbox.start(now);
        if under_way.is_empty() {
            return;
        }
        for due in &under_way {
            seen.take(due);
        }
    }
}
