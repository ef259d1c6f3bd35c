//! The demo: the whole system with nothing to configure.

use std::time::{Duration, Instant};

use citywarden_tests::service::{Running, address_said, citywarden, citywarden_in, get};
use tempfile::TempDir;

/// The first alert is printed within this.
const FIRST_ALERT: Duration = Duration::from_mins(1);
/// The metrics that dashboards and alarms rely on; `notifications_total` has no receiver here to count for.
const METRICS: &[&str] = &[
    "messages_received_total",
    "messages_acknowledged_total",
    "journal_commit_seconds",
    "journal_bytes",
    "dead_letters_total",
    "readings_total",
    "readings_discarded_total",
    "stage_lag_records",
    "stage_lag_seconds",
    "rule_evaluations_total",
    "rule_verdicts",
    "rule_errors_total",
    "rule_reload_total",
    "alerts_open",
    "alert_events_total",
    "alert_latency_seconds",
    "archive_up",
    "devices_silent",
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_demo_prints_its_first_alert_within_a_minute_and_its_monitors_answer() {
    let dir = TempDir::new().expect("there is room for a directory");
    let started = clock();
    let args = ["demo", "--for", "90s", "--listen", "127.0.0.1:0", "--dir", "data"];
    let mut demo = Running::start(dir.path(), &args);
    let console = address_said(&demo.out, "http://");
    let alert = |line: &str| line.starts_with("RAISED ").then(|| line.to_owned());
    demo.out.wait_for("an alert", FIRST_ALERT.saturating_sub(started.elapsed()), alert);

    for (path, wanted) in [("/readyz", 200), ("/healthz", 200), ("/metrics", 200), ("/no-such-page", 404)] {
        assert_eq!(get(console, path).await.0, wanted, "{path}");
    }
    let (_, page) = get(console, "/metrics").await;
    let missing: Vec<_> =
        METRICS.iter().filter(|name| !page.contains(&format!("# TYPE citywarden_{name} "))).collect();
    assert!(missing.is_empty(), "metrics that are not there: {missing:?}");
    check_form(&page);
    let said = demo.err.lines();
    assert!(said.iter().all(|line| !line.contains("ERROR") && !line.contains("WARN")), "{}", said.join("\n"));
    let status = demo.wait_for_end(Duration::from_mins(2));
    assert!(status.success(), "--for ends it well: {status}\n{}", demo.err.lines().join("\n"));
}

#[expect(clippy::disallowed_methods, reason = "the promise is about the machine's time")]
fn clock() -> Instant {
    Instant::now()
}

/// What `promtool check metrics` asks: each family has its help, counters end in `_total`.
fn check_form(page: &str) {
    for line in page.lines().filter_map(|line| line.strip_prefix("# TYPE ")) {
        let (name, kind) = line.split_once(' ').expect("a name and a type");
        assert!(page.contains(&format!("# HELP {name} ")), "{name} has no help");
        assert_eq!(name.ends_with("_total"), kind == "counter", "{name} is a {kind}");
    }
}

#[test]
fn the_demo_touches_nothing_in_a_folder_that_somebody_uses() {
    let dir = TempDir::new().expect("there is room for a directory");
    let registry = dir.path().join("data/registry.csv");
    std::fs::create_dir(dir.path().join("data")).expect("it is new");
    std::fs::write(&registry, "somebody's").expect("there is room");
    let output =
        citywarden_in(dir.path(), &["demo", "--for", "1s", "--listen", "127.0.0.1:0", "--dir", "data"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && said.contains("data is not empty"), "{said}");
    assert_eq!(std::fs::read_to_string(&registry).expect("it is there"), "somebody's");
    assert_eq!(std::fs::read_dir(dir.path().join("data")).expect("it is there").count(), 1);
}

#[test]
fn the_demo_says_what_is_wrong_with_its_arguments() {
    for args in [
        &["demo", "--for", "soon"][..],
        &["demo", "--speed", "-1"],
        &["demo", "--listen", "here"],
        &["demo", "--sped", "2"],
    ] {
        let output = citywarden(args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(!output.stderr.is_empty(), "{args:?}");
    }
}
