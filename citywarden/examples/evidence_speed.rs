//! How long it takes to find the messages an alert rests on, in a journal of 200,000 records.
//!
//! `cargo run --release -p citywarden --example evidence_speed -- [DIR]`

#![expect(clippy::print_stdout, reason = "a measurement prints")]
#![expect(clippy::disallowed_methods, reason = "it measures with the machine's clock")]

use std::sync::Arc;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use citywarden::judge::{EvidenceSource, JournalEvidence};
use citywarden_journal::{CheckpointKey, Disk, HostDisk, Journal, JournalOptions, Message, Places, Reader};
use citywarden_model::{Clock, Offset, Timestamp};

const RECORDS: u64 = 200_000;
/// As at some thousand messages a second.
const RECORDS_A_COMMIT: u64 = 5;
const ROUNDS: usize = 101;

struct MachineClock;

impl Clock for MachineClock {
    fn now(&self) -> Timestamp {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_nanos(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
    }
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let parent = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let dir = tempfile::tempdir_in(&parent)?;
    let disk: Arc<dyn Disk> = Arc::new(HostDisk);
    fill(&disk, dir.path())?;
    let places = Places::default();
    let mut judge = Reader::open_oldest(&disk, dir.path())?.sharing(&places)?;
    while !judge.next_batch(None, 4096)?.is_empty() {}
    let mut evidence = JournalEvidence::new(disk, dir.path().to_owned(), places);
    for (what, count, apart) in [
        ("the newest message", 1, 1),
        ("20 messages of one device, every other record", 20, 2),
        ("20 messages of one device among 100", 20, 100),
        ("20 messages of one device among 1,000", 20, 1_000),
        ("20 messages of one device among 9,000", 20, 9_000),
        ("2,000 messages of one device among 90", 2_000, 90),
    ] {
        let offsets: Vec<_> = (1..=count).rev().map(|back| Offset(RECORDS - back * apart)).collect();
        let mut times = Vec::new();
        for _ in 0..ROUNDS {
            let began = Instant::now();
            assert_eq!(evidence.messages(&offsets)?.len(), offsets.len());
            times.push(began.elapsed());
        }
        let first = times.first().copied().unwrap_or_default();
        times.sort();
        let at = |place: usize| times.get(place).copied().unwrap_or_default();
        println!("{what}: first {first:.0?}, median {:.0?}, greatest {:.0?}", at(ROUNDS / 2), at(ROUNDS - 1));
    }
    Ok(())
}

fn fill(disk: &Arc<dyn Disk>, dir: &std::path::Path) -> Result<(), Box<dyn std::error::Error>> {
    let key = CheckpointKey::from_seed(&[1; 32]);
    let journal = Journal::open(disk, Arc::new(MachineClock), dir, JournalOptions::default(), key)?;
    let Journal { inbox, mut writer, .. } = journal;
    let message = Message {
        source: "mqtt-endpoint",
        topic: "citywarden/330624/load-00000/json",
        identity: "",
        qos: 1,
        retained: false,
        duplicate: false,
        refused: None,
        payload: &[b'x'; 177],
        full: None,
    };
    for number in 0..RECORDS {
        inbox.append(&message)?;
        if number % RECORDS_A_COMMIT == 0 {
            writer.commit()?;
        }
    }
    writer.commit()?;
    Ok(())
}
