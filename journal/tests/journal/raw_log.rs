//! The log by itself, as the alert log uses it.

use citywarden_journal::{Log, LogError, LogOptions, LogReader, SimulatedDisk, verify};
use citywarden_model::{Digest, Offset};

use crate::support::{dir, shared};

const OPTIONS: LogOptions = LogOptions { segment_bytes: 2048, record_bytes_max: 300, commit_bytes_max: 1024 };

#[test]
fn what_is_appended_reads_back_in_another_run_with_the_same_head() {
    let disk = SimulatedDisk::new();
    let mut heads = Vec::new();
    for run in 0..3_u8 {
        let (mut log, recovery) = Log::open(&shared(&disk), &dir(), OPTIONS).unwrap();
        assert_eq!(recovery.next, Offset(u64::from(run) * 20));
        assert_eq!(heads.last().copied().unwrap_or(Digest::default()), log.head());
        for number in 0..10_u8 {
            let first = log.append([&[run, number][..], &[number; 100][..]]).unwrap();
            assert_eq!(first.0, u64::from(run) * 20 + u64::from(number) * 2);
        }
        heads.push(log.head());
    }
    let mut reader = LogReader::open(&shared(&disk), &dir(), Offset(20)).unwrap();
    let mut records = Vec::new();
    loop {
        let batch = reader.next_batch(None, 3).unwrap();
        if batch.is_empty() {
            break;
        }
        records.extend(batch.iter().map(|(offset, bytes)| (offset.0, bytes.to_vec())));
    }
    assert_eq!(records.len(), 40);
    assert_eq!(records[0], (20, vec![1, 0]));
    assert_eq!(records[39], (59, vec![9; 100]));
    let found = verify(&disk, &dir(), None).unwrap();
    assert!(found.is_intact());
    assert_eq!((found.head, found.next), (heads[2], Offset(60)));
}

#[test]
fn the_head_follows_from_the_records_and_how_they_were_committed() {
    let head = |commits: &[&[&[u8]]]| {
        let (mut log, _) = Log::open(&shared(&SimulatedDisk::new()), &dir(), OPTIONS).unwrap();
        for commit in commits {
            log.append(commit.iter().copied()).unwrap();
        }
        log.head()
    };
    assert_eq!(head(&[&[b"a"], &[b"b"]]), head(&[&[b"a"], &[b"b"]]));
    assert_ne!(head(&[&[b"a"], &[b"b"]]), head(&[&[b"a", b"b"]]));
    assert_ne!(head(&[&[b"a"], &[b"b"]]), head(&[&[b"b"], &[b"a"]]));
}

#[test]
fn a_record_above_the_limit_leaves_the_log_as_it_was() {
    let (mut log, _) = Log::open(&shared(&SimulatedDisk::new()), &dir(), OPTIONS).unwrap();
    let refused = log.append([&b"fits"[..], &[0; 301][..]]);
    assert!(matches!(refused, Err(LogError::RecordTooLarge { len: 301, max: 300 })));
    assert_eq!(log.append([&b"next"[..]]).unwrap(), Offset(0));
}

#[test]
fn segments_too_small_for_their_records_are_refused() {
    let options = LogOptions { segment_bytes: 500, ..OPTIONS };
    let refused = Log::open(&shared(&SimulatedDisk::new()), &dir(), options).err().unwrap();
    assert!(refused.to_string().contains("expected at least"), "{refused}");
}

#[test]
fn records_that_met_a_full_disk_are_written_when_there_is_room() {
    let disk = SimulatedDisk::new();
    let (mut log, _) = Log::open(&shared(&disk), &dir(), OPTIONS).unwrap();
    disk.set_capacity(Some(disk.used()));
    let records: Vec<[u8; 200]> = (0..20).map(|number| [number; 200]).collect();
    let full = log.append(records.iter().map(|record| &record[..]));
    assert!(full.is_err_and(|error| error.is_disk_full()));
    assert!(log.retry().is_err());
    disk.set_capacity(None);
    log.retry().unwrap();
    assert_eq!(log.append([&b"after"[..]]).unwrap(), Offset(20));
    assert!(verify(&disk, &dir(), None).unwrap().is_intact());
}

#[test]
fn a_file_of_another_version_is_refused_as_such() {
    let disk = SimulatedDisk::new();
    drop(Log::open(&shared(&disk), &dir(), OPTIONS).unwrap());
    let path = dir().join("00000000000000000000.seg");
    // Version 3 with a checksum that is right.
    let mut header = disk.contents(&path).unwrap()[..68].to_vec();
    header[8] = 3;
    let crc = crc32c_of(&header[..64]);
    header[64..].copy_from_slice(&crc.to_le_bytes());
    let file = citywarden_journal::Disk::open(&disk, &path).unwrap();
    file.write_at(&header, 0).unwrap();
    let refused = Log::open(&shared(&disk), &dir(), OPTIONS).err().unwrap();
    assert_eq!(refused.to_string(), format!("{} has format version 3, expected 1", path.display()));
}

/// CRC32C (Castagnoli), bit by bit.
fn crc32c_of(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0_u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0x82F6_3B78 * (crc & 1)))
    })
}
