//! What a sync costs on this disk, without anything of ours: the floor under every acknowledgement.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::clock::instant;
use crate::figures::at;

/// Zeroed beforehand, as the journal's segments are: overwriting allocates nothing.
const FILE_BYTES: usize = 64 << 20;
const SYNCS: usize = 400;
/// A commit of a few messages, and one of some hundred.
const SIZES: [usize; 2] = [4 << 10, 64 << 10];

/// Overwrites of one size, each synced.
pub(crate) struct SyncTimes {
    pub(crate) bytes: usize,
    pub(crate) p50_us: f64,
    pub(crate) p99_us: f64,
}

impl SyncTimes {
    /// A line on the disk, for the head of a result.
    pub(crate) fn line(&self) -> String {
        format!(
            "* fdatasync after overwriting {} KiB of a zeroed file: p50 {:.0} µs, p99 {:.0} µs",
            self.bytes >> 10,
            self.p50_us,
            self.p99_us
        )
    }
}

/// Overwrites a zeroed file in this directory piece by piece, from its front, with `fdatasync` after each.
pub(crate) fn measure(dir: &Path) -> std::io::Result<[SyncTimes; 2]> {
    let file = zeroed(&dir.join("overwritten"))?;
    let [small, large] = SIZES.map(|bytes| overwrite(&file, bytes));
    Ok([small?, large?])
}

/// Overwrites and syncs 4 KiB so often until it is over; how long each took, in milliseconds.
pub(crate) fn watch(dir: &Path, every: Duration, over: &AtomicBool) -> std::io::Result<Vec<f64>> {
    let file = zeroed(&dir.join("watched"))?;
    let piece = vec![0xa5; 4 << 10];
    let mut millis = Vec::new();
    for number in 0_usize.. {
        if over.load(Ordering::Relaxed) {
            break;
        }
        let began = instant();
        file.write_all_at(&piece, (number * piece.len() % FILE_BYTES) as u64)?;
        file.sync_data()?;
        millis.push(crate::figures::millis(began.elapsed()));
        std::thread::sleep(every);
    }
    Ok(millis)
}

fn zeroed(path: &Path) -> std::io::Result<File> {
    let file = File::options().read(true).write(true).create(true).truncate(true).open(path)?;
    file.write_all_at(&vec![0; FILE_BYTES], 0)?;
    file.sync_all()?;
    Ok(file)
}

fn overwrite(file: &File, bytes: usize) -> std::io::Result<SyncTimes> {
    let piece = vec![0x5a; bytes];
    let mut micros = Vec::with_capacity(SYNCS);
    for number in 0..SYNCS {
        let began = instant();
        file.write_all_at(&piece, (number * bytes % FILE_BYTES) as u64)?;
        file.sync_data()?;
        micros.push(began.elapsed().as_secs_f64() * 1e6);
    }
    Ok(SyncTimes { bytes, p50_us: at(micros.iter().copied(), 500), p99_us: at(micros, 990) })
}
