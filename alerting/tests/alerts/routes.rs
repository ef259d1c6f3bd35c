//! Who is told, and when.

use std::collections::BTreeSet;

use citywarden_alerting::ReceiverName;
use citywarden_alerting::route::{GroupBy, Match, Pace, Route, Router};
use citywarden_model::{Alert, AlertKind, Severity, Span};

use crate::county::{alert, at};

fn names(names: &[&str]) -> BTreeSet<ReceiverName> {
    names.iter().map(|name| ReceiverName::from(*name)).collect()
}

fn below(receiver: &str, matches: &[(&str, &str)], continues: bool) -> Route {
    let matches = matches.iter().map(|(key, value)| Match::parse(key, value).unwrap()).collect();
    Route { matches, continues, ..Route::to(receiver) }
}

fn router() -> Router {
    let routes = vec![
        below("operator", &[("kind", "early_warning"), ("asset_kind", "construction_site")], false),
        below("auditor", &[("asset", "site-9")], true),
        below("police", &[("severity", "urgent"), ("responsible", "公安局")], false),
        Route {
            routes: vec![below("night", &[("rule", "night-work")], false)],
            ..below("town", &[("grid", "g")], false)
        },
    ];
    let units = Box::new(|unit: &str, _: Option<&_>| match unit {
        "建设局" => vec!["construction".into()],
        "环保局" => vec!["nobody".into()],
        _ => Vec::new(),
    });
    let known = names(&["platform", "operator", "auditor", "police", "town", "night", "construction"]);
    Router::new(Some(Route { routes, ..Route::to("platform") }), known, units, Pace::default())
}

#[test]
fn an_alert_goes_to_the_deepest_route_that_fits_and_to_the_units() {
    let violation = || Alert {
        responsible: Vec::new(),
        grid: None,
        ..alert("site-1", AlertKind::Violation, at("08:00"))
    };
    let check = |alert: Alert, expected: &[&str]| assert_eq!(router().receivers(&alert), names(expected));
    let police = || vec!["公安局".to_owned()];
    let asset_9 = || alert("site-9", AlertKind::Violation, at("08:00")).asset;

    check(violation(), &["platform"]);
    check(
        Alert { responsible: vec!["建设局".to_owned(), "环保局".to_owned()], ..violation() },
        &["platform", "construction"],
    );
    check(Alert { severity: Severity::Urgent, ..violation() }, &["platform"]);
    check(Alert { severity: Severity::Urgent, responsible: police(), ..violation() }, &["police"]);
    check(Alert { asset: asset_9(), ..violation() }, &["auditor"]);
    check(
        Alert { asset: asset_9(), severity: Severity::Urgent, responsible: police(), ..violation() },
        &["auditor", "police"],
    );
    check(Alert { grid: Some("g".into()), ..violation() }, &["town"]);
    check(Alert { grid: Some("g".into()), rule: "night-work".into(), ..violation() }, &["night"]);
    check(Alert { kind: AlertKind::Device, clause: None, ..violation() }, &["platform"]);
}

#[test]
fn early_warnings_go_only_where_a_route_names_them() {
    let warning = alert("site-1", AlertKind::EarlyWarning, at("08:00"));
    assert_eq!(router().receivers(&warning), names(&["operator"]));
    let mut truck = warning;
    truck.asset.kind = "muck_truck".to_owned();
    assert_eq!(router().receivers(&truck), names(&[]));
}

#[test]
fn trial_and_reconstructed_alerts_tell_nobody() {
    let violation = alert("site-1", AlertKind::Violation, at("08:00"));
    assert_eq!(router().receivers(&Alert { trial: true, ..violation.clone() }), names(&[]));
    assert_eq!(router().receivers(&Alert { reconstructed: true, ..violation }), names(&[]));
}

#[test]
fn a_group_is_told_at_once_and_then_together_unless_it_is_urgent() {
    let pace = Pace { group_by: GroupBy::Asset, group_wait: Span::from_secs(10), ..Pace::default() };
    let mut router =
        Router::new(Some(Route::to("platform")), names(&["platform"]), Box::new(|_, _| Vec::new()), pace);
    let mut check = |clock: &str, asset: &str, severity, due: &str| {
        let alert = Alert { severity, ..alert(asset, AlertKind::Violation, at("07:00")) };
        let told = router.address(&alert, at(clock));
        assert_eq!(told.iter().map(|recipient| recipient.due).collect::<Vec<_>>(), [at(due)], "at {clock}");
    };
    check("08:00:00", "site-1", Severity::Minor, "08:00:00");
    check("08:00:01", "site-1", Severity::Minor, "08:00:10");
    check("08:00:02", "site-2", Severity::Minor, "08:00:02");
    check("08:00:03", "site-1", Severity::Urgent, "08:00:03");
    check("08:00:09", "site-1", Severity::Minor, "08:00:10");
    check("08:00:11", "site-1", Severity::Minor, "08:00:20");
    check("08:00:31", "site-1", Severity::Minor, "08:00:31");
}

#[test]
fn a_match_that_means_nothing_is_refused() {
    let check = |key, value, message| assert_eq!(Match::parse(key, value).unwrap_err().to_string(), message);
    check(
        "unit",
        "x",
        "`unit` cannot be matched on, expected `severity`, `kind`, `responsible`, `rule`, `asset`, `asset_kind` or `grid`",
    );
    check("severity", "high", "`high` is no severity, expected `notice`, `minor`, `serious` or `urgent`");
    check("kind", "alarm", "`alarm` is no kind of alert, expected `violation`, `early_warning` or `device`");
}
