//! Benchmarks: one command, one run, printed with the conditions it ran under.
//!
//! ```text
//! endpoint: load ─▶ the real binary (journal, judge, built-in pack)  ┐ in turns, medians, the ratio of the two
//!           load ─▶ at_once (acknowledges, keeps and judges nothing) ┘
//! mosquitto: load ─▶ Mosquitto ─▶ a bare subscriber that counts          ┐
//!            load ─▶ Mosquitto ─▶ the real binary, without and with SQLite ├ in turns
//!            load ─▶ the real binary's endpoint                            ┘
//! latency:  a message that fires an alert ─▶ the real binary, under load ─▶ webhook
//! restart:  the real binary, killed with ten million records in its journal, until it is ready again
//! judge:    the judge of the real binary, over a journal that a load has filled; of two binaries in turns
//! stages:   journal │ decode │ judge │ decode and judge, each alone
//! ```
//!
//! **Promises:** what is compared is measured in the same run, in turns, on the same machine.
//! **Does not know:** the inside of the service. It starts it, speaks to it as devices do, and reads its metrics.

mod at_once;
mod clock;
mod county;
mod disk;
mod endpoint;
mod figures;
mod host;
mod judge;
mod latency;
mod measure;
mod mosquitto;
mod place;
mod process;
mod restart;
mod server;
mod stages;

use std::io::Write as _;

use clap::{Parser, Subcommand};

#[derive(Parser)]
#[command(about = "Measures CityWarden, and prints the figures with their conditions.")]
struct Cli {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// Messages a second through the endpoint of the real binary, durable and judged, beside a server that acknowledges
    /// at once.
    Endpoint(endpoint::Options),
    /// Messages a second through Mosquitto, beside a bare subscriber that counts, and beside the endpoint.
    Mosquitto(mosquitto::Options),
    /// From the publish of a message that fires an alert to the webhook, under load.
    Latency(latency::Options),
    /// How long a start takes with ten million records in the journal, which are some gigabytes.
    Restart(restart::Options),
    /// Processor time of the judge for each message of a journal, of one binary or of two in turns.
    Judge(judge::Options),
    /// What each stage takes alone.
    Stages(stages::Options),
    /// The server that acknowledges at once; `endpoint` starts it.
    #[command(hide = true)]
    AtOnce,
}

fn main() -> anyhow::Result<()> {
    match Cli::parse().what {
        What::Endpoint(options) => endpoint::run(&options),
        What::Mosquitto(options) => mosquitto::run(&options),
        What::Latency(options) => latency::run(&options),
        What::Restart(options) => restart::run(&options),
        What::Judge(options) => judge::run(&options),
        What::Stages(options) => stages::run(&options),
        What::AtOnce => at_once::run(),
    }
}

/// A line of the result.
fn say(line: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}
