//! `citywarden simulate load`: realistic messages at a rate, and what was acknowledged, how fast.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;
use std::sync::Arc;

use citywarden_model::{Clock, Span};
use citywarden_simulators::RegistryTexts;
use citywarden_simulators::load::{Load, LoadReport, device_id, run as send};
use serde_json::json;

use super::super::output;
use super::super::run::runtime;
use crate::cli::SimulateLoad;
use crate::clock::MachineClock;

/// Beyond so many, several devices share a connection.
const CONNECTIONS_MAX: u32 = 500;
/// Later than the time that was asked for, to send what fell due in it; whoever is slowed down further sends less.
const CATCH_UP: Span = Span::from_secs(1);
/// Messages that a connection keeps in flight at most.
const WINDOW: u16 = 100;

pub(super) fn run(options: &SimulateLoad) -> anyhow::Result<ExitCode> {
    let load = plan(options);
    if let Some(dir) = &options.registry {
        super::write_registry(dir, &registry(options))?;
    }
    if options.files_only {
        return Ok(ExitCode::SUCCESS);
    }
    let clock: Arc<dyn Clock> = Arc::new(MachineClock);
    let begun = clock.now();
    let report = runtime()?.block_on(send(&load, &clock))?;
    print(&report, &load, clock.now().since(begun), options.json)?;
    Ok(if report.acknowledged == report.sent { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn plan(options: &SimulateLoad) -> Load {
    let devices_each = options.devices.div_ceil(CONNECTIONS_MAX);
    let target = &options.mqtt;
    let host = if target.host.contains(':') { format!("[{}]", target.host) } else { target.host.clone() };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive, and it saturates")]
    let messages = (f64::from(options.rate) * options.duration.seconds()) as u64;
    Load {
        address: format!("{host}:{}", target.port),
        credentials: target.credentials.clone(),
        connections: options.devices.div_ceil(devices_each),
        window: WINDOW,
        devices_each,
        messages: messages.max(1),
        rate: Some(options.rate),
        for_at_most: Some(options.duration + CATCH_UP),
        region: options.region.clone(),
    }
}

fn print(report: &LoadReport, load: &Load, took: Span, as_json: bool) -> anyhow::Result<()> {
    let mut out = output();
    let millis = |thousandths| report.latencies.at(thousandths).as_secs_f64() * 1e3;
    let (p50, p99) = (millis(500), millis(990));
    if as_json {
        let line = json!({
            "devices": load.connections * load.devices_each, "connections": load.connections,
            "sent": report.sent, "acknowledged": report.acknowledged, "bytes": report.bytes,
            "seconds": took.seconds(), "p50_ms": p50, "p99_ms": p99,
        });
        writeln!(out, "{line}")?;
    } else {
        let devices = load.connections * load.devices_each;
        writeln!(
            out,
            "{devices} devices on {} connections, {} messages a second",
            load.connections,
            load.rate.unwrap_or(0)
        )?;
        writeln!(
            out,
            "{} messages sent, {} acknowledged in {:.1} s; acknowledged within {p50:.2} ms (p50), {p99:.2} ms (p99)",
            report.sent,
            report.acknowledged,
            took.seconds()
        )?;
    }
    out.flush()?;
    Ok(())
}

/// Building sites with one device each, as many as the load speaks for.
fn registry(options: &SimulateLoad) -> RegistryTexts {
    let load = plan(options);
    let devices = load.connections * load.devices_each;
    let interval = (devices / options.rate).max(1);
    let (mut assets, mut lines) =
        ("id,kind,name,region\n".to_owned(), "id,kind,asset,interval_s\n".to_owned());
    for number in 0..devices {
        let id = device_id(number);
        let written = writeln!(assets, "site-{id},construction_site,{id},{}", options.region)
            .and_then(|()| writeln!(lines, "{id},dust_monitor,site-{id},{interval}"));
        written.expect("a string takes every text");
    }
    RegistryTexts {
        assets,
        devices: lines,
        zones: "{\"type\":\"FeatureCollection\",\"features\":[]}\n".to_owned(),
        permits: "id,kind,asset,from,to\n".to_owned(),
        units: "id,name,area,receiver\n".to_owned(),
    }
}
