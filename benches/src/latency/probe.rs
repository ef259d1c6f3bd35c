//! A device beside the load, over a connection of its own: what it sends and when.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use anyhow::ensure;
use citywarden_model::Clock;

use crate::clock::{MachineClock, instant};
use crate::county::{REGION, probe_id};

/// Messages of each before the one that fires: its window of 20 minutes is covered with 15.
const BEFORE: u32 = 16;
/// Sent at once before their acknowledgements are read.
const AT_ONCE: usize = 400;
const CONNACK: [u8; 4] = [0x20, 2, 0, 0];
/// Far below the limit of the day and of the night, and far above: one reading lifts the mean energy above it.
const QUIET_DB: f64 = 45.0;
const LOUD_DB: f64 = 110.0;

/// Speaks for every probe.
pub(super) struct Probes {
    stream: TcpStream,
}

/// A message that fires an alert.
pub(super) struct Fired {
    pub(super) asset: String,
    /// Just before it was written.
    pub(super) published: Instant,
    pub(super) acknowledged: Instant,
}

impl Probes {
    pub(super) fn connect(endpoint: SocketAddr) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(endpoint)?;
        stream.set_nodelay(true)?;
        stream.write_all(b"\x10\x12\x00\x04MQTT\x04\x02\x00\x00\x00\x06probes")?;
        let mut answer = [0; CONNACK.len()];
        stream.read_exact(&mut answer)?;
        ensure!(answer == CONNACK, "the endpoint answers {answer:02x?}");
        Ok(Self { stream })
    }

    /// Lets so many probes say that all is quiet, until their windows are covered.
    pub(super) fn settle(&mut self, probes: u32) -> anyhow::Result<()> {
        let start = now_ms() - i64::from(BEFORE) - 1;
        let messages: Vec<_> =
            (0..BEFORE).flat_map(|turn| (0..probes).map(move |probe| (turn, probe))).collect();
        for part in messages.chunks(AT_ONCE) {
            let packets =
                part.iter().flat_map(|(turn, probe)| packet(*probe, start + i64::from(*turn), QUIET_DB));
            self.stream.write_all(&packets.collect::<Vec<_>>())?;
            self.acknowledged(part.len())?;
        }
        Ok(())
    }

    /// One is loud.
    pub(super) fn fire(&mut self, probe: u32) -> anyhow::Result<Fired> {
        let packet = packet(probe, now_ms(), LOUD_DB);
        let published = instant();
        self.stream.write_all(&packet)?;
        self.acknowledged(1)?;
        Ok(Fired { asset: format!("site-{}", probe_id(probe)), published, acknowledged: instant() })
    }

    /// Fires one after the other, so far apart.
    pub(super) fn fire_all(mut self, probes: u32, apart: Duration) -> anyhow::Result<Vec<Fired>> {
        let began = instant();
        (0..probes)
            .map(|probe| {
                std::thread::sleep((apart * probe).saturating_sub(began.elapsed()));
                self.fire(probe)
            })
            .collect()
    }

    fn acknowledged(&mut self, messages: usize) -> anyhow::Result<()> {
        const PUBACK_LEN: usize = 4;
        let mut answers = vec![0; messages * PUBACK_LEN];
        self.stream.read_exact(&mut answers)?;
        let is_puback = |answer: &[u8]| answer.starts_with(&[0x40, 2]);
        ensure!(answers.chunks(PUBACK_LEN).all(is_puback), "something else than acknowledgements");
        Ok(())
    }
}

fn now_ms() -> i64 {
    MachineClock.now().nanos() / 1_000_000
}

/// A publish at least once, always with the same packet id: none is sent again.
fn packet(probe: u32, millis: i64, level: f64) -> Vec<u8> {
    let topic = format!("citywarden/{REGION}/{}/json", probe_id(probe));
    let payload =
        format!("{{\"ts\":{millis},\"readings\":{{\"sound_level\":{level:.1},\"wind_speed\":1.0}}}}");
    let body = 2 + topic.len() + 2 + payload.len();
    let length = |number: usize| u8::try_from(number).unwrap_or(u8::MAX);
    // lengths are between 128 and 16383 (two bytes) or below (one)
    let mut packet = match body {
        0..128 => vec![0x32, length(body)],
        _ => vec![0x32, length(body % 128) | 0x80, length(body / 128)],
    };
    packet.extend([0, length(topic.len())]);
    packet.extend(topic.bytes());
    packet.extend([0, 1]);
    packet.extend(payload.bytes());
    packet
}
