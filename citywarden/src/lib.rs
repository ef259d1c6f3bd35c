//! Everything of the binary but its `main`: configuration, the pipeline, commands. It is a library for the simulated
//! world alone, which opens the same [`spine`] over a disk, a clock and a network of its own.
//!
//! **Knows:** everyone, and the order of the stages. **Never:** decides what belongs to a stage.

mod archivist;
mod cli;
mod clock;
mod commands;
mod config;
mod county;
mod deadline;
mod housekeeping;
pub mod judge;
mod metrics;
mod pipeline;
mod reload;
mod retention;
mod rulebook;
mod sessions;
mod sources;
pub mod spine;
pub mod texts;
mod watch;
mod web;

pub use housekeeping::{checkpoints, ticks};
pub use retention::{Holds, Keeper, Keeping};

use std::io::{IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use tracing_subscriber::EnvFilter;

/// Reads the command line and does what it says.
pub fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    // a service says what it does; a command, and the demo, only what is wrong
    let level = if matches!(cli.command, cli::Command::Run { .. }) { "info" } else { "warn" };
    let filter = EnvFilter::try_from_env("CITYWARDEN_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    match commands::carry_out(&cli) {
        Ok(code) => code,
        Err(error) if is_closed_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            // nobody is left to tell where stderr is gone too
            drop(writeln!(std::io::stderr(), "citywarden: {error:#}"));
            ExitCode::FAILURE
        }
    }
}

/// Whoever read the output has seen enough.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
