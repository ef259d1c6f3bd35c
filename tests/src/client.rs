//! Devices that publish, with MQTT clients of two makes, each in two versions.

use std::net::SocketAddr;
use std::process::{Command, Stdio};
use std::time::Duration;

/// An MQTT client: its make and the version it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Client {
    /// `mosquitto_pub`, 3.1.1
    Mosquitto311,
    /// `mosquitto_pub`, 5
    Mosquitto5,
    /// rumqttc, 3.1.1
    Rumqttc311,
    /// rumqttc, 5
    Rumqttc5,
}

/// How long a client may take to have everything acknowledged.
const PUBLISH_TIMEOUT: Duration = Duration::from_mins(1);
/// More than any test publishes at once: a client never waits for its own loop.
const QUEUE: usize = 10_000;

impl Client {
    /// Publishes with QoS 1; returns once all payloads are acknowledged.
    pub async fn publish(self, at: SocketAddr, topic: &str, payloads: &[String]) {
        let published = async {
            match self {
                Self::Mosquitto311 => mosquitto_pub(at, "mqttv311", topic, payloads).await,
                Self::Mosquitto5 => mosquitto_pub(at, "mqttv5", topic, payloads).await,
                Self::Rumqttc311 => rumqttc_v4(at, topic, payloads).await,
                Self::Rumqttc5 => rumqttc_v5(at, topic, payloads).await,
            }
        };
        let in_time = tokio::time::timeout(PUBLISH_TIMEOUT, published).await;
        in_time
            .unwrap_or_else(|_| panic!("{self:?} {topic}: not all acknowledged within {PUBLISH_TIMEOUT:?}"));
    }
}

fn client_id(topic: &str) -> String {
    topic.replace('/', "-")
}

async fn mosquitto_pub(at: SocketAddr, version: &str, topic: &str, payloads: &[String]) {
    let (version, topic, lines) = (version.to_owned(), topic.to_owned(), payloads.join("\n") + "\n");
    tokio::task::spawn_blocking(move || {
        use std::io::Write;
        let mut child = Command::new("mosquitto_pub")
            .args(["-h", &at.ip().to_string(), "-p", &at.port().to_string(), "-V", &version])
            .args(["-q", "1", "-t", &topic, "-l", "-i", &client_id(&topic)])
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("mosquitto_pub is installed: ./test installs it");
        let mut stdin = child.stdin.take().expect("stdin is piped");
        stdin.write_all(lines.as_bytes()).expect("it reads");
        drop(stdin);
        let output = child.wait_with_output().expect("it ends");
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "mosquitto_pub {version} {topic}: {}\n{said}", output.status);
    })
    .await
    .expect("the client does not panic");
}

async fn rumqttc_v4(at: SocketAddr, topic: &str, payloads: &[String]) {
    use rumqttc::{AsyncClient, Event, MqttOptions, Packet, QoS};
    let options = MqttOptions::new(client_id(topic), at.ip().to_string(), at.port());
    let (client, mut events) = AsyncClient::new(options, QUEUE);
    for payload in payloads {
        client.publish(topic, QoS::AtLeastOnce, false, payload.as_bytes()).await.expect("queued");
    }
    let mut acknowledged = 0;
    while acknowledged < payloads.len() {
        if let Event::Incoming(Packet::PubAck(_)) = events.poll().await.expect("the connection holds") {
            acknowledged += 1;
        }
    }
}

async fn rumqttc_v5(at: SocketAddr, topic: &str, payloads: &[String]) {
    use rumqttc::v5::mqttbytes::QoS;
    use rumqttc::v5::mqttbytes::v5::{Packet, PubAckReason};
    use rumqttc::v5::{AsyncClient, Event, MqttOptions};
    let options = MqttOptions::new(client_id(topic), at.ip().to_string(), at.port());
    let (client, mut events) = AsyncClient::new(options, QUEUE);
    for payload in payloads {
        client.publish(topic, QoS::AtLeastOnce, false, payload.clone()).await.expect("queued");
    }
    let mut acknowledged = 0;
    while acknowledged < payloads.len() {
        if let Event::Incoming(Packet::PubAck(ack)) = events.poll().await.expect("the connection holds") {
            assert_eq!(ack.reason, PubAckReason::Success, "{topic}");
            acknowledged += 1;
        }
    }
}
