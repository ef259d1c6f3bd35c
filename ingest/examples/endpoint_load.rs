//! Measures the endpoint over loopback with a real journal in a temporary directory:
//! `cargo run --release --example endpoint_load -- CONNECTIONS IN_FLIGHT MESSAGES [PAYLOAD_BYTES]`.
//! The generator shares the machine's cores with what it measures.

#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a program that measures, for a person to run"
)]

use std::sync::Arc;
use std::time::Instant;

use citywarden_ingest::endpoint::{Counters, Endpoint, EndpointConfig, SessionStore};
use citywarden_journal::{CheckpointKey, Disk, HostDisk, Journal, JournalOptions};
use citywarden_model::{Clock, Timestamp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
    }
}

struct Load {
    connections: usize,
    in_flight: usize,
    messages: usize,
    payload_bytes: usize,
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let numbers: Vec<usize> = std::env::args().skip(1).filter_map(|text| text.parse().ok()).collect();
    let number = |index: usize, default: usize| numbers.get(index).copied().unwrap_or(default);
    let load = Load {
        connections: number(0, 50),
        in_flight: number(1, 100),
        messages: number(2, 2_000_000),
        payload_bytes: number(3, 177),
    };
    let dir = tempfile::tempdir_in(std::env::var_os("LOAD_DIR").unwrap_or_else(|| ".".into()))?;
    let disk: Arc<dyn Disk> = Arc::new(HostDisk);
    let key = CheckpointKey::from_seed(&[1; 32]);
    let journal = Journal::open(&disk, Arc::new(WallClock), dir.path(), JournalOptions::default(), key)?;
    let inbox = journal.inbox.clone();
    let mut commits = 0_u64;
    let (report, commits_made) = std::sync::mpsc::channel();
    let writer = journal.writer.spawn(move |_| {
        commits += 1;
        report.send(commits).unwrap_or_default();
    })?;
    let counters = Arc::new(Counters::default());
    let sessions = SessionStore {
        disk,
        dir: dir.path().join("sessions"),
        name: "load".to_owned(),
        clock: Arc::new(WallClock),
    };
    let (address, served) = start_endpoint(inbox.clone(), counters.clone(), sessions)?;
    let began = Instant::now();
    generate(&load, address)?;
    let took = began.elapsed().as_secs_f64();
    served.stop();
    inbox.close();
    drop(writer.join());
    report_figures(&load, took, counters.acknowledged.get(), commits_made.try_iter().last().unwrap_or(0));
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn report_figures(load: &Load, took: f64, acknowledged: u64, commits: u64) {
    println!(
        "{} connections x {} in flight, {} B payload: {acknowledged} acknowledged in {took:.2} s, {:.0} msg/s, {commits} commits, {:.2} us of CPU per message in all",
        load.connections,
        load.in_flight,
        load.payload_bytes,
        acknowledged as f64 / took,
        cpu_seconds() * 1e6 / acknowledged as f64,
    );
}

/// User and system time of this process so far.
#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks =
        |index: usize| after_name.split_whitespace().nth(index).and_then(|text| text.parse::<u64>().ok());
    (ticks(11).unwrap_or(0) + ticks(12).unwrap_or(0)) as f64 / 100.0
}

struct Serving {
    stop: tokio::sync::oneshot::Sender<()>,
    thread: std::thread::JoinHandle<()>,
}

impl Serving {
    fn stop(self) {
        drop(self.stop);
        drop(self.thread.join());
    }
}

/// On a thread with a runtime of its own, as the service has it.
fn start_endpoint(
    inbox: citywarden_journal::Inbox,
    counters: Arc<Counters>,
    sessions: SessionStore,
) -> Result<(std::net::SocketAddr, Serving), Box<dyn std::error::Error>> {
    let config = EndpointConfig::new("load".into(), "127.0.0.1:0".parse()?);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let endpoint = runtime.block_on(Endpoint::bind(config, inbox, counters, sessions))?;
    let address = endpoint.local_addr();
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        runtime.block_on(endpoint.run(async { stopped.await.unwrap_or_default() })).unwrap_or_default();
    });
    Ok((address, Serving { stop, thread }))
}

fn generate(load: &Load, address: std::net::SocketAddr) -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let each = load.messages / load.connections;
        let mut clients = tokio::task::JoinSet::new();
        for number in 0..load.connections {
            clients.spawn(publish_all(address, number, load.in_flight, each, load.payload_bytes));
        }
        while let Some(client) = clients.join_next().await {
            client??;
        }
        Ok(())
    })
}

/// Keeps `in_flight` messages unacknowledged until `count` are.
async fn publish_all(
    address: std::net::SocketAddr,
    number: usize,
    in_flight: usize,
    count: usize,
    payload_bytes: usize,
) -> std::io::Result<()> {
    let mut stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let id = format!("d{number:05}");
    let mut connect = vec![0x10, u8::try_from(12 + id.len()).unwrap_or(0)];
    connect.extend(b"\x00\x04MQTT\x04\x02\x00\x3c\x00");
    connect.push(u8::try_from(id.len()).unwrap_or(0));
    connect.extend(id.bytes());
    stream.write_all(&connect).await?;
    stream.read_exact(&mut [0; 4]).await?;
    let message = message(&id, payload_bytes);
    let (mut sent, mut acknowledged, mut part) = (0, 0, 0);
    let mut out = Vec::new();
    let mut answers = vec![0; 64 * 1024];
    while acknowledged < count {
        out.clear();
        while sent < count && sent - acknowledged < in_flight {
            out.extend(&message);
            sent += 1;
        }
        stream.write_all(&out).await?;
        let read = stream.read(&mut answers).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        part += read;
        acknowledged += part / 4;
        part %= 4;
    }
    Ok(())
}

fn message(id: &str, payload_bytes: usize) -> Vec<u8> {
    let topic = format!("citywarden/330624/{id}/json");
    let mut body = u16::try_from(topic.len()).unwrap_or(0).to_be_bytes().to_vec();
    body.extend(topic.bytes());
    body.extend([0, 1]);
    body.extend(std::iter::repeat_n(b'7', payload_bytes));
    let length = body.len();
    let mut packet = vec![0x32];
    packet.push(u8::try_from(length & 0x7f).unwrap_or(0) | if length > 0x7f { 0x80 } else { 0 });
    packet.extend((length > 0x7f).then(|| u8::try_from(length >> 7).unwrap_or(0)));
    packet.extend(body);
    packet
}
