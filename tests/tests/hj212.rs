//! HJ 212 through a real broker: what a packet says comes out of the archive, what does not hold is a dead letter.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use citywarden_tests::client::Client;
use citywarden_tests::county::{County, REGION, unit_of};
use citywarden_tests::left_out::not_ours;
use citywarden_tests::mosquitto::Mosquitto;
use citywarden_tests::recording::json_lines;
use citywarden_tests::service::{Service, citywarden_ok_in};
use serde_json::Value;

/// A packet, and what has to come of it.
#[derive(Debug)]
struct Packet {
    text: String,
    /// Value and flag of each reading; `None`: a dead letter.
    says: Option<Vec<(f64, String)>>,
}

/// The checksum of the standard: its low byte is thrown away before each step.
fn checksum(data: &[u8]) -> u16 {
    data.iter().fold(0xFFFF, |crc: u16, byte| {
        let step = |crc: u16, _| if crc & 1 == 1 { (crc >> 1) ^ 0xA001 } else { crc >> 1 };
        (0..8).fold((crc >> 8) ^ u16::from(*byte), step)
    })
}

fn framed(data: &str) -> String {
    format!("##{:04}{data}{:04X}\r\n", data.len(), checksum(data.as_bytes()))
}

fn upload(command: &str, body: &str) -> String {
    let head = format!("QN=20261124080000123;ST=39;CN={command};PW=123456;MN=CW0000000001;Flag=4");
    format!("{head};CP=&&DataTime=20261124080000;{body}&&")
}

/// Packets of our own.
fn own() -> Vec<Packet> {
    let says = |command: &str, body: &str, says: &[(f64, &str)]| Packet {
        text: framed(&upload(command, body)),
        says: Some(says.iter().map(|(value, flag)| (*value, (*flag).to_owned())).collect()),
    };
    let dead = |text: String| Packet { text, says: None };
    let good = framed(&upload("2011", "a34002-Rtd=56.5,a34002-Flag=N"));
    vec![
        says("2011", "a34002-Rtd=56.5,a34002-Flag=N", &[(56.5, "N")]),
        says("2011", "a34002-Rtd=57.25;a34004-Rtd=21,a34004-Flag=D", &[(57.25, "N"), (21.0, "D")]),
        says("2051", "a34001-Avg=160.5,a34001-Min=150,a34001-Max=171,a34001-Flag=N", &[(160.5, "N")]),
        says("2051", "a01006-Avg=101.325,a01006-Flag=N;a01001-Avg=-3.5", &[(101_325.0, "N"), (-3.5, "N")]),
        // a value that is no number is one reading less, not a packet less
        says("2011", "a34002-Rtd=-,a34002-Flag=N;a34004-Rtd=21", &[(21.0, "N")]),
        says("2011", "a34002-Rtd=,a34002-Flag=N;a34004-Rtd=22", &[(22.0, "N")]),
        says("2011", "a34004-Rtd=23;a34002-Rtd=N/A,a34002-Flag=F", &[(23.0, "N")]),
        says("2051", "a34002-Avg=--,a34002-Min=12,a34002-Max=,a34002-Flag=N;a34004-Avg=24", &[(24.0, "N")]),
        says("2011", "a34002-Rtd=NaN;a34001-Rtd=1e5;a34004-Rtd=25", &[(25.0, "N")]),
        dead(good.replace("56.5", "56.6")),
        dead(good.replace("##0", "##1")),
        dead(good.chars().take(60).collect()),
        dead(framed(&upload("2061", "a34002-Avg=56.5,a34002-Flag=N"))),
        dead(String::from("\u{0}")),
    ]
}

/// Packets that others have published: for checking only, and not part of the project.
fn published() -> Option<Vec<Packet>> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/samples");
    let dir = std::env::var_os("CITYWARDEN_SAMPLES").map_or_else(beside, PathBuf::from);
    let text = std::fs::read_to_string(dir.join("hj212.txt")).ok()?;
    Some(text.lines().filter(|line| !line.starts_with("# ")).map(listed).collect())
}

/// A line of the list: packet, what it says as `name=value` or why it is malformed, and where it is from.
fn listed(line: &str) -> Packet {
    let mut columns = line.split('\t');
    let (text, listed) = (columns.next().expect("a packet"), columns.next().expect("what it says"));
    let pairs: BTreeMap<&str, &str> = listed.split(' ').filter_map(|pair| pair.split_once('=')).collect();
    let is_upload = matches!(pairs.get("CN").copied(), Some("2011" | "2051"));
    let says = (is_upload && !listed.starts_with("malformed")).then(|| readings(&pairs));
    Packet { text: text.to_owned(), says }
}

fn readings(pairs: &BTreeMap<&str, &str>) -> Vec<(f64, String)> {
    let values = pairs.iter().filter_map(|(name, text)| {
        let (code, _) = name.split_once('-').filter(|(_, what)| matches!(*what, "Rtd" | "Avg" | "Data"))?;
        let number: f64 = text.parse().expect("a number");
        // kPa in the packet, Pa in the archive
        let value = if code == "a01006" { (number * 1e6).round() / 1e3 } else { number };
        let flag = pairs.get(format!("{code}-Flag").as_str()).unwrap_or(&"N");
        Some((value, (*flag).to_owned()))
    });
    values.collect()
}

fn asset(number: usize) -> String {
    format!("site-{number}")
}

/// Sends each packet as a device of its own, through a broker, and checks what has become of it.
async fn check(packets: &[Packet]) {
    let broker = Mosquitto::start();
    let mut county = County::new();
    county.more = format!("\n[[source]]\ntype = \"mqtt\"\nurl = \"{}\"\n", broker.url());
    for number in 0..packets.len() {
        county.asset(&asset(number), "construction_site", &[]);
        county.device(&asset(number), "dust_monitor", Some(60), &[]);
    }
    let dir = county.write();
    let service = Service::start(dir);
    service.wait_for_count("citywarden_broker_up", &[], |up| up == 1).await;
    for (number, packet) in packets.iter().enumerate() {
        let topic = format!("citywarden/{REGION}/{}/hj212", unit_of(&asset(number)));
        Client::Rumqttc5.publish(broker.address, &topic, std::slice::from_ref(&packet.text)).await;
    }
    let all = |count| count == packets.len();
    service.wait_for_count("citywarden_messages_acknowledged_total", &[("source", "mqtt")], all).await;
    for stage in ["rules", "archive"] {
        service.wait_for_count("citywarden_archive_up", &[], |up| up == 1).await;
        service.wait_for_count("citywarden_stage_lag_records", &[("stage", stage)], |lag| lag == 0).await;
    }
    service.stop();
    let letters = letters(dir);
    for (number, packet) in packets.iter().enumerate() {
        let unit = unit_of(&asset(number));
        check_outcome(packet, letters.get(&unit), &archived(dir, &unit));
    }
}

fn check_outcome(packet: &Packet, letter: Option<&(String, String)>, archived: &[(f64, String)]) {
    if let Some(says) = &packet.says {
        assert_eq!(letter, None, "{packet:?}");
        let mut says = says.clone();
        says.sort_by(|a, b| a.0.total_cmp(&b.0).then_with(|| a.1.cmp(&b.1)));
        assert!(!says.is_empty(), "{packet:?}");
        assert_eq!(archived, says, "{packet:?}");
    } else {
        let (reason, detail) = letter.unwrap_or_else(|| panic!("no dead letter: {packet:?}"));
        assert!(!reason.is_empty() && !detail.is_empty(), "{packet:?}: {reason} {detail}");
        assert!(archived.is_empty(), "{packet:?}: {archived:?}");
    }
}

/// Reason and detail of each device's dead letter.
fn letters(dir: &Path) -> BTreeMap<String, (String, String)> {
    let list = citywarden_ok_in(dir, &["deadletter", "list", "--json", "--config", "citywarden.toml"]);
    let text = |letter: &Value, name: &str| {
        letter.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("no {name} in {letter}")).to_owned()
    };
    let one = |letter: &Value| {
        let topic = text(letter, "topic");
        let device = topic.split('/').nth(2).expect("our own topic").to_owned();
        (device, (text(letter, "reason"), text(letter, "detail")))
    };
    json_lines(&list).iter().map(one).collect()
}

/// Value and flag of each number of a device that is in the archive, least first; extremes of a minute left out.
fn archived(dir: &Path, device: &str) -> Vec<(f64, String)> {
    let file = rusqlite::Connection::open(dir.join("data/archive.sqlite")).expect("there is an archive");
    let sql = "SELECT value, flag FROM readings WHERE device = ?1 AND value IS NOT NULL AND quantity NOT LIKE '%\\_min' ESCAPE '\\' \
               AND quantity NOT LIKE '%\\_max' ESCAPE '\\' ORDER BY value, flag";
    let mut rows = file.prepare(sql).expect("a view");
    let found = rows.query_map([device], |row| Ok((row.get(0)?, row.get(1)?))).expect("rows");
    found.collect::<Result<_, _>>().expect("rows")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_packet_says_is_in_the_archive_and_what_does_not_hold_is_a_dead_letter_with_its_reason() {
    check(&own()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn published_packets_come_out_as_listed() {
    let Some(packets) = published() else {
        not_ours("no hj212.txt in $CITYWARDEN_SAMPLES: our own packets alone");
        return;
    };
    let read = packets.iter().filter(|packet| packet.says.is_some()).count();
    assert!(read >= 12 && packets.len() - read >= 20, "{read} of {}", packets.len());
    check(&packets).await;
}
