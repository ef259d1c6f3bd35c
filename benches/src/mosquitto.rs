//! Messages a second through Mosquitto, received, journalled, synced, acknowledged, decoded and judged by the real binary;
//! beside a bare subscriber that counts, and beside the real binary's own endpoint. All in turns, in one run.
//!
//! Each subscriber has a Mosquitto of its own, as shipped in `deploy/`, and stays; only one is loaded at a time. The
//! endpoint's service is a fresh one each time: it takes so much that its windows would grow from turn to turn.

mod counter;
mod report;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use citywarden_model::Clock;
use citywarden_tests::mosquitto::Mosquitto;
use clap::Args;

use crate::clock::{MachineClock, instant};
use crate::county::County;
use crate::figures::number;
use crate::measure::{Case, Run, count, measure, send, threads};
use crate::place::PlaceOptions;
use crate::server::Server;
use crate::{disk, host, say};

use counter::Counter;

#[derive(Args)]
pub(crate) struct Options {
    #[command(flatten)]
    place: PlaceOptions,
    /// Counted turns of each.
    #[arg(long, default_value_t = 5)]
    runs: u32,
    /// About how long each counted turn takes.
    #[arg(long, default_value_t = 3)]
    seconds: u32,
}

/// Gateways: few connections that fill every sync.
const GATEWAYS: Case = Case { connections: 50, window: 100, first: 300_000 };
/// Devices: each waits for its acknowledgement.
const DEVICES: Case = Case { connections: 5_000, window: 1, first: 200_000 };
/// Sent beforehand to who sits behind a broker: sixteen messages of each device, so that every window is covered.
const FIRST_BEHIND_BROKER: u64 = 160_000;

/// Somebody behind a broker of his own.
struct Behind {
    broker: Mosquitto,
    who: Subscriber,
    /// Sent to the broker so far.
    sent: u64,
    /// Whether it has an archive that answers.
    archives: bool,
}

enum Subscriber {
    Bare(Counter),
    Service(Server),
}

/// What a turn through a broker showed.
pub(super) struct Turn {
    messages: u64,
    /// Until the broker had acknowledged all.
    acknowledged_in: Duration,
    /// Until the subscriber had done with all.
    done_in: Duration,
    /// Processor time of the service: all, and of its sockets, journal and judge.
    cpu: Duration,
    by_threads: [Duration; 3],
}

impl Turn {
    fn rate(&self) -> f64 {
        number(self.messages) / self.done_in.as_secs_f64()
    }
    fn micros_each(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / number(self.messages)
    }
}

impl Behind {
    fn new(who: impl FnOnce(&Mosquitto) -> anyhow::Result<Subscriber>) -> anyhow::Result<Self> {
        let broker = Mosquitto::start();
        Ok(Self { who: who(&broker)?, broker, sent: 0, archives: false })
    }

    fn service(binary: &Path, dir: &Path, has_archive: bool) -> anyhow::Result<Self> {
        let behind = Self::new(|mosquitto| {
            let county = County { broker: Some(mosquitto.address), has_archive, ..County::default() };
            Ok(Subscriber::Service(Server::service(binary, dir, &county)?))
        })?;
        Ok(Self { archives: has_archive, ..behind })
    }

    async fn turn(&mut self, case: &Case, messages: u64, clock: &Arc<dyn Clock>) -> anyhow::Result<Turn> {
        let (cpu, by_threads) = self.cpu();
        let began = instant();
        send(self.broker.address, case, messages, clock).await?;
        let acknowledged_in = began.elapsed();
        self.sent += messages;
        match &self.who {
            Subscriber::Bare(counter) => counter.counted(self.sent).await?,
            Subscriber::Service(server) => server.judged_all(self.sent).await?,
        }
        let done_in = began.elapsed();
        let (cpu_now, by_threads_now) = self.cpu();
        if let Subscriber::Service(server) = &self.who
            && self.archives
        {
            server.archived().await?;
        }
        let mut spent = by_threads_now;
        for (spent, before) in spent.iter_mut().zip(by_threads) {
            *spent = spent.saturating_sub(before);
        }
        let cpu = cpu_now.saturating_sub(cpu);
        Ok(Turn { messages, acknowledged_in, done_in, cpu, by_threads: spent })
    }

    fn cpu(&self) -> (Duration, [Duration; 3]) {
        match &self.who {
            Subscriber::Bare(_) => Default::default(),
            Subscriber::Service(server) => (server.process.cpu(), threads(server)),
        }
    }
}

/// What one round showed.
pub(super) struct Round {
    bare: Turn,
    /// Without the archive, and with it in SQLite.
    judged: Option<[Turn; 2]>,
    endpoint: Run,
}

/// Runs all of it and prints the figures.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let place = options.place.begin()?;
    for syncs in disk::measure(place.dir())? {
        say(&syncs.line())?;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(rounds(options, &place.binary, place.dir()))?;
    say(&format!("\nload average after: {}", host::load_average()))?;
    Ok(())
}

async fn rounds(options: &Options, binary: &Path, dir: &Path) -> anyhow::Result<()> {
    let clock: Arc<dyn Clock> = Arc::new(MachineClock);
    let mut bare = Behind::new(|mosquitto| Ok(Subscriber::Bare(Counter::start(mosquitto.address)?)))?;
    let mut services = [Behind::service(binary, dir, false)?, Behind::service(binary, dir, true)?];
    let first = bare.turn(&GATEWAYS, FIRST_BEHIND_BROKER, &clock).await?;
    for service in &mut services {
        service.turn(&GATEWAYS, FIRST_BEHIND_BROKER, &clock).await?;
    }
    let messages = count(first.rate(), options.seconds);
    let mut found = Vec::new();
    for _ in 0..options.runs {
        let turn = bare.turn(&GATEWAYS, messages, &clock).await?;
        let [without, with] = &mut services;
        let judged =
            [without.turn(&GATEWAYS, messages, &clock).await?, with.turn(&GATEWAYS, messages, &clock).await?];
        let endpoint = endpoint(binary, dir, &GATEWAYS, options.seconds, &clock).await?;
        found.push(Round { bare: turn, judged: Some(judged), endpoint });
    }
    report::gateways(&GATEWAYS, &found)?;
    drop(services);
    let mut found = Vec::new();
    for _ in 0..options.runs {
        let turn = bare.turn(&DEVICES, messages, &clock).await?;
        let endpoint = endpoint(binary, dir, &DEVICES, options.seconds, &clock).await?;
        found.push(Round { bare: turn, judged: None, endpoint });
    }
    report::devices(&DEVICES, &found)?;
    Ok(())
}

async fn endpoint(
    binary: &Path,
    dir: &Path,
    case: &Case,
    seconds: u32,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Run> {
    let service = Server::service(binary, dir, &County::default())?;
    measure(&service, case, seconds, clock).await
}
