//! What a device may rely on: acknowledged is durable, in order, once the journal says so and not before.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test"
)]

mod support;

use std::sync::Arc;

use citywarden_ingest::endpoint::RunError;
use citywarden_journal::{HostDisk, InboxOptions, SimulatedDisk};
use citywarden_model::DeadLetterReason;
use support::{Committing, Rig, TOPIC, config, connect, packet, puback, publish};

#[tokio::test]
async fn no_puback_before_the_commit_and_then_in_the_order_of_the_messages() {
    let mut rig = Rig::start(config(), Committing::ByHand).await;
    let mut device = rig.v311("dust-01").await;
    let messages = [7, 3, 9].map(|id| publish(4, TOPIC, Some(id), b"{}"));
    device.send(&messages.concat()).await;
    rig.until("three messages are taken in", |rig| rig.counters.received_qos1.get() == 3).await;
    device.expect_alive().await; // the PINGRESP comes first: nothing was acknowledged
    rig.commit().unwrap();
    for id in [7, 3, 9] {
        device.expect(&puback(id)).await;
    }
    assert_eq!(rig.counters.acknowledged.get(), 3);
    assert_eq!(rig.kept().len(), 3);
}

#[tokio::test]
async fn a_commit_acknowledges_what_it_holds_and_nothing_else() {
    let mut rig = Rig::start(config(), Committing::ByHand).await;
    let (mut first, mut second) = (rig.v311("a").await, rig.v5("b").await);
    first.send(&publish(4, TOPIC, Some(1), b"1")).await;
    rig.until("it is taken in", |rig| rig.counters.received_qos1.get() == 1).await;
    rig.commit().unwrap();
    second.send(&publish(5, TOPIC, Some(1), b"2")).await;
    rig.until("it is taken in", |rig| rig.counters.received_qos1.get() == 2).await;
    first.expect(&puback(1)).await;
    second.expect_alive().await;
    rig.commit().unwrap();
    second.expect(&puback(1)).await;
}

#[tokio::test]
async fn what_was_sent_is_what_is_kept() {
    let rig = Rig::start(config(), Committing::Always).await;
    let mut device = rig.v5("dust-01").await;
    let mut retained_duplicate = publish(5, TOPIC, Some(2), b"two");
    retained_duplicate[0] |= 0b1001;
    device.send(&publish(5, TOPIC, None, b"one")).await;
    device.send(&retained_duplicate).await;
    device.expect(&puback(2)).await;
    let kept = rig.kept();
    let fields: Vec<_> = kept
        .iter()
        .map(|m| {
            (m.topic.as_str(), m.identity.as_str(), m.qos, m.retained, m.duplicate, m.refused, &*m.payload)
        })
        .collect();
    assert_eq!(
        fields,
        [
            (TOPIC, "dust-01", 0, false, false, None, &b"one"[..]),
            (TOPIC, "dust-01", 1, true, true, None, &b"two"[..]),
        ]
    );
    assert_eq!((rig.counters.received_qos0.get(), rig.counters.received_qos1.get()), (1, 1));
}

#[tokio::test]
async fn a_topic_alias_is_expanded_before_it_is_kept() {
    let rig = Rig::start(config(), Committing::Always).await;
    let mut device = rig.v5("dust-01").await;
    let aliased = |topic: &str, id: u8, alias: u8| {
        let mut body = u16::try_from(topic.len()).unwrap().to_be_bytes().to_vec();
        body.extend(topic.bytes());
        body.extend([0, id, 3, 0x23, 0, alias]);
        packet(0x32, &body)
    };
    device
        .send(&[aliased("a", 1, 1), aliased("", 2, 1), aliased("b", 3, 1), aliased("", 4, 1)].concat())
        .await;
    for id in 1..=4 {
        device.expect(&puback(id)).await;
    }
    let topics: Vec<String> = rig.kept().into_iter().map(|message| message.topic).collect();
    assert_eq!(topics, ["a", "a", "b", "b"]);
    device.send(&aliased("c", 5, 17)).await; // 16 were offered
    device.expect(&[0xe0, 2, 0x94, 0]).await;
    device.expect_closed().await;
}

#[tokio::test]
async fn a_full_inbox_stops_reading_and_pings_are_still_answered() {
    let inbox = InboxOptions { records_max: 2, ..InboxOptions::default() };
    let mut rig = Rig::with(config(), Committing::ByHand, inbox, Arc::new(HostDisk)).await;
    rig.commit().unwrap(); // the record that the source is up
    let mut device = rig.v311("dust-01").await;
    let messages: Vec<u8> = (1..=5).flat_map(|id| publish(4, TOPIC, Some(id), b"{}")).collect();
    rig.until("the source is up", |rig| rig.counters.connected.get() == 1).await;
    device.send(&messages).await;
    for _ in 0..3 {
        device.expect_alive().await;
    }
    assert!(rig.counters.received_qos1.get() <= 2);
    let mut next = 1;
    while next <= 5 {
        rig.commit().unwrap();
        let taken = rig.counters.received_qos1.get();
        rig.until("acknowledged", |rig| rig.counters.acknowledged.get() >= taken.min(5)).await;
        tokio::task::yield_now().await;
        while next <= 5 && u64::from(next) <= rig.counters.acknowledged.get() {
            device.expect(&puback(next)).await;
            next += 1;
        }
    }
    assert_eq!(rig.kept().len(), 5);
}

#[tokio::test]
async fn no_more_than_the_receive_maximum_is_in_flight() {
    let mut config = config();
    config.limits.receive_maximum = 3;
    let mut rig = Rig::start(config, Committing::ByHand).await;
    let mut device = rig.v311("dust-01").await;
    let messages: Vec<u8> = (1..=5).flat_map(|id| publish(4, TOPIC, Some(id), b"{}")).collect();
    device.send(&messages).await;
    device.expect_alive().await;
    assert_eq!(rig.counters.received_qos1.get(), 3);
    rig.commit().unwrap();
    for id in 1..=3 {
        device.expect(&puback(id)).await;
    }
    rig.until("the rest is taken in", |rig| rig.counters.received_qos1.get() == 5).await;
    rig.commit().unwrap();
    device.expect(&puback(4)).await;
    device.expect(&puback(5)).await;
}

#[tokio::test]
async fn a_full_disk_acknowledges_nothing_keeps_the_connection_and_goes_on_by_itself() {
    let disk = SimulatedDisk::new();
    let mut rig =
        Rig::with(config(), Committing::ByHand, InboxOptions::default(), Arc::new(disk.clone())).await;
    let mut device = rig.v311("dust-01").await;
    rig.until("the device is in", |rig| rig.counters.connected.get() == 1).await;
    rig.commit().unwrap();
    disk.set_capacity(Some(0));
    device.send(&publish(4, TOPIC, Some(1), &vec![b'x'; 60_000])).await;
    rig.until("it is taken in", |rig| rig.counters.received_qos1.get() == 1).await;
    // what fits into the segments that are there already is written; then the disk is full
    let mut id = 1;
    while rig.commit().is_ok() {
        device.expect(&puback(id)).await;
        id += 1;
        device.send(&publish(4, TOPIC, Some(id), &vec![b'x'; 60_000])).await;
        rig.until("it is taken in", |rig| rig.counters.received_qos1.get() == u64::from(id)).await;
    }
    device.send(&publish(4, TOPIC, Some(id + 1), b"{}")).await;
    device.expect_alive().await;
    assert!(rig.commit().is_err());
    device.expect_alive().await;
    assert_eq!(rig.counters.acknowledged.get(), u64::from(id) - 1);
    disk.set_capacity(None);
    rig.commit().unwrap();
    device.expect(&puback(id)).await;
    rig.until("the one that waited is taken in", |rig| rig.counters.received_qos1.get() == u64::from(id) + 1)
        .await;
    rig.commit().unwrap();
    device.expect(&puback(id + 1)).await;
}

#[tokio::test]
async fn a_payload_larger_than_a_record_is_kept_cut_and_acknowledged() {
    let rig = Rig::start(config(), Committing::Always).await;
    let mut device = rig.v311("dust-01").await;
    device.send(&publish(4, TOPIC, Some(1), &vec![b'x'; 256 * 1024])).await;
    device.send(&publish(4, TOPIC, Some(2), &vec![b'y'; 256 * 1024 + 1])).await;
    device.expect(&puback(1)).await;
    device.expect(&puback(2)).await;
    let kept = rig.kept();
    assert_eq!((kept[0].payload.len(), kept[0].refused, kept[0].full), (256 * 1024, None, None));
    let refused = Some(DeadLetterReason::TooLarge);
    assert_eq!((kept[1].payload.len(), kept[1].refused, kept[1].full), (4096, refused, Some(256 * 1024 + 1)));
    assert_eq!(rig.counters.too_large.get(), 1);
}

#[tokio::test]
async fn a_packet_larger_than_the_limit_ends_the_connection_at_its_header() {
    let rig = Rig::start(config(), Committing::Always).await;
    let mut device = rig.v5("a").await;
    device.send(&[0x32, 0xfd, 0xff, 0x3f]).await; // 1 MiB and one byte in all
    device.expect(&[0xe0, 2, 0x95, 0]).await;
    device.expect_closed().await;
    let mut device = rig.v311("b").await;
    device.send(&[0x32, 0xfd, 0xff, 0x3f]).await;
    device.expect_closed().await;
    assert_eq!(rig.counters.packet_too_large.get(), 2);
    let mut device = rig.v311("c").await;
    let largest = publish(4, TOPIC, Some(1), &vec![0; (1 << 20) - 4 - 2 - TOPIC.len() - 2]);
    assert_eq!(largest.len(), 1 << 20);
    device.send(&largest).await;
    device.expect(&puback(1)).await;
}

#[tokio::test]
async fn stopping_acknowledges_what_is_in_flight_says_goodbye_and_closes() {
    let mut rig = Rig::start(config(), Committing::ByHand).await;
    let (mut one, mut two) = (rig.v5("a").await, rig.v311("b").await);
    one.send(&publish(5, TOPIC, Some(1), b"{}")).await;
    two.send(&publish(4, TOPIC, Some(1), b"{}")).await;
    rig.until("they are taken in", |rig| rig.counters.received_qos1.get() == 2).await;
    rig.ask_to_stop();
    tokio::task::yield_now().await;
    rig.commit().unwrap();
    one.expect(&puback(1)).await;
    one.expect(&[0xe0, 2, 0x8b, 0]).await;
    one.expect_closed().await;
    two.expect(&puback(1)).await;
    two.expect_closed().await;
    drop((one, two));
    assert_eq!(rig.ended().await, Ok(()));
}

#[tokio::test]
async fn a_client_that_has_sent_everything_still_hears_what_was_committed() {
    let mut rig = Rig::start(config(), Committing::ByHand).await;
    let mut device = rig.device().await;
    device.send(&[connect(4, "pipe", 60, None), publish(4, TOPIC, Some(1), b"{}")].concat()).await;
    device.end().await;
    device.expect(&[0x20, 2, 0, 0]).await;
    rig.until("it is taken in", |rig| rig.counters.received_qos1.get() == 1).await;
    rig.commit().unwrap();
    device.expect(&puback(1)).await;
    device.expect_closed().await;
}

#[tokio::test]
async fn a_journal_that_stops_ends_the_endpoint_and_says_so() {
    let mut rig = Rig::start(config(), Committing::ByHand).await;
    let mut device = rig.v5("a").await;
    rig.inbox.close();
    device.send(&publish(5, TOPIC, Some(1), b"{}")).await;
    device.expect(&[0xe0, 2, 0x88, 0]).await;
    device.expect_closed().await;
    drop(device);
    assert_eq!(rig.ended().await, Err(RunError::JournalStopped));
}

#[tokio::test]
async fn what_was_not_acknowledged_is_sent_again_and_both_are_kept() {
    let mut rig = Rig::start(config(), Committing::ByHand).await;
    let mut device = rig.v311("dust-01").await;
    device.send(&publish(4, TOPIC, Some(1), b"once")).await;
    rig.until("it is taken in", |rig| rig.counters.received_qos1.get() == 1).await;
    drop(device);
    let mut device = rig.v311("dust-01").await;
    let mut again = publish(4, TOPIC, Some(1), b"once");
    again[0] |= 0b1000;
    device.send(&again).await;
    rig.until("it is taken in again", |rig| rig.counters.received_qos1.get() == 2).await;
    rig.commit().unwrap();
    device.expect(&puback(1)).await;
    device.expect_alive().await; // one acknowledgement: the first connection's was forgotten with it
    let duplicates: Vec<bool> = rig.kept().into_iter().map(|message| message.duplicate).collect();
    assert_eq!(duplicates, [false, true]);
}
