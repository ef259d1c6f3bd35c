//! From the publish of a message that fires an alert to the arrival of its webhook, while the endpoint takes a steady load;
//! and what a sync costs on the same disk in the meantime.

mod probe;
mod receiver;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{anyhow, ensure};
use citywarden_model::Clock;
use citywarden_simulators::load::{self, Load};
use clap::Args;

use crate::clock::{MachineClock, instant};
use crate::county::{County, DEVICES, REGION};
use crate::figures::{at, median, number};
use crate::measure::{Case, send};
use crate::place::PlaceOptions;
use crate::server::Server;
use crate::{disk, host, say};

use probe::{Fired, Probes};
use receiver::Arrivals;

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: PlaceOptions,
    /// Counted runs.
    #[arg(long, default_value_t = 5)]
    runs: u32,
    /// How long each counted run takes.
    #[arg(long, default_value_t = 20)]
    seconds: u32,
    /// Messages a second beside those that fire.
    #[arg(long, default_value_t = 5_000)]
    rate: u32,
    /// Alerts a second.
    #[arg(long, default_value_t = 50)]
    alerts: u32,
}

/// The load, and what is sent before: every window is covered.
const CASE: Case = Case { connections: 50, window: 100, first: 200_000 };
/// How long the last alerts may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// What a run showed, in milliseconds.
struct Run {
    acknowledged: Vec<f64>,
    arrived: Vec<f64>,
    syncs: Vec<f64>,
    sent: u64,
}

/// Runs all of it and prints the figures.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let place = options.place.begin()?;
    for syncs in disk::measure(place.dir())? {
        say(&format!("{}, before", syncs.line()))?;
    }
    let (webhook, arrivals) = receiver::start()?;
    let county =
        County { webhook: Some(webhook), probes: options.alerts * options.seconds, ..County::default() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    say(&format!(
        "\n### Alert latency: {} messages a second, of {} devices; {} alerts a second beside them\n",
        options.rate, DEVICES, options.alerts
    ))?;
    say(
        "| run | alerts | PUBACK p50 | p99 | webhook p50 | p99 | p99.9 | greatest | sync p50 | p99 | webhook p99 / sync p99 |",
    )?;
    say("|---|---|---|---|---|---|---|---|---|---|---|")?;
    let mut runs = Vec::new();
    for number in 1..=options.runs {
        arrivals.lock().map_err(|_| anyhow!("the receiver panicked"))?.clear();
        let run = one(&runtime, &place.binary, place.dir(), &county, options, &arrivals)?;
        say(&row(&number.to_string(), &[&run]))?;
        runs.push(run);
    }
    say(&row("median", &runs.iter().collect::<Vec<_>>()))?;
    let sent: u64 = runs.iter().map(|run| run.sent).sum();
    say(&format!(
        "\nms; {sent} messages of the load in all; syncs: 4 KiB overwritten in a zeroed file every {SYNC_EVERY:?} while \
         the load runs; load average after: {}",
        host::load_average()
    ))?;
    Ok(())
}

fn one(
    runtime: &tokio::runtime::Runtime,
    binary: &Path,
    dir: &Path,
    county: &County,
    options: &Options,
    arrivals: &Arrivals,
) -> anyhow::Result<Run> {
    let clock: Arc<dyn Clock> = Arc::new(MachineClock);
    let server = Server::service(binary, dir, county)?;
    runtime.block_on(send(server.mqtt, &CASE, CASE.first, &clock))?;
    let mut probes = Probes::connect(server.mqtt)?;
    probes.settle(county.probes)?;
    runtime.block_on(server.judged())?;
    let over = Arc::new(AtomicBool::new(false));
    let syncing = {
        let (dir, over) = (dir.to_owned(), Arc::clone(&over));
        std::thread::spawn(move || disk::watch(&dir, SYNC_EVERY, &over))
    };
    let (all, apart) = (county.probes, Duration::from_secs(1) / options.alerts);
    let firing = std::thread::spawn(move || probes.fire_all(all, apart));
    let load = Load {
        address: server.mqtt.to_string(),
        credentials: None,
        connections: CASE.connections,
        window: CASE.window,
        devices_each: DEVICES / CASE.connections,
        messages: u64::from(options.rate) * u64::from(options.seconds + 1),
        rate: Some(options.rate),
        for_at_most: None,
        region: REGION.to_owned(),
    };
    let sent = runtime.block_on(load::run(&load, &clock))?.acknowledged;
    let fired = firing.join().map_err(|_| anyhow!("the probes panicked"))??;
    over.store(true, Ordering::Relaxed);
    let syncs = syncing.join().map_err(|_| anyhow!("the disk's thread panicked"))??;
    let arrived = collect(&fired, arrivals)?;
    let since = |fired: &Fired| millis(fired.acknowledged - fired.published);
    Ok(Run { acknowledged: fired.iter().map(since).collect(), arrived, syncs, sent })
}

const SYNC_EVERY: Duration = Duration::from_millis(20);

fn millis(time: Duration) -> f64 {
    crate::figures::millis(time)
}

/// How long each took; all must have come.
fn collect(fired: &[Fired], arrivals: &Arrivals) -> anyhow::Result<Vec<f64>> {
    let began = instant();
    loop {
        let there = arrivals.lock().map_err(|_| anyhow!("the receiver panicked"))?;
        let took: Option<Vec<f64>> =
            fired.iter().map(|one| there.get(&one.asset).map(|at| millis(*at - one.published))).collect();
        if let Some(took) = took {
            return Ok(took);
        }
        let missing = fired.iter().filter(|one| !there.contains_key(&one.asset)).count();
        ensure!(began.elapsed() < PATIENCE, "{missing} of {} alerts did not arrive", fired.len());
        drop(there);
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn row(name: &str, runs: &[&Run]) -> String {
    let middle = |figure: &dyn Fn(&Run) -> f64| median(runs.iter().map(|run| figure(run)));
    let of =
        |values: &dyn Fn(&Run) -> Vec<f64>, thousandths: usize| middle(&|run| at(values(run), thousandths));
    let (acknowledged, arrived, syncs) = (
        |run: &Run| run.acknowledged.clone(),
        |run: &Run| run.arrived.clone(),
        |run: &Run| run.syncs.clone(),
    );
    format!(
        "| {name} | {:.0} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.2} | {:.3} | {:.3} | {:.1} |",
        middle(&|run| number(run.arrived.len() as u64)),
        of(&acknowledged, 500),
        of(&acknowledged, 990),
        of(&arrived, 500),
        of(&arrived, 990),
        of(&arrived, 999),
        of(&arrived, 1_000),
        of(&syncs, 500),
        of(&syncs, 990),
        middle(&|run| at(run.arrived.clone(), 990) / at(run.syncs.clone(), 990)),
    )
}
