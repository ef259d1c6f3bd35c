//! Every rule of the first pack, from a device's message to the alert that enforcement receives.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use citywarden_tests::alert::check_opened;
use citywarden_tests::county::County;
use citywarden_tests::moment::now;
use citywarden_tests::receiver::{ENFORCEMENT, OPERATOR, Subject, WebhookServer};
use citywarden_tests::scenario::{Scenario, eight_rules, sentinel};
use citywarden_tests::service::Service;

/// How long an alert may take from the last of its messages.
const ALERT: Duration = Duration::from_secs(30);

#[test]
fn every_client_speaks_for_two_rules_or_more() {
    let mut rules = BTreeMap::<_, BTreeSet<_>>::new();
    for scenario in eight_rules() {
        rules.entry(scenario.client).or_default().insert(scenario.rule);
    }
    assert_eq!(rules.len(), 4, "{rules:?}");
    assert!(rules.values().all(|rules| rules.len() >= 2), "{rules:?}");
    assert_eq!(rules.values().map(BTreeSet::len).sum::<usize>(), 8, "{rules:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_rule_raises_its_alert_once_and_its_clean_twins_raise_none() {
    let server = WebhookServer::start().await;
    let mut county = County::new();
    county.webhook = Some(server.url());
    let (scenarios, last) = (eight_rules(), sentinel());
    for scenario in scenarios.iter().chain([&last]) {
        scenario.prepare(&mut county);
    }
    let service = Service::start(county.write());

    // the clean ones first: whatever they raised would be there before the alerts that are waited for
    let begun = now();
    for scenario in &scenarios {
        scenario.play(service.mqtt, begun, |case| case.raises.is_none()).await;
    }
    for scenario in &scenarios {
        scenario.play(service.mqtt, now(), |case| case.raises.is_some()).await;
    }
    for (rule, asset, _) in expected(&scenarios) {
        server.wait_for_alert(&rule, &asset, ALERT).await;
    }
    last.play(service.mqtt, now(), |_| true).await;
    server.wait_for_alert(last.rule, last.cases[0].asset, ALERT).await;
    let raised = service.count("citywarden_alert_events_total", &[("event", "opened")]).await;
    server.wait_until("each alert that was raised", ALERT, |server| server.opened().len() >= raised).await;

    let delivered = [("receiver", "enforcement"), ("result", "delivered")];
    service
        .wait_for_count("citywarden_notifications_total", &delivered, |count| count >= scenarios.len())
        .await;

    check_subjects(&server, &scenarios, &last);
    check_receivers(&server);
    check_alerts(&server, &county, &scenarios);
    service.stop();
}

/// What has to be raised: rule, asset and kind.
fn expected(scenarios: &[Scenario]) -> Vec<Subject> {
    let subject =
        |scenario: &Scenario, asset: &str, kind: &str| (scenario.rule.into(), asset.into(), kind.into());
    let cases = scenarios.iter().flat_map(|scenario| scenario.cases.iter().map(move |case| (scenario, case)));
    cases.filter_map(|(scenario, case)| Some(subject(scenario, case.asset, case.raises?.kind))).collect()
}

/// Each expected alert once, and no other; dust on its way to the violation may pass through its early warning.
fn check_subjects(server: &WebhookServer, scenarios: &[Scenario], last: &Scenario) {
    let mut wanted: BTreeMap<Subject, usize> = expected(scenarios)
        .into_iter()
        .chain(expected(std::slice::from_ref(last)))
        .map(|about| (about, 1))
        .collect();
    let opened = server.opened_subjects();
    let on_the_way: Subject = ("site-dust".into(), "dust-much".into(), "early_warning".into());
    if opened.contains_key(&on_the_way) {
        wanted.insert(on_the_way, 1);
    }
    assert_eq!(opened, wanted);
}

/// Early warnings go to the operator and nowhere else; violations to enforcement.
fn check_receivers(server: &WebhookServer) {
    for delivery in server.opened() {
        let wanted = if delivery.alert()["kind"] == "early_warning" { OPERATOR } else { ENFORCEMENT };
        assert_eq!(delivery.path, wanted, "{:?}", delivery.subject());
    }
}

/// Each alert says what it has to.
fn check_alerts(server: &WebhookServer, county: &County, scenarios: &[Scenario]) {
    let opened = server.opened();
    for scenario in scenarios {
        for case in &scenario.cases {
            let Some(expected) = &case.raises else { continue };
            let about = (scenario.rule.to_owned(), case.asset.to_owned(), expected.kind.to_owned());
            let delivery =
                opened.iter().find(|delivery| delivery.subject() == about).expect("it was counted");
            check_opened(delivery, expected, &county.pack.file(scenario.rule));
        }
    }
}
