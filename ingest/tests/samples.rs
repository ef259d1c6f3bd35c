//! The packet sequences that others publish for their own servers, played to a real endpoint over real sockets.
//!
//! They are looked for beside the project, or where `CITYWARDEN_SAMPLES` says; the project holds no copy.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::print_stdout,
    reason = "a test"
)]

mod support;

use std::io::Write as _;
use std::path::PathBuf;

use serde_json::Value;
use support::{Committing, Device, Rig, config, connect};
use tokio::net::TcpStream;

/// Cases in which this endpoint differs, and keeps to the standard. `docs/mqtt-conformance.md` explains each.
const DIFFERS: &[&str] = &[];
/// Parts of a hundred that must be as expected, whatever the list above says.
const SHARE_MIN: usize = 95;

fn samples() -> Option<(PathBuf, String)> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/samples");
    let dir = std::env::var_os("CITYWARDEN_SAMPLES").map_or_else(beside, PathBuf::from);
    let path = dir.join("mqtt.jsonl");
    std::fs::read_to_string(&path).ok().map(|text| (path, text))
}

fn from_hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// What differs from the case, if anything does.
async fn play(rig: &Rig, case: &Value) -> Result<(), String> {
    let level = u8::try_from(case["ver"].as_u64().unwrap()).unwrap();
    let mut device = rig.device().await;
    if case["connect"].as_bool().unwrap() {
        device.send(&connect(level, "sample", 60, None)).await;
        let connack = device.packet().await.ok_or("no CONNACK")?;
        assert_eq!((connack[0], connack[3]), (0x20, 0), "{connack:02x?}");
    }
    let closes = case["closes"].as_bool().unwrap();
    for message in case["msgs"].as_array().unwrap() {
        let bytes = from_hex(message[1].as_str().unwrap());
        if message[0] == "send" {
            if !device.try_send(&bytes).await && !closes {
                return Err("closed while it was sent to".to_owned());
            }
        } else if !closes {
            let answer = device.packet().await.ok_or("closed instead of answering")?;
            same_meaning(&bytes, &answer)?;
        }
    }
    end_as_expected(&mut device, closes).await
}

/// An answer that accepts: a CONNACK that lets in, a PUBACK of the same packet id, or the same kind of packet.
fn same_meaning(expected: &[u8], answer: &[u8]) -> Result<(), String> {
    let fields = |packet: &[u8]| match packet[0] {
        0x20 => (0x20, vec![packet[3]]),
        0x40 => (0x40, packet[2..4].to_vec()),
        kind => (kind, Vec::new()),
    };
    if fields(expected) == fields(answer) {
        return Ok(());
    }
    Err(format!("{answer:02x?} instead of {expected:02x?}"))
}

async fn end_as_expected(device: &mut Device<TcpStream>, closes: bool) -> Result<(), String> {
    if closes {
        // a CONNACK or DISCONNECT that says why may come before
        while let Some(packet) = device.packet().await {
            let refuses = packet[0] == 0xe0 || packet[0] == 0x20 && packet[3] != 0;
            if !refuses {
                return Err(format!("{packet:02x?} instead of closing"));
            }
        }
        return Ok(());
    }
    device.try_send(&[0xc0, 0]).await;
    match device.packet().await {
        Some(packet) if packet == [0xd0, 0] => Ok(()),
        other => Err(format!("{other:02x?} instead of a PINGRESP")),
    }
}

#[tokio::test]
async fn the_published_packet_sequences_go_as_expected_but_for_the_listed_ones() {
    let Some((path, text)) = samples() else {
        // past the runner, which keeps what tests print
        writeln!(
            std::io::stderr(),
            "\n*** LEFT OUT: no mqtt.jsonl in $CITYWARDEN_SAMPLES: packet sequences not played"
        )
        .expect("somebody listens");
        return;
    };
    let rig = Rig::start(config(), Committing::Always).await;
    let (mut differing, mut count) = (Vec::new(), 0);
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let case: Value = serde_json::from_str(line).unwrap();
        count += 1;
        if let Err(how) = play(&rig, &case).await {
            let name = case["name"].as_str().unwrap().trim().to_owned();
            println!("{name}: {how}");
            differing.push(name);
        }
    }
    println!("{}: {} of {count} as expected", path.display(), count - differing.len());
    assert!(count > 0, "no cases in {}", path.display());
    assert!((count - differing.len()) * 100 >= SHARE_MIN * count, "too many differ: {differing:#?}");
    assert_eq!(differing, DIFFERS, "not the cases that docs/mqtt-conformance.md explains");
}
