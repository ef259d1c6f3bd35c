//! A county's Mosquitto, as shipped in `deploy/mosquitto.conf`, that can be restarted.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::mqttbytes::v5::Packet;
use rumqttc::v5::{AsyncClient, Event, EventLoop, MqttOptions};
use tempfile::TempDir;
use tokio::time::timeout;

use crate::service::free_address;

/// Where Debian puts it, which is not on everybody's path.
const DEBIAN: &str = "/usr/sbin/mosquitto";
const POLL: Duration = Duration::from_millis(10);
const PATIENCE: Duration = Duration::from_secs(30);

/// A running broker; killed when dropped.
#[derive(Debug)]
pub struct Mosquitto {
    child: Child,
    /// Where it listens.
    pub address: SocketAddr,
    dir: TempDir,
}

/// Somebody who has subscribed, in version 5.
pub struct Subscriber {
    events: EventLoop,
}

impl Subscriber {
    /// The next message: its topic and its payload.
    pub async fn next(&mut self) -> (String, Vec<u8>) {
        let heard = async {
            loop {
                if let Event::Incoming(Packet::Publish(publish)) = self.events.poll().await.expect("it holds")
                {
                    let topic = String::from_utf8(publish.topic.to_vec()).expect("a topic is a text");
                    return (topic, publish.payload.to_vec());
                }
            }
        };
        timeout(PATIENCE, heard).await.expect("a message in time")
    }
}

impl Mosquitto {
    /// The shipped configuration on a free loopback port, in a directory of its own.
    pub fn start() -> Self {
        Self::start_at(free_address())
    }

    /// As [`Self::start`], at an address that was chosen before.
    pub fn start_at(address: SocketAddr) -> Self {
        let dir = TempDir::new().expect("there is room for a directory");
        let shipped = include_str!("../../deploy/mosquitto.conf");
        let listener = format!("listener {} 127.0.0.1", address.port());
        let place = format!("persistence_location {}/", dir.path().display());
        let conf = shipped
            .replace("listener 1883 127.0.0.1", &listener)
            .replace("persistence_location /var/lib/mosquitto/", &place);
        assert!(conf.contains(&listener) && conf.contains(&place), "the shipped configuration has changed");
        // as root it would become somebody who cannot write into the directory
        fs::write(dir.path().join("mosquitto.conf"), conf + "\nuser root\n").expect("there is room");
        Self { child: spawn(dir.path(), address), address, dir }
    }

    /// Its URL.
    pub fn url(&self) -> String {
        format!("mqtt://{}", self.address)
    }

    /// SIGTERM, and again: what it has acknowledged is on its disk.
    pub fn restart(&mut self) {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status().expect("kill runs");
        assert!(asked.success(), "kill: {asked}");
        self.child.wait().expect("it ends");
        self.child = spawn(self.dir.path(), self.address);
    }

    /// Subscribes; returns once the broker has granted it.
    pub async fn subscribe(&self, filter: &str) -> Subscriber {
        let (host, port) = (self.address.ip().to_string(), self.address.port());
        let mut options = MqttOptions::new("listener", host, port);
        options.set_max_packet_size(Some(1 << 20));
        let (client, mut events) = AsyncClient::new(options, 1);
        client.subscribe(filter, QoS::AtLeastOnce).await.expect("there is room");
        while !matches!(events.poll().await.expect("it holds"), Event::Incoming(Packet::SubAck(_))) {}
        Subscriber { events }
    }
}

/// Returns once it listens.
fn spawn(dir: &Path, address: SocketAddr) -> Child {
    let program = if Path::new(DEBIAN).exists() { DEBIAN } else { "mosquitto" };
    let mut child = Command::new(program)
        .args(["-c", "mosquitto.conf"])
        .current_dir(dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("mosquitto is installed: ./test installs it");
    while TcpStream::connect(address).is_err() {
        assert!(child.try_wait().expect("it can be asked").is_none(), "mosquitto has ended");
        std::thread::sleep(POLL);
    }
    child
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
