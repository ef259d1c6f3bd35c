//! Vehicles: things that move.

use citywarden_model::{Crs, Point, Timestamp};
use serde_json::{Value, json};

use super::{Batch, Case, Every, Scenario, stamped};
use crate::alert::Expected;
use crate::client::Client;
use crate::county::CENTRE;
use crate::moment::ago;

/// A minute and a half of a message every ten seconds.
const EVERY: Every = Every { seconds: 10, since: 90 };

pub(super) fn sprinkler_chime_loudness() -> Scenario {
    let truck = |asset, level: f64, background: f64, chime: bool| {
        let readings = json!({"sound_level": level, "background_level": background, "chime": chime});
        Case::steady(asset, "sprinkler_truck", EVERY, readings)
    };
    Scenario {
        rule: "sprinkler-chime-loudness",
        client: Client::Rumqttc311,
        shorter: None,
        cases: vec![
            // below the limit once the street is taken off
            truck("sprinkler-soft", 50.5, 45.0, true),
            truck("sprinkler-mute", 66.0, 45.0, false),
            truck("sprinkler-drowned", 56.0, 54.5, true),
            truck("sprinkler-loud", 56.2, 45.0, true).raising(Expected {
                kind: "violation",
                item: 1,
                clause: "洒水车提示音不得超过50 分贝",
                severity: "minor",
                lead: false,
                responsible: "交通运输局",
                // more than 10 dB above the street: nothing is taken off (HJ 706)
                value: ("chime_db", 56.2),
                limit: ("limit_db", 50.0),
                unit: "dB(A)",
            }),
        ],
    }
}

/// A muck truck that drives along with its load.
fn driving(asset: &'static str, covered: bool, speed: f64, at: Point) -> Case {
    Case::new(
        asset,
        move |county| {
            county.asset(asset, "muck_truck", &[]);
            county.device(asset, "vehicle_terminal", Some(10), &[]);
        },
        move |now| {
            let payloads = EVERY.until(now, |_| truck_message(at, speed, covered, true));
            vec![Batch { asset, payloads }]
        },
    )
}

fn truck_message(at: Point, speed: f64, covered: bool, loaded: bool) -> Value {
    json!({
        "readings": {"loaded": loaded, "cover_closed": covered},
        "position": {"lat": at.lat, "lon": at.lon, "speed": speed, "heading": 90},
    })
}

const UNCOVERED: Expected = Expected {
    kind: "violation",
    item: 16,
    clause: "全封闭自动卸载装置",
    severity: "serious",
    lead: false,
    responsible: "综合行政执法局",
    value: ("speed", 32.0),
    limit: ("moving_kmh", 5.0),
    unit: "km/h",
};

pub(super) fn muck_truck_uncovered() -> Scenario {
    let road = CENTRE.moved(0.0, 800.0);
    let site = CENTRE.moved(0.0, -800.0);
    let mut on_site = driving("truck-on-site", false, 20.0, site);
    on_site.registry = Box::new(move |county| {
        county.asset("site-of-the-truck", "construction_site", &[]);
        county.zone("site", "site-of-the-truck", site, 100.0);
        county.asset("truck-on-site", "muck_truck", &[]);
        county.device("truck-on-site", "vehicle_terminal", Some(10), &[]);
    });
    Scenario {
        rule: "muck-truck-uncovered",
        client: Client::Rumqttc5,
        shorter: None,
        cases: vec![
            driving("truck-covered", true, 32.0, road),
            driving("truck-creeping", false, 4.0, road),
            on_site,
            driving("truck-uncovered", false, 32.0, road).raising(UNCOVERED),
        ],
    }
}

pub(super) fn sentinel() -> Scenario {
    Scenario {
        rule: "muck-truck-uncovered",
        client: Client::Rumqttc311,
        shorter: None,
        cases: vec![driving("truck-last-of-all", false, 32.0, CENTRE.moved(0.0, 800.0)).raising(UNCOVERED)],
    }
}

/// A truck that leaves a site of its own by the gate, washed for that many seconds.
fn leaving(asset: &'static str, (site, east_km): (&'static str, f64), crs: Crs, washed_s: u32) -> Case {
    let gate = CENTRE.moved(east_km * 1000.0, 0.0);
    Case::new(
        asset,
        move |county| {
            county.asset(site, "construction_site", &[]);
            county.device(site, "wash_bay", None, &[]);
            county.zone("site_exit", site, gate, 30.0);
            county.asset(asset, "muck_truck", &[]);
            let crs = if crs == Crs::Gcj02 { "gcj02" } else { "wgs84" };
            county.device(asset, "vehicle_terminal", Some(10), &[("crs", crs)]);
        },
        move |now| {
            let fixes = fixes_through(gate, crs, now);
            vec![
                Batch { asset: site, payloads: wash(asset, washed_s, now) },
                Batch { asset, payloads: fixes },
            ]
        },
    )
}

/// What the wash bay sends: that it is there, and the wash.
fn wash(truck: &str, seconds: u32, now: Timestamp) -> Vec<String> {
    let mut payloads = vec![stamped(ago(now, 240), json!({"readings": {"water_flow": 0.0}}))];
    if seconds > 0 {
        let event = json!({"name": "washed", "asset": truck, "seconds": seconds});
        payloads.push(stamped(ago(now, 150), json!({"events": [event]})));
    }
    payloads
}

/// A way through the gate: four fixes in it, five beyond it, as a unit of that datum reports them.
fn fixes_through(gate: Point, crs: Crs, now: Timestamp) -> Vec<String> {
    EVERY.until(now, |age| {
        let east = if age > 50 { 0.0 } else { 200.0 };
        truck_message(crs.reported(gate.moved(east, 0.0)), 18.0, true, false)
    })
}

pub(super) fn truck_leaves_unwashed() -> Scenario {
    let unwashed = |seconds| Expected {
        kind: "violation",
        item: 18,
        clause: "必须冲洗干净",
        severity: "minor",
        lead: false,
        responsible: "建设局",
        value: ("washed_s", seconds),
        limit: ("min_wash_s", 60.0),
        unit: "s",
    };
    Scenario {
        rule: "truck-leaves-unwashed",
        client: Client::Mosquitto5,
        shorter: None,
        cases: vec![
            leaving("truck-washed", ("gate-1", 3.0), Crs::Wgs84, 75),
            leaving("truck-washed-gcj02", ("gate-2", 4.0), Crs::Gcj02, 75),
            leaving("truck-dirty-gcj02", ("gate-3", 5.0), Crs::Gcj02, 0).raising(unwashed(0.0)),
            leaving("truck-hardly-washed", ("gate-4", 6.0), Crs::Wgs84, 20).raising(unwashed(20.0)),
        ],
    }
}
