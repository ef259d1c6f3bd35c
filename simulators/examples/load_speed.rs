//! What a message of the load costs the generator: a load to a thread that acknowledges everything at once, without
//! looking, and the processor time of the generator's own thread. Run with `--release`.
//!
//! `load_speed [CONNECTIONS WINDOW MESSAGES]`

#![expect(clippy::print_stdout, reason = "printing is all it does")]
#![expect(clippy::disallowed_methods, reason = "it measures real time")]

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::Instant;

use citywarden_model::{Clock, Timestamp};
use citywarden_simulators::load::{Load, run};

struct Real(Instant);

impl Clock for Real {
    fn now(&self) -> Timestamp {
        let passed = i64::try_from(self.0.elapsed().as_nanos()).expect("not that long");
        Timestamp::from_nanos(1_795_478_400_000_000_000 + passed)
    }
}

fn main() {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<u32>().expect("a number"));
    let (connections, window) = (numbers.next().unwrap_or(50), numbers.next().unwrap_or(100));
    let messages = u64::from(numbers.next().unwrap_or(3_000_000));
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback has a free port");
    let load = Load {
        address: listener.local_addr().expect("it is bound").to_string(),
        credentials: None,
        connections,
        window: u16::try_from(window).expect("a window"),
        devices_each: 100,
        messages,
        rate: None,
        for_at_most: None,
        region: "330624".to_owned(),
    };
    std::thread::spawn(move || {
        for socket in listener.incoming().flatten() {
            std::thread::spawn(move || acknowledge(socket));
        }
    });
    let clock: Arc<dyn Clock> = Arc::new(Real(Instant::now()));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (started, busy) = (Instant::now(), thread_seconds());
    let report = runtime.block_on(run(&load, &clock)).expect("the load runs");
    let (took, busy) = (started.elapsed().as_secs_f64(), thread_seconds() - busy);
    let nanos = |seconds: f64| seconds * 1e9 / f64::from(u32::try_from(report.sent).expect("not that many"));
    println!("{connections} x {window}: {} messages, {} B each", report.sent, report.bytes / report.sent);
    println!("{:.0} ns a message by the clock, {:.0} ns of the generator's thread", nanos(took), nanos(busy));
    println!("latency p50 {:?} p99 {:?}", report.latencies.at(500), report.latencies.at(990));
}

/// Processor time of this thread, from the kernel.
fn thread_seconds() -> f64 {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos: u32 = text.split(' ').next().and_then(|n| n.parse::<u64>().ok()).map_or(0, |n| {
        // microseconds fit for an hour
        u32::try_from(n / 1_000).unwrap_or(u32::MAX)
    });
    f64::from(nanos) / 1e6
}

/// Acknowledges publishes of two length bytes, as the load's are.
fn acknowledge(mut socket: TcpStream) -> Option<()> {
    socket.set_nodelay(true).ok()?;
    let mut read = vec![0; 64 * 1024];
    let mut kept: Vec<u8> = Vec::new();
    let mut answer = Vec::new();
    loop {
        let len = socket.read(&mut read).ok().filter(|len| *len > 0)?;
        kept.extend_from_slice(read.get(..len)?);
        let mut at = 0;
        while let Some(packet) = kept.get(at..).filter(|packet| packet.len() > 4) {
            let long = *packet.get(1)? & 0x80 != 0;
            let low = usize::from(*packet.get(1)? & 0x7F);
            let body = if long { low + (usize::from(*packet.get(2)?) << 7) } else { low };
            let head = if long { 3 } else { 2 };
            if packet.len() < head + body {
                break;
            }
            if *packet.first()? == 0x32 {
                let topic = usize::from(*packet.get(head)?) << 8 | usize::from(*packet.get(head + 1)?);
                answer.extend_from_slice(&[
                    0x40,
                    2,
                    *packet.get(head + 2 + topic)?,
                    *packet.get(head + 3 + topic)?,
                ]);
            } else {
                answer.extend_from_slice(&[0x20, 2, 0, 0]);
            }
            at += head + body;
        }
        kept.drain(..at);
        socket.write_all(&answer).ok()?;
        answer.clear();
    }
}
