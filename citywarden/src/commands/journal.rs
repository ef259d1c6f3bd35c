//! `citywarden journal stat | dump`: what is in the journal, beside a running service too.

use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use citywarden_journal::{Disk, HostDisk, Reader, recording, stat};
use citywarden_model::Offset;
use serde_json::json;

use super::{output, read_config};
use crate::cli::{ConfigFile, JournalAt};
use crate::spine::Layout;

/// How many records are printed between two looks at the disk.
const RECORDS_A_BATCH: usize = 1024;

/// Prints how much there is.
pub(crate) fn print_stat(at: &JournalAt) -> anyhow::Result<ExitCode> {
    let config = read_config(&at.config)?;
    let stat = stat(&disk(), &Layout::new(&config.data_dir).journal())?;
    let mut out = output();
    if at.json {
        let object = json!({
            "segments": stat.segments,
            "bytes": stat.bytes,
            "first": stat.first,
            "next": stat.next,
            "first_received_at": stat.first_received_at,
            "last_received_at": stat.last_received_at,
            "counts": stat.counts,
            "refused": stat.refused,
            "payload_bytes": stat.payload_bytes,
            "signed_to": stat.last_checkpoint.as_ref().map(|checkpoint| checkpoint.next),
        });
        writeln!(out, "{object}")?;
        return Ok(ExitCode::SUCCESS);
    }
    writeln!(
        out,
        "records   {} to {} (not included), in {} segments, {} bytes",
        stat.first, stat.next, stat.segments, stat.bytes
    )?;
    if let (Some(first), Some(last)) = (stat.first_received_at, stat.last_received_at) {
        writeln!(out, "received  {} to {}", config.local.write(first), config.local.write(last))?;
    }
    writeln!(out, "payloads  {} bytes", stat.payload_bytes)?;
    for (what, count) in &stat.counts {
        writeln!(out, "{count:>10}  {what}")?;
    }
    for (reason, count) in &stat.refused {
        writeln!(out, "{count:>10}  refused at the door: {reason}")?;
    }
    match &stat.last_checkpoint {
        Some(checkpoint) => writeln!(out, "signed    up to {} (not included)", checkpoint.next)?,
        None => writeln!(out, "signed    nothing yet")?,
    }
    Ok(ExitCode::SUCCESS)
}

/// Prints each record as a line of a recording.
pub(crate) fn dump(from: Option<u64>, to: Option<u64>, config: &ConfigFile) -> anyhow::Result<ExitCode> {
    let dir = Layout::new(&read_config(config)?.data_dir).journal();
    let mut reader = match from {
        Some(from) => Reader::open(&disk(), &dir, Offset(from))?,
        None => Reader::open_oldest(&disk(), &dir)?,
    };
    let mut out = output();
    loop {
        let batch = reader.next_batch(to.map(Offset), RECORDS_A_BATCH)?;
        if batch.is_empty() {
            out.flush()?;
            return Ok(ExitCode::SUCCESS);
        }
        for record in batch.iter() {
            writeln!(out, "{}", recording::write_line(&record?))?;
        }
    }
}

fn disk() -> Arc<dyn Disk> {
    Arc::new(HostDisk)
}
