//! What the tests share: a clock that is moved by hand, a small journal, and reading it all back.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use citywarden_journal::{
    Body, CheckpointKey, Control, Disk, InboxOptions, Journal, JournalOptions, LogOptions, Message,
    OpenError, Reader, SimulatedDisk, verify,
};
use citywarden_model::{Clock, Offset, Span, Timestamp};

/// 2026-11-24T00:00:00Z.
pub(crate) const START: Timestamp = Timestamp::from_nanos(1_795_478_400_000_000_000);

#[derive(Clone)]
pub(crate) struct HandClock(Arc<AtomicI64>);

impl Default for HandClock {
    fn default() -> Self {
        Self(Arc::new(AtomicI64::new(START.nanos())))
    }
}

impl HandClock {
    pub(crate) fn advance(&self, span: Span) {
        self.0.fetch_add(span.nanos(), Ordering::Relaxed);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_nanos(self.0.load(Ordering::Relaxed))
    }
}

/// The clocks of these tests jump, and nobody ticks.
const NEVER: Span = Span::from_nanos(i64::MAX);

/// Segments that hold about ten records each.
pub(crate) fn small() -> JournalOptions {
    JournalOptions {
        log: LogOptions { segment_bytes: 4096, record_bytes_max: 600, commit_bytes_max: 2048 },
        inbox: InboxOptions { bytes_max: 16 << 10, records_max: 64, absence_min: NEVER },
        ..JournalOptions::default()
    }
}

pub(crate) fn dir() -> PathBuf {
    PathBuf::from("/data/journal")
}

pub(crate) fn key() -> CheckpointKey {
    CheckpointKey::from_seed(&[7; 32])
}

pub(crate) fn try_open(disk: &SimulatedDisk, clock: &HandClock) -> Result<Journal, OpenError> {
    Journal::open(&shared(disk), Arc::new(clock.clone()), &dir(), small(), key())
}

pub(crate) fn open(disk: &SimulatedDisk, clock: &HandClock) -> Journal {
    try_open(disk, clock).expect("the journal opens")
}

pub(crate) fn shared(disk: &SimulatedDisk) -> Arc<dyn Disk> {
    Arc::new(disk.clone())
}

pub(crate) fn message(payload: &[u8]) -> Message<'_> {
    Message {
        source: "mqtt-endpoint",
        topic: "citywarden/330624/site-01/json",
        identity: "",
        qos: 1,
        retained: false,
        duplicate: false,
        refused: None,
        payload,
        full: None,
    }
}

/// Payloads that differ in content and length.
pub(crate) fn payload(number: u64) -> Vec<u8> {
    let len = usize::try_from(number % 7).expect("small") * 31 + 20;
    format!("payload {number:06} ").into_bytes().into_iter().cycle().take(len).collect()
}

/// Every message kept, with its offset, oldest first; checks the order of offsets and times on the way.
pub(crate) fn messages(disk: &Arc<dyn Disk>, dir: &Path, up_to: Option<Offset>) -> Vec<(Offset, Vec<u8>)> {
    let mut reader = Reader::open_oldest(disk, dir).expect("there is a journal");
    let mut expected = reader.position();
    let mut latest = Timestamp::EPOCH;
    let mut found = Vec::new();
    loop {
        let batch = reader.next_batch(up_to, 7).expect("readable");
        if batch.is_empty() {
            return found;
        }
        for record in batch.iter() {
            let record = record.expect("decodable");
            assert_eq!(record.offset, expected);
            assert!(record.received_at >= latest, "time goes back at {}", record.offset);
            (expected, latest) = (record.offset.next(), record.received_at);
            if let Body::Message(message) = record.body {
                found.push((record.offset, message.payload.to_vec()));
            }
        }
    }
}

/// The control records' words, oldest first.
pub(crate) fn controls(disk: &SimulatedDisk) -> Vec<String> {
    let mut reader = Reader::open_oldest(&shared(disk), &dir()).expect("there is a journal");
    let batch = reader.next_batch(None, usize::MAX).expect("readable");
    let words = batch.iter().filter_map(|record| match record.expect("decodable").body {
        Body::Control(Control::SourceUp { source }) => Some(format!("source_up {source}")),
        Body::Control(control) => Some(control.word().to_owned()),
        Body::Message(_) => None,
    });
    words.collect()
}

pub(crate) fn assert_intact(disk: &SimulatedDisk) {
    let found = verify(disk, &dir(), Some(key().public().fingerprint())).expect("verifiable");
    assert!(found.is_intact(), "{:?}", found.faults);
}
