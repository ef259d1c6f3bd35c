//! What our own absence is, and is not, taken for.

use crate::world::{World, registry, rule, time};

fn judged(inputs: &str, judge: &str) -> String {
    rule("judged", &format!("[input]\n{inputs}\n[judge]\n{judge}\n"))
}

/// A switch that has been off for five minutes; a fault once nothing was heard for ten.
fn spraying() -> String {
    judged(
        "off_s = 'since(spraying)'\nsilent_s = 'silence(spraying)'",
        "violation = 'off_s >= 300.0'\nclear = 'off_s < 1.0'\nfault.\"silent\" = 'silent_s > 600.0'",
    )
}

#[test]
fn our_absence_is_not_counted_as_the_silence_of_a_device() {
    let mut world = World::new(&[spraying()], registry());
    world.play("site", "10:00:00 switch spraying=true | compliant\n10:05:00 - | compliant");
    world.away("10:05:00", "11:00:00");
    world.play(
        "site",
        "11:00:01 - | compliant, quiet
         11:05:00 - | compliant
         11:05:01 - | fault, silent",
    );
}

#[test]
fn our_absence_is_not_counted_since_something_was_switched_off() {
    let mut world = World::new(&[spraying()], registry());
    world.play("site", "10:00:00 switch spraying=false | compliant\n10:02:00 - | compliant");
    world.away("10:02:00", "11:00:00");
    world.play(
        "site",
        "11:00:00 - | compliant, quiet
         11:02:59 - | compliant, quiet
         11:03:00 - | firing, raised violation since 11:03:00",
    );
}

#[test]
fn what_was_firing_goes_on_and_does_not_end_while_we_are_away() {
    let mut world = World::new(&[spraying()], registry());
    world.play("site", "10:00:00 switch spraying=false\n10:05:00 - | firing");
    world.away("10:05:10", "13:00:00");
    world.play("site", "13:00:00 - | violation, firing, quiet\n13:00:05 switch spraying=true | normal");
}

#[test]
fn our_absence_is_not_counted_as_the_silence_of_a_kind_of_device() {
    let text = judged("lost = 'device_silence(\"wash_bay\")'", "violation = 'lost > 1800.0'");
    let mut world = World::at("10:00", &[text], registry());
    world.play("site", "10:00:30 wash leaking=false | compliant\n10:10:30 - | compliant");
    world.away("10:10:30", "18:00:00");
    world.play("site", "18:00:00 - | compliant\n18:20:00 - | compliant\n18:20:01 - | firing");
    let heard = world.evaluator.devices_heard().find(|(device, _)| device.as_str() == "wash");
    assert_eq!(heard.map(|(_, at)| at), Some(time("10:00:30")), "when it was heard stays what it was");
}

#[test]
fn devices_count_as_silent_once_we_have_listened_for_long_enough() {
    let mut world = World::at("10:00", &[spraying()], registry());
    let silent = |world: &World, at| world.evaluator.silent_devices(time(at)).count();
    assert_eq!(silent(&world, "10:02:00"), 2, "fast and unit: three intervals of 10 s, and 60 s at least");
    world.away("10:00:30", "11:00:00");
    assert_eq!(silent(&world, "11:00:30"), 0);
    assert_eq!(silent(&world, "11:00:31"), 2);
}

#[test]
fn what_lasts_by_the_journals_clock_does_not_last_while_we_are_away() {
    let text =
        judged("level = 'last(sound_level)'", "violation = 'level > 50.0'\nviolation_lasting = \"2m\"");
    let mut world = World::new(&[text], registry());
    world.play("site", "10:00:00 switch sound_level=60 | pending\n10:01:00 - | pending");
    world.away("10:01:00", "11:00:00");
    world.play("site", "11:00:59 - | pending, quiet\n11:01:00 - | firing, raised violation since 10:00:00");
}

#[test]
fn clear_after_counts_only_the_time_in_which_something_could_have_violated() {
    let judge = "rests = 'level < 1.0'\nviolation = 'level > 50.0'\nclear_after = \"5m\"";
    let mut world = World::new(&[judged("level = 'last(pm10)'", judge)], registry());
    world.play("site", "10:00:00 switch pm10=60 | firing\n10:01:00 switch pm10=0 | resting, firing");
    world.away("10:01:00", "11:00:00");
    world.play("site", "11:03:59 - | firing, quiet\n11:04:00 - | normal, cleared violation");
}

#[test]
fn what_a_device_with_an_interval_last_said_is_not_taken_for_what_it_would_say_now() {
    let text =
        judged("level = 'last(sound_level)'", "violation = 'level > 50.0'\nviolation_lasting = \"2m\"");
    let mut world = World::new(&[text], registry());
    world.play("site", "10:00:00 meter sound_level=60 | pending");
    world.away("10:00:30", "11:00:00");
    world.play(
        "site",
        "11:00:10 - | undecided, no value: level, normal, quiet
         11:00:20 meter sound_level=60 | pending, quiet",
    );
}

#[test]
fn nothing_changes_at_a_time_at_which_we_were_away() {
    let text = rule(
        "night",
        "[limit]\nfrom = { value = \"22:00\", unit = \"local time\", source = \"test\" }\n\
         to = { value = \"06:00\", unit = \"local time\", source = \"test\" }\n\
         [input]\nnight = 'local_time(from, to)'\nworks = 'last(earthwork)'\n\
         [judge]\nviolation = 'night && works'\n",
    );
    let mut world = World::new(&[text], registry());
    world.play("site", "21:00:00 switch earthwork=true | compliant");
    world.away("21:30:00", "23:10:00");
    world.play("site", "23:10:00 - | firing");
    let alert = world.alerts()[0];
    assert_eq!((alert.began_at, alert.opened_at), (time("23:10:00"), time("23:10:00")));
}

#[test]
fn what_was_due_before_we_went_away_is_still_raised_at_its_time() {
    let mut world = World::new(&[spraying()], registry());
    world.play("site", "10:00:00 switch spraying=false");
    world.away("10:05:00", "11:00:00");
    assert_eq!(world.alerts()[0].opened_at, time("10:05:00"));
}

#[test]
fn the_very_first_start_changes_nothing() {
    let mut world = World::new(&[spraying()], registry());
    let moment = world.moment("10:00:00");
    world.evaluator.resume(moment, citywarden_model::Timestamp::EPOCH, &mut world.out);
    world.play("site", "10:00:01 switch spraying=false\n10:05:01 - | firing");
}

#[test]
fn a_sum_of_events_runs_on_the_clock_of_the_device_when_we_are_back() {
    for clock in ["09:58:00", "10:02:00"] {
        let judge = "violation = 'open_s > 50.0'\nclear = 'open_s <= 50.0'";
        let text = judged("open_s = 'sum(opened.seconds, \"1m\")'", judge);
        let mut world = World::new(&[text], registry());
        world.play("site", &format!("10:00:00 fast @{clock} pm10=10 event opened seconds=100 | firing"));
        world.away("10:00:05", "10:00:10");
        world.play("site", "10:00:10 - | firing, quiet");
        world.away("10:00:10", "10:01:10");
        world.play("site", "10:01:10 - | normal");
    }
}
