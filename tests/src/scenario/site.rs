//! Sites, works and kitchens: things that stand still.

use serde_json::json;

use super::{Batch, Case, Every, Scenario, stamped};
use crate::alert::Expected;
use crate::client::Client;
use crate::moment::ago;

/// Seven minutes of a message every ten seconds: windows and lastings of up to 200 s fit in one after the other.
const LONG: Every = Every { seconds: 10, since: 420 };
/// Four minutes of a message every ten seconds.
const SHORT: Every = Every { seconds: 10, since: 240 };

pub(super) fn nozzle_spacing() -> Scenario {
    const SITE: &str = "construction_site";
    const EVEN: &[(&str, &str)] =
        &[("nozzle_chainage_m", "0;5.2;10;15;20;25;30;35"), ("perimeter_m", "40"), ("closed_loop", "true")];
    const UNEVEN: &[(&str, &str)] =
        &[("nozzle_chainage_m", "0;5;10;15;20;25;30;34"), ("perimeter_m", "40"), ("closed_loop", "true")];
    let nozzles = |working: [bool; 8]| json!({"nozzles": working, "spraying": true});
    let all = [true; 8];
    let mut one_broken = all;
    one_broken[3] = false;
    let gap = |metres| Expected {
        kind: "violation",
        item: 18,
        clause: "每隔5米必须安装喷淋降尘设备",
        severity: "minor",
        lead: false,
        responsible: "建设局",
        value: ("gap_m", metres),
        limit: ("spacing_m", 5.0),
        unit: "m",
    };
    let site = |asset, working, attributes| {
        Case::steady(asset, SITE, SHORT, nozzles(working)).with_attributes(SITE, 10, attributes)
    };
    Scenario {
        rule: "nozzle-spacing",
        client: Client::Mosquitto5,
        // what the register alone shows begins with the service, by the journal's clock
        shorter: Some(("10m", "5s")),
        cases: vec![
            site("nozzles-even", all, EVEN),
            site("nozzles-one-broken", one_broken, EVEN).raising(gap(10.0)),
            site("nozzles-one-missing", all, UNEVEN).raising(gap(6.0)),
        ],
    }
}

pub(super) fn fume_concentration() -> Scenario {
    let kitchen = |asset, fume: f64, fan: bool| {
        Case::steady(asset, "restaurant", LONG, json!({"fume": fume, "fan_running": fan}))
    };
    Scenario {
        rule: "fume-concentration",
        client: Client::Rumqttc311,
        shorter: Some(("10m", "150s")),
        cases: vec![
            kitchen("kitchen-clean", 1.95, true),
            kitchen("kitchen-fan-off", 5.0, false),
            kitchen("kitchen-smoky", 2.6, true).raising(Expected {
                kind: "violation",
                item: 19,
                clause: "油烟",
                severity: "minor",
                lead: false,
                responsible: "综合行政执法局",
                value: ("fume_10m", 2.6),
                limit: ("limit_mg_m3", 2.0),
                unit: "mg/m³",
            }),
        ],
    }
}

pub(super) fn construction_noise() -> Scenario {
    let site = |asset, level: f64, wind: f64| {
        Case::steady(asset, "construction_site", LONG, json!({"sound_level": level, "wind_speed": wind}))
    };
    let loud = |lead| Expected {
        kind: "violation",
        item: 20,
        clause: "噪声",
        severity: "minor",
        lead,
        responsible: "综合行政执法局",
        value: ("db", 75.0),
        limit: ("day_db", 70.0),
        unit: "dB(A)",
    };
    Scenario {
        rule: "construction-noise",
        client: Client::Rumqttc5,
        shorter: Some(("20m", "200s")),
        cases: vec![
            // above the limit of the night, which it is not
            site("site-quiet", 68.0, 1.5),
            site("site-in-the-wind", 80.0, 6.0),
            site("site-loud", 75.0, 1.5).raising(loud(false)),
            Case::steady("site-loud-no-wind-meter", "construction_site", LONG, json!({"sound_level": 75.0}))
                .raising(loud(true)),
        ],
    }
}

pub(super) fn linear_works_spraying() -> Scenario {
    // by the journal's clock: the limit of five minutes becomes seconds, for these assets alone
    const LIMIT: &[(&str, &str)] = &[("limit.linear-works-spraying.off_max_s", "3")];
    let works = |asset, states: &'static [bool]| {
        Case::new(
            asset,
            move |county| {
                county.asset(asset, "linear_works", LIMIT);
                county.device(asset, "spray_controller", None, &[]);
            },
            move |now| {
                let payload =
                    |(age, on): (i64, &bool)| stamped(ago(now, age), json!({"readings": {"spraying": on}}));
                let ages = (0..3_i64).rev();
                vec![Batch { asset, payloads: ages.zip(states).map(payload).collect() }]
            },
        )
    };
    Scenario {
        rule: "linear-works-spraying",
        client: Client::Mosquitto311,
        shorter: None,
        cases: vec![
            works("works-spraying", &[true, true, true]),
            works("works-that-paused", &[true, false, true]),
            works("works-dry", &[true, true, false]).raising(Expected {
                kind: "violation",
                item: 18,
                clause: "全天候不间断进行喷洒",
                severity: "minor",
                lead: false,
                responsible: "建设局",
                value: ("off_s", 3.0),
                limit: ("off_max_s", 3.0),
                unit: "s",
            }),
        ],
    }
}

pub(super) fn site_dust() -> Scenario {
    let site = |asset, pm10: f64, humidity: f64| {
        Case::steady(asset, "construction_site", LONG, json!({"pm10": pm10, "humidity": humidity}))
    };
    let dusty = |kind, severity, pm10, limit| Expected {
        kind,
        item: 18,
        clause: "扬尘",
        severity,
        lead: false,
        responsible: "建设局",
        value: ("pm10_15m", pm10),
        limit,
        unit: "µg/m³",
    };
    Scenario {
        rule: "site-dust",
        client: Client::Mosquitto311,
        shorter: Some(("15m", "150s")),
        cases: vec![
            site("dust-none", 118.0, 60.0),
            site("dust-in-fog", 300.0, 95.0),
            site("dust-some", 135.0, 60.0).raising(dusty(
                "early_warning",
                "notice",
                135.0,
                ("warn_ug_m3", 120.0),
            )),
            site("dust-much", 200.0, 60.0).raising(dusty(
                "violation",
                "minor",
                200.0,
                ("limit_ug_m3", 150.0),
            )),
        ],
    }
}
