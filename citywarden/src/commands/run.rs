//! `citywarden run`: the service.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use citywarden_model::Clock;
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use crate::clock::MachineClock;
use crate::config::{self, Config, Machine};
use crate::deadline::Deadline;
use crate::watch::{Saved, Watcher, watch as watch_saves};
use crate::{county, housekeeping, pipeline, reload, web};

/// How long a reload under way is waited for when the service stops.
const WATCH_TIMEOUT: Duration = Duration::from_secs(2);

/// Runs the service until SIGTERM or SIGINT.
pub(crate) fn run(path: &Path) -> anyhow::Result<ExitCode> {
    let reading = config::load(path, &Machine);
    reload::report(&reading.problems);
    let Some(config) = reading.config else {
        tracing::error!("the configuration has errors; see `citywarden check`");
        return Ok(ExitCode::FAILURE);
    };
    let runtime = runtime()?;
    let served = runtime.block_on(serve(Arc::new(config)));
    // whoever did not stop in time is not waited for
    runtime.shutdown_background();
    served.map(|()| ExitCode::SUCCESS)
}

/// Sockets and timers; the stages have threads of their own.
pub(crate) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("no runtime")
}

async fn serve(config: Arc<Config>) -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut hangup = signal(SignalKind::hangup())?;
    let (stop, stopping) = watch::channel(false);
    let clock: Arc<dyn Clock> = Arc::new(MachineClock);
    let pipeline = pipeline::start(Arc::clone(&config), clock, &stopping).await?;
    let pages = web::serve(&pipeline, stopping.clone()).await?;
    let chores = housekeeping::start(&pipeline, Duration::from_secs(1));
    let saves = watch_files(&config, &pipeline)?;
    tell_systemd(&[NotifyState::Ready]);
    tracing::info!("ready: taking messages in and raising alerts");
    let broken = loop {
        tokio::select! {
            _ = terminate.recv() => break None,
            _ = interrupt.recv() => break None,
            stage = pipeline.broken() => break Some(stage),
            _ = hangup.recv() => {
                let reloader = Arc::clone(&pipeline.reloader);
                tokio::task::spawn_blocking(move || {
                    reloader.saved(Saved::Rules);
                    reloader.saved(Saved::Registry);
                });
            }
        }
    };
    tell_systemd(&[NotifyState::Stopping]);
    tracing::info!("stopping");
    let deadline = Deadline::begin();
    stop.send_replace(true);
    deadline.wait_blocking("watching for saves", WATCH_TIMEOUT, move || drop(saves)).await;
    chores.stop().await;
    // pages wait for the stages behind them, so they stop beside them
    tokio::join!(pipeline.stop(deadline), pages.stop(deadline));
    tracing::info!("stopped");
    // whoever keeps services alive starts it again: a start finds out what is really on the disk
    broken.map_or(Ok(()), |stage| anyhow::bail!("the {stage} could not go on; why is said above"))
}

/// Says how we are to systemd, where it asked to be told.
fn tell_systemd(state: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(state) {
        tracing::warn!("systemd cannot be told: {error}");
    }
}

fn watch_files(config: &Config, pipeline: &pipeline::Pipeline) -> std::io::Result<Watcher> {
    let mut places = vec![
        (Saved::Registry, config.registry.dir.clone()),
        (Saved::Registry, county::accepted_path(&config.data_dir)),
    ];
    places.extend(config.rules_dir.clone().map(|dir| (Saved::Rules, dir)));
    let reloader = Arc::clone(&pipeline.reloader);
    watch_saves(places, config.watch, move |what| reloader.saved(what))
}
