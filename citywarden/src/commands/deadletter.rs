//! `citywarden deadletter list`: the messages of the journal that were not judged, and why.
//!
//! They are derived again, with the registry that was in force when each of them was received.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use citywarden_journal::{Body, Control, Disk, HostDisk, Reader, Remnant};
use citywarden_model::{DeadLetterReason, Moment, Registry};

use super::{output, read_config};
use crate::cli::ConfigFile;
use crate::judge::{DeadLetter, Stored, Versions as _, decode};
use crate::spine::Layout;
use crate::texts::TextStore;

/// How many records are looked at at a time.
const RECORDS_A_BATCH: usize = 4096;

/// Prints them, oldest first.
pub(crate) fn list(reason: Option<&str>, config: &ConfigFile, as_json: bool) -> anyhow::Result<ExitCode> {
    let reason = reason.map(known_reason).transpose()?;
    let config = read_config(config)?;
    let layout = Layout::new(&config.data_dir);
    let disk: Arc<dyn Disk> = Arc::new(HostDisk);
    let mut stored = Stored::new(TextStore::open(Arc::clone(&disk), &layout.texts())?, config.local);
    let mut registry = Arc::new(Registry::empty(config.region.clone()));
    let mut reader = Reader::open_oldest(&disk, &layout.journal())?;
    for kept in Remnant::open(&*disk, &layout.journal())?.in_force(reader.position())? {
        if let Body::Control(Control::Registry { digest }) = &kept.record()?.body {
            registry = stored.registry(digest)?;
        }
    }
    let mut out = output();
    loop {
        let batch = reader.next_batch(None, RECORDS_A_BATCH)?;
        if batch.is_empty() {
            out.flush()?;
            return Ok(ExitCode::SUCCESS);
        }
        for record in batch.iter() {
            let record = record?;
            let moment = Moment { offset: record.offset, at: record.received_at };
            match &record.body {
                Body::Control(Control::Registry { digest }) => registry = stored.registry(digest)?,
                Body::Control(_) => {}
                Body::Message(message) => {
                    if let Err(letter) = decode(&config.region, &registry, message)
                        && reason.is_none_or(|reason| reason == letter.reason)
                    {
                        print(&mut out, &letter.at(moment, message), as_json)?;
                    }
                }
            }
        }
    }
}

fn known_reason(word: &str) -> anyhow::Result<DeadLetterReason> {
    let known = || DeadLetterReason::ALL.iter().map(|reason| reason.as_str());
    DeadLetterReason::ALL.iter().copied().find(|reason| reason.as_str() == word).ok_or_else(|| {
        let words: Vec<_> = known().collect();
        anyhow::anyhow!("`{word}` is no reason; expected one of {}", words.join(", "))
    })
}

fn print(out: &mut impl std::io::Write, letter: &DeadLetter, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        writeln!(out, "{}", serde_json::to_string(letter)?)?;
    } else {
        let DeadLetter { offset, received_at, topic, reason, detail } = letter;
        writeln!(out, "{offset}  {received_at}  {reason}  {topic}  {detail}")?;
    }
    Ok(())
}
