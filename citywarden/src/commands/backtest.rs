//! `citywarden rules backtest`: judges a recording, or the journal between two times, and prints the alerts it would
//! have raised. The same judge and the same life of an alert as in the service; only nobody is told.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use citywarden_alerting::AlertFilter;
use citywarden_alerting::book::AlertBook;
use citywarden_alerting::evidence::EvidenceCopy;
use citywarden_alerting::lifecycle;
use citywarden_alerting::log::read_view;
use citywarden_journal::{Disk, HostDisk, stat};
use citywarden_model::{Alert, AlertId, LocalClock, Offset, Timestamp, Transition};
use citywarden_problems::Level;
use serde_json::json;

use super::feed::{Feed, JournalFeed, Recording};
use super::{output, print_problems, read_config};
use crate::cli::Backtest;
use crate::config::Config;
use crate::judge::{Fixed, Judge, collect_evidence};
use crate::spine::Layout;
use crate::{county, rulebook};

/// Judges, and prints what it finds.
pub(crate) fn run(options: &Backtest) -> anyhow::Result<ExitCode> {
    let config = read_config(&options.config)?;
    let mut feed = open(options, &config)?;
    let versions = versions(options, &config)?;
    let found = judge(&mut *feed, versions, &config, options)?;
    let alerts = in_order(&found, options.from);
    if let Some(path) = &options.diff {
        let raised = raised(&config, options)?;
        write_diff(path, &alerts, &raised)?;
    }
    print(&alerts, config.local, options.json)?;
    Ok(ExitCode::SUCCESS)
}

fn open(options: &Backtest, config: &Config) -> anyhow::Result<Box<dyn Feed>> {
    if let Some(path) = &options.feed {
        return Ok(Box::new(Recording::open(path)?));
    }
    let disk: Arc<dyn Disk> = Arc::new(HostDisk);
    let dir = Layout::new(&config.data_dir).journal();
    let kept = stat(&disk, &dir)?;
    // before the very first record there is nothing that could be missing
    if let (Some(from), Some(kept)) =
        (options.from, kept.first_received_at.filter(|_| kept.first > Offset(0)))
        && from < kept
    {
        anyhow::bail!("the journal is kept since {kept}; --from {from} is older");
    }
    Ok(Box::new(JournalFeed::open(&disk, dir)?))
}

/// The rules and the registry to judge by, today's; errors in them end the backtest.
fn versions(options: &Backtest, config: &Config) -> anyhow::Result<Fixed> {
    let dir = options.rules.as_deref().or(config.rules_dir.as_deref());
    let rules = rulebook::read(dir, config.local, None);
    print_problems(&rules.problems)?;
    if rulebook::has_errors(&rules.problems) {
        anyhow::bail!("the rules have errors");
    }
    let registry = county::read(config, None);
    print_problems(&registry.problems)?;
    if registry.problems.iter().any(|problem| problem.level == Level::Error) {
        tracing::warn!("the registry has errors: the lines named above are left out");
    }
    Ok(Fixed::new(Arc::new(rules.rules), Arc::new(registry.registry)))
}

/// Judges the feed up to `--to`.
fn judge(
    feed: &mut dyn Feed,
    versions: Fixed,
    config: &Config,
    options: &Backtest,
) -> anyhow::Result<AlertBook> {
    let mut judge = Judge::new(config.evaluation.clone(), versions);
    let mut book = AlertBook::default();
    let records_max = usize::try_from(options.batch)?;
    let mut is_over = false;
    while !is_over {
        let mut transitions = Vec::new();
        let goes_on = feed.next_batch(records_max, &mut |record| {
            is_over |= options.to.is_some_and(|to| record.received_at >= to);
            if !is_over {
                judge.take(record, &mut transitions)?;
            }
            Ok(())
        })?;
        is_over |= !goes_on;
        for transition in transitions {
            apply(&mut book, transition, feed)?;
        }
    }
    Ok(book)
}

fn apply(book: &mut AlertBook, mut transition: Transition, feed: &mut dyn Feed) -> anyhow::Result<()> {
    collect_evidence(&mut transition, feed.evidence()).context("the messages an alert rests on")?;
    for record in lifecycle::decide(book, transition, EvidenceCopy::default()) {
        book.apply(&record);
    }
    Ok(())
}

/// The alerts opened from this time on, by beginning, rule and asset.
fn in_order(book: &AlertBook, from: Option<Timestamp>) -> Vec<Arc<Alert>> {
    let mut alerts: Vec<_> = book
        .iter()
        .map(|entry| Arc::clone(&entry.alert))
        .filter(|alert| from.is_none_or(|from| alert.opened_at >= from))
        .collect();
    alerts.sort_by(|a, b| {
        let key =
            |alert: &Arc<Alert>| (alert.began_at, alert.rule.clone(), alert.asset.id.clone(), alert.kind);
        key(a).cmp(&key(b))
    });
    alerts
}

/// What the service raised in the same time.
fn raised(config: &Config, options: &Backtest) -> anyhow::Result<Vec<Arc<Alert>>> {
    let disk: Arc<dyn Disk> = Arc::new(HostDisk);
    let view = read_view(&disk, &Layout::new(&config.data_dir).alerts())?;
    let filter = AlertFilter { from: options.from, to: options.to, ..AlertFilter::default() };
    Ok(view.list(&filter, None, usize::MAX).alerts)
}

/// Alerts that only one side has, a JSON line each: `{"change":"added"|"removed","alert":{…}}`.
fn write_diff(path: &Path, now: &[Arc<Alert>], raised: &[Arc<Alert>]) -> anyhow::Result<()> {
    let by_id = |alerts: &[Arc<Alert>]| -> BTreeMap<AlertId, Arc<Alert>> {
        alerts.iter().map(|alert| (alert.id.clone(), Arc::clone(alert))).collect()
    };
    let (now, raised) = (by_id(now), by_id(raised));
    let mut text = String::new();
    for (change, these, those) in [("added", &now, &raised), ("removed", &raised, &now)] {
        for alert in these.values().filter(|alert| !those.contains_key(&alert.id)) {
            text.push_str(&json!({"change": change, "alert": &**alert}).to_string());
            text.push('\n');
        }
    }
    fs::write(path, text).with_context(|| format!("{} cannot be written", path.display()))
}

fn print(alerts: &[Arc<Alert>], local: LocalClock, as_json: bool) -> anyhow::Result<()> {
    let mut out = output();
    for alert in alerts {
        if as_json {
            writeln!(out, "{}", serde_json::to_string(&**alert)?)?;
        } else {
            let began = local.write(alert.began_at);
            writeln!(out, "{} {began} {}", alert.id, super::alert_line(alert))?;
        }
    }
    if !as_json {
        writeln!(out, "{} alerts", alerts.len())?;
    }
    out.flush()?;
    Ok(())
}
