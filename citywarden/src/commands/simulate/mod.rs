//! `citywarden simulate`: plays a scenario, or the demo's county, to a broker as devices would, or writes it as a
//! recording; and a load for measuring.

mod load;
mod stage;

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use citywarden_model::{Clock, Span, Timestamp};
use citywarden_simulators::play::{ClockPace, PlayCounts, PlayLimits, PlayReport, Target, play};
use citywarden_simulators::recording::{RecordedMessage, write_line};
use citywarden_simulators::scenario::{BUILT_IN, Scenario};
use citywarden_simulators::{RegistryTexts, TimedMessage, Timeline, Truth};

use super::output;
use super::run::runtime;
use crate::cli::{Play, Simulate, Simulation};
use crate::clock::MachineClock;
use stage::{COUNTY, Stage};

/// Does what the command line says.
pub(crate) fn run(options: &Simulate) -> anyhow::Result<ExitCode> {
    match &options.command {
        Some(Simulation::Load(load)) => load::run(load),
        None if options.play.list => list(),
        None => stage_it(&options.play),
    }
}

fn list() -> anyhow::Result<ExitCode> {
    let mut out = output();
    for (name, text) in BUILT_IN {
        let scenario = Scenario::read(text)?;
        let minutes = scenario.lasts().seconds() / 60.0;
        writeln!(out, "{name:<26} {minutes:>3} min  {}", scenario.title())?;
    }
    writeln!(out, "{COUNTY:<26} endless  The demo's county: two building sites, kitchens, trucks and roads")?;
    out.flush()?;
    Ok(ExitCode::SUCCESS)
}

fn stage_it(options: &Play) -> anyhow::Result<ExitCode> {
    let name = options.scenario.as_deref().context("which scenario? `--list` names them")?;
    let stage = Stage::open(name, options.seed)?;
    let lasts = options.duration.or(stage.lasts());
    let timeline = timeline(options, lasts)?;
    let start = timeline.start();
    write_files(options, &stage, start, lasts)?;
    if options.files_only {
        return Ok(ExitCode::SUCCESS);
    }
    let until = lasts.map_or(Timestamp::MAX, |lasts| start + lasts);
    let messages = stage.messages(start).take_while(move |message| message.at < until);
    if let Some(path) = &options.output {
        anyhow::ensure!(lasts.is_some(), "`{name}` has no end: say how long with --for");
        return write_recording(path, messages);
    }
    let moved =
        messages.map(move |message| TimedMessage { at: timeline.moment(message.at.since(start)), ..message });
    report(&runtime()?.block_on(publish(moved, &options.mqtt))?)
}

/// A recording begins where it is told to; what is played, now or so that it ends now.
fn timeline(options: &Play, lasts: Option<Span>) -> anyhow::Result<Timeline> {
    if let Some(start) = options.start {
        return Ok(Timeline::new(start, Span::ZERO, 1.0));
    }
    let is_real_time = (options.speed - 1.0).abs() < f64::EPSILON;
    let lasts = lasts.or(is_real_time.then_some(Span::ZERO));
    let lasts = lasts.context("it has no end: with --speed, say how long with --for")?;
    Ok(Timeline::new(MachineClock.now(), lasts, options.speed))
}

/// What lies beside the feed: the registry that describes it, and what has to be raised.
fn write_files(options: &Play, stage: &Stage, start: Timestamp, lasts: Option<Span>) -> anyhow::Result<()> {
    if let Some(dir) = &options.registry {
        write_registry(dir, &stage.registry(start))?;
    }
    let Some(path) = &options.truth else { return Ok(()) };
    let truths: Vec<Truth> = stage.truth(start, lasts)?;
    let lines = truths.iter().map(|truth| Ok(serde_json::to_string(truth)? + "\n"));
    let text = lines.collect::<serde_json::Result<String>>()?;
    fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}

fn write_registry(dir: &Path, texts: &RegistryTexts) -> anyhow::Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
    for (name, text) in texts.files() {
        let path = dir.join(name);
        fs::write(&path, text).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

fn write_recording(path: &Path, messages: impl Iterator<Item = TimedMessage>) -> anyhow::Result<ExitCode> {
    let file = File::create(path).with_context(|| format!("{} cannot be written", path.display()))?;
    let mut file = BufWriter::new(file);
    let mut written = 0_u64;
    for TimedMessage { at, topic, payload, .. } in messages {
        let message = RecordedMessage { received_at: at, topic: topic.to_string(), payload, retained: false };
        writeln!(file, "{}", write_line(&message))?;
        written += 1;
    }
    file.flush()?;
    writeln!(output(), "{written} messages written")?;
    Ok(ExitCode::SUCCESS)
}

/// Publishes a feed whose moments are real ones, until its end or Ctrl-C.
pub(super) async fn publish(
    feed: impl Iterator<Item = TimedMessage>,
    target: &Target,
) -> anyhow::Result<PlayReport> {
    let clock: Arc<dyn Clock> = Arc::new(MachineClock);
    let pace = ClockPace::new(clock, 1.0);
    let counts = Arc::new(PlayCounts::default());
    tokio::select! {
        played = play(feed, target, &pace, Timestamp::MAX, PlayLimits::default(), &counts) => Ok(played?),
        interrupted = tokio::signal::ctrl_c() => {
            interrupted?;
            Ok(counts.report())
        }
    }
}

/// Says what became of the messages; whoever is not acknowledged is a failure.
pub(super) fn report(report: &PlayReport) -> anyhow::Result<ExitCode> {
    let PlayReport { published, acknowledged, reconnects } = report;
    let mut out = output();
    writeln!(
        out,
        "{published} messages published, {acknowledged} acknowledged, {reconnects} connections lost"
    )?;
    out.flush()?;
    Ok(if acknowledged == published { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
