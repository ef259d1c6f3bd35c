//! `/metrics`: what the stages have counted, brought together when somebody asks.

use std::path::PathBuf;
use std::sync::Arc;

use citywarden_alerting::{Handle, Health};
use citywarden_console::Part;
use citywarden_ingest::broker::BrokerCounters;
use citywarden_ingest::endpoint::Counters;
use citywarden_journal::Inbox;
use citywarden_model::{Clock, Offset, Timestamp};

use crate::archivist::ArchiveProgress;
use crate::judge::{Judge, Progress, Stored};
use crate::metrics::{Metrics, raise_to};
use crate::pipeline::Pipeline;
use crate::spine::Layout;

/// Where the numbers are.
#[derive(Clone)]
pub(super) struct Figures {
    metrics: Arc<Metrics>,
    clock: Arc<dyn Clock>,
    inbox: Inbox,
    progress: Arc<Progress>,
    archive: Arc<ArchiveProgress>,
    alerting: Handle,
    endpoints: Vec<(String, Arc<Counters>)>,
    brokers: Vec<(String, Arc<BrokerCounters>)>,
    journal: PathBuf,
}

impl Figures {
    pub(super) fn of(pipeline: &Pipeline) -> Self {
        let sources = &pipeline.sources;
        let endpoints =
            sources.endpoints.iter().map(|source| (source.name.clone(), Arc::clone(&source.counters)));
        let brokers =
            sources.brokers.iter().map(|source| (source.name.clone(), Arc::clone(&source.counters)));
        Self {
            metrics: Arc::clone(&pipeline.metrics),
            clock: Arc::clone(&pipeline.clock),
            inbox: pipeline.inbox.clone(),
            progress: Arc::clone(&pipeline.progress),
            archive: Arc::clone(&pipeline.archiving.progress),
            alerting: pipeline.alerting.clone(),
            endpoints: endpoints.collect(),
            brokers: brokers.collect(),
            journal: Layout::new(&pipeline.config.data_dir).journal(),
        }
    }

    /// The moment, by the service's clock.
    pub(super) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The text that Prometheus reads.
    pub(super) fn text(&self) -> String {
        self.metrics.text()
    }

    /// Takes over what the judge has counted.
    pub(super) fn take_judge(&self, judge: &Judge<Stored>) {
        let metrics = &self.metrics;
        for (reason, count) in judge.tally().counts() {
            raise_to(&metrics.dead_letters, &[reason.as_str()], count);
        }
        let evaluator = judge.evaluator();
        for (quantity, count) in evaluator.readings() {
            raise_to(&metrics.readings, &[quantity], count);
        }
        for (reason, count) in evaluator.discarded() {
            raise_to(&metrics.discarded, &[&reason], count);
        }
        for (rule, tally) in evaluator.rule_tallies() {
            raise_to(&metrics.evaluations, &[rule.as_str()], tally.evaluations);
            raise_to(&metrics.rule_errors, &[rule.as_str()], tally.errors);
        }
        metrics.verdicts.reset();
        for ((rule, verdict), count) in evaluator.verdict_counts() {
            metrics.verdicts.with_label_values(&[rule.as_str(), verdict]).set(signed(count));
        }
        let silent = evaluator.silent_devices(self.clock.now()).count();
        metrics.devices_silent.set(i64::try_from(silent).unwrap_or(i64::MAX));
    }

    /// Takes over which parts work.
    pub(super) fn take_parts(&self, parts: &[Part]) {
        let ready = &self.metrics.part_ready;
        for part in parts {
            ready.with_label_values(&[part.name.as_str()]).set(part.ready.into());
        }
        let alerting = self.alerting.standing().health == Health::Well;
        ready.with_label_values(&["alerting"]).set(alerting.into());
    }

    /// Takes over what the other stages have counted.
    pub(super) fn take_rest(&self) {
        for (source, counters) in &self.endpoints {
            self.take_endpoint(source, counters);
        }
        for (source, counters) in &self.brokers {
            self.take_broker(source, counters);
        }
        let metrics = &self.metrics;
        self.take_lag("rules", self.progress.next(), self.progress.judged_at());
        self.take_lag("archive", self.archive.next(), self.archive.reached_at());
        metrics.archive_up.set(self.archive.is_up().into());
        metrics.journal_bytes.set(signed(bytes_in(&self.journal)));
        for (severity, count) in self.alerting.view().open_by_severity() {
            metrics
                .alerts_open
                .with_label_values(&[severity.as_str()])
                .set(i64::try_from(count).unwrap_or(i64::MAX));
        }
    }

    fn take_lag(&self, stage: &str, next: Offset, at: Timestamp) {
        let lag = self.inbox.committed().0.saturating_sub(next.0);
        let age = if lag == 0 { 0.0 } else { self.clock.now().since(at).seconds() };
        self.metrics.lag_records.with_label_values(&[stage]).set(signed(lag));
        self.metrics.lag_seconds.with_label_values(&[stage]).set(age.max(0.0));
    }

    fn take_endpoint(&self, source: &str, counters: &Counters) {
        let metrics = &self.metrics;
        raise_to(&metrics.received, &[source, "0"], counters.received_qos0.get());
        raise_to(&metrics.received, &[source, "1"], counters.received_qos1.get());
        raise_to(&metrics.acknowledged, &[source], counters.acknowledged.get());
        for (reason, counter) in [
            ("malformed", &counters.malformed),
            ("packet_too_large", &counters.packet_too_large),
            ("qos2", &counters.qos2_refused),
            ("subscription", &counters.subscriptions_refused),
            ("too_many", &counters.connections_refused),
            ("login", &counters.logins_refused),
            ("takeover", &counters.takeovers),
            ("takeover_refused", &counters.takeovers_refused),
            ("timed_out", &counters.timed_out),
            ("keep_alive", &counters.keep_alive_expired),
            ("slow_reader", &counters.slow_readers),
            ("tls", &counters.tls_failed),
        ] {
            raise_to(&metrics.refused, &[source, reason], counter.get());
        }
    }

    fn take_broker(&self, source: &str, counters: &BrokerCounters) {
        let metrics = &self.metrics;
        raise_to(&metrics.received, &[source, "0"], counters.received_qos0.get());
        raise_to(&metrics.received, &[source, "1"], counters.received_qos1.get());
        raise_to(&metrics.acknowledged, &[source], counters.acknowledged.get());
        raise_to(&metrics.broker_connections, &[source], counters.connected.get());
        raise_to(&metrics.broker_disconnections, &[source], counters.disconnected.get());
        raise_to(&metrics.broker_sessions_lost, &[source], counters.sessions_lost.get());
        raise_to(&metrics.broker_stale, &[source], counters.stale_acknowledgements.get());
        metrics.broker_up.with_label_values(&[source]).set(i64::from(counters.is_up()));
        if let Some(dropped) = counters.dropped_by_broker() {
            metrics.broker_dropped.with_label_values(&[source]).set(signed(dropped));
        }
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// Bytes of the files of a folder.
fn bytes_in(dir: &std::path::Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir) else { return 0 };
    entries.filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len())).sum()
}
