//! `citywarden demo`: the whole system on this machine, with a simulated county that lives faster than we do.
//!
//! The same pipeline as in `run`, on a clock that runs faster; the county's devices connect to its endpoint as any device.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use citywarden_alerting::What;
use citywarden_model::{Alert, Clock, LocalClock, Span, Timestamp};
use citywarden_simulators::play::{ClockPace, PlayCounts, PlayLimits, Target, play};
use citywarden_simulators::{County, REGION};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::watch;

use super::run::runtime;
use crate::cli::Demo;
use crate::clock::FastClock;
use crate::config::{self, Config, Machine};
use crate::deadline::Deadline;
use crate::pipeline::{self, Pipeline};
use crate::{housekeeping, reload, web};

/// Runs until Ctrl-C or `--for`.
pub(crate) fn run(options: &Demo) -> anyhow::Result<ExitCode> {
    let home = Home::make(options.dir.as_deref())?;
    let clock = FastClock::new(options.speed);
    let county = County::new(options.seed, clock.start());
    let config = furnish(home.path(), &county, options)?;
    runtime()?.block_on(live(options, clock, county, Arc::new(config)))?;
    Ok(ExitCode::SUCCESS)
}

/// The demo's folder; one it made itself is removed at the end.
enum Home {
    Kept(PathBuf),
    Own(tempfile::TempDir),
}

impl Home {
    fn make(dir: Option<&Path>) -> anyhow::Result<Self> {
        if let Some(dir) = dir {
            fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))?;
            // a demo begins anew, and its clock runs ahead of time: it goes on from nothing, and writes over nobody's data
            if fs::read_dir(dir)?.next().is_some() {
                bail!("{} is not empty: a demo begins anew, expected a new folder for --dir", dir.display());
            }
            return Ok(Self::Kept(dir.to_owned()));
        }
        let own =
            tempfile::Builder::new().prefix("citywarden-demo-").tempdir().context("cannot make a folder")?;
        Ok(Self::Own(own))
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(dir) => dir,
            Self::Own(dir) => dir.path(),
        }
    }
}

/// Writes the county's registry and a configuration, as an operator would, and reads them.
fn furnish(dir: &Path, county: &County, options: &Demo) -> anyhow::Result<Config> {
    let registry = dir.join("registry");
    fs::create_dir_all(&registry)?;
    for (name, text) in county.registry().files() {
        fs::write(registry.join(name), text)?;
    }
    let text = format!(
        "region = \"{REGION}\"\n\n[[source]]\ntype = \"mqtt-endpoint\"\nlisten = \"{}\"\n\n[http]\nlisten = \"{}\"\n",
        options.mqtt, options.listen
    );
    let path = dir.join("citywarden.toml");
    fs::write(&path, text)?;
    let reading = config::load(&path, &Machine);
    let serious: Vec<_> = reading
        .problems
        .into_iter()
        .filter(|problem| problem.level == citywarden_problems::Level::Error)
        .collect();
    reload::report(&serious);
    reading.config.context("the demo cannot run with these options")
}

async fn live(options: &Demo, clock: FastClock, county: County, config: Arc<Config>) -> anyhow::Result<()> {
    let (stop, stopping) = watch::channel(false);
    let shared: Arc<dyn Clock> = Arc::new(clock);
    let pipeline = pipeline::start(Arc::clone(&config), Arc::clone(&shared), &stopping).await?;
    let pages = web::serve(&pipeline, stopping.clone()).await?;
    let chores = housekeeping::start(&pipeline, clock.real(Span::from_secs(1)));
    let alerts = tokio::spawn(print_alerts(pipeline.alerting.clone(), config.local, clock.start()));
    greet(options, &pipeline, pages.address())?;

    let source = pipeline.sources.endpoints.first().context("the demo has an endpoint")?;
    let target =
        Target { host: source.address.ip().to_string(), port: source.address.port(), credentials: None };
    let pace = ClockPace::new(shared, f64::from(options.speed));
    let played = Arc::new(PlayCounts::default());
    let playing = play(county, &target, &pace, Timestamp::MAX, PlayLimits::default(), &played);
    let time_is_up = async {
        match options.duration {
            Some(duration) => tokio::time::sleep(duration.duration()).await,
            None => std::future::pending().await,
        }
    };
    tokio::select! {
        ended = playing => { ended?; }
        () = time_is_up => {}
        stage = pipeline.broken() => anyhow::bail!("the {stage} could not go on; why is said above"),
        interrupted = tokio::signal::ctrl_c() => interrupted?,
    }
    stop.send_replace(true);
    chores.stop().await;
    let deadline = Deadline::begin();
    tokio::join!(pipeline.stop(deadline), pages.stop(deadline));
    alerts.abort();
    let report = played.report();
    writeln!(
        super::output(),
        "{} messages published, {} acknowledged",
        report.published,
        report.acknowledged
    )?;
    Ok(())
}

fn greet(options: &Demo, pipeline: &Pipeline, page: std::net::SocketAddr) -> anyhow::Result<()> {
    let mut out = super::output();
    writeln!(out, "A simulated county, {} times as fast as life. Ctrl-C ends it.", options.speed)?;
    writeln!(out, "console  http://{page}/")?;
    for source in &pipeline.sources.endpoints {
        writeln!(out, "devices  mqtt://{}", source.address)?;
    }
    writeln!(out, "data     {}", pipeline.config.data_dir.display())?;
    out.flush()?;
    Ok(())
}

/// Prints each alert as it is raised or cleared.
async fn print_alerts(alerting: citywarden_alerting::Handle, local: LocalClock, start: Timestamp) {
    let mut events = alerting.listen();
    loop {
        let event = match events.recv().await {
            Ok(event) => event,
            Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        let mark = match &event.what {
            What::Opened(_) => "RAISED ",
            What::Reopened { .. } => "AGAIN  ",
            What::Cleared => "cleared",
            What::Closed => "closed ",
            What::Updated(_)
            | What::Acknowledged
            | What::Resolved
            | What::Noted
            | What::Notified(_)
            | What::Failed { .. } => continue,
        };
        let Some((alert, _)) = alerting.view().get(&event.alert) else { continue };
        let line = format!("{mark} {}", line(&alert, event.at, local, start));
        if writeln!(std::io::stdout(), "{line}").is_err() {
            return;
        }
    }
}

fn line(alert: &Alert, at: Timestamp, local: LocalClock, start: Timestamp) -> String {
    let minutes = at.since(start).seconds() / 60.0;
    let time = local.write(at);
    let time = time.get(11..19).unwrap_or(&time);
    format!("{time} (+{minutes:5.1} min) {}", super::alert_line(alert))
}
