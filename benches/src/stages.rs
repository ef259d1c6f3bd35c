//! What each stage takes alone: the journal on this disk, the decoder, the evaluator, and both of these together.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use citywarden_formats::json::decode;
use citywarden_journal::{AppendError, CheckpointKey, Disk, HostDisk, Journal, JournalOptions, Message};
use citywarden_model::{
    Asset, Attributes, Clock as _, Crs, Device, DeviceId, LocalClock, Moment, Offset, Registry, Span,
    Timestamp,
};
use citywarden_problems::Problems;
use citywarden_rules::{Arrival, Evaluator, EvaluatorOptions, Followers, Recognised, built_in_pack, load};
use clap::Args;

use crate::clock::{MachineClock, instant};
use crate::county::{DEVICES, REGION};
use crate::figures::{median, millis, number};
use crate::{host, say};

#[derive(Args)]
pub(crate) struct Options {
    /// Where the journal is written; the temporary directory, if not given.
    #[arg(long)]
    dir: Option<PathBuf>,
}

/// Each figure is the median of so many rounds.
const ROUNDS: u32 = 7;
/// Records in flight while the journal is measured: about what 50 connections × 100 keep there.
const IN_FLIGHT: u64 = 5_000;
const RECORDS: u64 = 1_000_000;

/// Minutes of the county that are not counted: then every window of the pack is full.
const FIRST_MINUTES: u32 = 40;

/// Measures every stage.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let dir = options.dir.clone().unwrap_or_else(std::env::temp_dir);
    for line in host::conditions(&dir) {
        say(&line)?;
    }
    let payload = payload(MachineClock.now());
    say(&format!("* payload: {} B, five quantities\n\n| stage | figure |\n|---|---|", payload.len()))?;
    let rates =
        (0..ROUNDS).map(|_| journal(&dir, payload.as_bytes())).collect::<anyhow::Result<Vec<f64>>>()?;
    say(&format!(
        "| journal: append, commit, sync; one thread, {IN_FLIGHT} in flight | {:.0} k records/s |",
        median(rates) / 1e3
    ))?;
    let mut judge = Judge::new()?;
    let (mut decoding, mut judging, mut both) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..FIRST_MINUTES {
        judge.minute(Part::Judge)?;
    }
    for _ in 0..ROUNDS {
        decoding.push(judge.minute(Part::Decode)?);
        judging.push(judge.minute(Part::Judge)?);
        both.push(judge.minute(Part::Both)?);
    }
    say(&format!("| decode JSON | {:.0} ns a message |", median(decoding)))?;
    say(&format!("| judge, {DEVICES} devices, built-in pack | {:.0} ns a message |", median(judging)))?;
    say(&format!("| decode and judge | {:.0} ns a message |", median(both)))?;
    let began = instant();
    let snapshot = judge.evaluator.snapshot();
    let took = millis(began.elapsed());
    say(&format!(
        "| snapshot of that, taken on the judge's thread | {:.1} MB in {took:.0} ms |",
        number(snapshot.len() as u64) / 1e6
    ))?;
    Ok(())
}

fn payload(at: Timestamp) -> String {
    format!(
        "{{\"ts\":{},\"readings\":{{\"pm10\":75.4,\"pm25\":31.2,\"sound_level\":52.3,\"humidity\":61.5,\
         \"wind_speed\":1.2}},\"flag\":\"N\",\"serial\":\"{:045}\"}}",
        at.nanos() / 1_000_000,
        0
    )
}

/// Records a second that a journal makes durable.
fn journal(parent: &Path, payload: &[u8]) -> anyhow::Result<f64> {
    let dir = tempfile::tempdir_in(parent)?;
    let disk: Arc<dyn Disk> = Arc::new(HostDisk);
    let key = CheckpointKey::from_seed(&[1; 32]);
    let opened = Journal::open(&disk, Arc::new(MachineClock), dir.path(), JournalOptions::default(), key)?;
    let Journal { inbox, writer, .. } = opened;
    writer.prepare_segment()?;
    let writing = writer.spawn(|_| {})?;
    let message = Message {
        source: "mqtt-endpoint",
        topic: "citywarden/330624/load-00000/json",
        identity: "",
        qos: 1,
        retained: false,
        duplicate: false,
        refused: None,
        payload,
        full: None,
    };
    let began = instant();
    let mut last = Offset(0);
    for _ in 0..RECORDS {
        last = match inbox.append(&message) {
            Err(AppendError::Full) => return Err(anyhow!("the inbox is larger than what is in flight")),
            appended => appended?,
        };
        if let Some(awaited) = last.0.checked_sub(IN_FLIGHT) {
            inbox.wait_past(Offset(awaited), Duration::from_secs(10))?;
        }
    }
    inbox.wait_past(last, Duration::from_secs(10))?;
    let took = began.elapsed().as_secs_f64();
    inbox.close();
    writing.join().map_err(|_| anyhow!("the writer panicked"))??;
    Ok(number(RECORDS) / took)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Decode,
    Judge,
    Both,
}

/// The county of the load, and its judge.
struct Judge {
    evaluator: Evaluator,
    devices: Vec<DeviceId>,
    now: Timestamp,
    offset: u64,
}

impl Judge {
    fn new() -> anyhow::Result<Self> {
        let start = Timestamp::parse("2026-11-24T08:00:00+08:00").context("a time")?;
        let (registry, mut out) = (county(), Vec::new());
        let devices = registry.devices.keys().cloned().collect();
        let mut evaluator = Evaluator::new(EvaluatorOptions::of(registry.region.clone()));
        let moment = Moment { offset: Offset(0), at: start };
        let rules = load(&built_in_pack(), LocalClock::default(), &Problems::new());
        evaluator.install_registry(moment, Arc::new(registry), &mut out);
        evaluator.install_rules(moment, Arc::new(rules), &mut out);
        Ok(Self { evaluator, devices, now: start, offset: 0 })
    }

    /// One message of each device, a minute after the one before; nanoseconds a message of this part of the work.
    fn minute(&mut self, part: Part) -> anyhow::Result<f64> {
        if part != Part::Decode {
            self.now = self.now + Span::from_mins(1);
        }
        let at = self.now;
        let payload = payload(at);
        let (devices, mut followers) = (self.evaluator.devices(), Followers::default());
        let mut recognise = |device| -> anyhow::Result<_> {
            let (mut observations, mut said) = (Vec::with_capacity(1), Recognised::with_room_for(1));
            decode(std::hint::black_box(payload.as_bytes()), &mut observations)?;
            devices.recognise(device, observations, &mut followers, &mut said);
            Ok(said)
        };
        let find = |id: &DeviceId| devices.find(id.as_str()).context("it is in the registry");
        let mut out = Vec::new();
        let mut said = recognise(find(self.devices.first().context("there are some")?)?)?;
        let began = instant();
        for id in &self.devices {
            let device = find(id)?;
            if part != Part::Judge {
                said = recognise(device)?;
            }
            if part != Part::Decode {
                self.offset += 1;
                let moment = Moment { offset: Offset(self.offset), at };
                let arrival =
                    Arrival { moment, duplicate: false, retained: false, payload: payload.as_bytes() };
                self.evaluator.observe_of(&arrival, device, said.said(0..1), &mut out);
            }
        }
        Ok(began.elapsed().as_secs_f64() * 1e9 / f64::from(DEVICES))
    }
}

fn county() -> Registry {
    let mut registry = Registry::empty(REGION.into());
    for number in 0..DEVICES {
        let asset = Asset {
            id: format!("site-{number:05}").into(),
            kind: "construction_site".to_owned(),
            name: String::new(),
            region: registry.region.clone(),
            grid: None,
            position: None,
            attributes: Attributes::default(),
        };
        let device = Device {
            id: citywarden_simulators::load::device_id(number).into(),
            kind: "dust_monitor".to_owned(),
            asset: asset.id.clone(),
            interval: Some(Span::from_secs(60)),
            crs: Crs::Wgs84,
            attributes: Attributes::default(),
        };
        registry.assets.insert(asset.id.clone(), asset);
        registry.devices.insert(device.id.clone(), device);
    }
    registry
}
