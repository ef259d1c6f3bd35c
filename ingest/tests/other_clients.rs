//! A second make of client, rumqttc, in both versions.

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

use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS, v5};
use support::{Committing, PATIENCE, Rig, TOPIC, config};
use tokio::sync::mpsc;
use tokio::time::timeout;

const MESSAGES: usize = 50;

#[tokio::test]
async fn rumqttc_in_3_1_1_publishes_and_is_acknowledged() {
    let rig = Rig::start(config(), Committing::Always).await;
    let mut options = MqttOptions::new("dust-01", "127.0.0.1", rig.address.port());
    options.set_keep_alive(Duration::from_secs(30));
    let (client, mut events) = AsyncClient::new(options, 100);
    for number in 0..MESSAGES {
        client.publish(TOPIC, QoS::AtLeastOnce, false, format!("{number}")).await.unwrap();
    }
    let mut acknowledged = 0;
    while acknowledged < MESSAGES {
        let event = timeout(PATIENCE, events.poll()).await.unwrap().unwrap();
        acknowledged += usize::from(matches!(event, Event::Incoming(Packet::PubAck(_))));
    }
    in_order(&rig);
}

#[tokio::test]
async fn rumqttc_in_5_publishes_and_is_acknowledged() {
    let rig = Rig::start(config(), Committing::Always).await;
    let mut options = v5::MqttOptions::new("dust-01", "127.0.0.1", rig.address.port());
    options.set_keep_alive(Duration::from_secs(30));
    let (client, mut events) = v5::AsyncClient::new(options, 100);
    for number in 0..MESSAGES {
        client.publish(TOPIC, v5::mqttbytes::QoS::AtLeastOnce, false, format!("{number}")).await.unwrap();
    }
    let mut acknowledged = 0;
    while acknowledged < MESSAGES {
        let event = timeout(PATIENCE, events.poll()).await.unwrap().unwrap();
        acknowledged +=
            usize::from(matches!(event, v5::Event::Incoming(v5::mqttbytes::v5::Packet::PubAck(_))));
    }
    in_order(&rig);
}

fn in_order(rig: &Rig) {
    let payloads: Vec<String> =
        rig.kept().into_iter().map(|message| String::from_utf8(message.payload).unwrap()).collect();
    let expected: Vec<String> = (0..MESSAGES).map(|number| number.to_string()).collect();
    assert_eq!(payloads, expected);
}

/// Messages that are sent and not acknowledged when the connection breaks.
const UNACKNOWLEDGED: u64 = 5;

/// A client that keeps its session, connects again for ever, and tells of each acknowledgement.
struct Persistent {
    publish: Box<dyn Fn(String)>,
    acknowledged: mpsc::UnboundedReceiver<u16>,
}

fn persistent_311(rig: &Rig) -> Persistent {
    let mut options = MqttOptions::new("dust-01", "127.0.0.1", rig.address.port());
    options.set_keep_alive(Duration::from_secs(30)).set_clean_session(false);
    let (client, mut events) = AsyncClient::new(options, 100);
    let (tell, acknowledged) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while !tell.is_closed() {
            match events.poll().await {
                Ok(Event::Incoming(Packet::PubAck(packet))) => drop(tell.send(packet.pkid)),
                Ok(_) => {}
                Err(_) => tokio::task::yield_now().await,
            }
        }
    });
    let publish = move |text| client.try_publish(TOPIC, QoS::AtLeastOnce, false, text).unwrap();
    Persistent { publish: Box::new(publish), acknowledged }
}

fn persistent_5(rig: &Rig) -> Persistent {
    use v5::mqttbytes::QoS;
    use v5::mqttbytes::v5::Packet;
    let mut options = v5::MqttOptions::new("dust-01", "127.0.0.1", rig.address.port());
    options.set_keep_alive(Duration::from_secs(30)).set_clean_start(false);
    options.set_session_expiry_interval(Some(3600));
    let (client, mut events) = v5::AsyncClient::new(options, 100);
    let (tell, acknowledged) = mpsc::unbounded_channel();
    tokio::spawn(async move {
        while !tell.is_closed() {
            match events.poll().await {
                Ok(v5::Event::Incoming(Packet::PubAck(packet))) => drop(tell.send(packet.pkid)),
                Ok(_) => {}
                Err(_) => tokio::task::yield_now().await,
            }
        }
    });
    let publish = move |text: String| client.try_publish(TOPIC, QoS::AtLeastOnce, false, text).unwrap();
    Persistent { publish: Box::new(publish), acknowledged }
}

/// Everything is with the endpoint for the first time, and not committed.
async fn publish_unacknowledged(rig: &Rig, client: &Persistent) {
    for number in 0..UNACKNOWLEDGED {
        (client.publish)(number.to_string());
    }
    rig.until("it is taken in", |rig| rig.counters.received_qos1.get() == UNACKNOWLEDGED).await;
}

/// Everything came again, after so many others, and is acknowledged when it is committed.
async fn acknowledged_after_the_commit(rig: &mut Rig, client: &mut Persistent, before: u64) {
    let all = before + UNACKNOWLEDGED;
    rig.until("it is sent again", |rig| rig.counters.received_qos1.get() == all).await;
    assert!(client.acknowledged.try_recv().is_err(), "nothing is committed");
    rig.commit().unwrap();
    for packet_id in 1..=5 {
        let found = timeout(PATIENCE, client.acknowledged.recv()).await.unwrap();
        assert_eq!(found, Some(packet_id), "those of the first time");
    }
    let again: Vec<_> = rig.kept().split_off(usize::try_from(before).unwrap());
    let payloads: Vec<_> = again.iter().map(|message| String::from_utf8_lossy(&message.payload)).collect();
    assert_eq!(payloads, ["0", "1", "2", "3", "4"]);
}

async fn check_restart(make: fn(&Rig) -> Persistent) {
    let rig = Rig::start(config(), Committing::ByHand).await;
    let mut client = make(&rig);
    publish_unacknowledged(&rig, &client).await;
    let mut rig = rig.restarted().await;
    acknowledged_after_the_commit(&mut rig, &mut client, 0).await;
}

async fn check_reconnect(make: fn(&Rig) -> Persistent, taking_over: &[u8]) {
    let mut rig = Rig::start(config(), Committing::ByHand).await;
    let mut client = make(&rig);
    publish_unacknowledged(&rig, &client).await;
    // another takes its connection over, and it takes it back
    let mut other = rig.device().await;
    other.send(taking_over).await;
    assert_eq!(other.packet().await.unwrap()[2..4], [1, 0]);
    acknowledged_after_the_commit(&mut rig, &mut client, UNACKNOWLEDGED).await;
}

#[tokio::test]
async fn rumqttc_in_3_1_1_sends_again_what_was_not_acknowledged() {
    check_reconnect(persistent_311, b"\x10\x13\0\x04MQTT\x04\0\0\x3c\0\x07dust-01").await;
    check_restart(persistent_311).await;
}

#[tokio::test]
async fn rumqttc_in_5_sends_again_what_was_not_acknowledged() {
    check_reconnect(persistent_5, b"\x10\x19\0\x04MQTT\x05\0\0\x3c\x05\x11\0\0\x0e\x10\0\x07dust-01").await;
    check_restart(persistent_5).await;
}
