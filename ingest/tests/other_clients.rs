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
