//! Measures the journal on the disk of this machine: records of about 200 bytes from two senders, committed as they
//! come, each sender waiting with so many of its records unacknowledged.
//!
//! `cargo run --release -p citywarden-journal --example throughput -- [DIR]`

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use citywarden_journal::{
    AppendError, CheckpointKey, Disk, HostDisk, Inbox, Journal, JournalOptions, Message, Reader, verify,
};
use citywarden_model::{Clock, Digest, Offset, Timestamp};

/// Threads that send.
const SENDERS: u64 = 2;

struct MachineClock;

impl Clock for MachineClock {
    #[expect(clippy::disallowed_methods, reason = "a measurement on the real machine")]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
    }
}

#[expect(clippy::disallowed_methods, reason = "a measurement on the real machine")]
fn instant() -> Instant {
    Instant::now()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let parent = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    hashing(200)?;
    for (window, records) in [(1, 20_000), (50, 300_000), (500, 1_000_000), (5_000, 3_000_000)] {
        let dir = tempfile::tempdir_in(&parent)?;
        measure(dir.path(), window, records)?;
    }
    Ok(())
}

/// What the digests cost, without a disk: one leaf and about one node of the tree for each record.
fn hashing(len: usize) -> Result<(), std::io::Error> {
    let (record, node) = (vec![7; len], [7; 65]);
    let began = instant();
    let rounds = 1_000_000_u32;
    for _ in 0..rounds {
        std::hint::black_box(Digest::of(std::hint::black_box(&record)));
        std::hint::black_box(Digest::of(std::hint::black_box(&node)));
    }
    say(&format!(
        "SHA-256 of {len} B and of a tree node: {} ns a record",
        began.elapsed().as_nanos() / u128::from(rounds)
    ))
}

fn measure(dir: &std::path::Path, window: u64, records: u64) -> Result<(), Box<dyn std::error::Error>> {
    let disk: Arc<dyn Disk> = Arc::new(HostDisk);
    let key = CheckpointKey::from_seed(&[1; 32]);
    let Journal { inbox, writer, .. } =
        Journal::open(&disk, Arc::new(MachineClock), dir, JournalOptions::default(), key)?;
    writer.prepare_segment()?;
    let commits = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&commits);
    let writing = writer.spawn(move |_| {
        counted.fetch_add(1, Ordering::Relaxed);
    })?;
    let began = instant();
    thread::scope(|scope| {
        for _ in 0..SENDERS {
            scope.spawn(|| send(&inbox, window, records / SENDERS));
        }
    });
    let took = began.elapsed();
    let committed = inbox.committed();
    inbox.close();
    writing.join().map_err(|_| "the writer panicked")??;
    report(&disk, dir, &Run { window, committed, took, commits: commits.load(Ordering::Relaxed) })
}

fn send(inbox: &Inbox, window: u64, records: u64) {
    let payload = [b'x'; 140];
    let message = Message {
        source: "mqtt-endpoint",
        topic: "citywarden/330624/site-0001/json",
        identity: "",
        qos: 1,
        retained: false,
        duplicate: false,
        refused: None,
        payload: &payload,
        full: None,
    };
    for number in 1..=records {
        let offset = loop {
            match inbox.append(&message) {
                Ok(offset) => break offset,
                Err(AppendError::Full) => thread::yield_now(),
                Err(_) => return,
            }
        };
        if number % window == 0 && inbox.wait_past(offset, Duration::from_secs(10)).is_err() {
            return;
        }
    }
}

struct Run {
    window: u64,
    committed: Offset,
    took: Duration,
    commits: u64,
}

#[expect(clippy::cast_precision_loss, reason = "figures for people")]
fn report(disk: &Arc<dyn Disk>, dir: &std::path::Path, run: &Run) -> Result<(), Box<dyn std::error::Error>> {
    let Run { window, committed, took, commits } = *run;
    let rate = |count: u64, took: Duration| count as f64 / took.as_secs_f64() / 1000.0;
    let began = instant();
    let mut reader = Reader::open(disk, dir, Offset(0))?;
    let mut read = 0;
    loop {
        let batch = reader.next_batch(None, 10_000)?;
        if batch.is_empty() {
            break;
        }
        read += batch.iter().flatten().count() as u64;
    }
    let reading = began.elapsed();
    let began = instant();
    let intact = verify(&**disk, dir, None)?.is_intact();
    let verifying = began.elapsed();
    let began = instant();
    drop(Journal::open(
        disk,
        Arc::new(MachineClock),
        dir,
        JournalOptions::default(),
        CheckpointKey::from_seed(&[1; 32]),
    )?);
    let opening = began.elapsed();
    say(&format!(
        "window {window:>5}: {:>7.1} k records/s, {commits} commits, {:.0} records each; read {:.0} k/s, verify {:.0} k/s ({intact}), open {opening:?}",
        rate(committed.0, took),
        committed.0 as f64 / commits as f64,
        rate(read, reading),
        rate(read, verifying),
    ))?;
    Ok(())
}

fn say(text: &str) -> std::io::Result<()> {
    use std::io::Write as _;
    writeln!(std::io::stdout(), "{text}")
}
