//! A receiver over a broker: mosquitto where there is one to ask, made by hand where it must not speak MQTT 5.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use citywarden_alerting::cloud_event::Notification;
use citywarden_alerting::receiver::mqtt::{Mqtt, MqttConfig};
use citywarden_alerting::receiver::{Outcome, Receiver, test};
use citywarden_model::{RegionId, Span};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::county::at;

const REGION: &str = "330624";

fn receiver(at: SocketAddr) -> Mqtt {
    Mqtt::new(MqttConfig {
        host: at.ip().to_string(),
        port: at.port(),
        tls: None,
        login: None,
        client_id: "citywarden-330624-duty".to_owned(),
        attempt_timeout: Span::from_secs(10),
    })
}

async fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap()
}

/// A running mosquitto; killed when dropped.
struct Mosquitto(Child);

impl Mosquitto {
    fn start(dir: &Path, at: SocketAddr, more: &str) -> Self {
        let program =
            if Path::new("/usr/sbin/mosquitto").exists() { "/usr/sbin/mosquitto" } else { "mosquitto" };
        let conf = format!("listener {} 127.0.0.1\nallow_anonymous true\nuser root\n{more}\n", at.port());
        std::fs::write(dir.join("mosquitto.conf"), conf).unwrap();
        let mut child = Command::new(program)
            .args(["-c", "mosquitto.conf"])
            .current_dir(dir)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("mosquitto is installed: ./test installs it");
        while TcpStream::connect(at).is_err() {
            assert!(child.try_wait().unwrap().is_none(), "mosquitto has ended");
            std::thread::sleep(Duration::from_millis(5));
        }
        Self(child)
    }
}

impl Drop for Mosquitto {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

fn why(outcome: Outcome) -> String {
    let Outcome::Retry { why, after: None } = outcome else { panic!("{outcome:?} instead of a retry") };
    why
}

#[tokio::test]
async fn a_broker_that_is_away_is_tried_again_and_one_that_is_back_is_found() {
    let (dir, at_broker, region) =
        (tempfile::tempdir().unwrap(), free_address().await, RegionId::from(REGION));
    let duty = receiver(at_broker);
    assert!(why(test(&duty, &region, at("08:00")).await).starts_with("cannot connect"));
    let broker = Mosquitto::start(dir.path(), at_broker, "");
    for minute in ["08:01", "08:02"] {
        assert_eq!(test(&duty, &region, at(minute)).await, Outcome::Delivered);
    }
    drop(broker);
    assert!(why(test(&duty, &region, at("08:03")).await).starts_with("cannot connect"));
    let _broker = Mosquitto::start(dir.path(), at_broker, "");
    assert_eq!(test(&duty, &region, at("08:04")).await, Outcome::Delivered);
}

#[tokio::test]
async fn a_message_that_the_broker_does_not_permit_is_not_delivered() {
    let (dir, at_broker, region) =
        (tempfile::tempdir().unwrap(), free_address().await, RegionId::from(REGION));
    std::fs::write(dir.path().join("acl"), "topic read citywarden-alerts/#\n").unwrap();
    let _broker = Mosquitto::start(dir.path(), at_broker, "acl_file acl");
    let duty = receiver(at_broker);
    for _ in 0..6 {
        let why = why(test(&duty, &region, at("08:00")).await);
        assert_eq!(why, "the broker refuses the message: NotAuthorized");
    }
}

/// One packet: its first byte and the rest.
async fn packet(stream: &mut tokio::net::TcpStream) -> (u8, Vec<u8>) {
    let first = stream.read_u8().await.unwrap();
    let (mut length, mut shift) = (0, 0);
    loop {
        let byte = stream.read_u8().await.unwrap();
        length |= usize::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await.unwrap();
    (first, body)
}

#[tokio::test]
async fn a_broker_that_speaks_no_5_is_spoken_to_in_3_1_1_and_delivered_is_what_it_acknowledges() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let duty = receiver(listener.local_addr().unwrap());
    let notification = Notification::test(&RegionId::from(REGION), at("08:00"));
    let serve = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        assert_eq!(packet(&mut stream).await.1[6], 5);
        stream.write_all(&[0x20, 2, 0, 1]).await.unwrap();
        drop(stream);
        let (mut stream, _) = listener.accept().await.unwrap();
        let (_, connect) = packet(&mut stream).await;
        assert_eq!((connect[6], connect[7]), (4, 2), "3.1.1, and no session to be kept");
        stream.write_all(&[0x20, 2, 0, 0]).await.unwrap();
        let mut published = Vec::new();
        for _ in 0..2 {
            let (first, body) = packet(&mut stream).await;
            assert_eq!(first, 0x32, "QoS 1, not retained");
            let topic = usize::from(body[0]) * 256 + usize::from(body[1]);
            stream.write_all(&[0x40, 2, body[2 + topic], body[3 + topic]]).await.unwrap();
            published.push((body[2..2 + topic].to_vec(), body[4 + topic..].to_vec()));
        }
        (published, stream) // which stays open: what comes with an end may go unread
    };
    let send = async {
        assert_eq!(duty.deliver(&notification, at("08:00")).await, Outcome::Delivered);
        assert_eq!(duty.deliver(&notification, at("08:01")).await, Outcome::Delivered);
    };
    let ((published, _stream), ()) = tokio::join!(serve, send);
    let expected = (format!("citywarden-alerts/{REGION}/test").into_bytes(), notification.body.clone());
    assert_eq!(published, [expected.clone(), expected], "the same bytes, by the same connection");
}

#[tokio::test]
async fn a_broker_that_does_not_acknowledge_has_nothing_delivered() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at_broker = listener.local_addr().unwrap();
    let duty = Mqtt::new(MqttConfig {
        host: at_broker.ip().to_string(),
        port: at_broker.port(),
        tls: None,
        login: None,
        client_id: "duty".to_owned(),
        attempt_timeout: Span::from_millis(300),
    });
    let silent = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        packet(&mut stream).await;
        stream.write_all(&[0x20, 3, 0, 0, 0]).await.unwrap();
        packet(&mut stream).await;
        std::future::pending::<()>().await;
    });
    assert_eq!(why(test(&duty, &RegionId::from(REGION), at("08:00")).await), "no answer in time");
    silent.abort();
}
