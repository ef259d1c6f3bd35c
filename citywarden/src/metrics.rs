//! The numbers for Prometheus, with the names that dashboards rely on.
//!
//! Stages count in plain numbers of their own; here they become families. Totals only rise within a process.

use std::time::Duration;

use prometheus::core::Collector;
use prometheus::{
    Encoder, GaugeVec, Histogram, HistogramOpts, IntCounter, IntCounterVec, IntGauge, IntGaugeVec, Opts,
    Registry, TextEncoder,
};

/// Bounds of histograms of a sync, in seconds: from a fast virtual disk to a worn card.
const COMMIT_BUCKETS: &[f64] = &[0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0];
/// Bounds of histograms of an alert's way out, in seconds.
const LATENCY_BUCKETS: &[f64] = &[0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 60.0, 600.0];
/// How an attempt to notify ends.
const ATTEMPTS: &[&str] = &["delivered", "retry", "refused"];
/// Why a reading is not judged; besides, a flag's own.
const DISCARDS: &[&str] =
    &["duplicate", "out_of_range", "retained", "text", "too_old", "unknown_device", "unknown_quantity"];
/// How a reload ends.
const RELOADS: &[&str] = &["success", "refused", "failed"];

/// All families.
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) received: IntCounterVec,
    pub(crate) acknowledged: IntCounterVec,
    pub(crate) refused: IntCounterVec,
    pub(crate) broker_up: IntGaugeVec,
    pub(crate) broker_connections: IntCounterVec,
    pub(crate) broker_disconnections: IntCounterVec,
    pub(crate) broker_sessions_lost: IntCounterVec,
    pub(crate) broker_stale: IntCounterVec,
    pub(crate) broker_dropped: IntGaugeVec,
    pub(crate) commit_seconds: Histogram,
    pub(crate) journal_bytes: IntGauge,
    pub(crate) dead_letters: IntCounterVec,
    pub(crate) readings: IntCounterVec,
    pub(crate) discarded: IntCounterVec,
    pub(crate) lag_records: IntGaugeVec,
    pub(crate) lag_seconds: GaugeVec,
    pub(crate) evaluations: IntCounterVec,
    pub(crate) verdicts: IntGaugeVec,
    pub(crate) rule_errors: IntCounterVec,
    pub(crate) reloads: IntCounterVec,
    pub(crate) reload_pending: IntGaugeVec,
    pub(crate) alerts_open: IntGaugeVec,
    pub(crate) alert_events: IntCounterVec,
    pub(crate) alert_latency: Histogram,
    pub(crate) notifications: IntCounterVec,
    pub(crate) archive_up: IntGauge,
    pub(crate) archive_refused: IntCounter,
    pub(crate) devices_silent: IntGauge,
    pub(crate) part_ready: IntGaugeVec,
}

/// Makes families and registers them.
struct Families(Registry);

impl Families {
    fn counter(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntCounterVec, prometheus::Error> {
        self.keep(IntCounterVec::new(Opts::new(name, help), labels)?)
    }
    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<IntGaugeVec, prometheus::Error> {
        self.keep(IntGaugeVec::new(Opts::new(name, help), labels)?)
    }
    fn gauge(&self, name: &str, help: &str) -> Result<IntGauge, prometheus::Error> {
        self.keep(IntGauge::new(name, help)?)
    }
    fn histogram(&self, name: &str, help: &str, buckets: &[f64]) -> Result<Histogram, prometheus::Error> {
        self.keep(Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec()))?)
    }
    fn keep<F: Collector + Clone + 'static>(&self, family: F) -> Result<F, prometheus::Error> {
        self.0.register(Box::new(family.clone()))?;
        Ok(family)
    }
}

impl Metrics {
    /// All families, at zero.
    #[rustfmt::skip]
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let make = Families(Registry::new_custom(Some("citywarden".to_owned()), None)?);
        Ok(Self {
            received: make.counter("messages_received_total", "Messages received.", &["source", "qos"])?,
            acknowledged: make.counter("messages_acknowledged_total", "Messages acknowledged: on disk.", &["source"])?,
            refused: make.counter("connections_refused_total", "Connections refused or closed, by reason.", &["source", "reason"])?,
            broker_up: make.gauges("broker_up", "1 while connected and subscribed to a broker.", &["source"])?,
            broker_connections: make.counter("broker_connections_total", "Connections that a broker accepted.", &["source"])?,
            broker_disconnections: make.counter("broker_disconnections_total", "Connections to a broker that failed or broke.", &["source"])?,
            broker_sessions_lost: make.counter("broker_sessions_lost_total", "Times a broker no longer had our session: what came meanwhile is lost.", &["source"])?,
            broker_stale: make.counter("broker_stale_acknowledgements_total", "Acknowledgements not sent because their connection was gone.", &["source"])?,
            broker_dropped: make.gauges("broker_dropped_messages", "What a broker says it has dropped since its start, for all of its clients.", &["source"])?,
            commit_seconds: make.histogram("journal_commit_seconds", "Writing and syncing one commit.", COMMIT_BUCKETS)?,
            journal_bytes: make.gauge("journal_bytes", "Bytes of the journal on disk.")?,
            dead_letters: make.counter("dead_letters_total", "Messages kept and not judged, by reason.", &["reason"])?,
            readings: make.counter("readings_total", "Readings taken in, by quantity.", &["quantity"])?,
            discarded: make.counter("readings_discarded_total", "Readings kept and not judged, by reason.", &["reason"])?,
            lag_records: make.gauges("stage_lag_records", "Records a stage has yet to take.", &["stage"])?,
            lag_seconds: make.keep(GaugeVec::new(Opts::new("stage_lag_seconds", "How far a stage is behind, while it is."), &["stage"])?)?,
            evaluations: make.counter("rule_evaluations_total", "Evaluations of a rule.", &["rule"])?,
            verdicts: make.gauges("rule_verdicts", "Assets now in a verdict.", &["rule", "verdict"])?,
            rule_errors: make.counter("rule_errors_total", "Evaluations that failed.", &["rule"])?,
            reloads: make.counter("rule_reload_total", "Reloads of the rules, by result.", &["result"])?,
            reload_pending: make.gauges("reload_pending", "1 while a save waits to be in force: tried again each second.", &["what"])?,
            alerts_open: make.gauges("alerts_open", "Alerts that nobody has closed.", &["severity"])?,
            alert_events: make.counter("alert_events_total", "Events of the alert log.", &["event"])?,
            alert_latency: make.histogram("alert_latency_seconds", "From receipt of the message that fired an alert to its first notification.", LATENCY_BUCKETS)?,
            notifications: make.counter("notifications_total", "Attempts to notify, by result.", &["receiver", "result"])?,
            archive_up: make.gauge("archive_up", "1 where the archive takes rows.")?,
            archive_refused: make.keep(IntCounter::new("archive_refused_total", "Rows that the archive's database refuses for good: set aside, see the log.")?)?,
            devices_silent: make.gauge("devices_silent", "Devices that have missed three of their intervals.")?,
            part_ready: make.gauges("part_ready", "1 where a part of /readyz works.", &["part"])?,
            registry: make.0,
        })
    }

    /// Shows what is yet to be counted at 0, where its labels are known: a rate begins there, and nothing is taken for
    /// absent that has only not happened.
    pub(crate) fn begin<'a>(&self, receivers: impl Iterator<Item = &'a str>) {
        for event in citywarden_alerting::What::WORDS {
            self.alert_events.with_label_values(&[event]);
        }
        for severity in citywarden_model::Severity::ALL {
            self.alerts_open.with_label_values(&[severity.as_str()]);
        }
        for reason in DISCARDS {
            self.discarded.with_label_values(&[reason]);
        }
        for result in RELOADS {
            self.reloads.with_label_values(&[result]);
        }
        for receiver in receivers {
            for result in ATTEMPTS {
                self.notifications.with_label_values(&[receiver, result]);
            }
        }
    }

    /// Records how long one commit took.
    pub(crate) fn committed(&self, took: Duration) {
        self.commit_seconds.observe(took.as_secs_f64());
    }

    /// The text that Prometheus reads.
    pub(crate) fn text(&self) -> String {
        let mut text = Vec::new();
        match TextEncoder::new().encode(&self.registry.gather(), &mut text) {
            Ok(()) => String::from_utf8(text).unwrap_or_default(),
            Err(error) => {
                tracing::error!("metrics cannot be written: {error}");
                String::new()
            }
        }
    }
}

/// Brings a counter up to a total that a stage has counted itself.
pub(crate) fn raise_to(counter: &IntCounterVec, labels: &[&str], total: u64) {
    let counter = counter.with_label_values(labels);
    counter.inc_by(total.saturating_sub(counter.get()));
}

/// Counts what alerting does.
pub(crate) struct AlertMetrics(std::sync::Arc<Metrics>);

impl AlertMetrics {
    pub(crate) fn new(metrics: &std::sync::Arc<Metrics>) -> Self {
        Self(std::sync::Arc::clone(metrics))
    }
}

impl citywarden_alerting::Observer for AlertMetrics {
    fn event(&self, word: &'static str) {
        self.0.alert_events.with_label_values(&[word]).inc();
    }
    fn attempt(&self, receiver: &str, result: &'static str) {
        self.0.notifications.with_label_values(&[receiver, result]).inc();
    }
    fn first_notification(&self, latency: citywarden_model::Span) {
        self.0.alert_latency.observe(latency.seconds());
    }
}
