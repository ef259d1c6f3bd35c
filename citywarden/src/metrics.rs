//! The numbers for Prometheus, with the names that dashboards rely on.
//!
//! Stages count in plain numbers of their own; here they become families. Totals only rise within a process.

use std::time::Duration;

use prometheus::{
    Encoder, GaugeVec, Histogram, HistogramOpts, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry,
    TextEncoder,
};

/// Bounds of histograms of a sync, in seconds: from a fast virtual disk to a worn card.
const COMMIT_BUCKETS: &[f64] = &[0.0001, 0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0];
/// Bounds of histograms of an alert's way out, in seconds.
const LATENCY_BUCKETS: &[f64] = &[0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 60.0, 600.0];

/// All families.
pub(crate) struct Metrics {
    registry: Registry,
    pub(crate) received: IntCounterVec,
    pub(crate) acknowledged: IntCounterVec,
    pub(crate) refused: IntCounterVec,
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
    pub(crate) alerts_open: IntGaugeVec,
    pub(crate) alert_events: IntCounterVec,
    pub(crate) alert_latency: Histogram,
    pub(crate) notifications: IntCounterVec,
    pub(crate) archive_up: IntGauge,
    pub(crate) devices_silent: IntGauge,
}

impl Metrics {
    /// All families, at zero.
    pub(crate) fn new() -> Result<Self, prometheus::Error> {
        let registry = Registry::new_custom(Some("citywarden".to_owned()), None)?;
        let counter = |name: &str, help: &str, labels: &[&str]| {
            let family = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(family.clone()))?;
            Ok::<_, prometheus::Error>(family)
        };
        let gauges = |name: &str, help: &str, labels: &[&str]| {
            let family = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(family.clone()))?;
            Ok::<_, prometheus::Error>(family)
        };
        let gauge = |name: &str, help: &str| {
            let family = IntGauge::new(name, help)?;
            registry.register(Box::new(family.clone()))?;
            Ok::<_, prometheus::Error>(family)
        };
        let histogram = |name: &str, help: &str, buckets: &[f64]| {
            let family = Histogram::with_opts(HistogramOpts::new(name, help).buckets(buckets.to_vec()))?;
            registry.register(Box::new(family.clone()))?;
            Ok::<_, prometheus::Error>(family)
        };
        let lag_seconds = GaugeVec::new(
            Opts::new("stage_lag_seconds", "Age of the oldest record a stage has yet to take."),
            &["stage"],
        )?;
        registry.register(Box::new(lag_seconds.clone()))?;
        Ok(Self {
            received: counter("messages_received_total", "Messages received.", &["source", "qos"])?,
            acknowledged: counter(
                "messages_acknowledged_total",
                "Messages acknowledged: on disk.",
                &["source"],
            )?,
            refused: counter(
                "connections_refused_total",
                "Connections refused or closed, by reason.",
                &["source", "reason"],
            )?,
            commit_seconds: histogram(
                "journal_commit_seconds",
                "Writing and syncing one commit.",
                COMMIT_BUCKETS,
            )?,
            journal_bytes: gauge("journal_bytes", "Bytes of the journal on disk.")?,
            dead_letters: counter(
                "dead_letters_total",
                "Messages kept and not judged, by reason.",
                &["reason"],
            )?,
            readings: counter("readings_total", "Readings taken in, by quantity.", &["quantity"])?,
            discarded: counter(
                "readings_discarded_total",
                "Readings kept and not judged, by reason.",
                &["reason"],
            )?,
            lag_records: gauges("stage_lag_records", "Records a stage has yet to take.", &["stage"])?,
            lag_seconds,
            evaluations: counter("rule_evaluations_total", "Evaluations of a rule.", &["rule"])?,
            verdicts: gauges("rule_verdicts", "Assets now in a verdict.", &["rule", "verdict"])?,
            rule_errors: counter("rule_errors_total", "Evaluations that failed.", &["rule"])?,
            reloads: counter("rule_reload_total", "Reloads of the rules, by result.", &["result"])?,
            alerts_open: gauges(
                "alerts_open",
                "Alerts that nobody has closed and whose condition holds.",
                &["severity"],
            )?,
            alert_events: counter("alert_events_total", "Events of the alert log.", &["event"])?,
            alert_latency: histogram(
                "alert_latency_seconds",
                "From receipt of the message that fired an alert to its first notification.",
                LATENCY_BUCKETS,
            )?,
            notifications: counter(
                "notifications_total",
                "Attempts to notify, by result.",
                &["receiver", "result"],
            )?,
            archive_up: gauge("archive_up", "1 where the archive takes rows. This version has no archive.")?,
            devices_silent: gauge("devices_silent", "Devices that have missed three of their intervals.")?,
            registry,
        })
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
