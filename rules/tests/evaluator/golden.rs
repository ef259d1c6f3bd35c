//! The same alerts to the last bit on every machine: logarithms and powers come from one library, sums are integers.

use crate::world::{World, registry, rule};

const GOLDEN: &str = include_str!("golden.jsonl");

fn texts() -> Vec<String> {
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

#[test]
fn alerts_are_the_same_to_the_last_bit_on_every_machine() {
    let mut world = World::new(&texts(), registry());
    let mut noise = 12_345_u32;
    for minute in 0..300 {
        noise = noise.wrapping_mul(1_103_515_245).wrapping_add(12_345);
        let level = 52.0 + f64::from(noise >> 16 & 0xff) / 13.0;
        let quiet = 44.0 + f64::from(noise >> 24) / 29.0;
        let time = format!("{:02}:{:02}:00", 10 + minute / 60, minute % 60);
        world.send(&format!("{time} meter sound_level={level} background_level={quiet}"));
    }
    let lines: Vec<String> =
        world.alerts().iter().map(|alert| serde_json::to_string(alert).unwrap() + "\n").collect();
    assert!(lines.len() > 5, "only {} alerts", lines.len());
    let found = lines.concat();
    assert!(found == GOLDEN, "to take what is found as right, write it to golden.jsonl:\n{found}");
}
