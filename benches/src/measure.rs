//! One counted run against one server.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use citywarden_model::Clock;
use citywarden_simulators::load::{self, Load, LoadReport};

use crate::clock::instant;
use crate::county::{DEVICES, REGION};
use crate::figures::number;
use crate::process::own_cpu;
use crate::server::Server;

/// How the load is spread.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Case {
    pub(crate) connections: u32,
    pub(crate) window: u16,
    /// Messages that are sent before, and not counted.
    pub(crate) first: u64,
}

/// What a run showed.
pub(crate) struct Run {
    pub(crate) messages: u64,
    pub(crate) payload_bytes: u64,
    /// Until the last acknowledgement.
    pub(crate) acknowledged_in: Duration,
    /// Until everything was judged as well.
    pub(crate) judged_in: Duration,
    pub(crate) p50: Duration,
    pub(crate) p99: Duration,
    /// Processor time of the server, until everything was judged.
    pub(crate) cpu: Duration,
    /// Of that, the threads of the sockets, of the journal, and of the judge.
    pub(crate) by_threads: [Duration; 3],
    /// Processor time of the generator.
    pub(crate) generator_cpu: Duration,
    pub(crate) syncs: u64,
    pub(crate) evaluations: u64,
    pub(crate) discarded: u64,
    pub(crate) compliant: u64,
    pub(crate) other_verdicts: u64,
}

impl Run {
    pub(crate) fn acknowledged_rate(&self) -> f64 {
        number(self.messages) / self.acknowledged_in.as_secs_f64()
    }
    pub(crate) fn judged_rate(&self) -> f64 {
        number(self.messages) / self.judged_in.as_secs_f64()
    }
    /// This time for each message, in microseconds.
    pub(crate) fn micros_each(&self, time: Duration) -> f64 {
        time.as_secs_f64() * 1e6 / number(self.messages)
    }
}

/// Warms the server up, then sends it about so many seconds of load.
pub(crate) async fn measure(
    server: &Server,
    case: &Case,
    seconds: u32,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<Run> {
    let began = instant();
    send(server.mqtt, case, case.first, clock).await?;
    let rate = number(case.first) / began.elapsed().as_secs_f64();
    server.judged().await?;
    let before = server.counts().await?;
    let by_threads = threads(server);
    let (cpu, generator_cpu) = (server.process.cpu(), own_cpu());
    let began = instant();
    let report = send(server.mqtt, case, count(rate, seconds), clock).await?;
    let acknowledged_in = began.elapsed();
    let generator_cpu = own_cpu().saturating_sub(generator_cpu);
    server.judged().await?;
    let judged_in = began.elapsed();
    let cpu = server.process.cpu().saturating_sub(cpu);
    let mut spent = threads(server);
    for (spent, before) in spent.iter_mut().zip(by_threads) {
        *spent = spent.saturating_sub(before);
    }
    let after = server.counts().await?;
    ensure!(after.dead_letters == 0, "{} messages were not judged", after.dead_letters);
    Ok(Run {
        messages: report.acknowledged,
        payload_bytes: report.bytes / report.sent.max(1),
        acknowledged_in,
        judged_in,
        p50: report.latencies.at(500),
        p99: report.latencies.at(990),
        cpu,
        by_threads: spent,
        generator_cpu,
        syncs: after.syncs - before.syncs,
        evaluations: after.evaluations - before.evaluations,
        discarded: after.discarded - before.discarded,
        compliant: after.compliant,
        other_verdicts: after.other_verdicts,
    })
}

/// As the service names them; the journal's also prepares its segments, and the judge's come and go.
pub(crate) fn threads(server: &Server) -> [Duration; 3] {
    let [sockets, journal] = ["tokio", "journal"].map(|name| server.process.cpu_of_threads(name));
    [sockets, journal, server.process.cpu_of_threads_and_gone("judge")]
}

/// Messages of so many seconds at this rate, an equal share for each device.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a rate is positive, and `as` saturates"
)]
pub(crate) fn count(rate: f64, seconds: u32) -> u64 {
    let wanted = (rate * f64::from(seconds)) as u64;
    wanted.next_multiple_of(DEVICES.into()).max(DEVICES.into())
}

/// Sends so many messages there and waits for every acknowledgement.
pub(crate) async fn send(
    address: SocketAddr,
    case: &Case,
    messages: u64,
    clock: &Arc<dyn Clock>,
) -> anyhow::Result<LoadReport> {
    let load = Load {
        address: address.to_string(),
        credentials: None,
        connections: case.connections,
        window: case.window,
        devices_each: DEVICES / case.connections,
        messages,
        rate: None,
        for_at_most: None,
        region: REGION.to_owned(),
    };
    Ok(load::run(&load, clock).await?)
}
