//! What the endpoint refuses, and how it bounds clients that are slow, idle, greedy or many.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test"
)]

mod support;

use std::time::Duration;

use citywarden_ingest::endpoint::{BindError, Endpoint, EndpointConfig};
use support::{Committing, PATIENCE, Rig, TOPIC, config, connect, packet, puback, publish};
use tokio::time::Instant;

#[tokio::test]
async fn subscriptions_are_refused_one_by_one_and_the_connection_is_kept() {
    let rig = Rig::start(config(), Committing::Always).await;
    let mut device = rig.v311("a").await;
    device.send(&packet(0x82, b"\x00\x05\x00\x01#\x01\x00\x01t\x00")).await;
    device.expect(&[0x90, 4, 0, 5, 0x80, 0x80]).await;
    device.send(&packet(0xa2, b"\x00\x06\x00\x01#")).await;
    device.expect(&[0xb0, 2, 0, 6]).await;
    device.expect_alive().await;
    let mut device = rig.v5("b").await;
    device.send(&packet(0x82, b"\x00\x05\x00\x00\x01#\x01\x00\x01t\x00\x00\x0a$share/g/t\x01")).await;
    device.expect(&[0x90, 6, 0, 5, 0, 0xa2, 0x8f, 0x9e]).await;
    device.send(&packet(0x82, b"\x00\x06\x02\x0b\x07\x00\x01t\x00")).await;
    device.expect(&[0x90, 4, 0, 6, 0, 0xa1]).await;
    device.send(&packet(0xa2, b"\x00\x07\x00\x00\x01t")).await;
    device.expect(&[0xb0, 4, 0, 7, 0, 0x11]).await;
    device.expect_alive().await;
    assert_eq!(rig.counters.subscriptions_refused.get(), 6);
}

#[tokio::test]
async fn qos_2_ends_the_connection_in_the_words_of_its_version() {
    let rig = Rig::start(config(), Committing::Always).await;
    let mut message = publish(5, TOPIC, Some(1), b"{}");
    message[0] = 0x34;
    let mut device = rig.v5("a").await;
    device.send(&message).await;
    device.expect(&[0xe0, 2, 0x9b, 0]).await;
    device.expect_closed().await;
    let mut device = rig.v311("b").await;
    device.send(&message).await;
    device.expect_closed().await;
    assert_eq!(rig.counters.qos2_refused.get(), 2);
    assert_eq!(rig.kept(), []);
}

#[tokio::test]
async fn what_is_offered_is_announced_in_version_5() {
    let rig = Rig::start(config(), Committing::Always).await;
    let mut device = rig.device().await;
    device.send(&connect(5, "", 0, None)).await;
    let connack = device.packet().await.unwrap();
    let before_id = b"\x00\x00\x34\x21\x03\xe8\x24\x01\x27\x00\x10\x00\x00\x12\x00\x1bassigned-";
    let after_id = b"-1\x22\x00\x10\x28\x00\x29\x00\x2a\x00\x13\x0e\x10";
    assert!(connack[2..].starts_with(before_id) && connack.ends_with(after_id), "{connack:02x?}");
    assert_eq!(connack.len(), 2 + before_id.len() + 16 + after_id.len()); // a run's own digits between them
}

#[tokio::test]
async fn wills_are_ignored_and_counted() {
    let rig = Rig::start(config(), Committing::Always).await;
    let mut device = rig.device().await;
    device.send(&packet(0x10, b"\x00\x04MQTT\x04\x06\x00\x3c\x00\x01a\x00\x01w\x00\x04gone")).await;
    device.expect(&[0x20, 2, 0, 0]).await;
    drop(device);
    rig.until("it is gone", |rig| rig.counters.connections.get() == 0).await;
    assert_eq!(rig.counters.wills_ignored.get(), 1);
    assert_eq!(rig.kept(), []);
    let mut device = rig.device().await;
    device.send(&packet(0x10, b"\x00\x04MQTT\x05\x16\x00\x3c\x00\x00\x01a\x00\x00\x01w\x00\x04gone")).await;
    device.expect(&[0x20, 3, 0, 0x9b, 0]).await; // a will of QoS 2, where 1 is the most
    device.expect_closed().await;
}

#[tokio::test]
async fn a_client_id_is_taken_over_by_its_next_connection() {
    let rig = Rig::start(config(), Committing::Always).await;
    let mut first = rig.v5("same").await;
    let mut second = rig.v311("same").await;
    first.expect(&[0xe0, 2, 0x8e, 0]).await;
    first.expect_closed().await;
    let mut third = rig.v5("same").await;
    second.expect_closed().await;
    third.send(&publish(5, TOPIC, Some(1), b"{}")).await;
    third.expect(&puback(1)).await;
    assert_eq!(rig.counters.takeovers.get(), 2);
}

#[tokio::test]
async fn a_takeover_storm_is_bounded() {
    let rig = Rig::start(config(), Committing::Always).await;
    let mut holders = Vec::new();
    for _ in 0..17 {
        holders.push(rig.v5("same").await);
    }
    let mut one_too_many = rig.device().await;
    one_too_many.send(&connect(5, "same", 60, None)).await;
    one_too_many.expect(&[0x20, 3, 0, 0x9f, 0]).await;
    one_too_many.expect_closed().await;
    assert_eq!((rig.counters.takeovers.get(), rig.counters.takeovers_refused.get()), (16, 1));
    holders.last_mut().unwrap().expect_alive().await;
}

#[tokio::test]
async fn a_client_that_is_silent_for_one_and_a_half_keep_alives_is_gone() {
    let rig = Rig::start(config(), Committing::Always).await;
    let mut device = rig.v5("a").await;
    device.expect_alive().await;
    tokio::time::pause();
    let since = Instant::now();
    device.expect(&[0xe0, 2, 0x8d, 0]).await;
    let silence = since.elapsed();
    tokio::time::resume();
    assert!((Duration::from_secs(89)..Duration::from_secs(92)).contains(&silence), "{silence:?}");
    device.expect_closed().await;
    assert_eq!(rig.counters.keep_alive_expired.get(), 1);
    assert!(silence < PATIENCE);
}

#[tokio::test]
async fn a_connection_that_says_nothing_is_closed() {
    let rig = Rig::start(config(), Committing::Always).await;
    let mut silent = rig.device().await;
    let mut crumbs = rig.device().await;
    crumbs.send(&[0x10]).await;
    rig.until("both are there", |rig| rig.counters.connections.get() == 2).await;
    tokio::time::pause();
    silent.expect_closed().await;
    crumbs.expect_closed().await;
    tokio::time::resume();
    assert_eq!(rig.counters.timed_out.get(), 2);
}

#[tokio::test]
async fn a_packet_that_never_ends_is_given_up() {
    let rig = Rig::start(config(), Committing::Always).await;
    let mut device = rig.device().await;
    device.send(&connect(4, "a", 3600, None)).await;
    device.expect(&[0x20, 2, 0, 0]).await;
    device.send(&[0xc0, 0, 0x30, 0x0a, 0, 1, b't']).await;
    device.expect(&[0xd0, 0]).await;
    tokio::time::pause();
    device.expect_closed().await;
    tokio::time::resume();
    assert_eq!(rig.counters.timed_out.get(), 1);
}

#[tokio::test]
async fn a_client_that_does_not_read_its_answers_is_given_up() {
    let mut config = config();
    config.limits.write_timeout = Duration::from_millis(200);
    config.limits.keep_alive_s_max = 1;
    let rig = Rig::start(config, Committing::Always).await;
    let mut device = rig.v311("a").await;
    let pings = [0xc0, 0].repeat(512 * 1024);
    while device.try_send(&pings).await {}
    assert_eq!(rig.counters.slow_readers.get(), 1);
}

#[tokio::test]
async fn no_more_connections_than_allowed_are_open() {
    let mut config = config();
    config.limits.connections_max = 1;
    let rig = Rig::start(config, Committing::Always).await;
    let first = rig.v311("a").await;
    let mut second = rig.device().await;
    second.expect_closed().await;
    drop(first);
    rig.until("it is gone", |rig| rig.counters.connections.get() == 0).await;
    assert_eq!(rig.counters.connections_refused.get(), 1);
}

#[tokio::test]
async fn a_packet_that_is_none_ends_the_connection() {
    let rig = Rig::start(config(), Committing::Always).await;
    let mut device = rig.v5("a").await;
    device.send(&[0xc1]).await;
    device.expect(&[0xe0, 2, 0x81, 0]).await;
    device.expect_closed().await;
    let mut stranger = rig.device().await;
    stranger.send(b"GET / HTTP/1.1\r\n\r\n").await;
    stranger.expect_closed().await;
    let mut old = rig.device().await;
    old.send(&packet(0x10, b"\x00\x06MQIsdp\x03\x02\x00\x3c\x00\x01a")).await;
    old.expect(&[0x20, 2, 0, 1]).await;
    old.expect_closed().await;
    assert_eq!(rig.counters.malformed.get(), 3);
}

#[tokio::test]
async fn beyond_loopback_it_does_not_listen_to_just_anybody() {
    let rig = Rig::start(config(), Committing::Always).await;
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:1883"] {
        let config = EndpointConfig::new("test".into(), address.parse().unwrap());
        let refused =
            Endpoint::bind(config, rig.inbox.clone(), rig.counters.clone(), rig.site.sessions()).await;
        let refused = refused.unwrap_err();
        assert!(matches!(refused, BindError::Unprotected(_)), "{refused}");
        assert!(refused.to_string().contains("without users_file or client_ca_file"), "{refused}");
    }
}
