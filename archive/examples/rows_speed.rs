//! Rows a second into an archive, beside bare binary COPY of the same values into the same kind of table.
//!
//! `cargo run --release -p citywarden-archive --example rows_speed -- postgres://postgres@127.0.0.1:5432/empty_database`

#![expect(clippy::print_stdout, reason = "a measurement prints")]
#![expect(clippy::disallowed_methods, reason = "it measures with the machine's clock")]

use std::time::Instant;

use citywarden_archive::{
    Applied, Archive, ArchiveError, Arrival, Batch, Projection, SqliteArchive, Table, TimescaleArchive,
    TimescaleOptions,
};
use citywarden_model::{
    AssetId, Crs, Device, DeviceId, Flag, Observation, Offset, Reading, Span, Timestamp, Value,
};
use tokio_postgres::NoTls;
use tokio_postgres::binary_copy::BinaryCopyInWriter;
use tokio_postgres::types::Type;

const DEVICES: u64 = 1_000;
const ROWS: u64 = 300_000;
const BATCH: u64 = 5_000;
/// 2026-11-24T00:00:00Z.
const START: i64 = 1_795_478_400_000_000_000;
const QUANTITIES: [&str; 5] = ["pm10", "pm25", "sound_level", "temperature", "humidity"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let scratch = std::env::temp_dir().join(format!("rows-speed-{}.sqlite", std::process::id()));
    report("SQLite", ROWS, || fill(&mut SqliteArchive::open(&scratch)?, false))?;
    for ending in ["", "-wal", "-shm"] {
        std::fs::remove_file(format!("{}{ending}", scratch.display())).ok();
    }
    report("projection alone", ROWS, || {
        for first in (0..ROWS).step_by(5_000) {
            std::hint::black_box(batch(&Applied::default(), first, 0));
        }
        Ok::<_, ArchiveError>(())
    })?;
    let Some(url) = std::env::args().nth(1) else { return Ok(()) };
    let options = TimescaleOptions::parse(&url, None)?;
    let mut archive = TimescaleArchive::open(&options)?;
    println!("{}", archive.health()?);
    for (name, table) in
        [("bare COPY, no index", ""), ("bare COPY, unique index", ", UNIQUE (device, observed_at, flag)")]
    {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        report(name, ROWS, || runtime.block_on(bare(&url, table)))?;
    }
    report("archive", ROWS, || fill(&mut archive, false))?;
    report("archive, every row again", ROWS, || fill(&mut archive, true))?;
    Ok(())
}

#[expect(clippy::cast_precision_loss, reason = "a rate")]
fn report<E>(name: &str, rows: u64, work: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
    let start = Instant::now();
    work()?;
    let took = start.elapsed();
    println!(
        "{name}: {:.0} rows/s ({rows} in {took:.2?}, batches of {BATCH})",
        rows as f64 / took.as_secs_f64()
    );
    Ok(())
}

fn values(row: u64) -> [f64; 5] {
    let spread = f64::from(u32::try_from(row % 977).unwrap_or_default());
    [40.5, 20.5, 55.25, 21.0, 65.0].map(|base| base + spread / 100.0)
}

fn batch(applied: &Applied, first: u64, again: u64) -> Batch {
    let mut batch = Batch::new(applied);
    for row in first..first + BATCH {
        let number = row % DEVICES;
        let device = Device {
            id: DeviceId::from(format!("dust-monitor-{number:05}")),
            kind: "dust_monitor".to_owned(),
            asset: AssetId::from(format!("site-{number:05}")),
            interval: Some(Span::from_secs(60)),
            crs: Crs::Wgs84,
            attributes: [].into_iter().collect(),
        };
        let readings = QUANTITIES.iter().zip(values(row));
        let observation = Observation {
            observed_at: Some(observed(row)),
            readings: readings
                .map(|(quantity, value)| Reading {
                    quantity: (*quantity).into(),
                    value: Value::Number(value),
                })
                .collect(),
            flag: Flag::Normal,
            ..Observation::default()
        };
        let received_at = observed(row) + Span::from_secs(1);
        let offset = Offset(again + row);
        let arrival = Arrival { offset, received_at, duplicate: false, retained: false, payload: b"" };
        batch.message(Projection::default().project(&arrival, &device, "construction_site", &[observation]));
        batch.reach_journal(offset.next());
    }
    batch
}

fn observed(row: u64) -> Timestamp {
    let minute = i64::try_from(row / DEVICES).unwrap_or_default();
    Timestamp::from_nanos(START + minute * 60_000_000_000)
}

fn fill(archive: &mut dyn Archive, again: bool) -> Result<(), ArchiveError> {
    let place = archive.applied()?.place.journal.0;
    for first in (0..ROWS).step_by(5_000) {
        let applied = archive.applied()?;
        let next = batch(&applied, first, if again { place } else { 0 });
        assert_eq!(next.rows(Table::Sites).len() as u64, BATCH);
        archive.append(&next)?;
    }
    Ok(())
}

async fn bare(url: &str, constraint: &str) -> Result<(), tokio_postgres::Error> {
    let (mut client, connection) = tokio_postgres::connect(url, NoTls).await?;
    tokio::spawn(connection);
    let create = format!(
        "DROP TABLE IF EXISTS bare; CREATE TABLE bare (device TEXT NOT NULL, observed_at TIMESTAMPTZ NOT NULL, \
         flag TEXT NOT NULL, asset TEXT NOT NULL, received_at TIMESTAMPTZ NOT NULL, journal_offset BIGINT NOT NULL, \
         part INTEGER NOT NULL, pm10 FLOAT8, pm25 FLOAT8, sound_level FLOAT8, temperature FLOAT8, humidity FLOAT8{constraint})"
    );
    client.batch_execute(&create).await?;
    let types = [
        Type::TEXT,
        Type::TIMESTAMPTZ,
        Type::TEXT,
        Type::TEXT,
        Type::TIMESTAMPTZ,
        Type::INT8,
        Type::INT4,
        Type::FLOAT8,
        Type::FLOAT8,
        Type::FLOAT8,
        Type::FLOAT8,
        Type::FLOAT8,
    ];
    for first in (0..ROWS).step_by(5_000) {
        let transaction = client.transaction().await?;
        let sink = transaction.copy_in("COPY bare FROM STDIN (FORMAT BINARY)").await?;
        let writer = BinaryCopyInWriter::new(sink, &types);
        tokio::pin!(writer);
        for row in first..first + BATCH {
            let number = row % DEVICES;
            let (device, asset) = (format!("dust-monitor-{number:05}"), format!("site-{number:05}"));
            let at = std::time::UNIX_EPOCH
                + std::time::Duration::from_nanos(u64::try_from(observed(row).nanos()).unwrap_or_default());
            let offset = i64::try_from(row).unwrap_or_default();
            let [pm10, pm25, level, warmth, humidity] = values(row);
            writer
                .as_mut()
                .write(&[
                    &device, &at, &"N", &asset, &at, &offset, &0i32, &pm10, &pm25, &level, &warmth, &humidity,
                ])
                .await?;
        }
        writer.finish().await?;
        transaction.commit().await?;
    }
    Ok(())
}
