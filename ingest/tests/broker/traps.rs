//! The traps of the client library, each with the test that would fall into it.

use std::time::Duration;

use citywarden_model::DeadLetterReason;
use tokio::time::Instant;

use crate::fake::FakeBroker;
use crate::rig::{Kept, Rig, config};
use crate::support::Committing;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn small_windows_are_not_held_up_by_delayed_acknowledgements_of_tcp() {
    const WINDOWS: u16 = 100;
    let broker = FakeBroker::bind().await;
    let _rig = Rig::start(config(broker.port()), &Committing::Always);
    let mut peer = broker.greet(false).await;
    let began = Instant::now();
    for window in 0..WINDOWS {
        let ids: Vec<u16> = (1..=10).map(|at| window * 10 + at).collect();
        let messages: Vec<u8> = ids.iter().flat_map(|id| peer.message(*id, 0, b"{}")).collect();
        peer.wire.send(&messages).await;
        assert_eq!(peer.acknowledged(ids.len()).await, ids);
    }
    let stalls = Duration::from_millis(40) * u32::from(WINDOWS);
    assert!(began.elapsed() < stalls, "{WINDOWS} windows took {:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thousands_of_acknowledgements_never_wait_for_the_connection_nor_it_for_them() {
    const COUNT: u16 = 20_000;
    let broker = FakeBroker::bind().await;
    let mut limits = config(broker.port());
    limits.limits.receive_maximum = 100; // this broker does not keep to it
    let mut rig = Rig::start(limits, &Committing::ByHand);
    let mut peer = broker.greet(false).await;
    for id in 1..=COUNT {
        peer.publish(id, "{}").await;
    }
    rig.until("all are taken", |rig| rig.taken() == u64::from(COUNT)).await;
    assert_eq!(rig.counters.acknowledged.get(), 0, "nothing is committed yet");
    rig.commit_until("all are acknowledged", |rig| rig.counters.acknowledged.get() == u64::from(COUNT)).await;
    let ids: Vec<u16> = (1..=COUNT).collect();
    assert_eq!(peer.acknowledged(ids.len()).await, ids, "in the order received, and nothing else is sent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledgement_goes_out_only_after_the_commit() {
    let broker = FakeBroker::bind().await;
    let mut rig = Rig::start(config(broker.port()), &Committing::ByHand);
    let mut peer = broker.greet(false).await;
    for id in [7, 3, 5] {
        peer.publish(id, "{}").await;
    }
    rig.until("they are taken", |rig| rig.taken() == 3).await;
    assert_eq!((rig.counters.acknowledged.get(), rig.payloads().len()), (0, 0));
    rig.commit();
    assert_eq!(peer.acknowledged(3).await, [7, 3, 5]);
    assert_eq!(rig.payloads().len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledgement_never_goes_out_on_another_connection() {
    let broker = FakeBroker::bind().await;
    let mut rig = Rig::start(config(broker.port()), &Committing::ByHand);
    let mut peer = broker.greet(false).await;
    peer.publish(1, "\"journalled, never acknowledged\"").await;
    rig.until("it is taken", |rig| rig.taken() == 1).await;
    drop(peer);
    // the session is lost with it: packet id 1 may be any message now
    let mut peer = broker.greet(false).await;
    rig.commit();
    rig.until("its acknowledgement is dropped", |rig| rig.counters.stale_acknowledgements.get() == 1).await;
    peer.publish(7, "{}").await;
    rig.until("the next is taken", |rig| rig.taken() == 2).await;
    rig.commit();
    assert_eq!(peer.acknowledged(1).await, [7]);
    assert_eq!(rig.counters.sessions_lost.get(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_larger_than_a_record_is_a_dead_letter_and_no_endless_loop() {
    for level in [5, 4] {
        let broker = FakeBroker::bind().await;
        let rig = Rig::start(config(broker.port()), &Committing::Always);
        let mut peer = broker.accept().await;
        if level == 4 {
            peer.refuse(5, 0x84).await;
            peer = broker.accept().await;
        }
        assert_eq!(peer.level(), level);
        peer.greet(false).await;
        peer.grant(1).await;
        // what the library refuses by default, what a record takes, what none takes; in 3.1.1 more than a packet should
        let sizes = [11 << 10, 256 << 10, (256 << 10) + 1, if level == 4 { 3 << 20 } else { 900 << 10 }];
        for (id, size) in (1..).zip(sizes) {
            let payload = vec![b'x'; size];
            let message = peer.message(id, 0, &payload);
            peer.wire.send(&message).await;
        }
        assert_eq!(peer.acknowledged(sizes.len()).await, [1, 2, 3, 4]);
        let found: Vec<_> = rig
            .kept()
            .iter()
            .filter_map(|kept| match kept {
                Kept::Message { refused, payload, full, .. } => Some((*refused, payload.len(), *full)),
                Kept::Up | Kept::Down => None,
            })
            .collect();
        let cut = |size: usize| (Some(DeadLetterReason::TooLarge), 4096, Some(size as u64));
        assert_eq!(found[..2], [(None, sizes[0], None), (None, sizes[1], None)]);
        assert_eq!(found[2..], [cut(sizes[2]), cut(sizes[3])]);
        assert_eq!((rig.counters.too_large.get(), rig.counters.disconnected.get() < 2), (2, true));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broker_that_talks_nonsense_is_left_and_tried_again_and_the_rest_goes_on() {
    let broker = FakeBroker::bind().await;
    let rig = Rig::start(config(broker.port()), &Committing::Always);
    for nonsense in [&[0x30, 1, 0][..], &[0x32, 2, 0xff, 0xff], &[0x90, 0], &[0xf0, 0], &[0x62, 2, 0, 1]] {
        let mut peer = broker.greet(rig.counters.connected.get() > 0).await;
        peer.wire.send(nonsense).await;
        peer.wire.expect_closed().await;
    }
    let mut peer = broker.greet(true).await;
    peer.publish(1, "{}").await;
    assert_eq!(peer.acknowledged(1).await, [1]);
    assert_eq!(rig.payloads(), ["{}"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_just_before_the_connection_ends_is_kept() {
    let broker = FakeBroker::bind().await;
    let rig = Rig::start(config(broker.port()), &Committing::Always);
    let mut peer = broker.greet(false).await;
    let messages: Vec<u8> = (1..=5).flat_map(|id| peer.message(id, 0, id.to_string().as_bytes())).collect();
    peer.wire.send(&messages).await;
    peer.wire.end().await;
    rig.until("all are journalled", |rig| rig.payloads().len() == 5).await;
    assert_eq!(rig.payloads(), ["1", "2", "3", "4", "5"]);
}
