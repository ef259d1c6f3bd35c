//! Sessions: kept, lost, left; and what the journal has of them.

use crate::fake::{FakeBroker, TOPIC};
use crate::rig::{Kept, Rig, config};
use crate::support::{Committing, publish};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_that_is_there_is_not_subscribed_again_and_one_that_is_lost_is_counted() {
    let broker = FakeBroker::bind().await;
    let rig = Rig::start(config(broker.port()), &Committing::Always);
    for (session_present, lost) in [(false, 0), (true, 0), (false, 1), (true, 1)] {
        let mut peer = broker.greet(session_present).await;
        peer.publish(1, "{}").await;
        assert_eq!(peer.acknowledged(1).await, [1], "no SUBSCRIBE is in between");
        assert_eq!(rig.counters.sessions_lost.get(), lost);
    }
    rig.until("the last end is known", |rig| rig.counters.disconnected.get() == 4).await;
    let states: Vec<_> = rig.kept().into_iter().filter(|kept| kept.payload().is_none()).collect();
    let turns = [Kept::Up, Kept::Down].into_iter().cycle().take(states.len());
    assert!(states.len() >= 7, "{states:?}");
    assert_eq!(states, turns.collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_lost_while_we_were_down_is_counted_too() {
    let broker = FakeBroker::bind().await;
    let mut rig = Rig::start(config(broker.port()), &Committing::Always);
    let mut peer = broker.greet(false).await;
    rig.until("it is up", |rig| rig.counters.is_up()).await;
    let stop = rig.stop();
    let leaving = async {
        assert_eq!(peer.wire.packet().await.as_deref(), Some(&[0xe0, 0][..]), "DISCONNECT");
    };
    let (stopped, ()) = tokio::join!(stop, leaving);
    stopped.unwrap();
    rig.start_again();
    broker.greet(false).await;
    rig.until("it is known", |rig| rig.counters.sessions_lost.get() == 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn other_topics_than_those_of_the_session_are_subscribed_and_the_old_ones_given_up() {
    let broker = FakeBroker::bind().await;
    let mut topics = config(broker.port());
    topics.topics = vec!["citywarden/+/+/+".to_owned(), "legacy/+/up".to_owned()];
    let rig = Rig::start(topics.clone(), &Committing::Always);
    *rig.memory.0.lock().unwrap() = Some(vec!["citywarden/+/+/+".to_owned(), "gone/#".to_owned()]);
    let mut peer = broker.accept().await;
    peer.greet(true).await;
    let unsubscribe = peer.wire.packet().await.unwrap();
    assert_eq!((unsubscribe[0], &unsubscribe[unsubscribe.len() - 6..]), (0xa2, &b"gone/#"[..]));
    let filters: Vec<_> = peer.grant(1).await.into_iter().map(|(filter, _)| filter).collect();
    assert_eq!(filters, topics.topics);
    rig.until("it is remembered", |rig| rig.memory.0.lock().unwrap().as_ref() == Some(&topics.topics)).await;
    assert_eq!(rig.counters.sessions_lost.get(), 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_that_is_refused_is_asked_for_again_and_the_source_is_not_up() {
    let broker = FakeBroker::bind().await;
    let rig = Rig::start(config(broker.port()), &Committing::Always);
    for _ in 0..2 {
        let mut peer = broker.accept().await;
        peer.greet(false).await;
        peer.grant(0x87).await;
        peer.wire.expect_closed().await;
    }
    assert!(!rig.counters.is_up());
    assert_eq!((rig.kept(), rig.memory.0.lock().unwrap().clone()), (vec![], None));
    let mut peer = broker.accept().await;
    peer.greet(false).await;
    peer.grant(0).await;
    rig.until("it is up, though with QoS 0", |rig| rig.counters.is_up()).await;
    assert_eq!(rig.counters.granted_qos0.get(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_journal_has_what_the_broker_says_of_a_message() {
    let broker = FakeBroker::bind().await;
    let rig = Rig::start(config(broker.port()), &Committing::Always);
    let mut peer = broker.greet(false).await;
    let mut bytes = peer.message(1, 1, b"stored");
    bytes.extend(peer.message(2, 8, b"again"));
    bytes.extend(publish(5, TOPIC, None, b"once"));
    bytes.extend(peer.message(3, 0, b"fresh"));
    peer.wire.send(&bytes).await;
    assert_eq!(peer.acknowledged(3).await, [1, 2, 3]);
    let message = |payload: &str, qos, retained, duplicate| Kept::Message {
        topic: TOPIC.to_owned(),
        qos,
        retained,
        duplicate,
        refused: None,
        payload: payload.to_owned(),
        full: None,
    };
    let expected = [
        Kept::Up,
        message("stored", 1, true, false),
        message("again", 1, false, true),
        message("once", 0, false, false),
        message("fresh", 1, false, false),
    ];
    assert_eq!(rig.kept(), expected);
    assert_eq!((rig.counters.received_qos0.get(), rig.counters.received_qos1.get()), (1, 3));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_commits_and_acknowledges_what_was_taken_and_leaves_the_rest_with_the_broker() {
    let broker = FakeBroker::bind().await;
    let mut rig = Rig::start(config(broker.port()), &Committing::ByHand);
    let mut peer = broker.greet(false).await;
    peer.publish(1, "1").await;
    rig.until("it is taken", |rig| rig.taken() == 1).await;
    rig.ask_to_stop();
    // whether this is still taken or not, it is so altogether
    peer.publish(2, "2").await;
    let serve = async {
        let mut acknowledged = Vec::new();
        loop {
            match peer.wire.packet().await.as_deref() {
                Some([0x40, 2, 0, id]) => acknowledged.push(id.to_string()),
                Some([0xe0, ..]) => return acknowledged,
                other => panic!("{other:02x?} instead of a PUBACK or DISCONNECT"),
            }
        }
    };
    let (acknowledged, ()) = tokio::join!(serve, rig.commit_until("it ends", Rig::has_ended));
    rig.ended().await.unwrap();
    rig.commit();
    assert_eq!(acknowledged[0], "1");
    assert_eq!(rig.payloads(), acknowledged);
    assert_eq!(rig.kept().last(), Some(&Kept::Down));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_broker_says_it_drops_is_shown_and_not_journalled_and_a_refusal_is_put_up_with() {
    let broker = FakeBroker::bind().await;
    let mut asks = config(broker.port());
    asks.dropped_topic = Some("$SYS/broker/publish/messages/dropped".to_owned());
    let rig = Rig::start(asks, &Committing::Always);
    let mut peer = broker.greet(false).await;
    peer.grant(0x87).await;
    peer.publish(1, "{}").await;
    assert_eq!(peer.acknowledged(1).await, [1]);
    assert_eq!(rig.counters.dropped_by_broker(), None);
    drop(peer);
    let mut peer = broker.greet(true).await;
    peer.grant(0).await;
    let said = publish(5, "$SYS/broker/publish/messages/dropped", None, b"17");
    peer.wire.send(&said).await;
    rig.until("it is known", |rig| rig.counters.dropped_by_broker() == Some(17)).await;
    assert_eq!(rig.payloads(), ["{}"]);
}
