//! Commands about feeds: simulated, recorded, played back.

use std::path::PathBuf;

use citywarden_model::{OWN_TOPICS, Span, Timestamp, filter_fault};
use citywarden_simulators::play::Target;
use clap::{Args, Subcommand};

/// Where messages are published and read.
const LOCAL_BROKER: &str = "mqtt://127.0.0.1:1883";

#[derive(Debug, Args)]
pub(crate) struct Simulate {
    /// Something else than a scenario.
    #[command(subcommand)]
    pub(crate) command: Option<Simulation>,
    /// A scenario.
    #[command(flatten)]
    pub(crate) play: Play,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Simulation {
    /// A load of realistic messages, and what was acknowledged, how fast
    ///
    /// Speaks MQTT 3.1.1 over plain TCP, at least once. Prints how many messages were sent and acknowledged and how long
    /// acknowledgements took; exits 1 where a message was not acknowledged.
    #[command(
        after_help = "Example: citywarden simulate load --devices 1000 --rate 5000 --for 30s --mqtt mqtt://127.0.0.1:1883"
    )]
    Load(SimulateLoad),
}

#[derive(Debug, Args)]
pub(crate) struct Play {
    /// A built-in scenario, or a scenario's file
    pub(crate) scenario: Option<String>,
    /// Whom the devices publish to: `mqtt://[user:password@]host[:port]`
    #[arg(long, value_name = "URL", default_value = LOCAL_BROKER)]
    pub(crate) mqtt: Target,
    /// How many times as fast as real time; 0: everything at once
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = speed)]
    pub(crate) speed: f64,
    /// Picks other noise and delays; the same seed and start send the same messages
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(crate) seed: u64,
    /// Writes the violations it stages, and when each must be raised, as JSON lines
    #[arg(long, value_name = "FILE")]
    pub(crate) truth: Option<PathBuf>,
    /// Writes the registry files that describe its devices and assets
    #[arg(long, value_name = "DIR")]
    pub(crate) registry: Option<PathBuf>,
    /// Writes only the files of `--registry` and `--truth`, and publishes nothing
    #[arg(long)]
    pub(crate) files_only: bool,
    /// Writes a recording instead of publishing
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// When the recording begins (RFC 3339); absent: now
    #[arg(long, value_name = "T", value_parser = Timestamp::parse, requires = "output")]
    pub(crate) start: Option<Timestamp>,
    /// Ends after this long by the scenario's own time, such as 20m
    #[arg(long = "for", value_name = "DURATION", value_parser = Span::parse)]
    pub(crate) duration: Option<Span>,
    /// Lists the built-in scenarios
    #[arg(long)]
    pub(crate) list: bool,
}

#[derive(Debug, Args)]
pub(crate) struct SimulateLoad {
    /// Devices, `load-00000` and on; beyond 500 several share a connection, and the number is rounded up to fit
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=99_000))]
    pub(crate) devices: u32,
    /// Messages a second, of all devices together
    #[arg(long, value_name = "R", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) rate: u32,
    /// For how long, such as 30s; whoever is slowed down for longer by whom it sends to sends less
    #[arg(long = "for", value_name = "D", value_parser = Span::parse)]
    pub(crate) duration: Span,
    /// Whom to publish to
    #[arg(long, value_name = "URL", default_value = LOCAL_BROKER)]
    pub(crate) mqtt: Target,
    /// The region in the topics
    #[arg(long, value_name = "CODE", default_value = citywarden_simulators::REGION)]
    pub(crate) region: String,
    /// Writes registry files that describe the devices
    #[arg(long, value_name = "DIR")]
    pub(crate) registry: Option<PathBuf>,
    /// Writes only the files of `--registry`
    #[arg(long)]
    pub(crate) files_only: bool,
    /// Prints one JSON object
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Record {
    /// The broker: `mqtt://[user:password@]host[:port]`
    #[arg(long, value_name = "URL", default_value = LOCAL_BROKER)]
    pub(crate) mqtt: Target,
    /// Which topics; may be given more than once
    #[arg(long = "topic", value_name = "FILTER", default_value = OWN_TOPICS, value_parser = topic_filter)]
    pub(crate) topics: Vec<String>,
    /// The file that lines are added to
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Ends by itself after this long, such as 10m
    #[arg(long = "for", value_name = "DURATION", value_parser = Span::parse)]
    pub(crate) duration: Option<Span>,
    /// Ends by itself after so many messages
    #[arg(long, value_name = "N")]
    pub(crate) count: Option<u64>,
}

#[derive(Debug, Args)]
pub(crate) struct Replay {
    /// A recording: JSON lines, one message each, in order of arrival
    pub(crate) file: PathBuf,
    /// Whom to publish to
    #[arg(long, value_name = "URL", default_value = LOCAL_BROKER)]
    pub(crate) mqtt: Target,
    /// How many times as fast as it was recorded; 0: as fast as possible
    #[arg(long, value_name = "N", default_value_t = 1.0, value_parser = speed)]
    pub(crate) speed: f64,
    /// Leaves the devices' own times as recorded
    #[arg(long)]
    pub(crate) keep_time: bool,
}

/// A speed: 0, or a positive number.
fn speed(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite() && *number >= 0.0);
    number.ok_or_else(|| "expected 0 or a positive number".to_owned())
}

fn topic_filter(text: &str) -> Result<String, &'static str> {
    filter_fault(text).map_or_else(|| Ok(text.to_owned()), Err)
}
