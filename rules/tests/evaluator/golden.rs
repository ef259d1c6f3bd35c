//! The same alerts to the last bit on every machine: logarithms and powers come from one library, sums are integers.

use citywarden_model::{Crs, Registry};

use crate::world::{ORIGIN, World, add_zone, registry, renew, rule, rule_on};

const LEVELS: &str = include_str!("golden.jsonl");
const PLACES: &str = include_str!("golden_places.jsonl");

fn rules_on_levels() -> Vec<String> {
    let head = "[limit]\nlimit = { value = 61.5, unit = \"dB(A)\", source = \"test\" }\n";
    let level = rule(
        "a-level",
        &format!(
            "{head}[input]\nlevel = 'laeq(sound_level, \"10m\")'\nquiet = 'laeq(background_level, \"10m\")'\n\
             [let]\nown = 'background_corrected(level, quiet)'\n\
             [judge]\nviolation = 'own > limit'\nundecided.\"near\" = 'level - quiet < 3.0'\n"
        ),
    );
    let mean = rule(
        "b-mean",
        &format!(
            "{head}[input]\nshare = 'mean(sound_level, \"7m\")'\nhigh = 'max(sound_level, \"7m\")'\n\
             [judge]\nviolation = 'share * 1.07 > limit'\n"
        ),
    );
    vec![level, mean]
}

/// Numbers that look drawn, the same on every machine.
struct Noise(u32);

impl Noise {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        self.0
    }
}

fn compare(world: &World, golden: &str, file: &str) {
    let lines: Vec<String> =
        world.alerts().iter().map(|alert| serde_json::to_string(alert).unwrap() + "\n").collect();
    assert!(lines.len() > 5, "only {} alerts", lines.len());
    let found = lines.concat();
    assert!(found == golden, "to take what is found as right, write it to {file}:\n{found}");
}

#[test]
fn alerts_on_levels_and_means_are_the_same_to_the_last_bit_on_every_machine() {
    let mut world = World::new(&rules_on_levels(), registry());
    let mut noise = Noise(12_345);
    for minute in 0..300 {
        let drawn = noise.next();
        let level = 52.0 + f64::from(drawn >> 16 & 0xff) / 13.0;
        let quiet = 44.0 + f64::from(drawn >> 24) / 29.0;
        let time = format!("{:02}:{:02}:00", 10 + minute / 60, minute % 60);
        world.send(&format!("{time} meter sound_level={level} background_level={quiet}"));
    }
    compare(&world, LEVELS, "golden.jsonl");
}

/// Two sites with an exit each, and a truck of which the unit reports in GCJ-02.
fn county_of_a_truck() -> Registry {
    let mut registry = registry();
    add_zone(&mut registry, "exit", "site_exit", Some("site"), 0.0, 50.0);
    add_zone(&mut registry, "exit-2", "site_exit", Some("site-2"), 400.0, 35.5);
    registry.devices.get_mut("unit").unwrap().crs = Crs::Gcj02;
    renew(&mut registry);
    registry
}

fn rules_on_places() -> Vec<String> {
    let left = "[input]\ngone = 'left(site_exit)'\nwashed = 'sum(washed.seconds, \"5m\").at_zone(site_exit)'\n\
                [judge]\nrests = '!gone'\nviolation = 'washed < 60.0'\nclear_after = \"2m\"\n";
    let stays =
        "[input]\nstay = 'dwell(site_exit)'\n[judge]\nviolation = 'stay > 50.0'\nclear_after = \"2m\"\n";
    vec![rule_on("c-left", "muck_truck", left), rule_on("d-stays", "muck_truck", stays)]
}

#[test]
fn alerts_on_places_are_the_same_to_the_last_bit_on_every_machine() {
    let mut world = World::new(&rules_on_places(), county_of_a_truck());
    let (shift_east, shift_north) = Crs::Gcj02.reported(ORIGIN).metres_from(ORIGIN);
    let mut noise = Noise(54_321);
    for fix in 0..1200 {
        let drawn = noise.next();
        // to the far site and back in 200 fixes, never twice through the same place
        let leg = f64::from((fix % 200_i32 - 100).abs()) * 5.0 - 50.0;
        let east = shift_east + leg + f64::from(drawn >> 24) / 19.0;
        let north = shift_north + f64::from(drawn >> 16 & 0xff) / 31.0 - 4.0;
        let (hour, minute, second) = (10 + fix / 360, fix / 6 % 60, fix % 6 * 10);
        world.send(&format!("{hour:02}:{minute:02}:{second:02} unit at={east},{north}"));
    }
    compare(&world, PLACES, "golden_places.jsonl");
}
