//! Zones: inside, entered, left, and what belongs to their owner.

use citywarden_model::Crs;

use crate::world::{ORIGIN, World, add_zone, registry, rule_on};

fn on_truck(inputs: &str, judge: &str) -> String {
    rule_on("zones", "muck_truck", &format!("[input]\n{inputs}\n[judge]\n{judge}\n"))
}

/// A site with an exit zone of 100 m around the origin.
fn county() -> citywarden_model::Registry {
    let mut registry = registry();
    add_zone(&mut registry, "exit", "site_exit", Some("site"), 0.0, 50.0);
    crate::world::renew(&mut registry);
    registry
}

#[test]
fn the_boundary_of_a_zone_is_inside_and_two_of_three_fixes_enter_it() {
    World::new(&[on_truck("here = 'inside(site_exit)'", "violation = 'here'")], county()).play(
        "truck",
        "10:00:00 unit at=200,0 | undecided, no value: here
         10:00:10 unit at=190,0 | compliant
         10:00:20 unit at=49.99,0 | compliant
         10:00:30 unit at=120,0 | compliant
         10:00:40 unit at=40,0 | violation",
    );
}

#[test]
fn a_zone_is_left_ten_metres_beyond_its_boundary() {
    World::new(&[on_truck("here = 'inside(site_exit)'", "violation = 'here'")], county()).play(
        "truck",
        "10:00:00 unit at=0,0
         10:00:10 unit at=0,0 | violation
         10:00:20 unit at=55,0 | violation
         10:00:30 unit at=58,0 | violation
         10:00:40 unit at=59,0 | violation
         10:00:50 unit at=61,0 | violation
         10:01:00 unit at=61,0 | compliant",
    );
}

#[test]
fn a_single_stray_fix_enters_and_leaves_nothing_and_fixes_without_a_position_do_not_count() {
    World::new(&[on_truck("here = 'inside(site_exit)'", "violation = 'here'")], county()).play(
        "truck",
        "10:00:00 unit at=200,0
         10:00:10 unit at=200,0 | compliant
         10:00:20 unit at=0,0 | compliant
         10:00:30 unit nofix | compliant
         10:00:40 unit at=200,0 | compliant
         10:00:50 unit at=200,0 | compliant
         10:01:00 unit at=0,0 | compliant
         10:01:10 unit nofix | compliant
         10:01:20 unit at=0,0 | violation",
    );
}

#[test]
fn leaving_is_stamped_with_the_first_fix_outside_and_true_for_that_evaluation_alone() {
    let judge = "rests = '!gone'\nviolation = 'washed < 60.0'\nclear_after = \"1h\"";
    let text = on_truck(
        "gone = 'left(site_exit)'\nwashed = 'sum(washed.seconds, \"5m\").at_zone(site_exit)'",
        judge,
    );
    World::new(&[text], county()).play(
        "truck",
        "10:00:00 unit at=0,0
         10:00:10 unit at=0,0 | compliant, resting
         10:01:00 wash event washed@truck seconds=90
         10:06:00 unit at=100,0 | compliant, resting
         10:06:10 unit at=120,0 | firing, raised violation since 10:06:10
         10:06:20 unit at=140,0 | compliant, resting, firing, quiet",
    );
}

#[test]
fn a_wash_counts_for_the_truck_it_names_and_for_any_where_it_names_none() {
    let judge = "rests = '!gone'\nviolation = 'washed < 60.0'\nclear_after = \"1h\"";
    let text = on_truck(
        "gone = 'left(site_exit)'\nwashed = 'sum(washed.seconds, \"5m\").at_zone(site_exit)'",
        judge,
    );
    for (event, wanted) in [
        ("event washed@truck seconds=60", "compliant, quiet"),
        ("event washed seconds=60", "compliant, quiet"),
        ("event washed@another seconds=60", "raised violation since 10:04:10"),
        ("event washed@truck seconds=59", "raised violation since 10:04:10"),
    ] {
        World::new(std::slice::from_ref(&text), county()).play(
            "truck",
            &format!(
                "10:00:00 unit at=0,0
                 10:00:10 unit at=0,0
                 10:03:00 wash {event}
                 10:04:00 unit at=100,0
                 10:04:10 unit at=100,0 | {wanted}"
            ),
        );
    }
}

#[test]
fn positions_are_converted_from_the_datum_of_the_device() {
    let mut registry = county();
    if let Some(unit) = registry.devices.get_mut("unit") {
        unit.crs = Crs::Gcj02;
    }
    let (east, north) = Crs::Gcj02.reported(ORIGIN).metres_from(ORIGIN);
    World::new(&[on_truck("here = 'inside(site_exit)'", "violation = 'here'")], registry).play(
        "truck",
        &format!(
            "10:00:00 unit at=0,0
             10:00:10 unit at=0,0 | compliant
             10:00:20 unit at={east},{north}
             10:00:30 unit at={east},{north} | violation"
        ),
    );
}

#[test]
fn dwell_counts_from_the_first_fix_inside_and_its_timer_is_exact() {
    let text = on_truck("stay = 'dwell(site_exit)'", "violation = 'stay > 300.0'");
    World::new(&[text], county()).play(
        "truck",
        "10:00:00 unit at=0,0
         10:00:10 unit at=0,0 | compliant
         10:05:00 - | compliant
         10:05:01 - | violation, firing",
    );
}

#[test]
fn a_zone_without_an_owner_gives_no_value_to_what_is_asked_of_its_owner() {
    let mut registry = registry();
    add_zone(&mut registry, "exit", "site_exit", None, 0.0, 50.0);
    let judge = "rests = '!gone'\nviolation = 'washed < 60.0'\nclear_after = \"1h\"";
    let text = on_truck(
        "gone = 'left(site_exit)'\nwashed = 'sum(washed.seconds, \"5m\").at_zone(site_exit)'",
        judge,
    );
    World::new(&[text], registry).play(
        "truck",
        "10:00:00 unit at=0,0
         10:00:10 unit at=0,0
         10:04:00 unit at=100,0
         10:04:10 unit at=100,0 | undecided, no value: washed",
    );
}
