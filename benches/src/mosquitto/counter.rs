//! The least that a subscriber can be: it reads, counts and acknowledges, and keeps nothing.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, bail, ensure};
use citywarden_ingest::codec::{Awaiting, Decoded, Delivery, Packet, Version, decode, write_puback};

use crate::clock::instant;
use crate::county::REGION;

/// Read at once.
const READ_BYTES: usize = 256 << 10;
const PACKET_BYTES_MAX: usize = 32 << 10;
const LOOK_EVERY: Duration = Duration::from_millis(5);
/// The longest wait for what is on its way.
const PATIENCE: Duration = Duration::from_mins(1);
const CONNACK: [u8; 4] = [0x20, 2, 0, 0];
/// One filter granted, at least once.
const SUBACK: [u8; 5] = [0x90, 3, 0, 1, 1];

/// A subscriber on a thread of its own; unsubscribes when dropped.
pub(super) struct Counter {
    stream: TcpStream,
    counted: Arc<AtomicU64>,
}

impl Counter {
    /// Subscribes to what the load sends.
    pub(super) fn start(broker: SocketAddr) -> anyhow::Result<Self> {
        let mut stream = TcpStream::connect(broker)?;
        stream.set_nodelay(true)?;
        stream.write_all(b"\x10\x13\x00\x04MQTT\x04\x02\x00\x00\x00\x07counter")?;
        expect(&mut stream, CONNACK)?;
        stream.write_all(&subscribe(&format!("citywarden/{REGION}/+/+"))?)?;
        expect(&mut stream, SUBACK)?;
        let counted = Arc::new(AtomicU64::new(0));
        let (reading, total) = (stream.try_clone()?, Arc::clone(&counted));
        // how it ends is seen by the count that stays behind
        std::thread::Builder::new().name("counter".to_owned()).spawn(move || count(reading, &total))?;
        Ok(Self { stream, counted })
    }

    /// Waits until it has counted so many in all.
    pub(super) async fn counted(&self, messages: u64) -> anyhow::Result<()> {
        let began = instant();
        while self.counted.load(Ordering::Relaxed) < messages {
            ensure!(began.elapsed() < PATIENCE, "the broker did not deliver everything");
            tokio::time::sleep(LOOK_EVERY).await;
        }
        Ok(())
    }
}

impl Drop for Counter {
    fn drop(&mut self) {
        self.stream.shutdown(Shutdown::Both).ok();
    }
}

fn expect<const N: usize>(stream: &mut TcpStream, wanted: [u8; N]) -> anyhow::Result<()> {
    let mut answer = [0; N];
    stream.read_exact(&mut answer)?;
    ensure!(answer == wanted, "the broker answers {answer:02x?}, expected {wanted:02x?}");
    Ok(())
}

fn subscribe(filter: &str) -> anyhow::Result<Vec<u8>> {
    let length = u8::try_from(filter.len()).context("a short filter")?;
    let mut packet = vec![0x82, length + 5, 0, 1, 0, length];
    packet.extend(filter.bytes());
    packet.push(1);
    Ok(packet)
}

fn count(mut stream: TcpStream, counted: &AtomicU64) -> anyhow::Result<()> {
    let (mut bytes, mut filled, mut out) = (vec![0; READ_BYTES], 0, Vec::new());
    loop {
        match stream.read(bytes.get_mut(filled..).unwrap_or_default())? {
            0 => return Ok(()),
            count => filled += count,
        }
        let (done, messages) = acknowledge(bytes.get(..filled).unwrap_or_default(), &mut out)?;
        bytes.copy_within(done..filled, 0);
        filled -= done;
        stream.write_all(&out)?;
        out.clear();
        counted.fetch_add(messages, Ordering::Relaxed);
    }
}

/// Acknowledges every whole message; the bytes they took, and their number.
fn acknowledge(bytes: &[u8], out: &mut Vec<u8>) -> anyhow::Result<(usize, u64)> {
    let (mut done, mut messages) = (0, 0);
    loop {
        let rest = bytes.get(done..).unwrap_or_default();
        match decode(Awaiting::Packets(Version::V311), rest, PACKET_BYTES_MAX)? {
            Decoded::Incomplete => return Ok((done, messages)),
            Decoded::Complete(Packet::Publish(publish), length) => {
                if let Delivery::AtLeastOnce(packet_id) = publish.delivery {
                    write_puback(out, packet_id);
                }
                done += length;
                messages += 1;
            }
            Decoded::Complete(packet, _) => bail!("{packet:?}, which nobody asked for"),
        }
    }
}
