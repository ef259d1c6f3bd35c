//! What is said when a connection begins, in either version.

use crate::fake::FakeBroker;
use crate::rig::{Rig, config};
use crate::support::Committing;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn version_5_comes_first_and_says_all_that_a_lasting_session_and_backpressure_need() {
    const CLEAN_START: u8 = 2;
    let broker = FakeBroker::bind().await;
    let _rig = Rig::start(config(broker.port()), &Committing::Always);
    let mut peer = broker.accept().await;
    assert_eq!((peer.level(), peer.flags() & CLEAN_START), (5, 0));
    assert_eq!(peer.property(0x11, 4), Some(7 * 24 * 3600), "session expiry interval");
    assert_eq!(peer.property(0x21, 2), Some(1000), "receive maximum");
    assert_eq!(peer.property(0x27, 4), Some(1 << 20), "maximum packet size");
    assert_eq!(peer.property(0x22, 2), None, "no aliases for topics");
    assert!(peer.says("citywarden-330624-county"), "always the same client id");
    peer.greet(false).await;
    // QoS 1; what is retained comes with a new subscription only
    assert_eq!(peer.grant(1).await, [("citywarden/+/+/+".to_owned(), 0x11)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn version_3_1_1_follows_where_the_broker_says_that_it_speaks_no_5() {
    const CLEAN_SESSION: u8 = 2;
    // in the form of version 5, and as a broker answers that has never heard of it
    for (level, code) in [(5, 0x84), (4, 1)] {
        let broker = FakeBroker::bind().await;
        let rig = Rig::start(config(broker.port()), &Committing::Always);
        let mut peer = broker.accept().await;
        while peer.level() == 5 {
            peer.refuse(level, code).await;
            peer = broker.accept().await;
        }
        assert_eq!((peer.level(), peer.flags() & CLEAN_SESSION), (4, 0));
        assert!(peer.says("citywarden-330624-county"));
        peer.greet(false).await;
        assert_eq!(peer.grant(1).await, [("citywarden/+/+/+".to_owned(), 1)]);
        peer.publish(9, "{}").await;
        assert_eq!(peer.acknowledged(1).await, [9]);
        assert!(rig.counters.is_up());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn version_3_1_1_is_tried_where_the_broker_just_closes_and_5_again_after_it() {
    let broker = FakeBroker::bind().await;
    let _rig = Rig::start(config(broker.port()), &Committing::Always);
    for expected in [5, 5, 4] {
        let mut peer = broker.accept().await;
        assert_eq!(peer.level(), expected);
        if expected == 4 {
            peer.greet(false).await;
            peer.grant(1).await;
        }
    }
    assert_eq!(broker.accept().await.level(), 5);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_wrong_password_is_tried_again_in_the_same_version() {
    let broker = FakeBroker::bind().await;
    let rig = Rig::start(config(broker.port()), &Committing::Always);
    for _ in 0..4 {
        let peer = broker.accept().await;
        assert_eq!(peer.level(), 5);
        peer.refuse(5, 0x86).await;
    }
    assert!(!rig.counters.is_up());
}
