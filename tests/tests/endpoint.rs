//! The endpoint's door: what is refused, what is kept as a dead letter, and that neither costs the connection.

use citywarden_tests::county::{County, REGION, topic_of};
use citywarden_tests::moment::now;
use citywarden_tests::recording::{dump, json_lines};
use citywarden_tests::service::{Running, Service, citywarden_in};
use citywarden_tests::wire::{
    Answer, CONNACK, DISCONNECT, Level, PINGREQ, PINGRESP, PUBACK, Packet, Quality, SUBACK, Wire, connect,
    publish, subscribe,
};
use serde_json::json;

const BOTH: [Level; 2] = [Level::V311, Level::V5];

/// A county with one good device and one whose asset nobody has.
fn county() -> County {
    let mut county = County::new();
    county.asset("site", "construction_site", &[]);
    county.device("site", "monitor", Some(10), &[]);
    county.device("nowhere", "monitor", Some(10), &[]);
    county
}

fn good() -> Vec<u8> {
    json!({"ts": now(), "readings": {"pm10": 40.0}}).to_string().into_bytes()
}

async fn next(wire: &mut Wire) -> Packet {
    match wire.answer().await.expect("an answer") {
        Answer::Packet(packet) => packet,
        Answer::Closed => panic!("the connection was closed"),
    }
}

/// Publishes with QoS 1 and asserts that it is acknowledged.
async fn acknowledged(wire: &mut Wire, topic: &str, id: u16, payload: &[u8]) {
    wire.publish(topic, id, payload).await.expect("it is taken");
    let packet = next(wire).await;
    let shown = String::from_utf8_lossy(payload.get(..60).unwrap_or(payload)).into_owned();
    assert_eq!(
        (packet.first, packet.body.get(..2)),
        (PUBACK, Some(&id.to_be_bytes()[..])),
        "{topic} {shown}"
    );
}

async fn still_there(wire: &mut Wire) {
    wire.send(&PINGREQ).await.expect("it is taken");
    assert_eq!(next(wire).await.first, PINGRESP, "the connection is kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_judged_is_a_dead_letter_with_its_reason_acknowledged_and_the_connection_is_kept() {
    let topic = |device: &str, format: &str| format!("citywarden/{REGION}/{device}/{format}");
    let site = topic_of("site");
    let cases: Vec<(&str, String, Vec<u8>)> = vec![
        ("undecodable", site.clone(), b"{\"readings\":{\"pm10\":".to_vec()),
        ("undecodable", site.clone(), b"\xff\xfe not even UTF-8".to_vec()),
        ("undecodable", site.clone(), b"".to_vec()),
        ("unknown_device", topic("nobody", "json"), good()),
        ("unknown_asset", topic_of("nowhere"), good()),
        ("unknown_format", topic("site-unit", "xml"), b"<pm10>40</pm10>".to_vec()),
        ("foreign_region", "citywarden/110000/site-unit/json".to_owned(), good()),
        ("unknown_topic", "factory/7/boiler".to_owned(), good()),
        ("too_large", site.clone(), vec![b' '; 300 * 1024]),
    ];
    let county = county();
    let service = Service::start(county.write());
    for level in BOTH {
        let mut wire = Wire::connect(service.mqtt, level, "prober").await.expect("a session");
        for (id, (reason, topic, payload)) in (1..).zip(&cases) {
            let labels = [("reason", *reason)];
            let before = service.count("citywarden_dead_letters_total", &labels).await;
            acknowledged(&mut wire, topic, id, payload).await;
            service.wait_for_count("citywarden_dead_letters_total", &labels, |now| now > before).await;
        }
        let before = service.count("citywarden_readings_total", &[("quantity", "pm10")]).await;
        acknowledged(&mut wire, &site, 500, &good()).await;
        service
            .wait_for_count("citywarden_readings_total", &[("quantity", "pm10")], |now| now > before)
            .await;
    }
    check_they_are_kept(&dump(county.dir()));
    service.stop();
}

/// Each dead letter is in the journal as it came; of what is too large, its beginning.
fn check_they_are_kept(dump: &str) {
    let lines = json_lines(dump);
    let count = |wanted: &str| lines.iter().filter(|line| line["payload"] == wanted).count();
    assert_eq!(count("{\"readings\":{\"pm10\":"), 2);
    assert_eq!(count("<pm10>40</pm10>"), 2);
    let base64 = lines.iter().filter(|line| line["payload_base64"].is_string()).count();
    assert_eq!(base64, 2, "what is not UTF-8 is written as base64");
    let longest = lines.iter().filter_map(|line| line["payload"].as_str().map(str::len)).max();
    assert_eq!(longest, Some(4096), "the first 4 KiB of what is too large");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn subscriptions_are_refused_in_the_protocols_way() {
    let county = county();
    let service = Service::start(county.write());
    for level in BOTH {
        let mut wire = Wire::connect(service.mqtt, level, "listener").await.expect("a session");
        wire.send(&subscribe(level, 7, "citywarden/#")).await.expect("it is taken");
        let packet = next(&mut wire).await;
        assert_eq!((packet.first, packet.body.get(..2)), (SUBACK, Some(&[0, 7][..])), "{level:?}");
        assert!(packet.body.last().is_some_and(|code| *code >= 0x80), "{level:?}: {packet:?}");
        still_there(&mut wire).await;
    }
    service.stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_protocol_forbids_ends_the_connection_and_version_5_says_why() {
    const QOS_NOT_SUPPORTED: u8 = 0x9b;
    const PACKET_TOO_LARGE: u8 = 0x95;
    let site = topic_of("site");
    let county = county();
    let service = Service::start(county.write());
    for level in BOTH {
        let qos_2 = publish(level, &site, Quality::ExactlyOnce { id: 9 }, &good());
        let too_large =
            publish(level, &site, Quality::AtLeastOnce { id: 9, again: false }, &vec![b' '; 2 * 1024 * 1024]);
        for (bytes, reason) in [(qos_2, QOS_NOT_SUPPORTED), (too_large, PACKET_TOO_LARGE)] {
            let mut wire = Wire::connect(service.mqtt, level, "breaker").await.expect("a session");
            // a refusal may come before the last byte is sent
            wire.send(&bytes).await.ok();
            check_ended(&mut wire, level, reason).await;
        }
    }
    // and the service goes on
    let mut wire = Wire::connect(service.mqtt, Level::V5, "site").await.expect("a session");
    acknowledged(&mut wire, &site, 1, &good()).await;
    service.stop();
}

async fn check_ended(wire: &mut Wire, level: Level, reason: u8) {
    let first = wire.answer().await;
    if level == Level::V5 {
        let said = matches!(&first, Ok(Answer::Packet(packet)) if packet.first == DISCONNECT && packet.body.first() == Some(&reason));
        assert!(said, "{first:?} and not DISCONNECT {reason:#x}");
        assert_eq!(wire.answer().await.expect("an end"), Answer::Closed);
    } else {
        assert_eq!(first.expect("an end"), Answer::Closed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn quality_0_is_kept_without_an_acknowledgement() {
    let county = county();
    let service = Service::start(county.write());
    for (count, level) in (1..).zip(BOTH) {
        let mut wire = Wire::connect(service.mqtt, level, "careless").await.expect("a session");
        wire.send(&publish(level, &topic_of("site"), Quality::AtMostOnce, &good()))
            .await
            .expect("it is taken");
        still_there(&mut wire).await;
        let labels = [("qos", "0")];
        service.wait_for_count("citywarden_messages_received_total", &labels, |now| now >= count).await;
    }
    service.stop();
}

/// Beyond loopback the endpoint asks for credentials, and the service does not start without.
#[test]
fn beyond_loopback_without_credentials_the_service_does_not_start() {
    let mut county = county();
    county.mqtt = "0.0.0.0:0".to_owned();
    let dir = county.write();
    let mut started = Running::start(dir, &["run", "--config", "citywarden.toml"]);
    let status = started.wait_for_end(std::time::Duration::from_secs(20));
    assert_eq!(status.code(), Some(1), "{:?}", started.err.lines());
    let config = std::fs::read_to_string(county.file("citywarden.toml")).expect("it was written");
    let line =
        config.lines().position(|line| line.starts_with("listen = \"0.0.0.0")).expect("it is there") + 1;
    let place = format!("citywarden.toml:{line}:");
    started.err.wait_for_words(&place, std::time::Duration::from_secs(1));
    let checked = citywarden_in(dir, &["check", "--config", "citywarden.toml"]);
    assert_eq!(checked.status.code(), Some(1));
    let said = String::from_utf8_lossy(&checked.stderr).into_owned();
    assert!(said.contains(&place) && said.contains("users_file"), "{said}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_device_speaks_only_for_itself() {
    // argon2id of "a-secret", made once
    const HASH: &str =
        "$argon2id$v=19$m=4096,t=1,p=1$Y2l0eXdhcmRlbi10ZXN0$oZDHtWF2jJM34JDP8Uj5+lu/AVZq0jJXfHHaDKBlk6s";
    let mut county = county();
    county.asset("other", "construction_site", &[]);
    county.device("other", "monitor", Some(10), &[]);
    let dir = county.write();
    county.put("secrets/devices", &format!("site:{HASH}:site-*\n"));
    let config = std::fs::read_to_string(county.file("citywarden.toml")).expect("it was written");
    let listen = "listen = \"127.0.0.1:0\"\n\n[http]";
    assert!(config.contains(listen));
    county.put(
        "citywarden.toml",
        &config.replace(listen, "listen = \"127.0.0.1:0\"\nusers_file = \"secrets/devices\"\n\n[http]"),
    );
    let service = Service::start(dir);
    for level in BOTH {
        for login in [None, Some(("site", "wrong")), Some(("nobody", "a-secret"))] {
            let mut wire = Wire::open(service.mqtt, level).await.expect("a connection");
            wire.send(&connect(level, "site", login)).await.expect("it is taken");
            let packet = next(&mut wire).await;
            assert!(
                packet.first == CONNACK && packet.body.get(1).is_some_and(|code| *code != 0),
                "{login:?}: {packet:?}"
            );
        }
        let mut wire = Wire::open(service.mqtt, level).await.expect("a connection");
        wire.send(&connect(level, "site", Some(("site", "a-secret")))).await.expect("it is taken");
        let packet = next(&mut wire).await;
        assert!(packet.first == CONNACK && packet.body.get(1) == Some(&0), "{packet:?}");
        let reason = [("reason", "not_permitted")];
        let before = service.count("citywarden_dead_letters_total", &reason).await;
        acknowledged(&mut wire, &topic_of("site"), 1, &good()).await;
        acknowledged(&mut wire, &topic_of("other"), 2, &good()).await;
        service.wait_for_count("citywarden_dead_letters_total", &reason, |now| now > before).await;
        let after = service.count("citywarden_dead_letters_total", &reason).await;
        assert_eq!(after, before + 1, "its own message is none");
    }
    service.stop();
}
